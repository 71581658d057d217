//! `cauce demo`: a bank's project with simulated data, run, and its KPIs shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::project::{CATALOG_FILE, Project};
use super::run::{Telling, publish};
use super::selection::Selection;
use super::session::EngineSession;
use super::settings::{Settings, program};
use super::teller::Detail;
use super::template::{State, Template, exists, refuse_project, tell_next};
use super::{or_interrupted, simulate};
use crate::catalog::Catalog;
use crate::clock::SystemClock;
use crate::error::{Error, Kind, Result};
use crate::output::{Format, Printer, counted, thousands};
use crate::release::AsOf;
use crate::shell::Batch;
use crate::simulate::{FileFormat, Found, Options, find, rows};

/// Where the bank's catalog looks for its data.
const RAW: &str = "data/raw";

/// What is shown of the KPIs: what fits a terminal, to two digits.
const KPIS: &str = "\
SELECT kpi, CAST(valor AS DECIMAL(12, 2)) AS valor, unidad, CAST(objetivo AS DECIMAL(12, 2)) AS objetivo, estado
FROM kpi_resumen";

/// Show it all: a bank's data simulated, built, checked, published, and its KPIs
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder of the project; what is there already stays as it is
    #[arg(long, value_name = "DIR", default_value = "cauce-demo")]
    dir: PathBuf,
    /// The seed of the simulated data [default: 42]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The size of the simulated data; 1 is 171,031 rows [default: 1]
    #[arg(long, value_name = "FACTOR", allow_negative_numbers = true, value_parser = simulate::number)]
    scale: Option<f64>,
}

pub(super) async fn demo(arguments: Arguments, mut settings: Settings) -> Result<()> {
    refuse_project(settings.project.as_ref(), "name the folder of the demo with --dir")?;
    settings.project = Some(arguments.dir.clone());
    let printer = &settings.printer;

    // Whatever speaks against it is found before the first file is written.
    rows(arguments.scale.unwrap_or(1.0))?;
    if arguments.dir.join(CATALOG_FILE).exists() {
        refuse_other_project(&Project::open(&settings)?.catalog, &arguments.dir)?;
    }
    let found = find(&arguments.dir.join(RAW))?;
    refuse_other_data(&arguments, &found)?;

    make_project(&arguments.dir, printer)?;
    let project = Project::open(&settings)?;
    simulate_unless(found, &arguments, &settings).await?;
    let columns = project.catalog.datasets.values().map(|dataset| dataset.columns.len()).sum();
    printer.done(format_args!(
        "registered in {CATALOG_FILE}: {} with {}",
        counted(project.catalog.datasets.len(), "dataset"),
        counted(columns, "column")
    ));
    let all = Selection::default();
    let telling = Telling { detail: Detail::Layers, junit: None };
    let publishing = publish(&project, &settings, &SystemClock, &all, telling);
    let (_, not_whole) = or_interrupted("nothing was published", publishing).await?;
    not_whole.map_or(Ok(()), Err)?;

    printer.say("");
    printer.title("the bank's KPIs");
    let session = EngineSession::open(project, AsOf::Newest, &settings).await?;
    Batch::new(Arc::new(session), printer.clone()).with_format(Some(Format::Table)).run("demo", KPIS).await?;
    printer.say("");
    let commands = [
        ("query \"SELECT canal, nps FROM kpi_canal\"", "NPS by channel"),
        ("plan", "what a run does"),
        ("shell", "ask in SQL"),
    ];
    tell_next(printer, &arguments.dir, commands);
    Ok(())
}

/// Makes the bank's project in `folder`, or tells how the one that is there differs from it.
fn make_project(folder: &Path, printer: &Printer) -> Result<()> {
    let bank = Template::bank();
    let states = bank.states(folder)?;
    let name = folder.display();
    if !folder.join(CATALOG_FILE).exists() {
        // The same file may be there: somebody ended an earlier demo just then.
        if let Some((file, _)) = states.into_iter().find(|(_, state)| *state == State::Different) {
            return Err(exists(&folder.join(file)));
        }
        bank.write(folder)?;
        printer.done(format_args!("made the project of a bank in {name}: {}", bank.summary()));
        return Ok(());
    }
    printer.done(format_args!("{name} is there already and stays as it is"));
    for (state, told) in [(State::Different, "not as in this version"), (State::Missing, "missing")] {
        let files: Vec<&str> = states.iter().filter(|(_, is)| *is == state).map(|(file, _)| *file).collect();
        if !files.is_empty() {
            printer.say(format_args!("  {told}: {}", files.join(", ")));
        }
    }
    Ok(())
}

fn refuse_other_project(catalog: &Catalog, folder: &Path) -> Result<()> {
    let bank = Catalog::parse(Template::bank().text(CATALOG_FILE), CATALOG_FILE)?;
    if catalog.project == bank.project {
        return Ok(());
    }
    Err(Error::new(Kind::Refused, format!("{} is another project: {}", folder.display(), catalog.project)).hint(
        format!("`{} -C {} run` runs it; name another folder for the demo with --dir", program(), folder.display()),
    ))
}

/// Refuses where the data in the folder is not what was asked for: it is not overwritten.
fn refuse_other_data(arguments: &Arguments, found: &Found) -> Result<()> {
    let raw = arguments.dir.join(RAW);
    match found {
        Found::Nothing => Ok(()),
        Found::Simulated { seed, scale, .. } => {
            let other_seed = arguments.seed.is_some_and(|wanted| wanted != *seed);
            let other_scale = arguments.scale.is_some_and(|wanted| wanted.to_bits() != scale.to_bits());
            if !other_seed && !other_scale {
                return Ok(());
            }
            let message = format!("{} was simulated with seed {seed} and scale {scale}", raw.display());
            Err(Error::new(Kind::Refused, message)
                .hint("leave --seed and --scale out to use it, or name another --dir"))
        }
        Found::Other(names) => {
            let (first, more) = (names.first().map_or("", String::as_str), names.len().saturating_sub(1));
            let more = if more == 0 { String::new() } else { format!(" and {}", counted(more, "more file")) };
            let message = format!("{} holds data that is not the demo's: {first}{more}", raw.display());
            Err(Error::new(Kind::Refused, message).hint("name another folder for the demo with --dir"))
        }
    }
}

/// Simulates the data, unless it is there.
async fn simulate_unless(found: Found, arguments: &Arguments, settings: &Settings) -> Result<()> {
    let raw = arguments.dir.join(RAW);
    let printer = &settings.printer;
    if let Found::Simulated { seed, scale, rows, changed } = found {
        printer.done(format_args!(
            "simulated earlier: {} rows in {} (seed {seed}, scale {scale})",
            thousands(rows),
            raw.display()
        ));
        for file in changed {
            printer.say(format_args!("  {file} has been changed since, and stays as it is"));
        }
        return Ok(());
    }
    let options = Options {
        seed: arguments.seed.unwrap_or(42),
        scale: arguments.scale.unwrap_or(1.0),
        out: raw.clone(),
        formats: vec![FileFormat::Csv],
        force: false,
        threads: simulate::threads(settings),
    };
    let (seed, scale) = (options.seed, options.scale);
    let summary = simulate::work(options, printer).await?;
    printer.done(format_args!(
        "simulated {} with {} rows in {} (seed {seed}, scale {scale})",
        counted(summary.datasets.len(), "dataset"),
        thousands(summary.rows()),
        raw.display(),
    ));
    Ok(())
}
