//! `cauce rollback`: a new release with the content of an earlier one.

use clap::Args;

use super::new_run_id;
use super::project::Project;
use super::settings::Settings;
use crate::clock::SystemClock;
use crate::error::Result;
use crate::history::roll_back;
use crate::name::Layer;
use crate::release::AsOf;

/// Publish the content of an earlier release again
///
/// Nothing is computed and nothing is deleted: readers see the tables and views as they were, under a new number. The
/// next `cauce run` builds from the files and models as they are then.
///
/// Datasets are not taken back: what reads raw.* reads the files that are there now, views too. Other tools that read the
/// Delta tables by themselves read their newest versions; read the release with cauce, or the version that
/// `cauce show` names.
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
    let over_files = manifest
        .models
        .iter()
        .filter(|(_, model)| model.table().is_none() && model.inputs.iter().any(|input| input.layer == Layer::Raw));
    let over_files: Vec<String> = over_files.map(|(name, _)| name.to_string()).collect();
    if !over_files.is_empty() {
        settings.printer.warn(format_args!(
            "views of raw.* read the files as they are now, not as release {restored} found them: {}",
            over_files.join(", ")
        ));
    }
    Ok(())
}
