//! `cauce backfill`: compute partitions of an incremental model anew, and what reads them.

use clap::Args;

use super::planned::{planned, step_of};
use super::project::Project;
use super::selection::Selection;
use super::settings::Settings;
use super::{plan, run};
use crate::error::{Error, Result};
use crate::model::Strategy;
use crate::output::counted;
use crate::release::Partition;

/// Compute partitions of an incremental model anew, although nothing changed
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The model, as `layer.name` or `name`; its strategy is `partition`
    model: String,
    /// The first partition, such as 2024-01: the least value of the first column of `partition_by`
    #[arg(long, value_name = "VALUE", required_unless_present = "to")]
    from: Option<String>,
    /// The last partition
    #[arg(long, value_name = "VALUE")]
    to: Option<String>,
    /// Show the plan instead of carrying it out
    #[arg(long)]
    dry_run: bool,
    /// Print the release manifest on stdout, or with --dry-run the plan
    #[arg(long)]
    json: bool,
}

pub(super) async fn backfill(arguments: Arguments, settings: &Settings) -> Result<()> {
    let Arguments { model, from, to, dry_run, json } = arguments;
    let project = Project::open(settings)?;
    let planned = planned(&project, settings, &Selection::default()).await?;
    let name = step_of(&planned.plan, &model)?.model.clone();
    let incremental = planned.models.get(&name).and_then(|model| model.header.incremental.as_ref());
    if incremental.is_none_or(|incremental| incremental.strategy != Strategy::Partition) {
        return Err(Error::usage(format!("{name} is not computed partition by partition"))
            .hint(format!("`cauce run {name} --full-refresh` builds it anew as a whole")));
    }
    let released = planned.last.as_ref().and_then(|last| last.models.get(&name));
    let Some(followed) = released.and_then(|released| released.followed.as_ref()) else {
        return Err(Error::usage(format!("no release has {name} yet")).hint("`cauce run` builds all its partitions"));
    };
    let partitions = followed.partitions_between(from.as_deref(), to.as_deref());
    if partitions.is_empty() {
        let first = |partition: &&Partition| partition.first().cloned().flatten();
        let all = followed.partitions();
        let values: Vec<String> = all.iter().filter_map(first).collect();
        let error = Error::usage(format!("{name} has no partition there"));
        return Err(error.hint(match (values.first(), values.last()) {
            (Some(first), Some(last)) => {
                format!("it has {}, from {first} to {last}", counted(all.len(), "partition"))
            }
            _ => "it has none at all".to_owned(),
        }));
    }
    let asked_for = Selection { anew: [(name, partitions)].into(), ..Selection::default() };
    if dry_run {
        return plan::plan(plan::Arguments { json, asked_for }, settings).await;
    }
    run::begin(&project, settings, &asked_for, json, None).await
}
