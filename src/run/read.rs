//! Reading the inputs of a run: each small dataset once, before the models that read it.
//!
//! The SELECT of a model may name its dataset several times, and each time the files would be parsed again. A dataset
//! that is small beside the memory limit is therefore parsed once into memory; a larger one is streamed by every scan, so
//! that memory stays bounded whatever the size of the files.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::side_by_side::side_by_side;
use super::{Inputs, Run};
use crate::engine::{Engine, Input, Relation};
use crate::error::{Error, Result};
use crate::name::{Layer, TableName};

/// Of the memory limit, the part (one in so many) that the files of all datasets held in memory may have. Rows in
/// memory take about as much as their text in a file.
const SHARE_OF_MEMORY: u64 = 8;
/// No more bytes of files than these are held, however much memory there is: what is larger is streamed as fast.
const MOST_HELD: u64 = 128 << 20;

/// Gives the datasets of a run their meaning in `engine`: of those it reads, rows in memory where they fit; files elsewhere.
pub(super) async fn read_inputs(run: Run<'_>, inputs: Inputs, read: &BTreeSet<String>, engine: &Engine) -> Result<()> {
    let share = u64::try_from(run.settings.memory_limit).unwrap_or(u64::MAX) / SHARE_OF_MEMORY;
    let mut left = share.min(MOST_HELD);
    let mut small = Vec::new();
    for (name, files) in inputs.files {
        let dataset = run.catalog.datasets.get(&name).ok_or_else(|| Error::bug(format!("no dataset {name}")))?;
        let dataset = Arc::new(dataset.clone());
        let location = run.lake.input(&dataset)?;
        let bytes: u64 = files.iter().map(|file| file.meta.size).sum();
        let is_read = read.contains(&name);
        let name = TableName::new(Layer::Raw, name);
        let relation = Relation::Dataset { dataset, location, input: Input::Files(files) };
        engine.relations().define(name.clone(), relation);
        if let Some(rest) = left.checked_sub(bytes).filter(|_| is_read) {
            left = rest;
            small.push((bytes, name));
        }
    }
    let accepted: BTreeSet<TableName> =
        run.models.iter().filter_map(|model| Some(model.header.accept.as_ref()?.from.clone())).collect();
    // The largest first: what is read last should not be what takes longest.
    small.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let work = small.into_iter().map(|(_, name)| {
        let engine = engine.clone();
        let placed = accepted.contains(&name);
        async move { engine.hold_in_memory(&name, placed).await }
    });
    side_by_side("a reader", run.settings.threads, work.collect(), |()| ()).await
}
