//! `cauce releases`: the releases of a lake, and what one of them holds.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, Subcommand};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::listing::{Listing, write_json};
use super::project::Project;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::name::{TableName, did_you_mean};
use crate::output::{Format, Printer, duration};
use crate::release::{AsOf, Comparison, Definition, Kept, Manifest, ReleasedCheck};
use crate::store::ReleaseLog;

/// Manifests read at once.
const READ_AT_ONCE: usize = 8;

/// List the releases, or show what one holds
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// List at most this many releases, the newest first; 0 lists all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// How the list is written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show what a release holds: its models, their rows and checks
    Show {
        /// Its number, or the time at which it stood; the newest without one
        #[arg(value_name = "RELEASE|TIME", default_value = "newest", hide_default_value = true)]
        release: AsOf,
        /// Print the text of a model as it was released
        #[arg(long, value_name = "MODEL", conflicts_with = "json")]
        sql: Option<String>,
        /// Print the whole manifest
        #[arg(long)]
        json: bool,
        /// How the models are written
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<Format>,
    },
    /// List the definitions that models ever had, also in releases that are gone
    Definitions {
        /// The model; all without one
        #[arg(value_name = "MODEL")]
        model: Option<String>,
        /// Print the text of the definition of this number
        #[arg(long, value_name = "N", requires = "model", conflicts_with = "format")]
        sql: Option<u64>,
        /// How the list is written
        #[arg(long, value_enum, value_name = "FORMAT")]
        format: Option<Format>,
    },
}

pub(super) async fn releases(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let log = project.lake.releases()?;
    let printer = &settings.printer;
    match arguments.what {
        None => list(&log, arguments.limit, arguments.format, printer).await,
        Some(What::Show { release, sql, json, format }) => {
            let manifest = log.wanted(&release).await?;
            match sql {
                Some(model) => show_sql(&manifest, &model, printer),
                None if json => write_json(printer, &manifest),
                None => show(&manifest, format, printer),
            }
        }
        Some(What::Definitions { model, sql, format }) => {
            let mut definitions = project.lake.definitions()?.all().await?;
            if let Some(model) = &model {
                let names = |of: &Definition| [of.model.to_string(), of.model.name.clone()];
                let known: BTreeSet<String> = definitions.iter().flat_map(names).collect();
                definitions.retain(|definition| definition.model.is_called(model));
                if definitions.is_empty() {
                    let known = known.iter().map(String::as_str);
                    let error = Error::query(format!("no release ever had a model `{model}`"));
                    return Err(error.hint(did_you_mean(model, known, "`cauce releases definitions` lists them")));
                }
            }
            match sql {
                Some(number) => show_definition(&definitions, number, printer),
                None => list_definitions(&definitions, format, printer),
            }
        }
    }
}

/// Lists the newest `limit` releases; 0 lists all.
async fn list(log: &ReleaseLog, limit: usize, format: Option<Format>, printer: &Printer) -> Result<()> {
    let mut numbers = log.numbers().await?;
    if numbers.is_empty() {
        printer.say("no release yet; `cauce run` publishes the first");
    }
    numbers.reverse();
    let shown = if limit == 0 { numbers.len() } else { limit.min(numbers.len()) };
    // One more than is shown, to tell what the last one changed.
    let wanted = stream::iter(numbers.iter().take(shown + 1).copied()).map(|number| log.read(number));
    let manifests: Vec<Manifest> = wanted.buffered(READ_AT_ONCE).try_collect().await?;
    let by_number: BTreeMap<u64, &Manifest> = manifests.iter().map(|manifest| (manifest.release, manifest)).collect();
    let changes = |manifest: &Manifest| {
        let Some(parent) = manifest.parent else { return "the first".to_owned() };
        let before = by_number.get(&parent).map(|parent| Comparison::between(parent, manifest));
        let summary = before.map_or_else(String::new, |comparison| comparison.summary());
        match manifest.restores {
            Some(restored) => format!("restores {restored}: {summary}"),
            None if summary.is_empty() => "nothing".to_owned(),
            None => summary,
        }
    };
    let listed = || manifests.iter().take(shown);
    let extents = || listed().map(|manifest| manifest.extent(|_| true));
    Listing::default()
        .counts("release", listed().map(|manifest| Some(manifest.release)))
        .texts("published_at", listed().map(|manifest| Some(manifest.published_at.as_str())))
        .texts("took", listed().map(|manifest| manifest.duration().map(duration)))
        .counts("tables", extents().map(|(tables, ..)| Some(tables as u64)))
        .counts("rows", extents().map(|(_, rows, _)| Some(rows)))
        .counts("views", extents().map(|(.., views)| Some(views as u64)))
        .texts("checks", listed().map(|manifest| Some(checks(manifest.models.values().flat_map(|m| &m.checks)))))
        .texts("changes", listed().map(|manifest| Some(changes(manifest))))
        .write(printer, format)?;
    if shown < numbers.len() {
        printer.say(format_args!("{shown} of {} releases; --limit 0 lists all", numbers.len()));
    }
    Ok(())
}

