//! Planning a run: everything between a project's files and the plan, the same for `plan`, `why` and `run`.

use std::collections::{BTreeMap, BTreeSet};

use super::project::Project;
use super::run::tell_inferred;
use super::selection::Selection;
use super::settings::Settings;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::ledger::LeftOut;
use crate::model::{Meaning, Models};
use crate::name::{TableName, did_you_mean};
use crate::plan::{Drift, Facts, Hold, ListedFile, Plan, Step, Wish};
use crate::release::{Manifest, Unpublished};
use crate::run::{Inputs, compare_inputs, complete, corrections, list_inputs, study, unpublished};

/// A plan, and what it was made from.
pub(super) struct Planned {
    pub(super) models: Models,
    pub(super) meanings: BTreeMap<TableName, Meaning>,
    /// The catalog with the columns that were found in files.
    pub(super) catalog: Catalog,
    pub(super) inputs: Inputs,
    /// Stands for the corrections of each dataset that has some.
    pub(super) corrections: BTreeMap<String, String>,
    /// Stands for the key of `pseudonym()`.
    pub(super) key: String,
    pub(super) last: Option<Manifest>,
    /// What a run has built on that release and not published, by the name that it has on the shelf.
    pub(super) unpublished: Option<(String, Unpublished)>,
    pub(super) plan: Plan,
    /// The models whose checks do not hold, of what a run has built by this plan.
    failed: BTreeSet<TableName>,
    listed: BTreeMap<String, Vec<ListedFile>>,
    wish: Wish,
}

impl Planned {
    /// Plans again without `damaged` files, and says what is new about them.
    ///
    /// # Errors
    /// A lake that cannot be read, or files that the plan does not read, which is a bug.
    pub(super) async fn do_without(&mut self, project: &Project, damaged: Vec<LeftOut>) -> Result<Vec<Drift>> {
        let before = std::mem::take(&mut self.plan.drift);
        for LeftOut { dataset, file, reason } in damaged {
            let is_read =
                self.plan.datasets.get(&dataset).is_some_and(|read| read.iter().any(|read| read.path == file));
            let listed = self.listed.get_mut(&dataset).into_iter().flatten().find(|listed| listed.facts.path == file);
            match listed.filter(|_| is_read) {
                Some(listed) => listed.note_damage(reason),
                None => return Err(Error::bug(format!("{file} is damaged, and was not to be read"))),
            }
        }
        self.plan_again(project).await?;
        Ok(self.plan.drift.iter().filter(|difference| !before.contains(difference)).cloned().collect())
    }

    /// Plans again without models whose checks failed, if their headers let the rest be published; returns whether they do.
    ///
    /// # Errors
    /// A lake that cannot be read.
    pub(super) async fn go_without(&mut self, project: &Project, failed: &BTreeSet<TableName>) -> Result<bool> {
        self.failed.extend(failed.iter().cloned());
        self.plan_again(project).await?;
        Ok(self.held_back().is_none() && !self.plan.changes_nothing())
    }

    /// What keeps the release back that this would be, if something does.
    pub(super) fn held_back(&self) -> Option<Hold> {
        self.plan.held_back(&self.models, &self.failed)
    }

    async fn plan_again(&mut self, project: &Project) -> Result<()> {
        self.unpublished = None;
        self.plan = Plan::new(self.facts(), &self.wish);
        self.take_up(project).await
    }

    /// Plans again with what a run has built on the last release and not published, if something is to be built.
    async fn take_up(&mut self, project: &Project) -> Result<()> {
        if self.plan.builds().next().is_some() {
            self.unpublished = unpublished(&project.lake, self.last.as_ref()).await?;
        }
        if self.unpublished.is_some() {
            self.plan = Plan::new(self.facts(), &self.wish);
        }
        Ok(())
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            models: &self.models,
            meanings: &self.meanings,
            catalog: &self.catalog,
            listed: self.listed.clone(),
            corrections: &self.corrections,
            key: &self.key,
            last: self.last.as_ref(),
            unpublished: self.unpublished.as_ref().map(|(_, built)| built),
            failed: &self.failed,
        }
    }
}

/// Plans a run of `project` for the models that are asked for.
///
/// # Errors
/// Mistakes in the project, a selection that chooses nothing, and files or a lake that cannot be read.
pub(super) async fn planned(project: &Project, settings: &Settings, asked_for: &Selection) -> Result<Planned> {
    planned_of(project, project.models()?, settings, asked_for).await
}

/// Plans a run of `project` with these models instead of those in its files.
///
/// # Errors
/// As [`planned`].
pub(super) async fn planned_of(
    project: &Project,
    models: Models,
    settings: &Settings,
    asked_for: &Selection,
) -> Result<Planned> {
    let inputs = list_inputs(&project.lake, &project.catalog, &models).await?;
    let (catalog, inferred) = complete(&project.catalog, &inputs).await?;
    tell_inferred(&settings.printer, &inferred);
    let mut listed = compare_inputs(&catalog, &inputs).await?;
    let last = project.lake.releases()?.newest().await?;
    if let Some(last) = last.as_ref().filter(|_| !asked_for.full_refresh) {
        ListedFile::remember_damage(&mut listed, &catalog, last);
    }
    let engine = settings.engine(&project.catalog.project);
    let meanings = study(&project.lake, &catalog, &models, last.as_ref(), &engine).await?;
    let corrections = corrections(&project.lake, &engine).await?;
    let key = engine.key_mark();
    let failed = BTreeSet::new();
    let facts = Facts {
        models: &models,
        meanings: &meanings,
        catalog: &catalog,
        listed: listed.clone(),
        corrections: &corrections,
        key: &key,
        last: last.as_ref(),
        unpublished: None,
        failed: &failed,
    };
    let mut wish = Wish { full_refresh: asked_for.full_refresh, only: None, anew: asked_for.anew.clone() };
    if !asked_for.wanted.is_everything() {
        // What changed is known once everything is planned.
        let everything = Plan::new(facts.clone(), &Wish::default());
        wish.only = Some(asked_for.wanted.of(project, &models, &everything)?);
    }
    let plan = Plan::new(facts, &wish);
    let unpublished = None;
    let mut planned =
        Planned { models, meanings, catalog, inputs, corrections, key, last, unpublished, plan, failed, listed, wish };
    planned.take_up(project).await?;
    Ok(planned)
}

/// What `plan` does with the model that a person calls `wanted`: `layer.name`, or `name`.
///
/// # Errors
/// A name that is no model's.
pub(super) fn step_of<'a>(plan: &'a Plan, wanted: &str) -> Result<&'a Step> {
    plan.steps.iter().find(|step| step.model.is_called(wanted)).ok_or_else(|| {
        let full = plan.steps.iter().map(|step| step.model.to_string());
        let names: Vec<String> = full.chain(plan.steps.iter().map(|step| step.model.name.clone())).collect();
        let names = names.iter().map(String::as_str);
        let error = Error::usage(format!("there is no model `{wanted}`"));
        error.hint(did_you_mean(wanted, names, "`cauce plan` lists the models"))
    })
}
