//! `cauce clean`: removes what no release reads.

use std::time::Duration;

use clap::Args;

use super::listing::Listing;
use super::project::Project;
use super::settings::Settings;
use crate::clean::{Cleaning, Waste, find, gather, remove, scattered};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::model::read_age;
use crate::output::{Format, counted, thousands};

/// Remove the releases that retention lets go, and data files that no release reads
///
/// Without --yes it only tells what would go. What a release reads that stays is never touched. Tables of schema system with
/// many small files are written anew as few; all their rows stay.
/// `releases: { keep: 30, days: 90 }` in catalog.yaml keeps the last 30 releases and those that readers saw in the last 90
/// days; without it all releases stay.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Remove it
    #[arg(long)]
    yes: bool,
    /// Leave what is younger: longer than a run takes, and than readers hold a release
    #[arg(long, value_name = "AGE", default_value = "1 hour", value_parser = age)]
    older_than: Duration,
    /// How the list is written
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
}

fn age(text: &str) -> std::result::Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    read_age(text).ok_or_else(|| "write a number and a unit: 90 min, 36 hours, 2 days".to_owned())
}

pub(super) async fn clean(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let printer = &settings.printer;
    let retention = project.catalog.retention;
    let now = SystemClock.now();
    // Files are as old as the store says; a clock of this machine that is fast must not make those of a run look old.
    let now = if arguments.yes { now.min(project.lake.time().await?) } else { now };
    let cleaning = Cleaning { retention, now, grace: arguments.older_than };
    let mut waste = find(&project.lake, cleaning).await?;
    let scattered = scattered(&project.lake).await?;
    let nothing = waste.releases.is_empty() && waste.unpublished.is_empty() && waste.files.is_empty();
    if nothing && scattered.is_empty() {
        printer.done(format_args!("nothing to remove: {}", stay(waste.kept)));
        return Ok(());
    }
    for (name, files) in &scattered {
        let files = counted(*files, "file");
        if arguments.yes {
            gather(&project.lake, name, &settings.engine(&project.catalog.project)).await?;
            printer.done(format_args!("{name}: {files} gathered into few; those go with a later cleaning"));
        } else {
            printer.say(format_args!("would gather {files} of {name} into few"));
        }
    }
    if arguments.yes {
        waste = remove(&project.lake, &waste, cleaning).await?;
    }
    if !waste.files.is_empty() {
        list(&waste).write(printer, arguments.format)?;
    }
    let files: usize = waste.files.values().map(|unread| unread.files.len()).sum();
    let bytes: u64 = waste.files.values().map(|unread| unread.bytes).sum();
    let unpublished = match waste.unpublished.len() {
        0 => String::new(),
        runs => format!(", the unpublished work of {}", counted(runs, "run")),
    };
    let told = format!(
        "{}{unpublished}, {} with {} bytes; {}",
        releases(&waste.releases),
        counted(files, "file"),
        thousands(bytes),
        stay(waste.kept)
    );
    if arguments.yes {
        printer.done(format_args!("removed {told}"));
    } else {
        printer.say(format_args!("would remove {told}"));
        printer.hint("`cauce clean --yes` removes it");
    }
    Ok(())
}

fn stay(releases: usize) -> String {
    format!("{} {}", counted(releases, "release"), if releases == 1 { "stays" } else { "stay" })
}

/// The numbers of releases, in words.
fn releases(numbers: &[u64]) -> String {
    match numbers {
        [] => "no release".to_owned(),
        [one] => format!("release {one}"),
        [first, .., last] => format!("{} ({first} to {last})", counted(numbers.len(), "release")),
    }
}

fn list(waste: &Waste) -> Listing {
    let tables = || waste.files.iter();
    Listing::default()
        .texts("table", tables().map(|(name, _)| Some(name.to_string())))
        .counts("files", tables().map(|(_, unread)| Some(unread.files.len() as u64)))
        .counts("bytes", tables().map(|(_, unread)| Some(unread.bytes)))
}
