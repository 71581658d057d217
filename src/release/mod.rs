//! The release manifest as a value: an immutable, numbered, complete set of versions.
//!
//! A manifest is a version vector: for each table the version of its Delta log, for each view its SQL, for each dataset
//! the files it was read from, for each check what was measured. Who holds a manifest can read everything as it was.

mod account;
mod as_of;
mod compare;
mod definition;
mod followed;
mod model;
mod rejections;
mod unpublished;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use account::{DatasetAccount, ModelAccount};
pub use as_of::AsOf;
pub use compare::{Change, Comparison, FileChanges, ModelChange};
pub use definition::Definition;
pub use followed::{FileReading, Followed, FollowedFile, Part, Partition};
pub use model::{CAUCE, Kept, ReleasedCheck, ReleasedColumn, ReleasedModel, TableVersion};
pub use rejections::Rejections;
pub use unpublished::Unpublished;

use self::rejections::by_run;
use crate::error::{Error, Result, json_reason};
use crate::mark::mark;
use crate::name::{Layer, TableName};

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
    /// The earlier release whose content it restores, if it is a rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restores: Option<u64>,
    /// The project.
    pub project: String,
    /// The run that made it.
    pub run: String,
    /// When that run began, RFC 3339 in UTC; empty where it was not recorded.
    #[serde(default)]
    pub started_at: String,
    /// When it was published, RFC 3339 in UTC.
    pub published_at: String,
    /// The version of cauce that made it.
    pub cauce: String,
    /// The datasets by name.
    pub datasets: BTreeMap<String, ReleasedDataset>,
    /// The models by name.
    pub models: BTreeMap<TableName, ReleasedModel>,
    /// The highest definition number any model of that name ever had, also of models that are gone.
    #[serde(default)]
    pub definitions: BTreeMap<TableName, u64>,
}

/// What a release says of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedDataset {
    /// The files it was read from, by path.
    pub files: Vec<ReleasedFile>,
    /// How it was declared, as [`crate::catalog::Dataset::declaration`].
    #[serde(default)]
    pub declaration: String,
    /// Stands for the corrections of its rejects; empty where there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub corrections: String,
    /// The run that read it last: its rejects are that run's.
    #[serde(default)]
    pub run: String,
    /// What became of their records; releases of earlier versions of cauce do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<DatasetAccount>,
    /// The same for each file, by path: the run reads those files alone that are new to every model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub readings: BTreeMap<String, FileReading>,
    /// The files that were left out because they did not fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<QuarantinedFile>,
}

impl ReleasedDataset {
    /// Stands for its content: equal where files, declaration and corrections are.
    #[must_use]
    pub fn content(&self) -> String {
        let mut parts = vec![self.declaration.clone(), self.corrections.clone()];
        for file in &self.files {
            parts.extend([file.path.clone(), file.mark()]);
        }
        mark(&parts)
    }
}

/// An input file that a run left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedFile {
    /// What identifies it.
    #[serde(flatten)]
    pub file: ReleasedFile,
    /// How it differs from what the catalog says of its dataset, in words.
    pub reason: String,
    /// How it is damaged, if that was seen only when it was read: while it is the same file, nobody need read it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
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

impl ReleasedFile {
    /// Stands for its content, whatever its path.
    #[must_use]
    pub fn mark(&self) -> String {
        mark(&[&self.size.to_string(), &self.modified, self.etag.as_deref().unwrap_or_default()])
    }
}

impl Manifest {
    /// A release without content.
    #[must_use]
    pub fn new(release: u64, parent: Option<u64>, project: &str, run: &str, published_at: String) -> Self {
        Self {
            format: FORMAT,
            release,
            parent,
            restores: None,
            project: project.to_owned(),
            run: run.to_owned(),
            started_at: String::new(),
            published_at,
            cauce: CAUCE.to_owned(),
            datasets: BTreeMap::new(),
            models: BTreeMap::new(),
            definitions: BTreeMap::new(),
        }
    }

