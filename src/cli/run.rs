//! `cauce run`: build every model, check it, publish a release.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Args;

use super::accounts::{tell_accounts, too_many};
use super::checks::{cases, sentence, tell_failure};
use super::listing::write_json;
use super::planned::{Planned, planned};
use super::project::Project;
use super::selection::Selection;
use super::settings::Settings;
use super::{drift, new_run_id, or_interrupted};
use crate::catalog::Verdict;
use crate::check::Outcome;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Kind, Result};
use crate::name::{Layer, TableName};
use crate::output::{Printer, Progress, Target, counted, duration, thousands, write_junit};
use crate::plan::{Action, Hold, Plan};
use crate::release::Manifest;
use crate::run::{Ending, Event, Run, Tuning, carry_out};

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

/// What a run has a line for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Each table, as soon as it is built.
    Models,
    /// Each layer.
    Layers,
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
    let mut planned = planned(project, settings, asked_for).await?;
    drift::tell(printer, &planned.plan.drift, Verdict::Read)?;
    let engine_settings = settings.engine(&project.catalog.project);
    let begun_at = clock.now();
    let (mut told, mut set_aside) = (BTreeSet::new(), Vec::new());
    let ending = loop {
        let (id, plan) = (new_run_id(), &planned.plan);
        if let Some(error) = hopeless(&planned) {
            return Err(error);
        }
        if let Some(last) = planned.last.as_ref().filter(|_| plan.changes_nothing()) {
            printer.done(format_args!(
                "nothing changed: release {} is up to date, in {}",
                last.release,
                duration(begun.elapsed())
            ));
            return Ok((last.clone(), drift::not_whole(plan)));
        }
        let run = Run {
            id: &id,
            catalog: &planned.catalog,
            models: &planned.models,
            meanings: &planned.meanings,
            corrections: &planned.corrections,
            key: &planned.key,
            last: planned.last.as_ref(),
            unpublished: planned.unpublished.as_ref(),
            lake: &project.lake,
            settings: &engine_settings,
            clock,
            begun_at,
            tuning: Tuning::default(),
        };
        let teller = Teller::new(printer, plan, detail, std::mem::take(&mut told));
        let ending = Box::pin(carry_out(run, plan, planned.inputs.clone(), &|event| teller.tell(event))).await?;
        told = teller.end();
        match ending {
            Ending::Damaged { files } => {
                let found = planned.do_without(project, files).await?;
                drift::tell(printer, &found, Verdict::Read)?;
                if hopeless(&planned).is_none() {
                    printer.hint(
                        "damage is seen only by reading: what was made of these files is left behind, and the run \
                         begins again",
                    );
                }
            }
            Ending::Blocked { outcomes, accounts } => {
                let failed = outcomes.iter().filter(|outcome| outcome.blocks());
                let failed: BTreeSet<TableName> = failed.map(|outcome| outcome.model.clone()).collect();
                if !planned.go_without(project, &failed).await? {
                    break Ending::Blocked { outcomes, accounts };
                }
                let of_failed = outcomes.into_iter().filter(|outcome| failed.contains(&outcome.model));
                let of_failed: Vec<Outcome> = of_failed.collect();
                for outcome in of_failed.iter().filter(|outcome| !outcome.passed) {
                    tell_failure(printer, outcome)?;
                }
                let names: Vec<String> = failed.iter().map(ToString::to_string).collect();
                printer.hint(format_args!("the run goes on without {}", names.join(", ")));
                set_aside.extend(of_failed);
            }
            ending => break ending,
        }
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
                    "system.runs does not know of this run yet: {failure}; the next run that builds something adds it"
                ));
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

/// Why nothing of a plan can be carried out, if nothing can.
fn hopeless(planned: &Planned) -> Option<Error> {
    let plan = &planned.plan;
    let held = || {
        let told = reader_without(planned)?;
        Some(
            Error::new(Kind::Check, format!("{told}; nothing was published"))
                .hint("correct the files or catalog.yaml; `cauce plan` says for each model why"),
        )
    };
    let nothing = || {
        let nothing = plan.steps.iter().all(|step| step.action == Action::LeaveOut);
        nothing.then(|| {
            Error::query("no model can be built; nothing was published")
                .hint("correct the files or catalog.yaml; `cauce plan` says for each model why")
        })
    };
    drift::stopped(plan).or_else(held).or_else(nothing)
}

/// The model that lets nothing be published without one that it reads, if there is one.
fn reader_without(planned: &Planned) -> Option<String> {
    match planned.plan.held_back(&planned.models)? {
        Hold::Reader { model, input, reason } => {
            Some(format!("{model} says `on_failure: block` of {input}, which stays as it was: {reason}"))
        }
        Hold::Failed(_) => None,
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

/// Tells the events of a run: a bar on a terminal, and a line for each table where each has one.
struct Teller<'a> {
    printer: &'a Printer,
    bar: Progress,
    detail: Detail,
    progress: Mutex<Told>,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    /// The models that are being built.
    building: Vec<String>,
    /// The models that had their line, in this run or in one that began again.
    built: BTreeSet<TableName>,
}

impl<'a> Teller<'a> {
    fn new(printer: &'a Printer, plan: &Plan, detail: Detail, built: BTreeSet<TableName>) -> Self {
        // A step a model for building it, and one for its checks.
        let steps = plan.builds().count() + plan.checks().count();
        let bar = printer.bar(format_args!("release {}", plan.release), steps as u64);
        let progress = Mutex::new(Told { building: Vec::new(), built });
        Self { printer, bar, detail, progress }
    }

    /// The models that had their line.
    fn end(self) -> BTreeSet<TableName> {
        self.progress.into_inner().unwrap_or_else(PoisonError::into_inner).built
    }

    fn tell(&self, event: Event) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let Told { building, built } = &mut *progress;
        match event {
            Event::Building(model) => {
                building.push(model.to_string());
                self.bar.message(&building.join(", "));
            }
            Event::Built { model, size, read, elapsed } => {
                built.insert(model.clone());
                let model = model.to_string();
                building.retain(|name| *name != model);
                self.bar.advance(1);
                if let (Detail::Models, Some((rows, _))) = (self.detail, size) {
                    let of_files = read.map(|(read, files)| format!("  {read} of {} read", counted(files, "file")));
                    self.printer.done(format_args!(
                        "{model:<34} {:>10} rows  {:>8}{}",
                        thousands(rows),
                        duration(elapsed),
                        of_files.unwrap_or_default(),
                    ));
                }
            }
            Event::TakenUp { model, rows } => {
                self.bar.advance(1);
                if built.insert(model.clone()) && self.detail == Detail::Models {
                    let model = model.to_string();
                    self.printer.done(format_args!("{model:<34} {:>10} rows  taken up", thousands(rows)));
                }
            }
            Event::Checked { .. } => {
                self.bar.message("checks");
                self.bar.advance(1);
            }
            Event::Publishing(release) => self.bar.message(&format!("publishing release {release}")),
        }
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
