//! `cauce run`: build every model, check it, publish a release.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::accounts::{tell_accounts, too_many};
use super::attempt::{Came, attempt, reader_without};
use super::checks::{cases, sentence, tell_failure};
use super::listing::write_json;
use super::planned::planned;
use super::project::Project;
use super::selection::Selection;
use super::settings::Settings;
use super::teller::Detail;
use super::{drift, or_interrupted};
use crate::catalog::Verdict;
use crate::check::Outcome;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind, Result};
use crate::name::Layer;
use crate::output::{Printer, Target, counted, duration, thousands, write_junit};
use crate::plan::{Action, Plan};
use crate::release::Manifest;
use crate::run::Ending;

/// Build every model, check it, and publish a release
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Show the plan instead of carrying it out
    #[arg(long)]
    dry_run: bool,
    /// Print the release manifest on stdout
    #[arg(long)]
    json: bool,
    /// Write what the checks measured as a report for continuous integration
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    asked_for: Selection,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> Result<()> {
    if arguments.dry_run {
        let Arguments { json, asked_for, .. } = arguments;
        return super::plan::plan(super::plan::Arguments { json, asked_for }, settings).await;
    }
    let project = Project::open(settings)?;
    begin(&project, settings, &arguments.asked_for, arguments.json, arguments.junit.as_deref()).await
}

/// Runs `project` for a person, who is told how it goes.
pub(super) async fn begin(
    project: &Project,
    settings: &Settings,
    asked_for: &Selection,
    json: bool,
    junit: Option<&Path>,
) -> Result<()> {
    if !settings.has_pseudonym_key() && project.catalog.has_pii() {
        settings.printer.warn(
            "CAUCE_PSEUDONYM_KEY is not set: pseudonyms are made with the project's name, so whoever has a list of \
             customers can compute them",
        );
    }
    let telling = Telling { detail: Detail::Models, junit };
    let (manifest, not_whole) =
        or_interrupted("nothing was published", publish(project, settings, &SystemClock, asked_for, telling)).await?;
    if json {
        write_json(&settings.printer, &manifest)?;
    }
    not_whole.map_or(Ok(()), Err)
}

/// How a run is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'a> {
    /// What has a line.
    pub(super) detail: Detail,
    /// Where the checks go as a report for continuous integration.
    pub(super) junit: Option<&'a Path>,
}

/// Plans and carries out a run of `project`, telling how it goes. Besides the release, it says why that is not whole
/// if files did not fit.
pub(super) async fn publish(
    project: &Project,
    settings: &Settings,
    clock: &dyn Clock,
    asked_for: &Selection,
    Telling { detail, junit }: Telling<'_>,
) -> Result<(Manifest, Option<Error>)> {
    let printer = &settings.printer;
    let begun = Instant::now();
    let planned = planned(project, settings, asked_for).await?;
    drift::tell(printer, &planned.plan.drift, Verdict::Read)?;
    let Came { planned, ending, set_aside } = attempt(project, settings, clock, planned, detail).await?;
    let Some(ending) = ending else {
        let last = planned.last.clone().ok_or_else(|| Error::bug("nothing changed since no release"))?;
        let elapsed = duration(begun.elapsed());
        printer.done(format_args!("nothing changed: release {} is up to date, in {elapsed}", last.release));
        return Ok((last, drift::not_whole(&planned.plan)));
    };
    if let (Some(file), Ending::Published { outcomes, .. } | Ending::Blocked { outcomes, .. }) = (junit, &ending) {
        let all: Vec<Outcome> = set_aside.iter().chain(outcomes).cloned().collect();
        write_junit(Target::file(file)?, "cauce run", &cases(&all)?)?;
    }
    match ending {
        Ending::Published { manifest, outcomes, accounts, unrecorded } => {
            if detail == Detail::Layers {
                tell_layers(printer, &manifest);
            }
            tell_unbuilt(printer, &planned.plan);
            tell_accounts(printer, &accounts);
            tell_checks(printer, &outcomes, detail)?;
            tell_release(printer, &manifest, begun);
            if let Some(failure) = unrecorded {
                printer.warn(format_args!(
                    "system.runs lacks this run or the one before: {failure}; the next run that builds something adds it"
                ));
                if let Some(hint) = failure.next_step() {
                    printer.hint(hint);
                }
            }
            Ok((*manifest, drift::not_whole(&planned.plan)))
        }
        Ending::Blocked { outcomes, accounts } => {
            tell_accounts(printer, &accounts);
            Err(blocked(printer, &outcomes, reader_without(&planned))?)
        }
        Ending::Rejected { over, rejects } => Err(too_many(printer, &over, &rejects)?),
        Ending::Damaged { .. } => Err(Error::bug("a run ended that was to begin again")),
    }
}

/// Tells how many models were left as they were.
fn tell_unbuilt(printer: &Printer, plan: &Plan) {
    let unchanged = plan.unbuilt().filter(|step| step.action != Action::Keep).count();
    if unchanged > 0 {
        printer.done(format_args!("{} unchanged", counted(unchanged, "model")));
    }
}

/// Tells of datasets whose columns were found in their files.
pub(super) fn tell_inferred(printer: &Printer, names: &[impl std::fmt::Display]) {
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        printer.hint(format_args!(
            "columns found in the files, since the catalog declares none: {}; `cauce catalog lock` writes them down",
            names.join(", ")
        ));
    }
}

/// Tells how the checks went, and where each model has a line, rows that fail those that only warn.
fn tell_checks(printer: &Printer, outcomes: &[Outcome], detail: Detail) -> Result<()> {
    let failed: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.passed).collect();
    if !outcomes.is_empty() {
        printer.done(format_args!("{} hold", counted(outcomes.len() - failed.len(), "check")));
    }
    for outcome in failed {
        match detail {
            Detail::Models => tell_failure(printer, outcome)?,
            Detail::Layers => {
                printer.warn(sentence(outcome));
            }
        }
    }
    Ok(())
}

/// Tells what was built, a line a layer.
fn tell_layers(printer: &Printer, manifest: &Manifest) {
    for layer in Layer::OF_MODELS {
        let (tables, rows, views) = manifest.extent(|name| name.layer == layer);
        let views = if views == 0 { String::new() } else { format!(", {}", counted(views, "view")) };
        printer.done(format_args!("{layer}: {} with {} rows{views}", counted(tables, "table"), thousands(rows)));
    }
}

fn tell_release(printer: &Printer, manifest: &Manifest, begun: Instant) {
    let (tables, rows, views) = manifest.extent(|_| true);
    printer.done(format_args!(
        "release {} published: {} with {} rows, {}, in {}",
        manifest.release,
        counted(tables, "table"),
        thousands(rows),
        counted(views, "view"),
        duration(begun.elapsed()),
    ));
}

/// The failure of a run whose checks do not hold, after telling some of the rows that fail.
fn blocked(printer: &Printer, outcomes: &[Outcome], reader: Option<String>) -> Result<Error> {
    let blocking = outcomes.iter().filter(|outcome| outcome.blocks()).count();
    for outcome in outcomes.iter().filter(|outcome| !outcome.passed) {
        tell_failure(printer, outcome)?;
    }
    let plural = if blocking == 1 { "check fails" } else { "checks fail" };
    if let Some(told) = reader {
        printer.warn(told);
    }
    Ok(Error::new(Kind::Check, format!("{blocking} {plural}; nothing was published")).hint(
        "correct the data or the model and run again: what is built and unchanged is taken up; a check with \
             `severity: warn` does not keep a release back",
    ))
}
