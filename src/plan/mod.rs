//! What a run would do and why, as a value: printable, comparable, never acting.
//!
//! In this version every run builds every model; the plan already says for each what is different from the last
//! release, which is what a later version decides by.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::{Materialized, Model, Models};
use crate::name::{Layer, TableName};
use crate::release::{Manifest, ReleasedFile};

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The release it would publish.
    pub release: u64,
    /// The release it starts from.
    pub parent: Option<u64>,
    /// What happens to each model, in an order in which inputs come first.
    pub steps: Vec<Step>,
    /// The input files of each dataset that a model reads.
    pub datasets: BTreeMap<String, Vec<ReleasedFile>>,
}

/// What happens to one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The model.
    pub model: TableName,
    /// What is done.
    pub action: Action,
    /// Why, in words.
    pub reason: String,
    /// How the model is kept; none if it is removed.
    pub materialized: Option<Materialized>,
    /// The datasets and models it reads.
    pub inputs: Vec<TableName>,
    /// Bytes of the input files it reads itself.
    pub input_bytes: u64,
}

/// What is done with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Its rows are computed, or its view defined, anew.
    Build,
    /// It stood in the last release and is not in the project any more.
    Remove,
}

impl Action {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Remove => "remove",
        }
    }
}

impl Plan {
    /// The plan for `models` over the listed input files, after the release `last`.
    #[must_use]
    pub fn new(models: &Models, datasets: BTreeMap<String, Vec<ReleasedFile>>, last: Option<&Manifest>) -> Self {
        let mut steps = Vec::with_capacity(models.len());
        let mut changed = BTreeSet::new();
        for model in models.iter() {
            let reason = reason(model, &datasets, last, &changed);
            if reason.is_some() {
                changed.insert(model.name.clone());
            }
            let files =
                model.inputs.iter().filter(|input| input.layer == Layer::Raw).filter_map(|i| datasets.get(&i.name));
            steps.push(Step {
                model: model.name.clone(),
                action: Action::Build,
                reason: reason.unwrap_or_else(|| "unchanged; every run builds everything".to_owned()),
                materialized: Some(model.header.materialized),
                inputs: model.inputs.clone(),
                input_bytes: files.flatten().map(|file| file.size).sum(),
            });
        }
        let gone = last.into_iter().flat_map(|last| last.models.keys()).filter(|name| models.get(name).is_none());
        steps.extend(gone.map(|name| Step {
            model: name.clone(),
            action: Action::Remove,
            reason: "its file is gone".to_owned(),
            materialized: None,
            inputs: Vec::new(),
            input_bytes: 0,
        }));
        let parent = last.map(|last| last.release);
        Self { release: parent.unwrap_or(0) + 1, parent, steps, datasets }
    }

    /// The models to build, in order.
    pub fn builds(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action == Action::Build)
    }

    /// Bytes of all input files.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        self.datasets.values().flatten().map(|file| file.size).sum()
    }
}

/// Why a model's rows may differ from the last release's, if they may.
fn reason(
    model: &Model,
    datasets: &BTreeMap<String, Vec<ReleasedFile>>,
    last: Option<&Manifest>,
    changed: &BTreeSet<TableName>,
) -> Option<String> {
    let Some(last) = last else { return Some("there is no release yet".to_owned()) };
    let Some(before) = last.models.get(&model.name) else { return Some("new model".to_owned()) };
    if before.fingerprint != model.fingerprint {
        return Some("its definition changed".to_owned());
    }
    for input in model.inputs.iter().filter(|input| input.layer == Layer::Raw) {
        let files = datasets.get(&input.name).map(Vec::as_slice).unwrap_or_default();
        let before = last.datasets.get(&input.name).map(|dataset| dataset.files.as_slice()).unwrap_or_default();
        if let Some(difference) = difference(before, files) {
            return Some(format!("{input}: {difference}"));
        }
    }
    model.inputs.iter().find(|input| changed.contains(input)).map(|input| format!("{input} is rebuilt"))
}

