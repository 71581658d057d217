//! Entries in the order they came: a few in memory, the rest in temporary files.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::SpillFile;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::SpillManager;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::entry::Entry;
use crate::error::{Result, engine_error};

/// Bytes of entries kept in memory before they go to a file.
const KEPT_BYTES: usize = 4 << 20;

/// Entries in the order they came.
pub(super) struct Pile {
    spills: SpillManager,
    files: Vec<Arc<dyn SpillFile>>,
    entries: Vec<Entry>,
    bytes: usize,
    kept_bytes: usize,
}

impl Pile {
    /// No entries yet; temporary files are made where `env` has its own.
    pub(super) fn new(env: &Arc<RuntimeEnv>) -> Self {
        let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        let spills = SpillManager::new(Arc::clone(env), metrics, Entry::schema());
        Self { spills, files: Vec::new(), entries: Vec::new(), bytes: 0, kept_bytes: KEPT_BYTES }
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<()> {
        self.bytes += entry.size();
        self.entries.push(entry);
        if self.bytes > self.kept_bytes { self.put_down() } else { Ok(()) }
    }

    /// Moves all entries of `other` behind those of this pile.
    pub(super) fn append(&mut self, other: &mut Self) -> Result<()> {
        if !other.files.is_empty() {
            self.put_down()?;
            self.files.append(&mut other.files);
        }
        self.bytes += std::mem::take(&mut other.bytes);
        self.entries.append(&mut other.entries);
        if self.bytes > self.kept_bytes { self.put_down() } else { Ok(()) }
    }

    /// The entries as rows, in their order.
    pub(super) fn rows(&self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let mut parts = Vec::with_capacity(self.files.len() + 1);
        for file in &self.files {
            let rows = self.spills.read_spill_as_stream(Arc::clone(file), None).map_err(engine_error)?;
            parts.push(rows.map_err(engine_error).boxed());
        }
        if !self.entries.is_empty() {
            let batch = Entry::batch(&self.entries);
            parts.push(stream::once(async move { batch }).boxed());
        }
        Ok(stream::iter(parts).flatten().boxed())
    }

    /// Writes the entries in memory to a file of their own.
    fn put_down(&mut self) -> Result<()> {
        if !self.entries.is_empty() {
            let batch = Entry::batch(&self.entries)?;
            let file = self.spills.spill_record_batch_and_finish(&[batch], "rejects").map_err(engine_error)?;
            self.files.extend(file);
            self.entries.clear();
            self.bytes = 0;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Pile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pile")
            .field("entries", &self.entries.len())
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use proptest::prelude::*;

    use super::*;
    use crate::name::{Layer, TableName};

    fn entry(number: u64) -> Entry {
        Entry {
            origin: TableName::new(Layer::Raw, "d"),
            rule: "type".to_owned(),
            file: None,
            line: Some(number),
            offset: None,
            length: None,
            column: None,
            value: None,
            raw: "x".repeat(100),
            message: String::new(),
            advice: None,
        }
    }

    fn lines(pile: &Pile) -> Vec<i64> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let batches: Vec<RecordBatch> = runtime.block_on(async { pile.rows().unwrap().try_collect().await.unwrap() });
        let lines = |batch: &RecordBatch| batch["line"].as_primitive::<arrow::datatypes::Int64Type>().values().to_vec();
        batches.iter().flat_map(lines).collect()
    }

    proptest! {
        #[test]
        fn entries_come_back_in_their_order_whether_or_not_they_fit(counts in prop::collection::vec(0_u64..40, 1..6), kept in 200_usize..4000) {
            let env = Arc::new(RuntimeEnv::default());
            let mut all = Pile::new(&env);
            all.kept_bytes = kept;
            let mut next = 0;
            for count in counts {
                let mut part = Pile::new(&env);
                part.kept_bytes = kept / 2;
                for _ in 0..count {
                    part.push(entry(next)).unwrap();
                    next += 1;
                }
                all.append(&mut part).unwrap();
            }
            prop_assert_eq!(lines(&all), (0..i64::try_from(next).unwrap()).collect::<Vec<_>>());
        }
    }
}
