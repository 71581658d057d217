//! The command line: one file a command, thin over the library.
//!
//! This is the only room that reads arguments, environment and working directory.

mod accounts;
mod attempt;
mod backfill;
mod bench;
mod catalog;
mod check;
mod checks;
mod clean;
mod demo;
mod diff;
mod drift;
mod in_shell;
mod init;
mod lineage;
mod listing;
mod plan;
mod planned;
mod project;
mod query;
mod rejects;
mod releases;
mod rollback;
mod run;
mod save;
mod selection;
mod session;
mod settings;
mod shell;
mod simulate;
mod spec;
mod teller;
mod template;
mod test;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::settings::{Global, Settings};
use crate::error::{Error, Kind, Result};
use crate::output::is_broken_pipe;
use crate::shell::interrupted;

/// From raw customer-experience files to KPIs people can trust, in plain SQL.
#[derive(Debug, Parser)]
#[command(name = "cauce", version, arg_required_else_help = true, max_term_width = 100)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Init(init::Arguments),
    Catalog(catalog::Arguments),
    Simulate(simulate::Arguments),
    Plan(plan::Arguments),
    Why(why::Arguments),
    Lineage(lineage::Arguments),
    Run(run::Arguments),
    Backfill(backfill::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Query(query::Arguments),
    Bench(bench::Arguments),
    Rejects(rejects::Arguments),
    Shell(shell::Arguments),
    Releases(releases::Arguments),
    Diff(diff::Arguments),
    Rollback(rollback::Arguments),
    Clean(clean::Arguments),
    Spec(spec::Arguments),
}

/// Runs the command line of this process; returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // clap's own help, version and complaints, on the stream and with the code that belong to each.
        Err(told) => {
            let code = if told.use_stderr() { Kind::Usage.exit_code() } else { 0 };
            return if told.print().is_ok() { ExitCode::from(code) } else { ExitCode::FAILURE };
        }
    };
    let settings = Settings::new(arguments.global);
    let printer = settings.printer.clone();
    let ended = settings.runtime().and_then(|runtime| {
        let ended = runtime.block_on(dispatch(arguments.command, settings));
        // A thread may still sit in a read of stdin; the process does not wait for it.
        runtime.shutdown_background();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_told() {
                printer.report(&error);
            }
            ExitCode::from(error.kind().exit_code())
        }
    }
}

async fn dispatch(command: Command, settings: Settings) -> Result<()> {
    match command {
        Command::Demo(arguments) => demo::demo(arguments, settings).await,
        Command::Init(arguments) => init::init(&arguments, &settings),
        Command::Catalog(arguments) => catalog::catalog(arguments, &settings).await,
        Command::Simulate(arguments) => simulate::simulate(arguments, &settings).await,
        Command::Plan(arguments) => plan::plan(arguments, &settings).await,
        Command::Why(arguments) => why::why(arguments, &settings).await,
        Command::Lineage(arguments) => lineage::show(arguments, &settings).await,
        Command::Run(arguments) => run::run(arguments, &settings).await,
        Command::Backfill(arguments) => backfill::backfill(arguments, &settings).await,
        Command::Check(arguments) => check::check(arguments, &settings).await,
        Command::Test(arguments) => test::test(arguments, &settings).await,
        Command::Query(arguments) => query::query(arguments, &settings).await,
        Command::Bench(arguments) => bench::bench(arguments, &settings).await,
        Command::Rejects(arguments) => rejects::rejects(arguments, &settings).await,
        Command::Shell(arguments) => shell::shell(arguments, &settings).await,
        Command::Releases(arguments) => releases::releases(arguments, &settings).await,
        Command::Diff(arguments) => diff::diff(arguments, &settings).await,
        Command::Rollback(arguments) => rollback::rollback(&arguments, &settings).await,
        Command::Clean(arguments) => clean::clean(arguments, &settings).await,
        Command::Spec(arguments) => spec::spec(&arguments, &settings),
    }
}

/// A name that no other run has.
fn new_run_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Waits for `work` or for Ctrl-C, whichever comes first.
async fn or_interrupted<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        done = work => done,
        () = interrupted() => Err(Error::new(Kind::Interrupted, format!("stopped; {what}"))),
    }
}
