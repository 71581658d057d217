//! `cauce shell`: the interactive prompt.

use std::io::{BufReader, IsTerminal, stdin};
use std::sync::Arc;

use clap::Args;

use super::project::Project;
use super::session::EngineSession;
use super::settings::{Settings, editor, pager, shell_rc, state_folder};
use crate::error::{Error, Result};
use crate::output::Format;
use crate::release::AsOf;
use crate::shell::{Shell, Surroundings};

/// Ask questions in SQL, interactively
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How rows are written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Read this release instead of the newest: a number, or the one that stood at a time (`2024-12-31`)
    #[arg(long, value_name = "RELEASE|TIME", default_value = "newest", hide_default_value = true)]
    as_of: AsOf,
}

pub(super) async fn shell(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let session = EngineSession::open(project, arguments.as_of, settings).await?;
    let surroundings = Surroundings {
        history: state_folder().map(|folder| folder.join("history")),
        rc: shell_rc(),
        pager: pager(),
        editor: editor(),
    };
    let mut shell = Shell::new(Arc::new(session), settings.printer.clone(), surroundings);
    if let Some(format) = arguments.format {
        shell = shell.with_format(format);
    }
    if stdin().is_terminal() {
        return shell.interact().await;
    }
    match shell.read(BufReader::new(stdin())).await? {
        None => Ok(()),
        Some(kind) => Err(Error::told(kind)),
    }
}
