//! Who decides what happens to each model: it is built, checked, skipped, kept or left out, and why.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Changed, Changes, Difference, concerned, redefined};
use super::{Action, Facts, Step, Wish};
use crate::catalog::{Catalog, Dataset};
use crate::mark::mark;
use crate::model::{Materialized, Model, OnFailure};
use crate::name::{Layer, TableName};
use crate::release::{CAUCE, FileChanges, Followed, Kept, ReleasedFile, ReleasedModel};

/// Decides for one model after another, inputs first, what happens to it.
pub(super) struct Judge<'a> {
    facts: &'a Facts<'a>,
    wish: &'a Wish,
    datasets: &'a BTreeMap<String, Vec<ReleasedFile>>,
    blocked: Blocked<'a>,
    /// What differs from the last release so far.
    changes: Changes,
    /// Why datasets differ.
    said: BTreeMap<TableName, String>,
}

impl<'a> Judge<'a> {
    /// `absent` are models that are known to be left out.
    pub(super) fn new(
        facts: &'a Facts<'a>,
        wish: &'a Wish,
        datasets: &'a BTreeMap<String, Vec<ReleasedFile>>,
        absent: &'a BTreeSet<TableName>,
    ) -> Self {
        let last = facts.last;
        let mut judge = Self {
            facts,
            wish,
            datasets,
            blocked: Blocked::new(datasets, absent),
            changes: Changes::new(),
            said: BTreeMap::new(),
        };
        for (name, files) in datasets {
            let before = last.and_then(|last| last.datasets.get(name));
            let difference = FileChanges::between(before.map(|d| d.files.as_slice()).unwrap_or_default(), files);
            let declared = facts.catalog.datasets.get(name).map(Dataset::declaration);
            let said = if !difference.is_empty() {
                difference.to_string()
            } else if before.map(|dataset| &dataset.declaration) != declared.as_ref() {
                "its declaration in the catalog changed".to_owned()
            } else if before.map(|dataset| dataset.corrections.as_str()).unwrap_or_default()
                != facts.corrections.get(name).map(String::as_str).unwrap_or_default()
            {
                "its rejects were corrected".to_owned()
            } else {
                continue;
            };
            let name = TableName::new(Layer::Raw, name);
            judge.changes.insert(name.clone(), Changed::Rows);
            judge.said.insert(name, said);
        }
        judge
    }

    /// What happens to `model`, whose inputs were judged before.
    pub(super) fn step(&mut self, model: &Model) -> Step {
        let before = self.facts.last.and_then(|last| last.models.get(&model.name));
        let stands = |action_if_known| if before.is_some() { action_if_known } else { Action::LeaveOut };
        let asked_for = self.wish.only.as_ref().is_none_or(|only| only.contains(&model.name));
        let failed = self.facts.failed.contains(&model.name);
        let unfit = if failed { Some("its checks fail".to_owned()) } else { self.blocked.reason(model) };
        let (action, reason, because) = if let Some(reason) = unfit {
            let action = stands(Action::Keep);
            self.blocked.models.insert(model.name.clone(), action);
            (action, reason, None)
        } else {
            match self.difference(model, before) {
                Some(_) if !asked_for => {
                    let action = stands(Action::Keep);
                    if action == Action::LeaveOut {
                        self.blocked.models.insert(model.name.clone(), action);
                    }
                    (action, "not asked for".to_owned(), None)
                }
                Some(Difference { reason, because, changed }) => {
                    let reason = self.blocked.told_beside(reason, model);
                    if let Some(changed) = changed {
                        self.changes.insert(model.name.clone(), changed);
                    }
                    (Action::Build, reason, because)
                }
                None => (Action::Skip, "unchanged".to_owned(), None),
            }
        };
        let by_files = action == Action::Build && self.by_files(model, before);
        let retold = asked_for && before.is_some_and(|before| before.sql != model.text);
        let followed = before.filter(|_| by_files).and_then(|before| before.followed.as_ref());
        let from = model.header.incremental.as_ref().map(|incremental| &incremental.from);
        let of_changed = |input: &TableName| followed.filter(|_| from == Some(input));
        Step {
            model: model.name.clone(),
            action,
            reason: if retold && action == Action::Skip { "only its text changed".to_owned() } else { reason },
            because,
            materialized: Some(model.header.materialized),
            by_files,
            resumes: None,
            inputs: model.inputs.clone(),
            input_bytes: model.inputs.iter().map(|input| self.bytes(input, of_changed(input))).sum(),
            input_rows: model.inputs.iter().map(|input| self.rows(input)).sum::<Option<u64>>().filter(|_| !by_files),
            last_millis: before.map(|before| before.millis),
            retold,
            asked_for,
        }
    }

