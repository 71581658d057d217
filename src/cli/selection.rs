//! Which models a person asks for: the arguments that `run` and `plan` share.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use clap::Args;

use super::planned::planned;
use super::project::Project;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::model::{Chosen, Model, Models, Selector};
use crate::name::{TableName, did_you_mean};
use crate::plan::{Action, Plan};
use crate::release::Partition;

/// The models that are asked for, and how a run builds them.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Selection {
    #[command(flatten)]
    pub(super) wanted: Wanted,
    /// Build every model, changed or not
    #[arg(long)]
    pub(super) full_refresh: bool,
    /// Partitions of incremental models that are computed anew.
    #[arg(skip)]
    pub(super) anew: BTreeMap<TableName, BTreeSet<Partition>>,
}

/// The models that are asked for.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Wanted {
    /// Only these models: name, +name (with what it reads), name+ (with what reads it), layer/, tag:word, changed+,
    /// git:branch+
    #[arg(value_name = "MODEL")]
    pub(super) models: Vec<String>,
    /// Not these models, chosen in the same ways
    #[arg(long, value_name = "MODEL")]
    exclude: Vec<String>,
}

impl Wanted {
    /// The models of these selectors alone.
    pub(super) fn only(models: Vec<String>) -> Self {
        Self { models, exclude: Vec::new() }
    }

    /// Whether all models are asked for.
    pub(super) fn is_everything(&self) -> bool {
        self.models.is_empty() && self.exclude.is_empty()
    }

    /// The models that are asked for, of which `plan` says what a run would do.
    ///
    /// # Errors
    /// A selector that chooses nothing.
    pub(super) fn of(&self, project: &Project, models: &Models, plan: &Plan) -> Result<BTreeSet<TableName>> {
        self.among(project, models, || changed(plan))
    }

    /// The models that are asked for, where no run is planned: that is done only if a selector asks for what changed.
    ///
    /// # Errors
    /// A selector that chooses nothing, and what planning finds wrong.
    pub(super) async fn find(
        &self,
        project: &Project,
        models: &Models,
        settings: &Settings,
    ) -> Result<BTreeSet<TableName>> {
        let asks_for_changes = |text: &String| text.trim_start_matches('+').starts_with("changed");
        if self.models.iter().chain(&self.exclude).any(asks_for_changes) {
            let plan = planned(project, settings, &Selection::default()).await?.plan;
            return self.of(project, models, &plan);
        }
        self.among(project, models, BTreeSet::new)
    }

    fn among(
        &self,
        project: &Project,
        models: &Models,
        changed: impl Fn() -> BTreeSet<TableName>,
    ) -> Result<BTreeSet<TableName>> {
        let read = |texts: &[String]| texts.iter().map(|text| text.parse()).collect::<Result<Vec<Selector>>>();
        let elsewhere = |what: &Chosen| match what {
            Chosen::Git(commit) => changed_since(project, commit, models),
            _ => Ok(changed()),
        };
        let mut chosen: BTreeSet<TableName> = if self.models.is_empty() {
            models.iter().map(|model| model.name.clone()).collect()
        } else {
            models.select(&read(&self.models)?, elsewhere)?
        };
        for name in models.select(&read(&self.exclude)?, elsewhere)? {
            chosen.remove(&name);
        }
        Ok(chosen)
    }
}

/// The model of that name, with or without its layer.
///
/// # Errors
/// A name that no model has, or models of two layers.
pub(super) fn one<'a>(models: &'a Models, name: &str) -> Result<&'a Model> {
    let found = models.iter().filter(|model| model.name.is_called(name));
    match found.collect::<Vec<_>>().as_slice() {
        [model] => Ok(*model),
        [] => {
            let error = Error::usage(format!("there is no model `{name}`"));
            Err(error.hint(did_you_mean(
                name,
                models.iter().map(|model| model.name.name.as_str()),
                "`cauce plan` lists them",
            )))
        }
        several => {
            let names: Vec<String> = several.iter().map(|model| model.name.to_string()).collect();
            Err(Error::usage(format!("`{name}` is the name of several models"))
                .hint(format!("write {}", names.join(" or "))))
        }
    }
}

/// The models that a run would build for a reason of their own, not because an input is built.
fn changed(plan: &Plan) -> BTreeSet<TableName> {
    let of_model = |name: &TableName| plan.steps.iter().any(|step| step.model == *name);
    let own = plan.checks().filter(|step| !step.because.as_ref().is_some_and(of_model));
    own.filter(|step| step.action == Action::Build || step.action == Action::Check)
        .map(|step| step.model.clone())
        .collect()
}

/// The models whose files differ from those of `commit`, new files included.
fn changed_since(project: &Project, commit: &str, models: &Models) -> Result<BTreeSet<TableName>> {
    // To git it would be an option, and there are some that write files.
    if commit.starts_with('-') {
        return Err(Error::usage(format!("`{commit}` is no commit"))
            .hint("git:NAME takes a branch, a tag or a commit of the repository the project lies in"));
    }
    let git = |arguments: &[&str]| {
        let ran = Command::new("git").arg("-C").arg(&project.root).args(arguments).output();
        let output = ran.map_err(|failure| Error::usage(format!("git cannot be started: {failure}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let told = String::from_utf8_lossy(&output.stderr);
        let told = told
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("fatal: ")
            .trim_start_matches("error: ")
            .to_owned();
        Err(Error::usage(format!("git does not know what changed since `{commit}`: {told}"))
            .hint("git:NAME takes a branch, a tag or a commit of the repository the project lies in"))
    };
    let mut files = git(&["diff", "--name-only", "--relative", commit, "--", "sql"])?;
    files.push_str(&git(&["ls-files", "--others", "--exclude-standard", "--", "sql"])?);
    let files: BTreeSet<&str> = files.lines().collect();
    Ok(models
        .iter()
        .filter(|model| files.contains(model.name.model_file().as_str()))
        .map(|model| model.name.clone())
        .collect())
}
