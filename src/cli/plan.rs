//! `cauce plan`: what a run would do and why.

use clap::Args;

use super::drift;
use super::listing::{Listing, write_json};
use super::project::Project;
use super::run::tell_inferred;
use super::settings::Settings;
use crate::catalog::Verdict;
use crate::error::Result;
use crate::model::Materialized;
use crate::output::thousands;
use crate::plan::Plan;
use crate::run::{compare_inputs, complete, list_inputs};

/// Show what a run would do and why, without doing it
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// The arguments of a plan that another command asks for.
    pub(super) fn with_json(json: bool) -> Self {
        Self { json }
    }
}

pub(super) async fn plan(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let models = project.models()?;
    let inputs = list_inputs(&project.lake, &project.catalog, &models).await?;
    let (catalog, inferred) = complete(&project.catalog, &inputs).await?;
    tell_inferred(&settings.printer, &inferred);
    let listed = compare_inputs(&catalog, &inputs).await?;
    let last = project.lake.releases()?.newest().await?;
    let plan = Plan::new(&models, &catalog, listed, last.as_ref());
    if arguments.json {
        return write_json(&settings.printer, &plan);
    }
    let steps = || plan.steps.iter();
    Listing::default()
        .texts("model", steps().map(|step| Some(step.model.to_string())))
        .texts("action", steps().map(|step| Some(step.action.as_str())))
        .texts("as", steps().map(|step| step.materialized.map(Materialized::as_str)))
        .texts("why", steps().map(|step| Some(step.reason.as_str())))
        .counts("input_bytes", steps().map(|step| Some(step.input_bytes).filter(|bytes| *bytes > 0)))
        .write(&settings.printer, None)?;
    drift::tell(&settings.printer, &plan.drift, Verdict::Harmless)?;
    if let Some(error) = drift::stopped(&plan) {
        return Err(error);
    }
    settings.printer.say(format_args!(
        "release {} would be built from {} files, {} bytes",
        plan.release,
        plan.datasets.values().map(Vec::len).sum::<usize>(),
        thousands(plan.input_bytes()),
    ));
    Ok(())
}
