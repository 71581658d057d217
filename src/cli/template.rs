//! The projects that are inside of the program, and writing them into folders.
//!
//! `build.rs` takes them from `catalog.yaml` and `sql/` (the bank) and from `templates/init` (a small project).

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::project::CATALOG_FILE;
use super::settings::program;
use crate::error::{Error, Kind, Result};
use crate::output::{Printer, counted};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/templates.rs"));
}

/// The name that the small project has in its template.
const NAME: &str = "mi_proyecto";

/// The files of a project.
#[derive(Debug)]
pub(super) struct Template(Vec<(&'static str, Cow<'static, str>)>);

/// A file of a template and the same file of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Missing,
    Same,
    Different,
}

impl Template {
    /// The bank's project.
    pub(super) fn bank() -> Self {
        Self(embedded::BANK.iter().map(|(name, text)| (*name, Cow::Borrowed(*text))).collect())
    }

    /// A small project of this name.
    pub(super) fn small(project: &str) -> Self {
        Self(embedded::INIT.iter().map(|(name, text)| (*name, Cow::Owned(text.replace(NAME, project)))).collect())
    }

    /// The text of a file; empty if there is no such file.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(file, _)| *file == name).map_or("", |(_, text)| text)
    }

    /// How the files are in `folder`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn states(&self, folder: &Path) -> Result<Vec<(&'static str, State)>> {
        let state = |name: &str, text: &str| match fs::read(folder.join(name)) {
            Ok(there) if there == text.as_bytes() => Ok(State::Same),
            Ok(_) => Ok(State::Different),
            // A folder in the place of the file is a difference, too.
            Err(failure) if failure.kind() == ErrorKind::IsADirectory => Ok(State::Different),
            Err(failure) if failure.kind() == ErrorKind::NotFound => Ok(State::Missing),
            Err(failure) => Err(Error::store(format!("cannot read {}", folder.join(name).display())).because(failure)),
        };
        self.0.iter().map(|(name, text)| Ok((*name, state(name, text)?))).collect()
    }

    /// Writes the files that are missing in `folder`, the catalog last: with it the folder becomes a project.
    ///
    /// # Errors
    /// `Refused` for a file that came into being meanwhile, `Store` for what cannot be written.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let mut missing = self.states(folder)?;
        missing.retain(|(_, state)| *state == State::Missing);
        missing.sort_by_key(|(name, _)| *name == CATALOG_FILE);
        missing.into_iter().try_for_each(|(name, _)| create(&folder.join(name), self.text(name)))
    }

    /// `catalog.yaml and 34 models`, for messages.
    pub(super) fn summary(&self) -> String {
        let models = self.0.iter().filter(|(name, _)| name.starts_with("sql/")).count();
        format!("{CATALOG_FILE} and {}", counted(models, "model"))
    }
}

/// Creates a file and the folders above it.
fn create(path: &Path, text: &str) -> Result<()> {
    let failed = |failure: std::io::Error| match failure.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Error::store(format!("cannot write {}", path.display())).because(failure),
    };
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .map_err(|failure| Error::store(format!("cannot create the folder {}", folder.display())).because(failure))?;
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

/// The refusal to write over a file.
pub(super) fn exists(path: &Path) -> Error {
    Error::new(Kind::Refused, format!("{} exists already", path.display()))
        .hint("nothing is overwritten: name another folder, or move the file away")
}

/// The folder of a project to be made, which must not be named as that of one that exists.
///
/// # Errors
/// `Usage` if `--project` was given, `instead` says how the folder is named.
pub(super) fn refuse_project(project: Option<&PathBuf>, instead: &str) -> Result<()> {
    match project {
        None => Ok(()),
        Some(_) => Err(Error::usage("--project names a project that exists, and this command makes one").hint(instead)),
    }
}

/// Tells what can be done next with the project in `folder`: commands, with a word on each.
pub(super) fn tell_next(printer: &Printer, folder: &Path, commands: [(&str, &str); 3]) {
    let program = program();
    let place = if folder == Path::new(".") { String::new() } else { format!(" -C {}", shell_word(folder)) };
    let commands = commands.map(|(command, why)| (format!("{program}{place} {command}"), why));
    let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    printer.title("next");
    for (command, why) in commands {
        printer.say(format_args!("  {command:<width$}   {why}"));
    }
}

/// A path as a shell takes it for one word.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+@%,:~".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bank_is_the_repository_s_own() {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let states = Template::bank().states(repository).unwrap();
        assert!(states.iter().all(|(_, state)| *state == State::Same), "{states:?}");
        // The catalog, and the tests of models.
        let mut on_disk = 1 + fs::read_dir(repository.join("tests/models")).unwrap().count();
        for layer in fs::read_dir(repository.join("sql")).unwrap() {
            on_disk += fs::read_dir(layer.unwrap().path()).unwrap().count();
        }
        assert_eq!(states.len(), on_disk);
    }

    #[test]
    fn only_what_is_missing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("catalog.yaml"), "mine").unwrap();
        let small = Template::small("tienda");
        small.write(folder.path()).unwrap();
        for (name, state) in small.states(folder.path()).unwrap() {
            assert_eq!(state == State::Different, name == "catalog.yaml", "{name}");
        }
        assert!(small.text("catalog.yaml").contains("project: \"tienda\""));
        assert_eq!(fs::read_to_string(folder.path().join("catalog.yaml")).unwrap(), "mine");
    }

    #[test]
    fn a_folder_is_one_word_of_a_shell() {
        for (folder, word) in [("demo", "demo"), ("/a/b-1", "/a/b-1"), ("my demo", "'my demo'"), ("o'x", r"'o'\''x'")] {
            assert_eq!(shell_word(Path::new(folder)), word);
        }
    }
}