fn show(manifest: &Manifest, format: Option<Format>, printer: &Printer) -> Result<()> {
    let after = manifest.parent.map_or_else(String::new, |parent| format!(", after release {parent}"));
    let restores = manifest.restores.map_or_else(String::new, |restored| format!(", restores release {restored}"));
    printer.title(format_args!(
        "release {} of {}, published {}{after}{restores}, by run {}",
        manifest.release, manifest.project, manifest.published_at, manifest.run
    ));
    let models = || manifest.models.iter();
    let table = |kept: &Kept| match kept {
        Kept::Table { at, rows, bytes } => Some((at.version, *rows, *bytes)),
        Kept::View => None,
    };
    Listing::default()
        .texts("model", models().map(|(name, _)| Some(name.to_string())))
        .texts("as", models().map(|(_, model)| Some(if table(&model.kept).is_some() { "table" } else { "view" })))
        .texts("definition", models().map(|(_, model)| Some(format!("v{}", model.definition))))
        .counts("rows", models().map(|(_, model)| table(&model.kept).map(|(_, rows, _)| rows)))
        .counts("bytes", models().map(|(_, model)| table(&model.kept).map(|(_, _, bytes)| bytes)))
        .counts("version", models().map(|(_, model)| table(&model.kept).map(|(version, ..)| version)))
        .texts("checks", models().map(|(_, model)| Some(checks(&model.checks)).filter(|told| !told.is_empty())))
        .write(printer, format)
}

fn list_definitions(definitions: &[Definition], format: Option<Format>, printer: &Printer) -> Result<()> {
    let listed = || definitions.iter();
    Listing::default()
        .texts("model", listed().map(|of| Some(of.model.to_string())))
        .texts("definition", listed().map(|of| Some(format!("v{}", of.number))))
        .counts("first_release", listed().map(|of| Some(of.first_release)))
        .counts("last_release", listed().map(|of| Some(of.last_release)))
        .texts("published_at", listed().map(|of| Some(of.published_at.as_str())))
        .texts("file", listed().map(|of| Some(of.file.as_str())))
        .write(printer, format)
}

fn show_definition(definitions: &[Definition], number: u64, printer: &Printer) -> Result<()> {
    let Some(found) = definitions.iter().find(|definition| definition.number == number) else {
        let numbers: Vec<String> = definitions.iter().map(|definition| format!("v{}", definition.number)).collect();
        let name = definitions.first().map(|definition| definition.model.to_string()).unwrap_or_default();
        return Err(Error::query(format!("{name} has no definition {number}"))
            .hint(format!("there are {}", numbers.join(", "))));
    };
    let Definition { model, first_release, last_release, file, sql, .. } = found;
    let releases = match (first_release, last_release) {
        (first, last) if first == last => format!("release {first}"),
        (first, last) => format!("releases {first} to {last}"),
    };
    printer.title(format_args!("{model} v{number} in {releases}, from {file}"));
    print_sql(sql, printer)
}

fn print_sql(sql: &str, printer: &Printer) -> Result<()> {
    let mut stdout = printer.stdout();
    stdout.text(&format!("{}\n", sql.trim_end()))?;
    stdout.finish()
}

fn show_sql(manifest: &Manifest, wanted: &str, printer: &Printer) -> Result<()> {
    let name: Option<TableName> = wanted.parse().ok();
    let by_own_name = || manifest.models.iter().find(|(name, _)| name.name == wanted);
    let found = name.as_ref().and_then(|name| manifest.models.get_key_value(name)).or_else(by_own_name);
    let Some((name, model)) = found else {
        let error = Error::query(format!("release {} has no model `{wanted}`", manifest.release));
        let known: Vec<String> = manifest.models.keys().map(ToString::to_string).collect();
        return Err(error.hint(did_you_mean(
            wanted,
            known.iter().map(String::as_str),
            format!("`cauce releases show {}` lists its models", manifest.release),
        )));
    };
    printer.title(format_args!("{name} v{} in release {}, from {}", model.definition, manifest.release, model.file));
    print_sql(&model.sql, printer)
}

/// How checks ended, in words: `211 hold, 1 warns`.
fn checks<'a>(checks: impl IntoIterator<Item = &'a ReleasedCheck>) -> String {
    let (held, warned): (Vec<_>, Vec<_>) = checks.into_iter().partition(|check| check.passed);
    match (held.len(), warned.len()) {
        (0, 0) => String::new(),
        (held, 0) => format!("{held} hold"),
        (held, 1) => format!("{held} hold, 1 warns"),
        (held, warned) => format!("{held} hold, {warned} warn"),
    }
}
