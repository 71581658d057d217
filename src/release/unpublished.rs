//! What a run has built and not published: kept, so that the next run can take it up.
//!
//! It is a manifest of a release that never was, beside the files of its tables. The next run compares the project with that
//! manifest as it does with the last release; what would be built and is unchanged since then is taken up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CAUCE, Manifest};
use crate::error::{Error, Result, json_reason};
use crate::name::TableName;

/// What a run has built and not published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unpublished {
    /// What the run had built by then, as the manifest would have said it, and the datasets it had read.
    pub manifest: Manifest,
    /// The files of each model that is a table, for the room `table`.
    pub staged: BTreeMap<TableName, Value>,
}

impl Unpublished {
    /// Whether it was built on `last`, so that it can be published after it.
    #[must_use]
    pub fn stands_on(&self, last: Option<&Manifest>) -> bool {
        self.manifest.parent == last.map(|last| last.release)
    }

    /// What the release would be after `last` with nothing but this.
    #[must_use]
    pub fn after(&self, last: Option<&Manifest>) -> Manifest {
        let mut all = self.manifest.clone();
        if let Some(last) = last {
            all.datasets = last.datasets.clone();
            all.models = last.models.clone();
            all.datasets.extend(self.manifest.datasets.clone());
            all.models.extend(self.manifest.models.clone());
        }
        all
    }

    /// Leaves a model out, of which something is missing.
    pub fn forget(&mut self, model: &TableName) {
        self.manifest.models.remove(model);
        self.staged.remove(model);
    }

    /// Reads it from its file; nothing if another version of cauce wrote it, which built it otherwise.
    ///
    /// # Errors
    /// A file that was damaged.
    pub fn from_json(bytes: &[u8]) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Version {
            manifest: Of,
        }
        #[derive(Deserialize)]
        struct Of {
            cauce: String,
        }
        let damaged = |failure: serde_json::Error| Error::store(format!("it is damaged: {}", json_reason(&failure)));
        let Version { manifest: Of { cauce } } = serde_json::from_slice(bytes).map_err(damaged)?;
        if cauce != CAUCE {
            return Ok(None);
        }
        serde_json::from_slice(bytes).map(Some).map_err(damaged)
    }

    /// The file that keeps it.
    ///
    /// # Errors
    /// Never for values this module can hold.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|failure| Error::bug(failure.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::ReleasedModel;

    fn manifest(release: u64, models: &[(&str, &str)]) -> Manifest {
        let mut manifest = Manifest::new(release, release.checked_sub(1), "p", "r", String::new());
        let model = |run: &str| ReleasedModel { run: run.to_owned(), ..ReleasedModel::default() };
        manifest.models = models.iter().map(|(name, run)| (name.parse().unwrap(), model(run))).collect();
        manifest
    }

    #[test]
    fn what_was_built_stands_in_front_of_what_the_release_has() {
        let last = manifest(4, &[("curated.a", "1"), ("curated.b", "1")]);
        let mut built = Unpublished { manifest: manifest(5, &[("curated.b", "2")]), staged: BTreeMap::new() };
        assert!(built.stands_on(Some(&last)) && !built.stands_on(None));
        let runs = |built: &Unpublished| -> Vec<String> {
            built.after(Some(&last)).models.into_values().map(|model| model.run).collect()
        };
        assert_eq!(runs(&built), ["1", "2"]);
        assert_eq!(Unpublished::from_json(&built.to_json().unwrap()).unwrap(), Some(built.clone()));
        built.forget(&"curated.b".parse().unwrap());
        assert_eq!(runs(&built), ["1", "1"]);
        built.manifest.cauce = "0.0.0".to_owned();
        assert_eq!(Unpublished::from_json(&built.to_json().unwrap()).unwrap(), None);
        assert!(Unpublished::from_json(b"{").is_err());
    }
}
