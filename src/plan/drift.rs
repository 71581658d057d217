//! Which input files are read: those that fit their dataset, and those whose differences its `on_drift` lets pass.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalog::{Catalog, Dataset, Difference, Verdict};
use crate::release::{CAUCE, Manifest, QuarantinedFile, ReleasedDataset, ReleasedFile};

/// An input file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// What identifies it.
    pub facts: ReleasedFile,
    /// How it differs from what the catalog says of its dataset.
    pub differences: Vec<Difference>,
}

/// One difference between a file and its dataset, decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The dataset.
    pub dataset: String,
    /// The file.
    pub file: String,
    /// What is different, in words.
    pub what: String,
    /// What becomes of the file.
    pub verdict: Verdict,
    /// What to write into `catalog.yaml`, or to do with the file.
    pub remedy: String,
}

impl ListedFile {
    /// Says of the files listed for each dataset that `last` left out because of damage within, and that are the same and declared
    /// the same, that they are still damaged: that cannot be seen from their beginnings.
    pub fn remember_damage(listed: &mut BTreeMap<String, Vec<Self>>, catalog: &Catalog, last: &Manifest) {
        // Another cauce may be able to read them.
        if last.cauce != CAUCE {
            return;
        }
        for (name, files) in listed {
            let declared = catalog.datasets.get(name).map(Dataset::declaration);
            let same = |before: &&ReleasedDataset| Some(&before.declaration) == declared.as_ref();
            let Some(before) = last.datasets.get(name).filter(same) else { continue };
            for file in files {
                let known = before.quarantined.iter().find(|known| known.file == file.facts);
                if let Some(how) = known.and_then(|known| known.damage.clone()) {
                    file.note_damage(how);
                }
            }
        }
    }

    /// Adds that it cannot be read to its end, unless that is known.
    pub fn note_damage(&mut self, how: String) {
        let damage = Difference::DamagedWithin(how);
        if !self.differences.contains(&damage) {
            self.differences.push(damage);
        }
    }
}

/// The listed files, sorted into those that are read and those that are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sifted {
    /// The files to read, by dataset.
    pub datasets: BTreeMap<String, Vec<ReleasedFile>>,
    /// The files that are left out, by dataset.
    pub quarantined: BTreeMap<String, Vec<QuarantinedFile>>,
    /// All differences.
    pub drift: Vec<Drift>,
}

/// Sorts the listed files of the datasets of `catalog`.
#[must_use]
pub fn sift(catalog: &Catalog, listed: BTreeMap<String, Vec<ListedFile>>) -> Sifted {
    let mut sifted = Sifted { datasets: BTreeMap::new(), quarantined: BTreeMap::new(), drift: Vec::new() };
    for (name, files) in listed {
        let Some(dataset) = catalog.datasets.get(&name) else { continue };
        let read = sifted.datasets.entry(name.clone()).or_default();
        for ListedFile { facts, differences } in files {
            let verdict = |difference: &Difference| difference.verdict(dataset.on_drift);
            let reasons: Vec<String> =
                differences.iter().filter(|one| verdict(one) >= Verdict::LeaveOut).map(ToString::to_string).collect();
            sifted.drift.extend(differences.iter().map(|difference| Drift {
                dataset: name.clone(),
                file: facts.path.clone(),
                what: difference.to_string(),
                verdict: verdict(difference),
                remedy: difference.remedy(dataset),
            }));
            if reasons.is_empty() {
                read.push(facts);
            } else {
                let damage = differences.into_iter().find_map(|difference| match difference {
                    Difference::DamagedWithin(how) => Some(how),
                    _ => None,
                });
                let file = QuarantinedFile { file: facts, reason: reasons.join("; "), damage };
                sifted.quarantined.entry(name.clone()).or_default().push(file);
            }
        }
    }
    sifted
}