    /// A release after `newest` with the content of this one: what a rollback publishes. Definition numbers that were
    /// given since are not given again.
    #[must_use]
    pub fn restored_after(&self, newest: &Self, run: &str, at: String) -> Self {
        Self {
            release: newest.release + 1,
            parent: Some(newest.release),
            restores: Some(self.release),
            run: run.to_owned(),
            started_at: at.clone(),
            published_at: at,
            cauce: CAUCE.to_owned(),
            definitions: newest.definitions.clone(),
            ..self.clone()
        }
    }

    /// The definition number of a model that means `fingerprint` now, in a release after this one.
    #[must_use]
    pub fn next_definition(&self, name: &TableName, fingerprint: &str) -> u64 {
        match self.models.get(name) {
            Some(model) if model.fingerprint == fingerprint => model.definition,
            before => {
                let known = before.map_or(0, |model| model.definition);
                self.definitions.get(name).copied().unwrap_or(0).max(known) + 1
            }
        }
    }

    /// The rows of a model, as far as they were counted: those of a view by its checks.
    #[must_use]
    pub fn rows(&self, name: &TableName) -> Option<u64> {
        let model = self.models.get(name)?;
        match model.kept {
            Kept::Table { rows, .. } => Some(rows),
            Kept::View => model.checks.first().map(|check| check.rows),
        }
    }

    /// Stands for the content of a dataset or model: equal where its rows are the same. `None` if it is not in the release.
    #[must_use]
    pub fn content(&self, table: &TableName) -> Option<String> {
        if table.layer == Layer::Raw {
            return self.datasets.get(&table.name).map(ReleasedDataset::content);
        }
        self.models.get(table).map(|model| model.run.clone())
    }

