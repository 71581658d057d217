//! `cauce rollback`: a new release with the content of an earlier one.

use clap::Args;

use super::new_run_id;
use super::project::Project;
use super::settings::Settings;
use crate::clock::SystemClock;
use crate::error::Result;
use crate::history::roll_back;
use crate::release::AsOf;

/// Publish the content of an earlier release again
///
/// Nothing is computed and nothing is deleted: readers see the tables and views as they were, under a new number. The
/// next `cauce run` builds from the files and models as they are then.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The release to go back to: its number, or a time at which it stood
    #[arg(value_name = "RELEASE|TIME")]
    release: AsOf,
}

pub(super) async fn rollback(arguments: &Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let id = new_run_id();
    let manifest = roll_back(&project.lake, &arguments.release, &id, &SystemClock).await?;
    let restored = manifest.restores.unwrap_or_default();
    settings.printer.done(format_args!("release {} published: the content of release {restored}", manifest.release));
    settings.printer.hint(format_args!(
        "`cauce diff {restored} {0}` shows that nothing differs, `cauce diff {1} {0}` what was taken back",
        manifest.release,
        manifest.release - 1
    ));
    Ok(())
}
