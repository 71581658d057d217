//! `cauce why`: why a run would build a model, back to where it began.

use clap::Args;

use super::listing::{Listing, write_json};
use super::planned::planned;
use super::project::Project;
use super::selection::Selection;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::name::did_you_mean;
use crate::plan::Action;

/// Tell why a run would build a model, or would not
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The model, as `layer.name` or `name`
    model: String,
    /// Print the chain of reasons as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn why(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let plan = planned(&project, settings, &Selection::default()).await?.plan;
    let is_meant =
        |step: &&crate::plan::Step| step.model.to_string() == arguments.model || step.model.name == arguments.model;
    let Some(step) = plan.steps.iter().find(is_meant) else {
        let full = plan.steps.iter().map(|step| step.model.to_string());
        let names: Vec<String> = full.chain(plan.steps.iter().map(|step| step.model.name.clone())).collect();
        let error = Error::usage(format!("there is no model `{}`", arguments.model));
        return Err(error.hint(did_you_mean(
            &arguments.model,
            names.iter().map(String::as_str),
            "`cauce plan` lists the models",
        )));
    };
    let chain = plan.why(&step.model);
    if arguments.json {
        return write_json(&settings.printer, &chain);
    }
    Listing::default()
        .texts("table", chain.iter().map(|link| Some(link.table.to_string())))
        .texts("action", chain.iter().map(|link| link.action.map(Action::as_str)))
        .texts("why", chain.iter().map(|link| Some(link.reason.as_str())))
        .write(&settings.printer, None)
}
