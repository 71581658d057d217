//! What a directory holds before anybody simulates into it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

use super::SUMMARY_FILE;
use crate::error::{Error, Result};

/// What a directory for simulated files holds already.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// No file that a person put there; maybe no directory.
    Nothing,
    /// All files that a simulation left.
    Simulated {
        /// The seed that gave them.
        seed: u64,
        /// Their size relative to 171,031 rows.
        scale: f64,
        /// Their rows.
        rows: u64,
        /// Those that have another size now, sorted: somebody put data of their own in their place.
        changed: Vec<String>,
    },
    /// Files of which no simulation tells, sorted.
    Other(Vec<String>),
}

/// Looks at the files of a directory. Names that begin with a dot do not count.
///
/// # Errors
/// `Store` for a directory that cannot be read.
pub fn find(directory: &Path) -> Result<Found> {
    let failed =
        |failure| Error::store(format!("cannot read the directory `{}`", directory.display())).because(failure);
    let mut sizes = BTreeMap::new();
    match fs::read_dir(directory) {
        Err(failure) if failure.kind() == ErrorKind::NotFound => {}
        Err(failure) => return Err(failed(failure)),
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.starts_with('.') {
                    sizes.insert(name, entry.metadata().map_err(failed)?.len());
                }
            }
        }
    }
    Ok(match written(directory) {
        _ if sizes.is_empty() => Found::Nothing,
        Some(written) if written.files().all(|(name, _)| sizes.contains_key(name)) => Found::Simulated {
            seed: written.generation_metadata.seed,
            scale: written.generation_metadata.scale,
            rows: written.generation_metadata.total_records,
            changed: written
                .files()
                .filter(|(name, bytes)| sizes.get(*name) != Some(bytes))
                .map(|(name, _)| name.to_owned())
                .collect(),
        },
        _ => Found::Other(sizes.into_keys().collect()),
    })
}

/// The part of the summary that says what was written.
#[derive(Debug, Deserialize)]
struct Written {
    generation_metadata: Metadata,
    datasets: BTreeMap<String, WrittenDataset>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    seed: u64,
    scale: f64,
    total_records: u64,
}

#[derive(Debug, Deserialize)]
struct WrittenDataset {
    files: BTreeMap<String, u64>,
}

impl Written {
    /// The name and the size of every file.
    fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        self.datasets.values().flat_map(|dataset| &dataset.files).map(|(name, bytes)| (name.as_str(), *bytes))
    }
}

/// The summary of a directory, if there is one and it is one of ours.
fn written(directory: &Path) -> Option<Written> {
    serde_json::from_slice(&fs::read(directory.join(SUMMARY_FILE)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;
    use crate::simulate::{FileFormat, Options, simulate};

    #[test]
    fn simulated_files_are_told_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("raw");
        assert_eq!(find(&out).unwrap(), Found::Nothing);
        fs::create_dir(&out).unwrap();
        fs::write(out.join(".keep"), "").unwrap();
        assert_eq!(find(&out).unwrap(), Found::Nothing);

        let formats = vec![FileFormat::Csv];
        let threads = NonZeroUsize::MIN;
        let options = Options { seed: 7, scale: 0.001, out: out.clone(), formats, force: false, threads };
        let rows = simulate(&options, &|_| Ok(())).unwrap().rows();
        let changed = Vec::new();
        assert_eq!(find(&out).unwrap(), Found::Simulated { seed: 7, scale: 0.001, rows, changed });

        fs::write(out.join("clientes.csv"), "cliente_id\n").unwrap();
        let changed = vec!["clientes.csv".to_owned()];
        assert_eq!(find(&out).unwrap(), Found::Simulated { seed: 7, scale: 0.001, rows, changed });

        fs::remove_file(out.join("tickets_soporte.csv")).unwrap();
        let Found::Other(names) = find(&out).unwrap() else { panic!("a dataset is missing") };
        assert_eq!(names.len(), 7);

        fs::remove_file(out.join(SUMMARY_FILE)).unwrap();
        assert!(matches!(find(&out).unwrap(), Found::Other(names) if names[0] == "clientes.csv"));
    }
}