/// What became of a dataset's files, in words.
fn difference(before: &[ReleasedFile], now: &[ReleasedFile]) -> Option<String> {
    let old: BTreeMap<&str, &ReleasedFile> = before.iter().map(|file| (file.path.as_str(), file)).collect();
    let new: BTreeMap<&str, &ReleasedFile> = now.iter().map(|file| (file.path.as_str(), file)).collect();
    let added = new.keys().filter(|path| !old.contains_key(*path)).count();
    let gone = old.keys().filter(|path| !new.contains_key(*path)).count();
    let replaced = new.iter().filter(|(path, file)| old.get(*path).is_some_and(|before| before != *file)).count();
    let parts = [(added, "new"), (replaced, "replaced"), (gone, "withdrawn")];
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what} file{}", if *count == 1 { "" } else { "s" }))
        .collect();
    (!said.is_empty()).then(|| said.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::release::{Kept, ReleasedDataset, ReleasedModel};

    const CATALOG: &str = "version: 1\nproject: p\nlake: lake\ndatasets:\n  a:\n    description: Una fila.\n    \
                           path: a.csv\n    columns:\n      - { name: x, type: int }\n";

    fn models(files: &[(&str, &str)]) -> Models {
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        let files = files.iter().map(|(name, sql)| {
            (name.parse().unwrap(), format!("sql/{}.sql", name.replace('.', "/")), (*sql).to_owned())
        });
        Models::parse(files.collect(), &catalog).unwrap()
    }

    fn file(size: u64) -> ReleasedFile {
        ReleasedFile { path: "a.csv".into(), size, modified: "2024-01-01T00:00:00Z".into(), etag: None }
    }

    fn listed(size: u64) -> BTreeMap<String, Vec<ReleasedFile>> {
        BTreeMap::from([("a".to_owned(), vec![file(size)])])
    }

    fn released(models: &Models) -> Manifest {
        let mut last = Manifest::new(4, Some(3), "p", "r", String::new());
        last.datasets.insert("a".into(), ReleasedDataset { files: vec![file(10)] });
        for model in models.iter() {
            let kept = Kept::Table { version: 0, rows: 1, bytes: 1 };
            last.models.insert(
                model.name.clone(),
                ReleasedModel {
                    description: String::new(),
                    fingerprint: model.fingerprint.clone(),
                    inputs: model.inputs.clone(),
                    columns: Vec::new(),
                    kept,
                    checks: Vec::new(),
                },
            );
        }
        last
    }

    fn reasons(plan: &Plan) -> Vec<String> {
        plan.steps.iter().map(|step| format!("{} {}: {}", step.action.as_str(), step.model, step.reason)).collect()
    }

    #[test]
    fn the_reason_is_what_changed() {
        let two = [("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b")];
        let before = models(&two);
        let last = released(&before);
        assert_eq!(reasons(&Plan::new(&before, listed(10), None))[0], "build processed.b: there is no release yet");
        assert_eq!(
            reasons(&Plan::new(&before, listed(11), Some(&last))),
            ["build processed.b: raw.a: 1 replaced file", "build curated.c: processed.b is rebuilt"]
        );
        let changed = models(&[("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x + 1 AS x FROM b")]);
        assert_eq!(
            reasons(&Plan::new(&changed, listed(10), Some(&last))),
            ["build processed.b: unchanged; every run builds everything", "build curated.c: its definition changed"]
        );
        let fewer = models(&two[..1]);
        assert_eq!(reasons(&Plan::new(&fewer, listed(10), Some(&last)))[1], "remove curated.c: its file is gone");
    }

    #[test]
    fn the_next_release_follows_the_last() {
        let models = models(&[("processed.b", "SELECT x FROM a")]);
        assert_eq!(
            (Plan::new(&models, listed(1), None).release, Plan::new(&models, listed(1), None).parent),
            (1, None)
        );
        let after = Plan::new(&models, listed(1), Some(&released(&models)));
        assert_eq!((after.release, after.parent, after.input_bytes()), (5, Some(4), 1));
    }
}
