//! What a run would do and why, as a value: printable, comparable, never acting.
//!
//! A model is built where its rows may differ from the last release's: its definition means something else, or what it
//! reads of its inputs differs ([`changes`]). Everything else is skipped: the new release has it as the last one.
//!
//! Files that do not fit their dataset are left out here ([`drift`]). A model whose dataset has no file left cannot be
//! built, nor can a model that reads it: such models stay as the last release has them.
//!
//! Models whose checks failed stay as the last release has them, too, unless that keeps everything back ([`hold`]). What a
//! run has built and not published is taken up where it stands ([`mod@resume`]).

mod changes;
mod drift;
mod hold;
mod judge;
mod resume;
#[cfg(test)]
mod tests;
mod why;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use self::drift::{Drift, ListedFile, Sifted, sift};
pub use self::hold::Hold;
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
    /// Stands for the key of `pseudonym()`, as [`ReleasedModel::key`](crate::release::ReleasedModel).
    pub key: &'a str,
    /// The release to start from.
    pub last: Option<&'a Manifest>,
    /// What a run has built on that release and not published.
    pub unpublished: Option<&'a Unpublished>,
    /// The models that a run has built and whose checks do not hold.
    pub failed: &'a BTreeSet<TableName>,
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
    let mut absent = BTreeSet::new();
    loop {
        let mut judge = Judge::new(facts, wish, datasets, &absent);
        let mut steps: Vec<Step> = facts.models.iter().map(|model| judge.step(model)).collect();
        let left_out = steps.iter().filter(|step| step.action == Action::LeaveOut).map(|step| step.model.clone());
        let left_out: BTreeSet<TableName> = left_out.collect();
        if left_out == absent {
            judge.checks(&mut steps);
            return steps;
        }
        // Checks may read a model that stands behind theirs in the order, or even one that reads theirs.
        absent = left_out;
    }
}