    /// Of the models that are as they were, once all are judged, those whose checks must be measured again.
    pub(super) fn checks(&self, steps: &mut [Step]) {
        for (step, model) in steps.iter_mut().zip(self.facts.models.iter()) {
            let before = self.facts.last.and_then(|last| last.models.get(&model.name));
            if let (Action::Skip, Some((reason, because))) = (step.action, self.to_check(model, step.asked_for, before))
            {
                (step.action, step.reason, step.because) = (Action::Check, reason, because);
            }
        }
    }

    /// How the model's rows may differ from the last release's.
    fn difference(&self, model: &Model, before: Option<&ReleasedModel>) -> Option<Difference> {
        let all =
            |reason: &str| Some(Difference { reason: reason.to_owned(), because: None, changed: Some(Changed::Rows) });
        if self.facts.last.is_none() {
            return all("there is no release yet");
        }
        let Some(before) = before else { return all("new model") };
        if self.wish.full_refresh {
            return all("everything is built anew");
        }
        let (Some(past), Some(now)) = (&before.meaning, self.facts.meanings.get(&model.name)) else {
            return all("the last release does not say what it means");
        };
        if !by_this_cauce(before) {
            return all("another version of cauce built it");
        }
        if now.keyed && before.key != self.facts.key {
            return all("the key of pseudonym() changed");
        }
        let was_view = match before.kept {
            Kept::Table { .. } => false,
            Kept::View => true,
        };
        if was_view != (model.header.materialized == Materialized::View) {
            return all("it is kept otherwise");
        }
        let rows = |reason| Difference { reason, because: None, changed: Some(Changed::Rows) };
        let asked = self.wish.anew.get(&model.name).map(|partitions| {
            let plural = if partitions.len() == 1 { "partition is" } else { "partitions are" };
            rows(format!("{} {plural} computed anew", partitions.len()))
        });
        let inputs = concerned(now, &model.inputs, &self.changes).map(|found| match &found.because {
            Some(input) => match self.said.get(input) {
                Some(said) => Difference { reason: format!("{input}: {said}"), ..found },
                None => found,
            },
            None => found,
        });
        let unsteady = (!now.unsteady.is_empty()).then(|| {
            let functions: Vec<&str> = now.unsteady.iter().map(String::as_str).collect();
            rows(format!("{} gives another value each time", functions.join(", ")))
        });
        // The first reason is told; what changed is the sum of all.
        let all = [redefined(past, now), asked, inputs, self.behind(&model.inputs, before), unsteady];
        all.into_iter().flatten().reduce(Difference::and)
    }

    /// Whether nothing but the files that an incremental model follows may differ, so that only those are read that do.
    fn by_files(&self, model: &Model, before: Option<&ReleasedModel>) -> bool {
        let (Some(incremental), Some(before)) = (&model.header.incremental, before) else { return false };
        let (Some(followed), Some(past)) = (&before.followed, &before.meaning) else { return false };
        let Some(now) = self.facts.meanings.get(&model.name) else { return false };
        let others: Vec<TableName> = model.inputs.iter().filter(|input| **input != incremental.from).cloned().collect();
        let changed_otherwise = self.wish.full_refresh
            || !by_this_cauce(before)
            || (now.keyed && before.key != self.facts.key)
            || !now.unsteady.is_empty()
            || followed.basis != basis(&incremental.from, self.facts.catalog, self.facts.corrections)
            || redefined(past, now).is_some()
            || concerned(now, &others, &self.changes).is_some()
            || self.behind(&others, before).is_some();
        !changed_otherwise
    }

    /// An input that the last release has in another version than the model was built from: it was built, and the model
    /// was not.
    fn behind(&self, inputs: &[TableName], before: &ReleasedModel) -> Option<Difference> {
        let last = self.facts.last?;
        let newer = |input: &&TableName| {
            !self.changes.contains_key(*input) && last.content(input).as_ref() != before.built_from.get(*input)
        };
        let input = inputs.iter().find(newer)?;
        let reason = format!("{input} is newer than what it was built from");
        Some(Difference { reason, because: None, changed: Some(Changed::Rows) })
    }

