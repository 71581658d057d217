//! `cauce catalog`: declaring datasets by what is in their files.

mod add;
mod check;
mod lock;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::project::CATALOG_FILE;
use super::settings::Settings;
use crate::error::{Error, Result, io_reason};

/// Declare datasets by what is in their files
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(add::Arguments),
    Lock(lock::Arguments),
    Check(check::Arguments),
}

pub(super) async fn catalog(arguments: Arguments, settings: &Settings) -> Result<()> {
    match arguments.command {
        Command::Add(arguments) => add::add(&arguments, settings).await,
        Command::Lock(arguments) => lock::lock(&arguments, settings).await,
        Command::Check(arguments) => check::check(&arguments, settings).await,
    }
}

/// The file `catalog.yaml` of a project, while it is changed.
struct CatalogFile {
    path: PathBuf,
    text: String,
}

impl CatalogFile {
    /// Reads the catalog of the project in `root`.
    fn open(root: &Path) -> Result<Self> {
        let path = root.join(CATALOG_FILE);
        let text = fs::read_to_string(&path)
            .map_err(|failure| Error::store(format!("cannot read {}: {}", path.display(), io_reason(&failure))))?;
        Ok(Self { path, text })
    }

    /// Puts `text` in the place of what the file says, in one step: whoever reads the file finds the one or the other.
    fn replace(&self, text: &str) -> Result<()> {
        let cannot = |failure: std::io::Error| {
            Error::store(format!("cannot write {}: {}", self.path.display(), io_reason(&failure)))
                .hint("nothing was changed")
        };
        // A link stays a link: the file that it names is replaced.
        let file = fs::canonicalize(&self.path).map_err(cannot)?;
        if fs::read(&file).map_err(cannot)? != self.text.as_bytes() {
            return Err(Error::store(format!("{} was changed by somebody else meanwhile", self.path.display()))
                .hint("nothing was written; run the command again"));
        }
        let name = format!(".{CATALOG_FILE}.{}", uuid::Uuid::new_v4().simple());
        let beside = file.with_file_name(name);
        let written = fs::write(&beside, text)
            .and_then(|()| fs::set_permissions(&beside, fs::metadata(&file)?.permissions()))
            .and_then(|()| fs::rename(&beside, &file));
        written.map_err(|failure| {
            fs::remove_file(&beside).ok();
            cannot(failure)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(CATALOG_FILE), "before").unwrap();
        let file = CatalogFile::open(folder.path()).unwrap();
        file.replace("after").unwrap();
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "after");
        let error = file.replace("later").unwrap_err();
        assert!(error.message().ends_with("changed by somebody else meanwhile"), "{error}");
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "after");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
