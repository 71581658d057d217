//! `cauce rejects`: rows that were not accepted, counted and listed; and corrected.

mod columns;
mod replay;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use futures::TryStreamExt;

use crate::cli::accounts::tell_kinds;
use crate::cli::project::Project;
use crate::cli::session::EngineSession;
use crate::cli::settings::Settings;
use crate::engine::{Parameters, sql_name};
use crate::error::{Error, Result};
use crate::ledger::LeftOut;
use crate::name::{Layer, TableName, did_you_mean};
use crate::output::{Format, ResultFile, Target, thousands};
use crate::release::AsOf;
use crate::shell::{Batch, OF_LAST_RUN, Session};
use crate::sql::Source;

/// Show the rows that were not accepted: how many of each kind, or of one dataset or model each row
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    act: Option<Act>,
    /// The dataset or model whose rows are listed; without it they are counted
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Only rows that break this rule
    #[arg(long, value_name = "RULE")]
    reason: Option<String>,
    /// Of this run, or of the `last` one, also if it published nothing [default: the one that made the release]
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    run: Option<String>,
    /// Of all runs
    #[arg(long)]
    all: bool,
    /// Read the dataset as its files are now, without a run
    #[arg(long, requires = "name", conflicts_with_all = ["run", "all"])]
    scan: bool,
    /// Each value of the rows of a dataset in a column of its own, to be corrected and replayed
    #[arg(long, requires = "name", conflicts_with = "scan")]
    columns: bool,
    /// List at most this many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How rows are written [default: table on a terminal, csv elsewhere, or as the ending of --output says]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the rows to a file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Act {
    Replay(replay::Arguments),
}

pub(super) async fn rejects(arguments: Arguments, settings: &Settings) -> Result<()> {
    if let Some(Act::Replay(arguments)) = &arguments.act {
        return replay::replay(arguments, settings).await;
    }
    let project = Project::open(settings)?;
    let session = EngineSession::open(project, AsOf::Newest, settings).await?;
    let name = match &arguments.name {
        Some(name) => Some(resolve(&session, name).await?),
        None => None,
    };
    if let (true, Some(name)) = (arguments.scan, &name) {
        return scan(&session, name, &arguments, settings).await;
    }
    let wanted = wanted(&arguments, name.as_ref(), session.released_rejects());
    if let (true, Some(name)) = (arguments.columns, &name) {
        return columns::show(&session, name, &wanted, &arguments, settings).await;
    }
    let sql = statement(&arguments, name.as_ref(), &wanted);
    let batch = Batch::new(Arc::new(session), settings.printer.clone())
        .with_format(arguments.format)
        .into_file(arguments.output)
        .with_max_rows(None);
    batch.run("rejects", &sql).await
}

/// The dataset or model of that name; an unqualified one is a dataset first, because there rejects begin.
async fn resolve(session: &EngineSession, name: &str) -> Result<TableName> {
    let tables = session.tables().await?;
    let names: Vec<TableName> = tables.into_iter().map(|table| table.name).collect();
    let layers = [Layer::Raw, Layer::Processed, Layer::Curated];
    let meant = |layer: Layer| names.iter().find(|known| known.layer == layer && known.name == name);
    if let Some(known) =
        names.iter().find(|known| known.to_string() == name).or_else(|| layers.into_iter().find_map(meant))
    {
        return Ok(known.clone());
    }
    let error = Error::usage(format!("there is no dataset or model `{name}`"));
    Err(error.hint(did_you_mean(
        name,
        names.iter().map(|known| known.name.as_str()),
        "`cauce query \"SHOW TABLES\"` lists them",
    )))
}

