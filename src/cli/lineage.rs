//! `cauce lineage`: what a column is made from, and what is made from it.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Args, ValueEnum};

use super::listing::{write_json, write_text};
use super::project::Project;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::model::{Branch, Direction, Place, lineage};
use crate::name::{Layer, TableName, did_you_mean};
use crate::run::study;

/// Show what a column is made from, and what is made from it
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A column (`kpi_canal.nps`, `raw.tickets_soporte.estado`), or a table for all of its columns
    column: String,
    /// Only what it is made from
    #[arg(long, conflicts_with = "down")]
    up: bool,
    /// Only what is made from it
    #[arg(long)]
    down: bool,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A tree, indented
    Text,
    /// A tree, for programs
    Json,
    /// A graph in the language of mermaid.js, for documents
    Mermaid,
}

pub(super) async fn show(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let models = project.models()?;
    let last = project.lake.releases()?.newest().await?;
    let engine = settings.engine(&project.catalog.project);
    let meanings = study(&project.lake, &project.catalog, &models, last.as_ref(), &engine).await?;
    let mut columns: BTreeMap<TableName, Vec<String>> = BTreeMap::new();
    for (name, dataset) in &project.catalog.datasets {
        let names = dataset.schema().fields().iter().map(|field| field.name().clone()).collect();
        columns.insert(TableName::new(Layer::Raw, name), names);
    }
    // A dataset that declares no columns has those that somebody reads.
    let from = meanings.values().flat_map(|meaning| meaning.columns.iter().map(|c| &c.trace).chain([&meaning.rows]));
    for (table, read) in from.flat_map(|trace| &trace.from) {
        let known = columns.entry(table.clone()).or_default();
        let unknown: Vec<String> = read.iter().filter(|column| !known.contains(column)).cloned().collect();
        known.extend(unknown);
    }
    columns.extend(meanings.iter().map(|(name, meaning)| (name.clone(), meaning.names().map(str::to_owned).collect())));

    let places = places(&arguments.column, &columns)?;
    let directions = match (arguments.up, arguments.down) {
        (true, _) => vec![Direction::Up],
        (_, true) => vec![Direction::Down],
        _ => vec![Direction::Up, Direction::Down],
    };
    let found: Vec<(Direction, Vec<Branch>)> = directions
        .into_iter()
        .map(|direction| (direction, places.iter().map(|place| lineage(&meanings, place.clone(), direction)).collect()))
        .collect();
    match arguments.format {
        Form::Json => {
            let named: BTreeMap<&str, &Vec<Branch>> =
                found.iter().map(|(direction, branches)| (key(*direction), branches)).collect();
            write_json(&settings.printer, &named)
        }
        Form::Text => {
            let mut text = String::new();
            for (direction, branches) in &found {
                if found.len() > 1 {
                    text.push_str(match direction {
                        Direction::Up => "made from\n",
                        Direction::Down => "what is made from it\n",
                    });
                }
                for branch in branches {
                    tree(branch, "", "", &mut text);
                }
            }
            write_text(&settings.printer, &text)
        }
        Form::Mermaid => write_text(&settings.printer, &mermaid(&found)),
    }
}

const fn key(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "made_from",
        Direction::Down => "made_into",
    }
}

/// What a person names: one column, or the rows and all columns of a table.
fn places(named: &str, columns: &BTreeMap<TableName, Vec<String>>) -> Result<Vec<Place>> {
    let find = |name: &str| {
        let full = columns.keys().find(|table| table.to_string() == name);
        let bare = |layer: Layer| columns.keys().find(|table| table.layer == layer && table.name == name);
        full.or_else(|| Layer::SEARCH_ORDER.into_iter().find_map(bare))
    };
    if let Some(table) = find(named) {
        let place = |column: Option<&String>| Place { table: table.clone(), column: column.cloned() };
        return Ok([place(None)].into_iter().chain(columns[table].iter().map(|column| place(Some(column)))).collect());
    }
    let (table, column) = named.rsplit_once('.').unwrap_or((named, ""));
    let Some(found) = find(table) else {
        let tables: Vec<&str> = columns.keys().map(|table| table.name.as_str()).collect();
        let error = Error::usage(format!("there is no table `{table}`"));
        return Err(error.hint(did_you_mean(
            table,
            tables,
            "`cauce plan` lists the models, catalog.yaml the datasets",
        )));
    };
    if columns[found].iter().any(|known| known == column) {
        return Ok(vec![Place { table: found.clone(), column: Some(column.to_owned()) }]);
    }
    let error = Error::usage(format!("{found} has no column `{column}`"));
    Err(error.hint(did_you_mean(
        column,
        columns[found].iter().map(String::as_str),
        format!("its columns are {}", columns[found].join(", ")),
    )))
}

/// A branch as lines, `first` before its own place and `rest` before what follows.
fn tree(branch: &Branch, first: &str, rest: &str, text: &mut String) {
    let again = if branch.again { " (as above)" } else { "" };
    text.push_str(&format!("{first}{}{again}\n", branch.place));
    let last = branch.next.len().saturating_sub(1);
    for (at, next) in branch.next.iter().enumerate() {
        let (line, space) = if at == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        tree(next, &format!("{rest}{line}"), &format!("{rest}{space}"), text);
    }
}

/// The branches as a graph, its arrows in the direction in which data flows.
fn mermaid(found: &[(Direction, Vec<Branch>)]) -> String {
    fn walk(branch: &Branch, direction: Direction, arrows: &mut BTreeSet<(Place, Place)>) {
        for next in &branch.next {
            let (one, other) = (branch.place.clone(), next.place.clone());
            arrows.insert(if direction == Direction::Up { (other, one) } else { (one, other) });
            walk(next, direction, arrows);
        }
    }
    let mut arrows = BTreeSet::new();
    for (direction, branches) in found {
        for branch in branches {
            walk(branch, *direction, &mut arrows);
        }
    }
    let places: BTreeSet<&Place> = arrows.iter().flat_map(|(from, to)| [from, to]).collect();
    let number: BTreeMap<&Place, usize> = places.iter().enumerate().map(|(at, place)| (*place, at)).collect();
    let mut text = "flowchart LR\n".to_owned();
    for (place, at) in &number {
        text.push_str(&format!("  n{at}[\"{}\"]\n", place.to_string().replace('"', "#quot;")));
    }
    for (from, to) in &arrows {
        text.push_str(&format!("  n{} --> n{}\n", number[from], number[to]));
    }
    text
}
