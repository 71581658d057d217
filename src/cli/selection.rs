//! Which models a person asks for: the arguments that `run` and `plan` share.

use std::collections::BTreeSet;
use std::process::Command;

use clap::Args;

use super::project::Project;
use crate::error::{Error, Result};
use crate::model::{Chosen, Models, Selector};
use crate::name::TableName;
use crate::plan::{Action, Plan};

/// The models that are asked for.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Selection {
    /// Only these models: name, +name (with what it reads), name+ (with what reads it), layer/, tag:word, changed+,
    /// git:branch+; the others stay as they are
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Not these models, chosen in the same ways
    #[arg(long, value_name = "MODEL")]
    exclude: Vec<String>,
    /// Build every model, changed or not
    #[arg(long)]
    pub(super) full_refresh: bool,
}

impl Selection {
    /// One model alone.
    pub(super) fn only(name: &TableName) -> Self {
        Self { models: vec![name.to_string()], ..Self::default() }
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
        let read = |texts: &[String]| texts.iter().map(|text| text.parse()).collect::<Result<Vec<Selector>>>();
        let elsewhere = |what: &Chosen| match what {
            Chosen::Git(commit) => changed_since(project, commit, models),
            _ => Ok(changed(plan)),
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
    Ok(models.iter().filter(|model| files.contains(model.file.as_str())).map(|model| model.name.clone()).collect())
}
