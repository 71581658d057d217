//! `cauce query`: statements from the command line, files or stdin; rows on stdout.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::project::Project;
use super::session::EngineSession;
use super::settings::Settings;
use crate::error::{Error, Result, io_reason};
use crate::output::Format;
use crate::release::AsOf;
use crate::shell::Batch;

/// Run SQL and print its rows
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Statements, separated by semicolons; without them and without --file they are read from stdin
    #[arg(value_name = "SQL", conflicts_with_all = ["command", "file"])]
    sql: Option<String>,
    /// Statements, as the first argument
    #[arg(long, short, value_name = "SQL", conflicts_with = "file")]
    command: Option<String>,
    /// A file of statements; the first that fails ends the run
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
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

pub(super) async fn query(arguments: Arguments, settings: &Settings) -> Result<()> {
    let (name, sql) = text(&arguments)?;
    let project = Project::open(settings)?;
    let session = EngineSession::open(project, arguments.as_of, settings).await?;
    let mut batch = Batch::new(Arc::new(session), settings.printer.clone())
        .with_format(arguments.format)
        .into_file(arguments.output);
    if let Some(rows) = arguments.max_rows {
        batch = batch.with_max_rows((rows > 0).then_some(rows));
    }
    batch.run(&name, &sql).await
}

/// The statements and the name by which messages call them.
fn text(arguments: &Arguments) -> Result<(String, String)> {
    if let Some(sql) = arguments.sql.as_ref().or(arguments.command.as_ref()) {
        return Ok(("query".to_owned(), sql.clone()));
    }
    let (name, bytes) = match &arguments.file {
        Some(file) => (file.display().to_string(), fs::read(file)),
        None => {
            let mut bytes = Vec::new();
            ("stdin".to_owned(), std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
        }
    };
    let bytes = bytes.map_err(|failure| {
        Error::store(format!("cannot read {name}: {}", io_reason(&failure))).hint("check the path after --file")
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Error::usage(format!("{name} is not UTF-8")))?;
    Ok((name, text))
}
