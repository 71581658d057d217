//! `cauce bench`: how long statements take, again and again.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use futures::TryStreamExt;

use super::listing::Listing;
use super::project::Project;
use super::query::read;
use super::session::EngineSession;
use super::settings::Settings;
use crate::engine::Parameters;
use crate::error::Result;
use crate::output::Format;
use crate::release::AsOf;
use crate::shell::{Session, completed};
use crate::sql::{Source, Statement};

/// Run SQL again and again, and tell the shortest, median and longest time
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Statements, separated by semicolons; each is measured on its own
    #[arg(value_name = "SQL", required_unless_present = "file", conflicts_with = "file")]
    sql: Option<String>,
    /// A file of statements
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How often each is measured
    #[arg(short, long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// How often each is run before that, so that files are in the machine's memory
    #[arg(long, value_name = "N", default_value_t = 1)]
    warm_up: u32,
    /// How the figures are written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
}

/// What was measured of a statement.
struct Measured {
    statement: String,
    times: Vec<Duration>,
    rows: u64,
    bytes: u64,
    memory: u64,
}

pub(super) async fn bench(arguments: Arguments, settings: &Settings) -> Result<()> {
    let (name, sql) = match (&arguments.sql, &arguments.file) {
        (Some(sql), _) => ("query".to_owned(), sql.clone()),
        (None, Some(file)) => read(file)?,
        (None, None) => ("query".to_owned(), String::new()),
    };
    let project = Project::open(settings)?;
    let session = EngineSession::open(project, AsOf::Newest, settings).await?;
    let spinner = settings.printer.spinner("measuring");
    let mut measured = Vec::new();
    for statement in Source::new(&name, &sql).statements().into_iter().map(completed) {
        for _ in 0..arguments.warm_up {
            once(&session, &statement).await?;
        }
        let mut all = Measured {
            statement: statement.text().split_whitespace().collect::<Vec<_>>().join(" "),
            times: Vec::new(),
            rows: 0,
            bytes: 0,
            memory: 0,
        };
        for _ in 0..arguments.n {
            let started = Instant::now();
            (all.rows, all.bytes, all.memory) = once(&session, &statement).await?;
            all.times.push(started.elapsed());
        }
        all.times.sort();
        measured.push(all);
    }
    drop(spinner);
    let time = |of: fn(&[Duration]) -> Option<&Duration>| {
        measured.iter().map(move |all| of(&all.times).map(|time| milliseconds(*time)))
    };
    Listing::default()
        .texts("statement", measured.iter().map(|all| Some(all.statement.as_str())))
        .counts("runs", measured.iter().map(|all| Some(all.times.len() as u64)))
        .texts("min_ms", time(<[Duration]>::first))
        .texts("median_ms", time(|times| times.get(times.len() / 2)))
        .texts("max_ms", time(<[Duration]>::last))
        .counts("rows", measured.iter().map(|all| Some(all.rows)))
        .counts("bytes_read", measured.iter().map(|all| Some(all.bytes)))
        .counts("memory_bytes", measured.iter().map(|all| Some(all.memory)))
        .write(&settings.printer, arguments.format)
}

/// Runs a statement to its end; its rows, the bytes it read and the memory it held.
async fn once(session: &EngineSession, statement: &Statement) -> Result<(u64, u64, u64)> {
    let answer = session.answer(statement, &Parameters::new()).await?;
    let rows = answer.rows.try_fold(0, |rows, batch| async move { Ok(rows + batch.num_rows() as u64) }).await?;
    let reading = answer.meter.map(|meter| meter.read()).unwrap_or_default();
    Ok((rows, reading.bytes, reading.memory))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1_000.0)
}
