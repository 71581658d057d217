//! `cauce check`: the checks of the project's models, measured again on what is published.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::checks::{cases, sentence, tell_failure};
use super::listing::{Listing, write_json};
use super::project::Project;
use super::selection::Wanted;
use super::settings::Settings;
use crate::check::{Against, Outcome, measure};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind, Result};
use crate::model::Model;
use crate::output::{Format, Target, counted, write_junit};
use crate::release::AsOf;

/// Measure the checks of the models again, on what is published
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
    /// On this release instead of the newest: a number, or the one that stood at a time (`2024-12-31`)
    #[arg(long, value_name = "RELEASE|TIME", default_value = "newest", hide_default_value = true)]
    release: AsOf,
    /// List every check with what it measured, not only those that fail
    #[arg(long)]
    all: bool,
    /// Print everything that was measured as JSON, with the rows that fail
    #[arg(long, conflicts_with_all = ["all", "format"])]
    json: bool,
    /// How the list is written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write a report for continuous integration
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) async fn check(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let printer = &settings.printer;
    let models = project.models()?;
    let log = project.lake.releases()?;
    let nothing = || Error::query("there is nothing to check: no release yet").hint("`cauce run` publishes the first");
    let release = match arguments.release {
        AsOf::Newest => log.newest().await?.ok_or_else(nothing)?,
        earlier => log.wanted(&earlier).await?,
    };
    let before = match release.parent {
        Some(parent) => log.read(parent).await.ok(),
        None => None,
    };
    let engine = project.engine(Some(&release), &settings.engine(&project.catalog.project))?;
    let mut outcomes = Vec::new();
    let chosen = arguments.wanted.find(&project, &models, settings).await?;
    let (released, new): (Vec<&Model>, Vec<&Model>) = models
        .iter()
        .filter(|model| chosen.contains(&model.name))
        .partition(|model| release.models.contains_key(&model.name));
    for model in released {
        let rows_before = before.as_ref().and_then(|before| before.rows(&model.name));
        let against = Against { now: SystemClock.now(), rows_before };
        outcomes.extend(measure(&engine, model, against).await?);
    }
    if let Some(file) = &arguments.junit {
        write_junit(Target::file(file)?, "cauce check", &cases(&outcomes)?)?;
    }
    if arguments.json {
        write_json(printer, &outcomes.iter().map(as_json).collect::<Result<Vec<_>>>()?)?;
    } else if arguments.all {
        list(&outcomes).write(printer, arguments.format)?;
    }
    if !new.is_empty() {
        let names: Vec<String> = new.iter().map(|model| model.name.to_string()).collect();
        printer.warn(format_args!("not in release {}: {}", release.release, names.join(", ")));
    }
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.passed).collect();
    printer.done(format_args!(
        "{} hold in release {}",
        counted(outcomes.len() - failed.len(), "check"),
        release.release
    ));
    for outcome in &failed {
        tell_failure(printer, outcome)?;
    }
    match outcomes.iter().filter(|outcome| outcome.blocks()).count() {
        0 => Ok(()),
        1 => Err(Error::new(Kind::Check, format!("1 check fails in release {}", release.release))),
        more => Err(Error::new(Kind::Check, format!("{more} checks fail in release {}", release.release))),
    }
}

fn list(outcomes: &[Outcome]) -> Listing {
    let result = |outcome: &Outcome| match (outcome.passed, outcome.blocks()) {
        (true, _) => "holds",
        (false, true) => "fails",
        (false, false) => "warns",
    };
    Listing::default()
        .texts("model", outcomes.iter().map(|outcome| Some(outcome.model.to_string())))
        .texts("check", outcomes.iter().map(|outcome| Some(outcome.check.as_str())))
        .texts("result", outcomes.iter().map(|outcome| Some(result(outcome))))
        .texts("measured", outcomes.iter().map(|outcome| Some(outcome.measured())))
        .texts("allowed", outcomes.iter().map(|outcome| Some(outcome.allowed.to_string())))
        .counts("rows", outcomes.iter().map(|outcome| Some(outcome.rows)))
}

fn as_json(outcome: &Outcome) -> Result<serde_json::Value> {
    let rows = outcome.rows_as_json()?.and_then(|rows| serde_json::from_str::<serde_json::Value>(&rows).ok());
    Ok(json!({
        "model": outcome.model,
        "check": outcome.check,
        "rule": outcome.rule,
        "severity": outcome.severity.as_str(),
        "passed": outcome.passed,
        "value": outcome.value,
        "measured": outcome.measured(),
        "allowed": outcome.allowed.to_string(),
        "failing": outcome.failing,
        "rows": outcome.rows,
        "message": (!outcome.passed).then(|| sentence(outcome)),
        "failing_rows": rows,
    }))
}