    /// Why the checks of a model whose rows are as they were must be measured again, if they must. What its file says now
    /// counts if it was asked for; what a release does to the tables that its checks read always counts.
    fn to_check(
        &self,
        model: &Model,
        asked_for: bool,
        before: Option<&ReleasedModel>,
    ) -> Option<(String, Option<TableName>)> {
        let before = before?;
        let (past, now) = (before.meaning.as_ref()?, self.facts.meanings.get(&model.name)?);
        if asked_for && past.checks != now.checks {
            return Some(("its checks changed".to_owned(), None));
        }
        if let Some(changed) = model.check_inputs.iter().find(|input| self.changes.contains_key(*input)) {
            return Some((format!("its checks read {changed}, which changed"), Some(changed.clone())));
        }
        let last = self.facts.last?;
        let newer = |input: &&TableName| last.content(input).as_ref() != before.checked_from.get(*input);
        let input = model.check_inputs.iter().find(newer)?;
        Some((format!("its checks were held against an earlier {input}"), None))
    }

    /// Bytes of an input; without files that a model follows and has read as they are.
    fn bytes(&self, input: &TableName, followed: Option<&Followed>) -> u64 {
        if input.layer == Layer::Raw {
            let known = |file: &&ReleasedFile| {
                followed
                    .and_then(|followed| followed.files.get(&file.path))
                    .is_some_and(|known| known.mark == file.mark())
            };
            let files = self.datasets.get(&input.name).into_iter().flatten();
            return files.filter(|file| !known(file)).map(|file| file.size).sum();
        }
        match self.facts.last.and_then(|last| last.models.get(input)).map(|model| &model.kept) {
            Some(Kept::Table { bytes, .. }) => *bytes,
            _ => 0,
        }
    }

    fn rows(&self, input: &TableName) -> Option<u64> {
        let last = self.facts.last?;
        if input.layer == Layer::Raw {
            return Some(last.datasets.get(&input.name)?.account?.rows);
        }
        match last.models.get(input)?.kept {
            Kept::Table { rows, .. } => Some(rows),
            Kept::View => Some(0),
        }
    }
}

fn by_this_cauce(before: &ReleasedModel) -> bool {
    before.cauce == CAUCE
}

/// Stands for how the files of a table are read that an incremental model follows: where it is the same, a file that is the
/// same gives the same rows. The data files of a table are read in one way only.
#[must_use]
pub fn basis(from: &TableName, catalog: &Catalog, corrections: &BTreeMap<String, String>) -> String {
    if from.layer != Layer::Raw {
        return String::new();
    }
    let declaration = catalog.datasets.get(&from.name).map(Dataset::declaration).unwrap_or_default();
    mark(&[&declaration, corrections.get(&from.name).map(String::as_str).unwrap_or_default()])
}

/// What cannot be read, and so what cannot be built.
struct Blocked<'a> {
    /// Datasets without a file that fits.
    datasets: BTreeSet<&'a str>,
    /// Models that are not built, and what happens to them instead.
    models: BTreeMap<TableName, Action>,
    /// All models that are left out, as far as they are known.
    absent: &'a BTreeSet<TableName>,
}

impl<'a> Blocked<'a> {
    fn new(datasets: &'a BTreeMap<String, Vec<ReleasedFile>>, absent: &'a BTreeSet<TableName>) -> Self {
        let empty = datasets.iter().filter(|(_, files)| files.is_empty()).map(|(name, _)| name.as_str());
        Self { datasets: empty.collect(), models: BTreeMap::new(), absent }
    }

    /// The reason to build `model`, and what it reads that stays as it was.
    fn told_beside(&self, mut reason: String, model: &Model) -> String {
        for input in model.inputs.iter().filter(|input| self.models.contains_key(*input)) {
            reason.push_str(&format!("; {input} is kept"));
        }
        reason
    }

    /// Why `model` cannot be built, if it cannot.
    fn reason(&self, model: &Model) -> Option<String> {
        let unreadable = |input: &TableName| input.layer == Layer::Raw && self.datasets.contains(input.name.as_str());
        // What only the checks read may be older than the model; it must be there.
        let absent = |input: &&TableName| unreadable(input) || self.absent.contains(*input);
        let goes_on = |input: &TableName| model.header.inputs.get(input) == Some(&OnFailure::Warn);
        let unfit = |input: &TableName| match self.models.get(input) {
            Some(Action::Keep) => !goes_on(input),
            Some(_) => true,
            None => unreadable(input),
        };
        let blocking = model.inputs.iter().find(|input| unfit(input));
        let input = blocking.or_else(|| model.check_inputs.iter().find(absent))?;
        Some(match self.models.get(input) {
            Some(Action::Keep) => format!("{input} is kept"),
            None if input.layer == Layer::Raw => format!("{input}: no file fits"),
            _ => format!("{input} is left out"),
        })
    }
}
