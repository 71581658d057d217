//! The release manifest as a value: an immutable, numbered, complete set of versions.
//!
//! A manifest is a version vector: for each table the version of its Delta log, for each view its SQL, for each dataset
//! the files it was read from, for each check what was measured. Who holds a manifest can read everything as it was.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::name::TableName;

/// The format of manifests this version writes; it reads this one and older ones.
const FORMAT: u32 = 1;

/// A release.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of this file.
    pub format: u32,
    /// The number of the release, from 1.
    pub release: u64,
    /// The release it follows.
    pub parent: Option<u64>,
    /// The project.
    pub project: String,
    /// The run that made it.
    pub run: String,
    /// When it was published, RFC 3339 in UTC.
    pub published_at: String,
    /// The version of cauce that made it.
    pub cauce: String,
    /// The datasets by name.
    pub datasets: BTreeMap<String, ReleasedDataset>,
    /// The models by name.
    pub models: BTreeMap<TableName, ReleasedModel>,
}

/// What a release says of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedDataset {
    /// The files it was read from, by path.
    pub files: Vec<ReleasedFile>,
    /// The files that were left out because they did not fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<QuarantinedFile>,
}

/// An input file that a run left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedFile {
    /// What identifies it.
    #[serde(flatten)]
    pub file: ReleasedFile,
    /// How it differs from what the catalog says of its dataset, in words.
    pub reason: String,
}

/// An input file as a run found it. Two files with equal facts are taken to be the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedFile {
    /// Its path, as a person would write it.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed, RFC 3339 in UTC.
    pub modified: String,
    /// The store's own mark of its content, if it gives one.
    pub etag: Option<String>,
}

/// What a release says of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleasedModel {
    /// What a row is.
    pub description: String,
    /// What the model means, as [`crate::model::Model::fingerprint`].
    pub fingerprint: String,
    /// The datasets and models it reads.
    pub inputs: Vec<TableName>,
    /// The columns in order.
    pub columns: Vec<ReleasedColumn>,
    /// How it is kept.
    #[serde(flatten)]
    pub kept: Kept,
    /// What its checks measured.
    pub checks: Vec<ReleasedCheck>,
}

/// A column of a released model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the engine spells it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// What it means, if the header says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// How a released model is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "materialized", rename_all = "snake_case")]
pub enum Kept {
    /// As a version of a Delta table.
    Table {
        /// The version of its log.
        version: u64,
        /// Its rows.
        rows: u64,
        /// Bytes of its files.
        bytes: u64,
    },
    /// As SQL, planned afresh by each query.
    View {
        /// The model file, for messages.
        file: String,
        /// Its text.
        sql: String,
    },
}

/// What a check measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedCheck {
    /// Its name.
    pub name: String,
    /// Whether it held. A check of severity `warn` may fail in a release.
    pub passed: bool,
    /// The rows that fail, or what the rule counts.
    pub failing: u64,
    /// The rows it looked at.
    pub rows: u64,
}

impl Manifest {
    /// A release without content.
    #[must_use]
    pub fn new(release: u64, parent: Option<u64>, project: &str, run: &str, published_at: String) -> Self {
        Self {
            format: FORMAT,
            release,
            parent,
            project: project.to_owned(),
            run: run.to_owned(),
            published_at,
            cauce: env!("CARGO_PKG_VERSION").to_owned(),
            datasets: BTreeMap::new(),
            models: BTreeMap::new(),
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// A file that is no manifest, or one of a later version of cauce.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |failure: serde_json::Error| {
            Error::store(format!("the release manifest is damaged: {failure}")).because(failure)
        };
        let Format { format } = serde_json::from_slice(bytes).map_err(damaged)?;
        if format > FORMAT {
            return Err(Error::store(format!("the release was written by a later version of cauce (format {format})"))
                .hint("upgrade cauce to read it"));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// The manifest as the file that is published.
    ///
    /// # Errors
    /// Never for values this module can hold.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self).map_err(|failure| Error::bug(failure.to_string()))?;
        json.push(b'\n');
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Layer;

    fn manifest() -> Manifest {
        let mut manifest = Manifest::new(2, Some(1), "banco", "r1", "2024-12-31T00:00:00Z".into());
        let model = |kept| ReleasedModel {
            description: "Un KPI.".into(),
            fingerprint: "ab".into(),
            inputs: vec![TableName::new(Layer::Raw, "tickets")],
            columns: vec![ReleasedColumn {
                name: "canal".into(),
                data_type: "Utf8".into(),
                description: String::new(),
            }],
            kept,
            checks: vec![ReleasedCheck { name: "grain_unique".into(), passed: true, failing: 0, rows: 6 }],
        };
        let view = Kept::View { file: "sql/curated/kpi.sql".into(), sql: "SELECT 1".into() };
        manifest.models.insert(TableName::new(Layer::Curated, "kpi"), model(view));
        let table = Kept::Table { version: 7, rows: 75_000, bytes: 1_024 };
        manifest.models.insert(TableName::new(Layer::Processed, "tickets"), model(table));
        manifest
    }

    #[test]
    fn a_manifest_reads_as_it_was_written() {
        let manifest = manifest();
        assert_eq!(Manifest::from_json(&manifest.to_json().unwrap()).unwrap(), manifest);
    }

    #[test]
    fn a_later_format_and_a_damaged_file_are_told_apart() {
        let mut later = manifest();
        later.format = 99;
        let error = Manifest::from_json(&later.to_json().unwrap()).unwrap_err();
        assert!(error.message().contains("later version") && error.next_step().is_some(), "{error}");
        assert!(Manifest::from_json(b"{\"format\": 1").unwrap_err().message().contains("damaged"));
    }
}
