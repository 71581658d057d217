//! `cauce catalog add`: a new dataset from its files.

use std::path::{Component, Path, PathBuf};

use clap::Args;

use super::CatalogFile;
use crate::catalog::{dataset_lines, with_dataset};
use crate::cli::project::{CATALOG_FILE, Project, shown};
use crate::cli::settings::{Settings, program, working_folder};
use crate::error::{Error, Result};
use crate::ingest::{Proposal, propose};
use crate::output::{counted, thousands};
use crate::store::{InputFile, Location};

/// Declare a new dataset: look through its files and write what is found into catalog.yaml
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A file, a folder, a glob in quotes, or an s3:// URL
    path: String,
    /// The name of the dataset [default: made from the path]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print what would be added and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Endings of files that a folder is searched for.
const ENDINGS: [&str; 6] = ["csv", "tsv", "json", "jsonl", "parquet", "arrow"];

pub(super) async fn add(arguments: &Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let printer = &settings.printer;
    let here = working_folder()?;
    let path = from_project(&arguments.path, &here, &project.root);
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None => name_of(&path).ok_or_else(|| {
            Error::usage(format!("no name for a dataset can be made from {}", arguments.path))
                .hint("give one with --name")
        })?,
    };
    if project.catalog.datasets.contains_key(&name) {
        return Err(Error::usage(format!("{CATALOG_FILE} has a dataset `{name}` already"))
            .hint("`cauce catalog lock` compares it with its files; for another dataset give another --name"));
    }
    let location = Location::parse(&path, &project.root)?;
    let files = files(&project, &location).await?;
    let looking = printer.spinner(format_args!("looking through {}", counted(files.len(), "file")));
    let Proposal { dataset, inferred } = propose(&name, &path, &files).await?;
    let (records, rejected, notes) = (inferred.records, inferred.rejected, inferred.notes);
    drop(looking);
    let file = CatalogFile::open(&project.root)?;
    let text = with_dataset(&file.text, &shown(&file.path, &here), &dataset)?;
    let lines = dataset_lines(&dataset);
    if arguments.dry_run {
        let mut stdout = printer.stdout();
        stdout.text(&format!("{}\n", lines.join("\n")))?;
        stdout.finish()?;
    } else {
        file.replace(&text)?;
        printer.done(format_args!(
            "added dataset {name} to {}: {}, {} rows in {}",
            shown(&file.path, &here),
            counted(dataset.columns.len(), "column"),
            thousands(records),
            counted(files.len(), "file"),
        ));
        printer.say(format_args!("  {}", lines.join("\n  ")));
    }
    if rejected > 0 {
        printer.warn(format_args!(
            "{} of {} records cannot be read, and will be rejects",
            thousands(rejected),
            thousands(records)
        ));
    }
    for note in notes {
        printer.hint(note);
    }
    if !arguments.dry_run {
        printer.hint(format_args!("`{} query \"SELECT * FROM raw.{name} LIMIT 5\"`", program()));
    }
    Ok(())
}

/// The files at `location`; in a folder those of the one ending that it holds.
async fn files(project: &Project, location: &Location) -> Result<Vec<InputFile>> {
    let stores = project.lake.stores();
    let mut found: Vec<(&str, Vec<InputFile>)> = Vec::new();
    let mut failure = None;
    for ending in ENDINGS {
        match stores.list(location, ending).await {
            // A file or a glob says by itself which files are meant.
            Ok(files) if !is_folder(location, &files) => return Ok(files),
            Ok(files) => found.push((ending, files)),
            Err(error) => {
                failure.get_or_insert(error);
            }
        }
    }
    match (found.len(), failure) {
        (1, _) => Ok(found.swap_remove(0).1),
        (0, Some(error)) => Err(error),
        _ => {
            let endings: Vec<String> = found.iter().map(|(ending, _)| format!(".{ending}")).collect();
            Err(Error::usage(format!("{location} holds files of several formats: {}", endings.join(", "))).hint(
                format!(
                    "name those of one dataset: \"{}/*{}\"",
                    location.to_string().trim_end_matches('/'),
                    endings[0]
                ),
            ))
        }
    }
}

/// Whether the files were found in a folder rather than named.
fn is_folder(location: &Location, files: &[InputFile]) -> bool {
    let named = |file: &InputFile| file.meta.location == location.path();
    !location.pattern().contains(['*', '?', '[']) && !files.iter().any(named)
}

/// A path as `catalog.yaml` writes it: from the project's folder where it lies in it.
fn from_project(path: &str, here: &Path, root: &Path) -> String {
    if path.contains("://") {
        return path.to_owned();
    }
    let mut absolute = PathBuf::new();
    for part in here.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                absolute.pop();
            }
            part => absolute.push(part),
        }
    }
    absolute.strip_prefix(root).unwrap_or(&absolute).to_string_lossy().into_owned()
}

/// The name that a dataset at `path` most naturally has: that of the file without its endings, or of the folder.
fn name_of(path: &str) -> Option<String> {
    // Folders that hold values of a column say nothing about the dataset.
    let parts = path.split('/').filter(|part| !part.is_empty() && !part.contains('=') && !part.ends_with(':'));
    parts.rev().find_map(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        let mut name = String::new();
        for c in stem.chars().flat_map(char::to_lowercase).map(without_accent) {
            if c.is_ascii_lowercase() || (c.is_ascii_digit() && !name.is_empty()) {
                name.push(c);
            } else if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
        }
        let name = name.trim_end_matches('_').to_owned();
        (!name.is_empty()).then_some(name)
    })
}

fn without_accent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_named_after_its_files() {
        for (path, name) in [
            ("data/raw/tickets.csv", Some("tickets")),
            ("Online Retail (2010).csv.gz", Some("online_retail_2010")),
            ("data/Reseñas", Some("resenas")),
            ("data/ventas/year=2024/month=04/part-0.parquet", Some("part_0")),
            ("data/ventas/year=2024/", Some("ventas")),
            ("data/ventas/*.csv", Some("ventas")),
            ("data/ventas_*.csv", Some("ventas")),
            ("s3://banco/raw/llamadas/**/*.parquet", Some("llamadas")),
            ("2024.csv", None),
        ] {
            assert_eq!(name_of(path).as_deref(), name, "{path}");
        }
    }

    #[test]
    fn paths_start_at_the_project() {
        let from = |path| from_project(path, Path::new("/p/data"), Path::new("/p"));
        assert_eq!(from("a.csv"), "data/a.csv");
        assert_eq!(from("../raw/./*.csv"), "raw/*.csv");
        assert_eq!(from("/other/a.csv"), "/other/a.csv");
        assert_eq!(from("s3://b/a.csv"), "s3://b/a.csv");
    }
}
