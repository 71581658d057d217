//! `cauce catalog lock`: the columns found in the files, written into the catalog.

use std::collections::BTreeMap;

use clap::Args;

use super::CatalogFile;
use crate::catalog::{Change, Column, ColumnType, Dataset, column_line, with_changes, with_columns};
use crate::cli::project::{Project, shown};
use crate::cli::settings::{Settings, working_folder};
use crate::error::{Error, Kind, Result};
use crate::ingest::{Inferred, infer};
use crate::output::{counted, thousands};
use crate::run::list_datasets;

/// Write the columns found in the files into catalog.yaml, and say where those that stand there differ
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The datasets [default: all]
    #[arg(value_name = "DATASET")]
    datasets: Vec<String>,
    /// Also change columns that are declared: add new ones, and widen types that do not hold all values
    #[arg(long)]
    update: bool,
}

pub(super) async fn lock(arguments: &Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let printer = &settings.printer;
    let chosen = project.chosen(&arguments.datasets)?;
    let inputs = list_datasets(&project.lake, &project.catalog, chosen).await?;
    let here = working_folder()?;
    let file = CatalogFile::open(&project.root)?;
    let shown = shown(&file.path, &here);
    let (mut missing, mut changes, mut differing) = (BTreeMap::new(), BTreeMap::new(), 0);
    for (name, files) in &inputs.files {
        let Some(dataset) = project.catalog.datasets.get(name) else { continue };
        let looking = printer.spinner(format_args!("looking through {name}"));
        let found = infer(dataset, files).await?;
        drop(looking);
        for note in &found.notes {
            printer.hint(format_args!("{name}: {note}"));
        }
        if dataset.columns.is_empty() {
            let columns = counted(found.columns.len(), "column");
            printer.say(format_args!("{name}: {columns} in {} rows", thousands(found.records)));
            missing.insert(name.clone(), found.columns);
            continue;
        }
        let found = Comparison::of(dataset, &found);
        if found.is_empty() {
            printer.say(format_args!("{name}: as declared"));
            continue;
        }
        differing += 1;
        for sentence in &found.sentences {
            printer.say(format_args!("{name}: {sentence}"));
        }
        if found.change != Change::default() {
            changes.insert(name.clone(), found.change);
        }
    }
    let mut text = file.text.clone();
    if !missing.is_empty() {
        text = with_columns(&text, &shown, &missing)?;
    }
    if arguments.update && !changes.is_empty() {
        text = with_changes(&text, &shown, &changes)?;
    }
    if text != file.text {
        file.replace(&text)?;
        let written = missing.len() + if arguments.update { changes.len() } else { 0 };
        printer.done(format_args!("wrote the columns of {} into {shown}", counted(written, "dataset")));
    }
    if !arguments.update && !changes.is_empty() {
        return Err(Error::new(Kind::Check, format!("{} not as declared", are(differing)))
            .hint("`cauce catalog lock --update` writes new columns and wider types; the rest is yours to decide"));
    }
    Ok(())
}

fn are(datasets: usize) -> String {
    format!("{} {}", counted(datasets, "dataset"), if datasets == 1 { "is" } else { "are" })
}

/// How the columns found in the files differ from those declared.
#[derive(Debug, Default)]
struct Comparison {
    sentences: Vec<String>,
    change: Change,
}

impl Comparison {
    fn of(dataset: &Dataset, inferred: &Inferred) -> Self {
        let found = &inferred.columns;
        let mut comparison = Self::default();
        for column in found {
            match dataset.columns.iter().find(|declared| declared.name == column.name) {
                None => {
                    comparison.say(format!("new column {}", column_line(column)));
                    comparison.change.add.push(column.clone());
                }
                Some(declared) => comparison.column(declared, column),
            }
        }
        for declared in &dataset.columns {
            if !found.iter().any(|column| column.name == declared.name) {
                comparison.say(format!("no file has the column `{}`", declared.name));
            }
        }
        comparison.required(dataset, inferred);
        comparison
    }

    fn column(&mut self, declared: &Column, found: &Column) {
        let (from, to) = (declared.column_type, found.column_type);
        if !holds(from, to) {
            let formats = &found.rules.formats;
            let formats = if formats.is_empty() { String::new() } else { format!(" as {}", formats.join(", ")) };
            self.say(format!("column `{}` is declared {from} and holds {to}{formats}", declared.name));
            // The files' values decide the type; what else is declared stays.
            let mut column = Column { column_type: to, ..declared.clone() };
            column.rules.formats.clone_from(&found.rules.formats);
            self.change.retype.push(column);
        }
    }

    /// A column without values in the files keeps its `required`: that is a rule of whoever wrote it, and without it rows
    /// would come in that nobody expects.
    fn required(&mut self, dataset: &Dataset, inferred: &Inferred) {
        for column in dataset.columns.iter().filter(|column| column.required) {
            let Some(records) = inferred.without_value.get(&column.name) else { continue };
            let have = if *records == 1 { "has" } else { "have" };
            let (records, all) = (thousands(*records), thousands(inferred.records));
            self.say(format!(
                "column `{}` is required, and {records} of {all} records {have} no value; they are rejects unless you take \
                 `required: true` away",
                column.name
            ));
        }
    }

    fn say(&mut self, sentence: String) {
        self.sentences.push(sentence);
    }

    fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }
}

/// Whether a column declared as `declared` reads all values of one that would be inferred as `found`.
fn holds(declared: ColumnType, found: ColumnType) -> bool {
    use ColumnType::{Bool, Date, Decimal, Float, Int, String, Timestamp};
    // A text is whatever one wants it to be, whether numbers fit a decimal is for its reader to say, and 0 and 1 are
    // truth values where the catalog says so.
    let wider = matches!(
        (declared, found),
        (String, _) | (Decimal { .. }, Int | Float) | (Float | Bool, Int) | (Timestamp, Date)
    );
    wider || declared == found
}
