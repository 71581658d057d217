//! `cauce rejects replay`: corrected texts in the place of rejected records.

use std::path::PathBuf;

use clap::Args;

use crate::cli::listing::Listing;
use crate::cli::new_run_id;
use crate::cli::project::{Project, shown};
use crate::cli::settings::{Settings, program, working_folder};
use crate::clock::SystemClock;
use crate::error::{Error, Kind, Result};
use crate::name::TableName;
use crate::output::{counted, thousands};
use crate::run::{self, Replay, Replayed};
use crate::store::Location;

/// Read corrected texts in the place of rejected records, from the next run on
///
/// FILE is what `cauce rejects NAME --format csv -o FILE` wrote, with the texts in its column `raw` corrected, or what it
/// wrote with --columns, with values corrected. The files of the dataset stay as they are. A rejected record whose rule was wrong needs no replay: correct catalog.yaml, and the
/// next run takes it.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The dataset
    #[arg(value_name = "NAME")]
    name: String,
    /// The rejects with their texts corrected
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Why what a model rejects is not replayed, if `name` is a model's: its rows are good records, and which row of its input one
/// is made of only its file knows.
fn of_model(project: &Project, name: &str) -> Result<Option<Error>> {
    let Ok(name) = name.parse::<TableName>() else { return Ok(None) };
    let models = project.models()?;
    Ok(models.get(&name).map(|model| {
        let error =
            Error::usage(format!("{name} is a model: what it rejects are good records that its `accept` refuses"));
        match &model.header.accept {
            None => error.hint("it rejects nothing: its header has no `accept`"),
            Some(accept) => error.hint(format!(
                "where the rule is wrong, correct it in {} and run; where a record is, write it anew in its file of {} \
                 (columns `file` and `line` of `{} rejects {name}`) and run",
                model.file,
                accept.from,
                program()
            )),
        }
    }))
}

pub(super) async fn replay(arguments: &Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let printer = &settings.printer;
    if let Some(error) = of_model(&project, &arguments.name)? {
        return Err(error);
    }
    let chosen = project.chosen(std::slice::from_ref(&arguments.name))?;
    let name = chosen.into_iter().next().unwrap_or_default();
    let here = working_folder()?;
    let location = Location::parse(&shown(&here.join(&arguments.file), &here), &here)?;
    let file = project.lake.stores().list(&location, "csv").await.map_err(|error| {
        error.hint(format!("`{} rejects {name} --format csv -o FILE` writes one to correct", program()))
    })?;
    let Ok([file]) = <[_; 1]>::try_from(file) else {
        return Err(Error::usage(format!("{location} is not one file")));
    };
    let id = new_run_id();
    let engine_settings = settings.engine(&project.catalog.project);
    let replay = Replay {
        id: &id,
        catalog: &project.catalog,
        lake: &project.lake,
        settings: &engine_settings,
        clock: &SystemClock,
    };
    let reading = printer.spinner(format_args!("reading raw.{name} with the corrections"));
    let replayed = run::replay(replay, &name, file).await?;
    drop(reading);
    tell(&replayed, &name, settings)
}

/// Tells what became of the corrections; an error if some were not kept.
fn tell(replayed: &Replayed, name: &str, settings: &Settings) -> Result<()> {
    let printer = &settings.printer;
    let Replayed { kept, known, taken_back, unchanged, wrong, gone } = replayed;
    let corrections = |count: usize| counted(count, "correction");
    if *kept > 0 {
        printer.done(format_args!("raw.{name}: {} kept", corrections(*kept)));
    }
    if *taken_back > 0 {
        printer.done(format_args!("raw.{name}: {} taken back", corrections(*taken_back)));
    }
    if *known > 0 {
        printer.done(format_args!("raw.{name}: {} kept before", corrections(*known)));
    }
    if *unchanged > 0 {
        let told = if *unchanged == 1 { "record is as it was" } else { "records are as they were" };
        printer.hint(format_args!("{} {told} rejected", thousands(u64::try_from(*unchanged).unwrap_or(u64::MAX))));
    }
    if !gone.is_empty() {
        let verb = if gone.len() == 1 { "is" } else { "are" };
        let records = counted(gone.len(), "record");
        printer.warn(format_args!("raw.{name}: {records} {verb} not in the files any more: {}", gone.join(", ")));
    }
    if !wrong.is_empty() {
        let rows = Listing::default()
            .texts("record", wrong.iter().map(|one| Some(one.place.as_str())))
            .texts("corrected", wrong.iter().map(|one| Some(one.text.as_str())))
            .texts("message", wrong.iter().map(|one| Some(one.message.as_str())))
            .rows()?;
        let verb = if wrong.len() == 1 { "is no row" } else { "are no rows" };
        let told = format!("raw.{name}: {} {verb} either", corrections(wrong.len()));
        printer.warn_with_rows(told, &[rows])?;
    }
    if *kept + *taken_back > 0 {
        printer.hint(format_args!("`{} run` publishes a release with this", program()));
    }
    if wrong.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let left = wrong.len() + gone.len();
    let verb = if left == 1 { "was" } else { "were" };
    Err(Error::new(Kind::Check, format!("{} {verb} not kept", corrections(left)))
        .hint("correct their texts and replay the file again: what was kept stays"))
}
