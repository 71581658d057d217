//! `cauce plan`: what a run would do and why.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use clap::Args;

use super::drift;
use super::project::Project;
use super::settings::Settings;
use crate::catalog::Verdict;
use crate::error::{Error, Result};
use crate::output::{ResultFile, thousands};
use crate::plan::Plan;
use crate::run::{compare_inputs, last_release, list_inputs};

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
    let listed = compare_inputs(&project.catalog, &inputs).await?;
    let plan = Plan::new(&models, &project.catalog, listed, last_release(&project.lake).await?.as_ref());
    let mut stdout = settings.printer.stdout();
    if arguments.json {
        let json = serde_json::to_string_pretty(&plan).map_err(|failure| Error::bug(failure.to_string()))?;
        stdout.text(&format!("{json}\n"))?;
        return stdout.finish();
    }
    let rows = table(&plan)?;
    let layout = settings.printer.layout(None);
    let mut file = ResultFile::begin(settings.printer.default_format(), &rows.schema(), stdout, &layout)?;
    file.batch(&rows)?;
    file.finish()?;
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

fn table(plan: &Plan) -> Result<RecordBatch> {
    let texts = |text: fn(&crate::plan::Step) -> String| -> ArrayRef {
        Arc::new(plan.steps.iter().map(|step| Some(text(step))).collect::<StringArray>())
    };
    let bytes: ArrayRef = Arc::new(
        plan.steps
            .iter()
            .map(|step| i64::try_from(step.input_bytes).ok().filter(|bytes| *bytes > 0))
            .collect::<Int64Array>(),
    );
    RecordBatch::try_from_iter([
        ("model", texts(|step| step.model.to_string())),
        ("action", texts(|step| step.action.as_str().to_owned())),
        ("as", texts(|step| step.materialized.map_or_else(String::new, |kept| kept.as_str().to_owned()))),
        ("why", texts(|step| step.reason.clone())),
        ("input_bytes", bytes),
    ])
    .map_err(|failure| Error::bug(failure.to_string()))
}
