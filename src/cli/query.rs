//! `cauce query`: statements from the command line, files or stdin; rows on stdout.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::project::Project;
use super::session::EngineSession;
use super::settings::Settings;
use crate::engine::Parameters;
use crate::error::{Error, Result, io_reason};
use crate::output::Format;
use crate::release::AsOf;
use crate::shell::{Batch, OnError, seconds};

/// Run SQL and print its rows
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Statements, separated by semicolons; without them and without --file they are read from stdin
    #[arg(value_name = "SQL", conflicts_with_all = ["command", "file"])]
    sql: Option<String>,
    /// Statements, as the first argument; may be repeated
    #[arg(long, short, value_name = "SQL", conflicts_with = "file")]
    command: Vec<String>,
    /// A file of statements; may be repeated, `-` is stdin
    #[arg(long, short, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// A value for `$NAME` in the statements, of the type that its place needs; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    param: Vec<(String, String)>,
    /// What happens after a statement that failed; the exit code tells of the first failure either way
    #[arg(long, value_enum, value_name = "WHAT", default_value = "stop")]
    on_error: WhenFailed,
    /// Stop a statement that takes longer: 30s, 5min
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// Tell rows, time, bytes and memory of each statement as a line of JSON on stderr
    #[arg(long)]
    stats: bool,
    /// How rows are written [default: table on a terminal, csv elsewhere, or as the ending of --output says]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the rows to a file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Show at most this many rows in formats for reading; 0 shows all [default: 1000 on a terminal]
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
    /// Read this release instead of the newest: a number, or the one that stood at a time (`2024-12-31`)
    #[arg(long, value_name = "RELEASE|TIME", default_value = "newest", hide_default_value = true)]
    as_of: AsOf,
}

/// What happens after a statement that failed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum WhenFailed {
    /// Nothing more is run
    Stop,
    /// The failure is told and the next statement runs
    Continue,
}

pub(super) async fn query(arguments: Arguments, settings: &Settings) -> Result<()> {
    let texts = texts(&arguments)?;
    let project = Project::open(settings)?;
    let session = EngineSession::open(project, arguments.as_of, settings).await?;
    let mut batch = Batch::new(Arc::new(session), settings.printer.clone())
        .with_format(arguments.format)
        .into_file(arguments.output)
        .with_parameters(arguments.param.into_iter().collect::<Parameters>())
        .on_error(match arguments.on_error {
            WhenFailed::Stop => OnError::Stop,
            WhenFailed::Continue => OnError::Continue,
        })
        .with_timeout(arguments.timeout)
        .with_stats(arguments.stats);
    if let Some(rows) = arguments.max_rows {
        batch = batch.with_max_rows((rows > 0).then_some(rows));
    }
    batch.run_all(&texts).await
}

/// The texts of statements, each with the name by which messages call it.
fn texts(arguments: &Arguments) -> Result<Vec<(String, String)>> {
    let commands: Vec<&String> = arguments.sql.iter().chain(&arguments.command).collect();
    let text_of = |(number, sql): (usize, &&String)| {
        let name = if commands.len() > 1 { format!("query {}", number + 1) } else { "query".to_owned() };
        (name, (*sql).clone())
    };
    if !commands.is_empty() {
        return Ok(commands.iter().enumerate().map(text_of).collect());
    }
    let stdin = [PathBuf::from("-")];
    let files = if arguments.file.is_empty() { stdin.as_slice() } else { &arguments.file };
    files.iter().map(|file| read(file)).collect()
}

/// A file with the name by which messages call it; `-` is stdin.
pub(super) fn read(file: &Path) -> Result<(String, String)> {
    let (name, bytes) = if file == Path::new("-") {
        let mut bytes = Vec::new();
        ("stdin".to_owned(), std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
    } else {
        (file.display().to_string(), fs::read(file))
    };
    let bytes = bytes.map_err(|failure| {
        Error::store(format!("cannot read {name}: {}", io_reason(&failure))).hint("check the path after --file")
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Error::usage(format!("{name} is not UTF-8")))?;
    Ok((name, text))
}

/// Reads `mes=2024-05`.
fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, for example mes=2024-05")?;
    let name = name.trim_start_matches('$');
    if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(format!("`{name}` is no name: use letters, digits and _"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Reads `30s`.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    seconds(text).ok_or_else(|| "write a time such as 30s or 5min".to_owned())
}