    /// Where the rejects of the release stand in `system.rejects`.
    #[must_use]
    pub fn rejections(&self) -> Vec<Rejections<'_>> {
        // A release of before runs were told apart is of one.
        let known = |run: &'_ str| -> String { if run.is_empty() { self.run.clone() } else { run.to_owned() } };
        let datasets = self.datasets.iter().flat_map(|(name, dataset)| {
            let readings = dataset.readings.iter().map(|(path, reading)| (path.as_str(), reading.run.as_str()));
            by_run(TableName::new(Layer::Raw, name), known(&dataset.run), readings)
        });
        let models = self.models.iter().flat_map(|(name, model)| {
            let files = model.followed.iter().flat_map(|followed| &followed.files);
            let files = files.map(|(path, file)| (path.as_str(), file.run.as_str()));
            by_run(name.clone(), known(&model.run), files)
        });
        datasets.chain(models).collect()
    }

    /// How many tables, rows in them, and views it has among the models that `wanted` accepts.
    pub fn extent(&self, wanted: impl Fn(&TableName) -> bool) -> (usize, u64, usize) {
        let models = self.models.iter().filter(|(name, _)| wanted(name));
        models.fold((0, 0, 0), |(tables, rows, views), (_, model)| match model.kept {
            Kept::Table { rows: more, .. } => (tables + 1, rows + more, views),
            Kept::View => (tables, rows, views + 1),
        })
    }

    /// When it was published.
    ///
    /// # Errors
    /// A manifest that was damaged.
    pub fn published(&self) -> Result<DateTime<Utc>> {
        let read = DateTime::parse_from_rfc3339(&self.published_at);
        read.map(|at| at.with_timezone(&Utc)).map_err(|failure| {
            Error::store(format!("the manifest of release {} is damaged: {failure}", self.release)).because(failure)
        })
    }

    /// When a release after `last` is published at `now`: later than that one, also if the clock of the machine is slow. So
    /// their order in time is that of their numbers.
    ///
    /// # Errors
    /// A manifest that was damaged.
    pub fn time_after(last: Option<&Self>, now: DateTime<Utc>) -> Result<String> {
        let earliest = last.map(Self::published).transpose()?.map(|at| at + TimeDelta::milliseconds(1));
        let at = earliest.map_or(now, |earliest| now.max(earliest));
        Ok(at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }

    /// How long its run took, if that was recorded.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        let begun = DateTime::parse_from_rfc3339(&self.started_at).ok()?;
        (self.published().ok()? - begun.with_timezone(&Utc)).to_std().ok()
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
            Error::store(format!("the release manifest is damaged: {}", json_reason(&failure)))
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

    fn manifest() -> Manifest {
        let mut manifest = Manifest::new(2, Some(1), "banco", "r1", "2024-12-31T00:00:00Z".into());
        let model = |kept| ReleasedModel {
            description: "Un KPI.".into(),
            definition: 3,
            fingerprint: "ab".into(),
            run: "r1".into(),
            millis: 12,
            file: "sql/curated/kpi.sql".into(),
            sql: "SELECT 1".into(),
            grain: vec!["canal".into()],
            inputs: vec![TableName::new(Layer::Raw, "tickets")],
            columns: vec![ReleasedColumn {
                name: "canal".into(),
                data_type: "Utf8".into(),
                description: String::new(),
            }],
            kept,
            checks: vec![ReleasedCheck { name: "grain_unique".into(), passed: true, failing: 0, rows: 6 }],
            ..ReleasedModel::default()
        };
        manifest.models.insert(TableName::new(Layer::Curated, "kpi"), model(Kept::View));
        let table =
            Kept::Table { at: TableVersion { version: 7, table_id: "5e1f".into() }, rows: 75_000, bytes: 1_024 };
        manifest.models.insert(TableName::new(Layer::Processed, "tickets"), model(table));
        manifest
    }

    #[test]
    fn a_manifest_reads_as_it_was_written() {
        let manifest = manifest();
        assert_eq!(Manifest::from_json(&manifest.to_json().unwrap()).unwrap(), manifest);
    }

    #[test]
    fn a_manifest_of_before_definitions_were_numbered_is_read() {
        let before = r#"{"format": 1, "release": 1, "parent": null, "project": "p", "run": "r", "published_at": "",
            "cauce": "0.1.0", "datasets": {}, "models": {"curated.kpi": {"description": "", "fingerprint": "ab",
            "inputs": [], "columns": [], "materialized": "view", "file": "k.sql", "sql": "SELECT 1", "checks": []}}}"#;
        let manifest = Manifest::from_json(before.as_bytes()).unwrap();
        let model = &manifest.models[&TableName::new(Layer::Curated, "kpi")];
        assert_eq!((model.definition, model.file.as_str(), model.sql.as_str()), (1, "k.sql", "SELECT 1"));
    }

    #[test]
    fn a_definition_number_is_given_once() {
        let name = TableName::new(Layer::Curated, "kpi");
        let first = manifest();
        assert_eq!((first.next_definition(&name, "ab"), first.next_definition(&name, "cd")), (3, 4));
        assert_eq!(first.next_definition(&TableName::new(Layer::Curated, "other"), "x"), 1);
        let mut second = Manifest { release: 3, ..first.clone() };
        second.definitions.insert(name.clone(), 5);
        let restored = first.restored_after(&second, "r2", String::new());
        assert_eq!((restored.release, restored.parent, restored.restores), (4, Some(3), Some(2)));
        assert_eq!(restored.models, first.models);
        assert_eq!((restored.next_definition(&name, "ab"), restored.next_definition(&name, "new")), (3, 6));
    }

    #[test]
    fn a_release_is_later_than_the_one_before_whatever_a_clock_says() {
        let before = Manifest { published_at: "2024-05-01T12:00:00.500Z".into(), ..manifest() };
        let at = |now: &str| Manifest::time_after(Some(&before), now.parse().unwrap()).unwrap();
        assert_eq!(at("2024-05-01T11:00:00Z"), "2024-05-01T12:00:00.501Z");
        assert_eq!(at("2024-05-01T13:00:00Z"), "2024-05-01T13:00:00.000Z");
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
