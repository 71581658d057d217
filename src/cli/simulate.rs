//! `cauce simulate`: the bank's seven datasets, from a seed.

use std::cell::Cell;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::project;
use super::settings::{Settings, working_folder};
use crate::error::{Error, Kind, Result};
use crate::output::{Printer, counted, thousands};
use crate::simulate::{self, FileFormat, Options, SUMMARY_FILE, Summary};

/// Make the bank's seven datasets from a seed: 171,031 rows of two years
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The same seed gives the same bytes
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// The size: 0.01 gives a hundredth of the rows, 1000 a thousand times as many
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, allow_negative_numbers = true, value_parser = number)]
    scale: f64,
    /// The folder for the files; a relative one starts at the project's folder, or at the working directory where there
    /// is no project
    #[arg(long, value_name = "DIR", default_value = "data/raw")]
    out: PathBuf,
    /// The formats, each with a file for each dataset
    #[arg(long, value_enum, value_name = "FORMAT", value_delimiter = ',', default_value = "csv")]
    format: Vec<Format>,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
}

/// A format of simulated files.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Parquet,
}

pub(super) async fn simulate(arguments: Arguments, settings: &Settings) -> Result<()> {
    let here = working_folder()?;
    let start = project::root(settings, &here)?.unwrap_or_else(|| here.clone());
    let formats = arguments.format.into_iter().map(|format| match format {
        Format::Csv => FileFormat::Csv,
        Format::Parquet => FileFormat::Parquet,
    });
    let options = Options {
        seed: arguments.seed,
        scale: arguments.scale,
        out: project::shown(&start.join(arguments.out), &here).into(),
        formats: formats.collect(),
        force: arguments.force,
        threads: threads(settings),
    };
    let out = options.out.clone();
    let printer = &settings.printer;
    let summary = work(options, printer).await?;
    for dataset in &summary.datasets {
        let bytes = dataset.files.iter().map(|file| file.bytes).sum();
        printer.done(format_args!(
            "{:<24} {:>12} rows  {:>14} bytes",
            dataset.name,
            thousands(dataset.rows()),
            thousands(bytes)
        ));
    }
    printer.done(format_args!(
        "{} simulated: {} rows, {} bytes in {}",
        counted(summary.datasets.len(), "dataset"),
        thousands(summary.rows()),
        thousands(summary.bytes()),
        out.display()
    ));
    printer.say(format_args!("  measured: {}", figures(&summary)));
    printer.say(format_args!("  more in {}", out.join(SUMMARY_FILE).display()));
    Ok(())
}

/// A number as a person writes it on the command line.
pub(super) fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "it is no number; write for example 0.01 or 10".to_owned())
}

/// The threads that make rows.
pub(super) fn threads(settings: &Settings) -> NonZeroUsize {
    NonZeroUsize::new(settings.threads).unwrap_or(NonZeroUsize::MIN)
}

/// Simulates on a thread that may block, with a bar. Ctrl-C, or dropping the future, ends it and leaves everything as it
/// was.
pub(super) async fn work(options: Options, printer: &Printer) -> Result<Summary> {
    let stop = CancellationToken::new();
    let _stop_when_dropped = stop.clone().drop_guard();
    let bar = printer.bar("simulating", simulate::rows(options.scale)?);
    let stopped = stop.clone();
    let mut working = tokio::task::spawn_blocking(move || {
        let told = Cell::new(0);
        simulate::simulate(&options, &|progress| {
            bar.message(progress.dataset);
            bar.advance(progress.rows - told.replace(progress.rows));
            if stopped.is_cancelled() {
                return Err(Error::new(Kind::Interrupted, "stopped; no file was written"));
            }
            Ok(())
        })
    });
    let ended = tokio::select! {
        ended = &mut working => ended,
        _ = tokio::signal::ctrl_c() => {
            stop.cancel();
            working.await
        }
    };
    ended.map_err(|panic| Error::bug(format!("the simulation died: {panic}")))?
}

/// What was measured of the whole, in a line.
fn figures(summary: &Summary) -> String {
    let figures = [
        ("satisfaccion_promedio", summary.satisfaccion_promedio(), 2),
        ("nps", summary.nps(), 1),
        ("tasa_resolucion", summary.tasa_resolucion(), 1),
        ("tiempo_respuesta_min", summary.tiempo_respuesta_min(), 1),
    ];
    let told = figures.iter().filter_map(|(name, value, digits)| Some(format!("{name} {:.digits$}", (*value)?)));
    told.collect::<Vec<_>>().join(", ")
}
