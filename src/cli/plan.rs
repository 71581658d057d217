//! `cauce plan`: what a run would do and why.

use std::time::Duration;

use clap::Args;

use super::drift;
use super::listing::{Listing, write_json};
use super::planned::planned;
use super::project::Project;
use super::selection::Selection;
use super::settings::Settings;
use crate::catalog::Verdict;
use crate::error::Result;
use crate::model::Materialized;
use crate::output::{counted, duration, thousands};
use crate::plan::{Action, Plan, Step};

/// Show what a run would do and why, without doing it
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the plan as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) asked_for: Selection,
}

pub(super) async fn plan(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let plan = planned(&project, settings, &arguments.asked_for).await?.plan;
    if arguments.json {
        return write_json(&settings.printer, &plan);
    }
    show(&plan, settings)
}

/// Shows a plan as a table, and tells what it comes to.
///
/// # Errors
/// A plan that cannot be carried out, after showing it.
pub(super) fn show(plan: &Plan, settings: &Settings) -> Result<()> {
    let steps = || plan.steps.iter();
    Listing::default()
        .texts("model", steps().map(|step| Some(step.model.to_string())))
        .texts("action", steps().map(|step| Some(action(step))))
        .texts("as", steps().map(|step| step.materialized.map(Materialized::as_str)))
        .texts("why", steps().map(|step| Some(step.reason.as_str())))
        .counts("input_rows", steps().map(|step| step.input_rows.filter(|_| works(step))))
        .counts("input_bytes", steps().map(|step| Some(step.input_bytes).filter(|bytes| *bytes > 0 && works(step))))
        .texts("last_took", steps().map(|step| step.last_millis.filter(|_| works(step)).map(took)))
        .write(&settings.printer, None)?;
    drift::tell(&settings.printer, &plan.drift, Verdict::Harmless)?;
    if let Some(error) = drift::stopped(plan) {
        return Err(error);
    }
    tell(settings, plan);
    Ok(())
}

/// Tells in one line what the plan comes to.
fn tell(settings: &Settings, plan: &Plan) {
    if let (true, Some(parent)) = (plan.changes_nothing(), plan.parent) {
        return settings.printer.say(format_args!("nothing to do: release {parent} is up to date"));
    }
    let built = plan.works().count();
    let taken_up = match plan.builds().count() - built {
        0 => String::new(),
        taken_up => format!(" and take up {taken_up} that a run built and did not publish"),
    };
    let millis: u64 = plan.works().filter_map(|step| step.last_millis).sum();
    let last =
        if millis > 0 { format!("; built one after another they took {} last", took(millis)) } else { String::new() };
    settings.printer.say(format_args!(
        "release {} would build {} of {}{taken_up}, from {} with {} bytes{last}",
        plan.release,
        built,
        counted(plan.steps.iter().filter(|step| step.action != Action::Remove).count(), "model"),
        counted(plan.datasets.values().map(Vec::len).sum::<usize>(), "file"),
        thousands(plan.input_bytes()),
    ));
}

fn action(step: &Step) -> &'static str {
    match step {
        Step { resumes: Some(_), .. } => "take up",
        Step { by_files: true, .. } => "build part",
        step => step.action.as_str(),
    }
}

fn works(step: &Step) -> bool {
    step.action == Action::Build && step.resumes.is_none()
}

fn took(millis: u64) -> String {
    duration(Duration::from_millis(millis))
}
