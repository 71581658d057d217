//! Who decides what happens to each model: it is built, checked, skipped, kept or left out, and why.

use std::collections::{BTreeMap, BTreeSet};

use super::changes::{Changed, Changes, Difference, concerned, redefined};
use super::{Action, Facts, Step, Wish};
use crate::model::{Materialized, Model};
use crate::name::{Layer, TableName};
use crate::release::{FileChanges, Kept, ReleasedFile, ReleasedModel};

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
    /// The same key of `pseudonym()` and the same cauce as the last release's.
    same_key: bool,
    same_cauce: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(facts: &'a Facts<'a>, wish: &'a Wish, datasets: &'a BTreeMap<String, Vec<ReleasedFile>>) -> Self {
        let last = facts.last;
        let mut judge = Self {
            facts,
            wish,
            datasets,
            blocked: Blocked::new(datasets),
            changes: Changes::new(),
            said: BTreeMap::new(),
            same_key: last.is_some_and(|last| last.key == facts.key),
            same_cauce: last.is_some_and(|last| last.cauce == env!("CARGO_PKG_VERSION")),
        };
        for (name, files) in datasets {
            let before = last.and_then(|last| last.datasets.get(name));
            let difference = FileChanges::between(before.map(|d| d.files.as_slice()).unwrap_or_default(), files);
            let declared = facts.catalog.datasets.get(name).map(crate::catalog::Dataset::declaration);
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
        let (action, reason, because) = if let Some(reason) = self.blocked.reason(model) {
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
                    if let Some(changed) = changed {
                        self.changes.insert(model.name.clone(), changed);
                    }
                    (Action::Build, reason, because)
                }
                None => match self.to_check(model, before) {
                    Some((reason, because)) if asked_for => (Action::Check, reason, because),
                    _ => (Action::Skip, "unchanged".to_owned(), None),
                },
            }
        };
        let retold = before.is_some_and(|before| before.sql != model.text || before.file != model.file);
        Step {
            model: model.name.clone(),
            action,
            reason: if retold && action == Action::Skip { "only its text changed".to_owned() } else { reason },
            because,
            materialized: Some(model.header.materialized),
            inputs: model.inputs.clone(),
            input_bytes: model.inputs.iter().map(|input| self.bytes(input)).sum(),
            input_rows: model.inputs.iter().map(|input| self.rows(input)).sum(),
            last_millis: before.map(|before| before.millis),
            retold,
            asked_for,
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
        if !self.same_cauce {
            return all("the last release was made by another version of cauce");
        }
        if now.keyed && !self.same_key {
            return all("the key of pseudonym() changed");
        }
        let was_kept_as = match before.kept {
            Kept::Table { .. } => Materialized::Table,
            Kept::View => Materialized::View,
        };
        if was_kept_as != model.header.materialized {
            return all("it is kept otherwise");
        }
        let own = redefined(past, now);
        let unsteady = || {
            let functions: Vec<&str> = now.unsteady.iter().map(String::as_str).collect();
            let reason = format!("{} gives another value each time", functions.join(", "));
            (!functions.is_empty()).then_some(Difference { reason, because: None, changed: Some(Changed::Rows) })
        };
        let inputs = concerned(now, &model.inputs, &self.changes).map(|found| match &found.because {
            Some(input) => match self.said.get(input) {
                Some(said) => Difference { reason: format!("{input}: {said}"), ..found },
                None => found,
            },
            None => found,
        });
        // The own reason is told first; what changed is the sum of all.
        match (own, inputs) {
            (Some(own), Some(inputs)) => Some(own.and(inputs)),
            (own, inputs) => own.or(inputs),
        }
        .or_else(|| self.behind(model, before))
        .or_else(unsteady)
    }

    /// An input that the last release has in another version than the model was built from: it was built, and the model
    /// was not.
    fn behind(&self, model: &Model, before: &ReleasedModel) -> Option<Difference> {
        let last = self.facts.last?;
        let newer = |input: &&TableName| {
            !self.changes.contains_key(*input) && last.content(input).as_ref() != before.built_from.get(*input)
        };
        let input = model.inputs.iter().find(newer)?;
        let reason = format!("{input} is newer than what it was built from");
        Some(Difference { reason, because: None, changed: Some(Changed::Rows) })
    }

    /// Why the checks of a model whose rows are as they were must be measured again, if they must.
    fn to_check(&self, model: &Model, before: Option<&ReleasedModel>) -> Option<(String, Option<TableName>)> {
        let (past, now) = (before?.meaning.as_ref()?, self.facts.meanings.get(&model.name)?);
        if past.checks != now.checks {
            return Some(("its checks changed".to_owned(), None));
        }
        let changed = model.check_inputs.iter().find(|input| self.changes.contains_key(*input))?;
        Some((format!("its checks read {changed}, which changed"), Some(changed.clone())))
    }

    fn bytes(&self, input: &TableName) -> u64 {
        if input.layer == Layer::Raw {
            return self.datasets.get(&input.name).into_iter().flatten().map(|file| file.size).sum();
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
