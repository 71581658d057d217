//! `cauce why`: why a run would build a model, back to where it began.

use clap::Args;

use super::listing::{Listing, write_json};
use super::planned::{planned, step_of};
use super::project::Project;
use super::selection::Selection;
use super::settings::Settings;
use crate::error::Result;
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
    let step = step_of(&plan, &arguments.model)?;
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
