//! What a run would do and why, as a value: printable, comparable, never acting.
//!
//! In this version every run builds every model that can be built; the plan already says for each what is different
//! from the last release, which is what a later version decides by.
//!
//! Files that do not fit their dataset are left out here ([`drift`]). A model whose dataset has no file left cannot be
//! built, nor can a model that reads it: such models stay as the last release has them.

mod drift;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use self::drift::{Drift, ListedFile, Sifted, sift};
use crate::catalog::Catalog;
use crate::model::{Materialized, Model, Models};
use crate::name::{Layer, TableName};
use crate::release::{FileChanges, Manifest, QuarantinedFile, ReleasedFile};

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
    /// The files of datasets that are left out because they do not fit.
    pub quarantined: BTreeMap<String, Vec<QuarantinedFile>>,
    /// How files differ from what the catalog says of them.
    pub drift: Vec<Drift>,
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
    /// It cannot be built; the release has it as the last one did.
    Keep,
    /// It cannot be built, and there is no release that has it.
    LeaveOut,
    /// It stood in the last release and is not in the project any more.
    Remove,
}

impl Action {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Keep => "keep",
            Self::LeaveOut => "leave out",
            Self::Remove => "remove",
        }
    }
}

impl Plan {
    /// The plan for `models` over the listed input files of `catalog`, after the release `last`.
    #[must_use]
    pub fn new(
        models: &Models,
        catalog: &Catalog,
        listed: BTreeMap<String, Vec<ListedFile>>,
        last: Option<&Manifest>,
    ) -> Self {
        let Sifted { datasets, quarantined, drift } = sift(catalog, listed);
        let mut steps = Vec::with_capacity(models.len());
        let mut changed = BTreeSet::new();
        let mut blocked = Blocked::new(&datasets);
        for model in models.iter() {
            if let Some(reason) = blocked.reason(model) {
                let known = last.is_some_and(|last| last.models.contains_key(&model.name));
                let action = if known { Action::Keep } else { Action::LeaveOut };
                blocked.models.insert(model.name.clone(), action);
                steps.push(Step {
                    model: model.name.clone(),
                    action,
                    reason,
                    materialized: Some(model.header.materialized),
                    inputs: model.inputs.clone(),
                    input_bytes: 0,
                });
                continue;
            }
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
        Self { release: parent.unwrap_or(0) + 1, parent, steps, datasets, quarantined, drift }
    }

    /// The models to build, in order.
    pub fn builds(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action == Action::Build)
    }

    /// The models that cannot be built, in order: those kept and those left out.
    pub fn blocked(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.action, Action::Keep | Action::LeaveOut))
    }

    /// Bytes of all input files.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        self.datasets.values().flatten().map(|file| file.size).sum()
    }
}

/// What cannot be read, and so what cannot be built.
struct Blocked<'a> {
    /// Datasets without a file that fits.
    datasets: BTreeSet<&'a str>,
    /// Models that are not built, and what happens to them instead.
    models: BTreeMap<TableName, Action>,
}

impl<'a> Blocked<'a> {
    fn new(datasets: &'a BTreeMap<String, Vec<ReleasedFile>>) -> Self {
        let empty = datasets.iter().filter(|(_, files)| files.is_empty()).map(|(name, _)| name.as_str());
        Self { datasets: empty.collect(), models: BTreeMap::new() }
    }

