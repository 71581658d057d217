//! What a run would do and why, as a value: printable, comparable, never acting.
//!
//! A model is built where its rows may differ from the last release's: its definition means something else, or what it
//! reads of its inputs differs ([`changes`]). Everything else is skipped: the new release has it as the last one.
//!
//! Files that do not fit their dataset are left out here ([`drift`]). A model whose dataset has no file left cannot be
//! built, nor can a model that reads it: such models stay as the last release has them.
//!
//! What a run has built and not published is taken up where it stands ([`resume`]).

mod changes;
mod drift;
mod judge;
mod resume;
mod why;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use self::drift::{Drift, ListedFile, Sifted, sift};
use self::judge::Judge;
pub use self::judge::basis;
use self::resume::resume;
pub use self::why::Link;
use crate::catalog::Catalog;
use crate::model::{Materialized, Meaning, Models};
use crate::name::TableName;
use crate::release::{Manifest, Partition, QuarantinedFile, ReleasedFile, Unpublished};

/// What a plan is made from.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The project's models.
    pub models: &'a Models,
    /// What each of them means.
    pub meanings: &'a BTreeMap<TableName, Meaning>,
    /// The project's datasets.
    pub catalog: &'a Catalog,
    /// The input files of each dataset that a model reads.
    pub listed: BTreeMap<String, Vec<ListedFile>>,
    /// Stands for the corrections of each dataset that has some.
    pub corrections: &'a BTreeMap<String, String>,
    /// Stands for the key of `pseudonym()`, as [`Manifest::key`].
    pub key: &'a str,
    /// The release to start from.
    pub last: Option<&'a Manifest>,
    /// What a run has built on that release and not published.
    pub unpublished: Option<&'a Unpublished>,
}

/// What the person who asks for a run wants of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Builds every model, changed or not.
    pub full_refresh: bool,
    /// Builds these models alone; the others stay as they are.
    pub only: Option<BTreeSet<TableName>>,
    /// Computes these partitions of incremental models anew although nothing changed.
    pub anew: BTreeMap<TableName, BTreeSet<Partition>>,
}

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
    /// The partitions that are computed anew although nothing changed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub anew: BTreeMap<TableName, BTreeSet<Partition>>,
    /// Whether other files are left out than in the last release.
    #[serde(skip)]
    other_quarantine: bool,
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
    /// The input that the reason leads to, if it leads to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<TableName>,
    /// How the model is kept; none if it is removed.
    pub materialized: Option<Materialized>,
    /// Whether only what came of files that changed is computed; of an incremental model.
    pub by_files: bool,
    /// The run that built it and published nothing: its work is taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resumes: Option<String>,
    /// The datasets and models it reads.
    pub inputs: Vec<TableName>,
    /// Bytes of what it reads: of the input files as they are, of tables as the last release has them.
    pub input_bytes: u64,
    /// Rows of what it reads, as far as the last release knows.
    pub input_rows: Option<u64>,
    /// How long it took when it was built last, in milliseconds.
    pub last_millis: Option<u64>,
    /// Whether its file says something new that changes nothing: a comment, a description, another layout.
    #[serde(skip)]
    pub retold: bool,
    /// Whether it is among the models that were asked for.
    #[serde(skip)]
    pub asked_for: bool,
}

/// What is done with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Its rows are computed, or its view defined, anew.
    Build,
    /// Its rows are as they were, and are checked again.
    Check,
    /// It is as it was.
    Skip,
    /// It cannot be built, or was not asked for; the release has it as the last one did.
    Keep,
    /// It cannot be built, or was not asked for, and there is no release that has it.
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
            Self::Check => "check",
            Self::Skip => "skip",
            Self::Keep => "keep",
            Self::LeaveOut => "leave out",
            Self::Remove => "remove",
        }
    }
}

impl Plan {
    /// The plan for `facts`.
    #[must_use]
    pub fn new(mut facts: Facts<'_>, wish: &Wish) -> Self {
        let Sifted { datasets, quarantined, drift } = sift(facts.catalog, std::mem::take(&mut facts.listed));
        let last = facts.last;
        let mut steps = judged(&facts, wish, &datasets);
        if let Some(unpublished) = facts.unpublished.filter(|unpublished| unpublished.stands_on(last)) {
            resume(&mut steps, unpublished, &facts, wish, &datasets);
        }
        let gone = last.into_iter().flat_map(|last| last.models.keys()).filter(|name| facts.models.get(name).is_none());
        steps.extend(gone.map(|name| Step {
            model: name.clone(),
            action: Action::Remove,
            reason: "its file is gone".to_owned(),
            because: None,
            materialized: None,
            by_files: false,
            resumes: None,
            inputs: Vec::new(),
            input_bytes: 0,
            input_rows: None,
            last_millis: None,
            retold: false,
            asked_for: true,
        }));
        let parent = last.map(|last| last.release);
        let other_quarantine = datasets.keys().any(|name| {
            let before = last.and_then(|last| last.datasets.get(name)).map(|dataset| dataset.quarantined.as_slice());
            before.unwrap_or_default() != quarantined.get(name).map(Vec::as_slice).unwrap_or_default()
        });
        let release = parent.unwrap_or(0) + 1;
        let anew = wish.anew.clone();
        Self { release, parent, steps, datasets, quarantined, drift, anew, other_quarantine }
    }