/// The condition that the rejects asked for fulfil.
fn wanted(arguments: &Arguments, name: Option<&TableName>, released: Option<String>) -> String {
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut wanted: Vec<String> = Vec::new();
    if !arguments.all {
        wanted.push(match (arguments.run.as_deref(), released) {
            (Some("last"), _) | (None, None) => OF_LAST_RUN.to_owned(),
            (Some(run), _) => format!("run = {}", text(run)),
            (None, Some(released)) => released,
        });
    }
    wanted.extend(arguments.reason.as_ref().map(|rule| format!("rule = {}", text(rule))));
    wanted.extend(name.map(|name| format!("origin = {}", text(&name.to_string()))));
    if wanted.is_empty() { "true".to_owned() } else { wanted.join(" AND ") }
}

/// The query that counts or lists.
fn statement(arguments: &Arguments, name: Option<&TableName>, wanted: &str) -> String {
    let limit = arguments.limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
    if name.is_none() {
        return format!(
            "SELECT origin, rule, \"column\", count(*) AS rows, \
             first_value(file || ':' || CAST(line AS VARCHAR) ORDER BY file, line, raw) AS example, \
             first_value(coalesce(value, substr(raw, 1, 60)) ORDER BY file, line, raw) AS value \
             FROM system.rejects WHERE {wanted} GROUP BY origin, rule, \"column\" \
             ORDER BY rows DESC, origin, rule, \"column\"{limit}"
        );
    }
    let run = if arguments.all { "run, release, " } else { "" };
    format!(
        "SELECT {run}file, line, rule, \"column\", value, message, raw FROM system.rejects WHERE {wanted} \
         ORDER BY file, line, rule, raw{limit}"
    )
}

/// Reads the files of a dataset and shows what is rejected now.
async fn scan(session: &EngineSession, name: &TableName, arguments: &Arguments, settings: &Settings) -> Result<()> {
    if name.layer != Layer::Raw {
        return Err(Error::usage(format!("{name} is no dataset")).hint("--scan reads the files of a dataset"));
    }
    let count = format!("SELECT count(*) FROM {}", sql_name(name));
    let answer = session.answer(&Source::new("scan", &count).only_statement()?, &Parameters::new()).await?;
    answer.rows.try_for_each(|_| async { Ok(()) }).await?;
    let Some(ledger) = answer.rejects else { return Ok(()) };
    for LeftOut { file, reason, .. } in ledger.left_out() {
        settings.printer.warn(format_args!("{name}: {file} does not fit and is left out: {reason}"));
    }
    let rejects = ledger.summary();
    if rejects.count() == 0 {
        settings.printer.done(format_args!("{name}: no rejects"));
        return Ok(());
    }
    tell_kinds(&settings.printer, &format!("{name}: {}; ", counted_rows(rejects.count())), &rejects)?;
    let (format, target) = destination(arguments, settings)?;
    let layout = settings.printer.layout(arguments.limit);
    let mut rows = ledger.rows()?;
    let mut file: Option<(ResultFile, usize)> = None;
    let mut target = Some(target);
    while let Some(batch) = rows.try_next().await? {
        if let Some(target) = target.take() {
            let begun = ResultFile::begin(format, &batch.schema(), target, &layout)?;
            file = Some((begun, arguments.limit.unwrap_or(usize::MAX)));
        }
        if let Some((file, left)) = &mut file {
            let shown = batch.slice(0, batch.num_rows().min(*left));
            *left -= shown.num_rows();
            file.batch(&shown)?;
        }
    }
    if let Some((file, _)) = file {
        file.finish()?;
    }
    Ok(())
}

/// How the rows are written, and where to.
fn destination(arguments: &Arguments, settings: &Settings) -> Result<(Format, Target)> {
    let format = match (arguments.format, &arguments.output) {
        (Some(format), _) => format,
        (None, Some(file)) => Format::of_file(file)?,
        (None, None) => settings.printer.default_format(),
    };
    let target = match &arguments.output {
        Some(file) => Target::file(file)?,
        None => settings.printer.stdout(),
    };
    Ok((format, target))
}

fn counted_rows(count: u64) -> String {
    format!("{} {}", thousands(count), if count == 1 { "reject" } else { "rejects" })
}