    /// Why `model` cannot be built, if it cannot.
    fn reason(&self, model: &Model) -> Option<String> {
        let unreadable = |input: &TableName| input.layer == Layer::Raw && self.datasets.contains(input.name.as_str());
        // What only the checks read may be older than the model; it must be there.
        let absent = |input: &&TableName| unreadable(input) || self.models.get(*input) == Some(&Action::LeaveOut);
        let blocking = model.inputs.iter().find(|input| unreadable(input) || self.models.contains_key(*input));
        let input = blocking.or_else(|| model.check_inputs.iter().find(absent))?;
        Some(match self.models.get(input) {
            None => format!("{input}: no file fits"),
            Some(Action::LeaveOut) => format!("{input} is left out"),
            Some(_) => format!("{input} is kept"),
        })
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
        let difference = FileChanges::between(before, files);
        if !difference.is_empty() {
            return Some(format!("{input}: {difference}"));
        }
    }
    model.inputs.iter().find(|input| changed.contains(input)).map(|input| format!("{input} is rebuilt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Difference;
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

    fn listed(size: u64) -> BTreeMap<String, Vec<ListedFile>> {
        BTreeMap::from([("a".to_owned(), vec![ListedFile { facts: file(size), differences: Vec::new() }])])
    }

    /// The plan where all files fit.
    fn plan(models: &Models, size: u64, last: Option<&Manifest>) -> Plan {
        Plan::new(models, &Catalog::parse(CATALOG, "catalog.yaml").unwrap(), listed(size), last)
    }

    fn released(models: &Models) -> Manifest {
        let mut last = Manifest::new(4, Some(3), "p", "r", String::new());
        last.datasets
            .insert("a".into(), ReleasedDataset { files: vec![file(10)], account: None, quarantined: Vec::new() });
        for model in models.iter() {
            let kept = Kept::Table { version: 0, rows: 1, bytes: 1 };
            last.models.insert(
                model.name.clone(),
                ReleasedModel {
                    description: String::new(),
                    definition: 1,
                    fingerprint: model.fingerprint.clone(),
                    file: model.file.clone(),
                    sql: model.text.clone(),
                    grain: model.header.grain.clone(),
                    inputs: model.inputs.clone(),
                    columns: Vec::new(),
                    kept,
                    checks: Vec::new(),
                    account: None,
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
        assert_eq!(reasons(&plan(&before, 10, None))[0], "build processed.b: there is no release yet");
        assert_eq!(
            reasons(&plan(&before, 11, Some(&last))),
            ["build processed.b: raw.a: 1 replaced file", "build curated.c: processed.b is rebuilt"]
        );
        let changed = models(&[("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x + 1 AS x FROM b")]);
        assert_eq!(
            reasons(&plan(&changed, 10, Some(&last))),
            ["build processed.b: unchanged; every run builds everything", "build curated.c: its definition changed"]
        );
        let fewer = models(&two[..1]);
        assert_eq!(reasons(&plan(&fewer, 10, Some(&last)))[1], "remove curated.c: its file is gone");
    }

    #[test]
    fn the_next_release_follows_the_last() {
        let models = models(&[("processed.b", "SELECT x FROM a")]);
        assert_eq!((plan(&models, 1, None).release, plan(&models, 1, None).parent), (1, None));
        let after = plan(&models, 1, Some(&released(&models)));
        assert_eq!((after.release, after.parent, after.input_bytes()), (5, Some(4), 1));
    }
    #[test]
    fn a_model_without_input_stays_as_it_was_or_is_left_out() {
        let catalog = format!("{CATALOG}  b:\n    path: b.csv\n    columns: [{{ name: x, type: int }}]\n");
        let catalog = Catalog::parse(&catalog, "catalog.yaml").unwrap();
        let files = |file: &[(&str, &str)]| {
            let named = |(name, sql): &(&str, &str)| {
                (name.parse().unwrap(), format!("sql/{}.sql", name.replace('.', "/")), (*sql).to_owned())
            };
            Models::parse(file.iter().map(named).collect(), &catalog).unwrap()
        };
        let models = files(&[
            ("processed.p", "SELECT x FROM raw.a"),
            ("processed.q", "SELECT x FROM raw.b"),
            ("curated.r", "SELECT p.x FROM p JOIN q ON p.x = q.x"),
            ("curated.s", "SELECT x FROM p"),
        ]);
        let mut listed = listed(10);
        listed.insert("b".to_owned(), vec![ListedFile { facts: file(5), differences: vec![Difference::Empty] }]);
        let first = Plan::new(&models, &catalog, listed.clone(), None);
        let told = reasons(&first);
        assert!(told.contains(&"leave out processed.q: raw.b: no file fits".to_owned()), "{told:?}");
        assert!(told.contains(&"leave out curated.r: processed.q is left out".to_owned()), "{told:?}");
        assert_eq!((first.builds().count(), first.blocked().count()), (2, 2));
        assert_eq!(first.quarantined["b"][0].reason, "it is empty");

        let later = Plan::new(&models, &catalog, listed, Some(&released(&models)));
        let told = reasons(&later);
        assert!(told.contains(&"keep processed.q: raw.b: no file fits".to_owned()), "{told:?}");
        assert!(told.contains(&"keep curated.r: processed.q is kept".to_owned()), "{told:?}");
    }
}