    /// The models to build, in order.
    pub fn builds(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action == Action::Build)
    }

    /// The models to build that no run has built yet, in order.
    pub fn works(&self) -> impl Iterator<Item = &Step> {
        self.builds().filter(|step| step.resumes.is_none())
    }

    /// The models whose checks are measured, in order.
    pub fn checks(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.action, Action::Build | Action::Check))
    }

    /// The models that the release has as the last one did, in order.
    pub fn unbuilt(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| matches!(step.action, Action::Check | Action::Skip | Action::Keep))
    }

    /// The models that were asked for and cannot be built, in order: those kept and those left out.
    pub fn blocked(&self) -> impl Iterator<Item = &Step> {
        let stands = |step: &&Step| matches!(step.action, Action::Keep | Action::LeaveOut);
        self.steps.iter().filter(stands).filter(|step| step.asked_for)
    }

    /// Leaves models out of what is built: those that a release `has` stay as it has them, the others are left out. Of the
    /// models that `failed` the checks are the reason, of the others an input.
    pub fn set_aside(
        &mut self,
        models: &BTreeSet<TableName>,
        has: impl Fn(&TableName) -> bool,
        failed: &BTreeSet<TableName>,
    ) {
        for step in self.steps.iter_mut().filter(|step| models.contains(&step.model)) {
            step.action = if has(&step.model) { Action::Keep } else { Action::LeaveOut };
            step.because = step.inputs.iter().find(|input| models.contains(*input)).cloned();
            step.reason = match &step.because {
                _ if failed.contains(&step.model) => "its checks fail".to_owned(),
                Some(input) => format!("{input} is kept"),
                None => "its checks read a model that is left out".to_owned(),
            };
        }
    }

    /// Whether a release would be what the last one is.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let same = |step: &Step| match step.action {
            Action::Skip => !step.retold,
            Action::Keep | Action::LeaveOut => true,
            Action::Build | Action::Check | Action::Remove => false,
        };
        self.parent.is_some() && !self.other_quarantine && self.steps.iter().all(same)
    }

    /// Bytes of all input files.
    #[must_use]
    pub fn input_bytes(&self) -> u64 {
        self.datasets.values().flatten().map(|file| file.size).sum()
    }
}

/// What happens to each model of the project.
fn judged(facts: &Facts<'_>, wish: &Wish, datasets: &BTreeMap<String, Vec<ReleasedFile>>) -> Vec<Step> {
    let mut judge = Judge::new(facts, wish, datasets);
    facts.models.iter().map(|model| judge.step(model)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Difference;
    use crate::model::Model;
    use crate::model::Trace;
    use crate::release::ReleasedDataset;
    use crate::release::{Kept, ReleasedModel};

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

    /// Meanings as coarse as fingerprints: rows that differ with the text, read from all columns of the inputs.
    fn meanings(models: &Models) -> BTreeMap<TableName, Meaning> {
        let meant = |model: &Model| {
            let from = model.inputs.iter().map(|input| (input.clone(), BTreeSet::from(["x".to_owned()]))).collect();
            let rows = Trace { mark: model.fingerprint.clone(), from };
            Meaning { rows, checks: model.header.checking(), ..Meaning::default() }
        };
        models.iter().map(|model| (model.name.clone(), meant(model))).collect()
    }

    fn plan_of(
        models: &Models,
        catalog: &Catalog,
        listed: BTreeMap<String, Vec<ListedFile>>,
        last: Option<&Manifest>,
        wish: &Wish,
    ) -> Plan {
        let meanings = meanings(models);
        Plan::new(
            Facts {
                models,
                meanings: &meanings,
                catalog,
                listed,
                corrections: &BTreeMap::new(),
                key: "k",
                last,
                unpublished: None,
            },
            wish,
        )
    }

    /// The plan where all files fit.
    fn plan(models: &Models, size: u64, last: Option<&Manifest>) -> Plan {
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        plan_of(models, &catalog, listed(size), last, &Wish::default())
    }

    fn released(models: &Models) -> Manifest {
        let mut last = Manifest::new(4, Some(3), "p", "r", String::new());
        last.key = "k".to_owned();
        let declaration = Catalog::parse(CATALOG, "catalog.yaml").unwrap().datasets["a"].declaration();
        let dataset = ReleasedDataset { files: vec![file(10)], declaration, ..ReleasedDataset::default() };
        last.datasets.insert("a".into(), dataset);
        let meanings = meanings(models);
        for model in models.iter() {
            let of_input = |input: &TableName| Some((input.clone(), last.content(input)?));
            let released = ReleasedModel {
                run: "r".into(),
                definition: 1,
                fingerprint: model.fingerprint.clone(),
                meaning: meanings.get(&model.name).cloned(),
                file: model.file.clone(),
                sql: model.text.clone(),
                inputs: model.inputs.clone(),
                built_from: model.inputs.iter().filter_map(of_input).collect(),
                kept: Kept::Table { version: 0, rows: 1, bytes: 1 },
                ..ReleasedModel::default()
            };
            last.models.insert(model.name.clone(), released);
        }
        last
    }

    fn reasons(plan: &Plan) -> Vec<String> {
        plan.steps.iter().map(|step| format!("{} {}: {}", step.action.as_str(), step.model, step.reason)).collect()
    }

    #[test]
    fn what_changed_is_built_and_nothing_else() {
        let three = [
            ("processed.b", "SELECT x FROM a"),
            ("curated.c", "SELECT x FROM b"),
            ("curated.d", "SELECT x FROM raw.a WHERE x > 1"),
        ];
        let before = models(&three);
        let last = released(&before);
        assert_eq!(reasons(&plan(&before, 10, None))[0], "build processed.b: there is no release yet");
        let same = plan(&before, 10, Some(&last));
        assert_eq!(
            reasons(&same),
            ["skip processed.b: unchanged", "skip curated.d: unchanged", "skip curated.c: unchanged"]
        );
        assert!(same.changes_nothing() && !plan(&before, 11, Some(&last)).changes_nothing());
        assert_eq!(
            reasons(&plan(&before, 11, Some(&last))),
            [
                "build processed.b: raw.a: 1 replaced file",
                "build curated.d: raw.a: 1 replaced file",
                "build curated.c: processed.b is built anew"
            ]
        );
        let changed = models(&[three[0], ("curated.c", "SELECT x + 1 AS x FROM b"), three[2]]);
        assert_eq!(
            reasons(&plan(&changed, 10, Some(&last))),
            [
                "skip processed.b: unchanged",
                "skip curated.d: unchanged",
                "build curated.c: which rows it has is defined otherwise"
            ]
        );
        let fewer = models(&[three[0], three[2]]);
        assert_eq!(reasons(&plan(&fewer, 10, Some(&last)))[2], "remove curated.c: its file is gone");
    }

    #[test]
    fn the_chain_of_reasons_leads_to_the_files() {
        let chain = models(&[("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b")]);
        let plan = plan(&chain, 11, Some(&released(&chain)));
        let told: Vec<String> = plan
            .why(&"curated.c".parse().unwrap())
            .iter()
            .map(|link| format!("{}: {}", link.table, link.reason))
            .collect();
        assert_eq!(told, ["curated.c: processed.b is built anew", "processed.b: raw.a: 1 replaced file"]);
    }

    #[test]
    fn what_was_not_asked_for_is_caught_up_later() {
        let two = models(&[("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b")]);
        let last = released(&two);
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        let only = Wish { only: Some(BTreeSet::from(["processed.b".parse().unwrap()])), ..Wish::default() };
        let told = reasons(&plan_of(&two, &catalog, listed(11), Some(&last), &only));
        assert_eq!(told, ["build processed.b: raw.a: 1 replaced file", "keep curated.c: not asked for"]);
        // The release of that run: `b` is of another run, `c` as it was.
        let mut next = last.clone();
        next.models.get_mut(&"processed.b".parse().unwrap()).unwrap().run = "r2".into();
        assert_eq!(
            reasons(&plan(&two, 10, Some(&next))),
            ["skip processed.b: unchanged", "build curated.c: processed.b is newer than what it was built from"]
        );
    }

    #[test]
    fn another_key_of_pseudonyms_or_another_text_counts_for_what_it_concerns() {
        let one = models(&[("processed.b", "SELECT x FROM a")]);
        let mut last = released(&one);
        let name = "processed.b".parse().unwrap();
        last.key = "other".into();
        assert_eq!(reasons(&plan(&one, 10, Some(&last))), ["skip processed.b: unchanged"]);
        let meanings = BTreeMap::from([(
            name,
            Meaning { keyed: true, ..meanings(&one).remove(&one.iter().next().unwrap().name).unwrap() },
        )]);
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        let facts = Facts {
            models: &one,
            meanings: &meanings,
            catalog: &catalog,
            listed: listed(10),
            corrections: &BTreeMap::new(),
            key: "k",
            unpublished: None,
            last: Some(&last),
        };
        assert_eq!(reasons(&Plan::new(facts, &Wish::default())), ["build processed.b: the key of pseudonym() changed"]);
        let retold = models(&[("processed.b", "-- todos\nSELECT x FROM a")]);
        let told = plan(&retold, 10, Some(&released(&one)));
        assert_eq!(reasons(&told), ["skip processed.b: only its text changed"]);
        assert!(!told.changes_nothing(), "its text is published");
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
        let first = plan_of(&models, &catalog, listed.clone(), None, &Wish::default());
        let told = reasons(&first);
        assert!(told.contains(&"leave out processed.q: raw.b: no file fits".to_owned()), "{told:?}");
        assert!(told.contains(&"leave out curated.r: processed.q is left out".to_owned()), "{told:?}");
        assert_eq!((first.builds().count(), first.blocked().count()), (2, 2));
        assert_eq!(first.quarantined["b"][0].reason, "it is empty");

        let later = plan_of(&models, &catalog, listed, Some(&released(&models)), &Wish::default());
        let told = reasons(&later);
        assert!(told.contains(&"keep processed.q: raw.b: no file fits".to_owned()), "{told:?}");
        assert!(told.contains(&"keep curated.r: processed.q is kept".to_owned()), "{told:?}");
    }

    #[test]
    fn what_a_run_built_and_did_not_publish_is_taken_up_where_nothing_changed_since() {
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        let before =
            [("processed.b", "SELECT x FROM a"), ("curated.c", "SELECT x FROM b"), ("curated.d", "SELECT x FROM a")];
        let last = released(&models(&before[..1]));
        let taken_up = |now: &Models, size: u64, built: &Unpublished| -> Vec<String> {
            let meanings = meanings(now);
            let facts = Facts {
                models: now,
                meanings: &meanings,
                catalog: &catalog,
                listed: listed(size),
                corrections: &BTreeMap::new(),
                key: "k",
                last: Some(&last),
                unpublished: Some(built),
            };
            let plan = Plan::new(facts, &Wish::default());
            plan.builds().filter(|step| step.resumes.is_some()).map(|step| step.model.to_string()).collect()
        };
        // A run over a file of 20 bytes that built two of three models.
        let mut manifest = released(&models(&before));
        (manifest.release, manifest.parent) = (5, Some(4));
        manifest.datasets.get_mut("a").unwrap().files = vec![file(20)];
        manifest.models.remove(&"curated.d".parse().unwrap());
        manifest.models.values_mut().for_each(|model| model.run = "failed".to_owned());
        let content = |input: &str| manifest.content(&input.parse().unwrap()).unwrap();
        let (raw, b) = (content("raw.a"), content("processed.b"));
        let from = |name: &str, mark: String| BTreeMap::from([(name.parse().unwrap(), mark)]);
        manifest.models.get_mut(&"processed.b".parse().unwrap()).unwrap().built_from = from("raw.a", raw);
        manifest.models.get_mut(&"curated.c".parse().unwrap()).unwrap().built_from = from("processed.b", b);
        let staged = manifest.models.keys().map(|name| (name.clone(), serde_json::Value::Null)).collect();
        let mut built = Unpublished { manifest, staged };

        let all = models(&before);
        assert_eq!(taken_up(&all, 20, &built), ["processed.b", "curated.c"]);
        assert!(taken_up(&all, 21, &built).is_empty(), "another file");
        let other = models(&[before[0], ("curated.c", "SELECT x + 1 AS x FROM b"), before[2]]);
        assert_eq!(taken_up(&other, 20, &built), ["processed.b"]);
        let other = models(&[("processed.b", "SELECT x + 1 AS x FROM a"), before[1], before[2]]);
        assert!(taken_up(&other, 20, &built).is_empty(), "its input is built anew");
        built.forget(&"processed.b".parse().unwrap());
        assert!(taken_up(&all, 20, &built).is_empty(), "its input is built anew");
        built.manifest.parent = Some(3);
        assert!(taken_up(&all, 20, &built).is_empty(), "there was a release since");
    }
}
