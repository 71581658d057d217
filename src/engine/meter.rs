//! What a running query has done so far: rows, bytes, memory, and how far its scans are.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::Result as EngineResult;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// What a query has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Rows that its scans have given.
    pub rows: u64,
    /// Bytes that its scans have read.
    pub bytes: u64,
    /// How far the scans are, of `total`; both count bytes of files.
    pub done: u64,
    /// Bytes of all files that are scanned; 0 where nobody knows.
    pub total: u64,
    /// The most bytes that operators held at once.
    pub memory: u64,
}

/// Looks at the metrics of a plan that runs.
#[derive(Clone)]
pub struct Meter {
    plan: Arc<dyn ExecutionPlan>,
    pool: Arc<dyn MemoryPool>,
}

impl Meter {
    /// A meter of `plan`, whose operators ask `pool` for memory.
    pub(super) fn new(plan: &Arc<dyn ExecutionPlan>, pool: &Arc<dyn MemoryPool>) -> Self {
        if let Some(watched) = pool.downcast_ref::<WatchedPool>() {
            watched.most.store(watched.inner.reserved(), Ordering::Relaxed);
        }
        Self { plan: Arc::clone(plan), pool: Arc::clone(pool) }
    }

    /// What was done until now.
    #[must_use]
    pub fn read(&self) -> Reading {
        let mut reading = Reading::default();
        add_leaves(self.plan.as_ref(), &mut reading);
        let most = self.pool.downcast_ref::<WatchedPool>().map_or(0, |pool| pool.most.load(Ordering::Relaxed));
        reading.memory = most as u64;
        reading
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("reading", &self.read()).finish_non_exhaustive()
    }
}

/// Adds what the scans below `plan` have done.
fn add_leaves(plan: &dyn ExecutionPlan, reading: &mut Reading) {
    let children = plan.children();
    if !children.is_empty() {
        for child in children {
            add_leaves(child.as_ref(), reading);
        }
        return;
    }
    let metrics = plan.metrics().unwrap_or_default();
    let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize() as u64);
    let rows = metrics.output_rows().unwrap_or(0) as u64;
    let bytes = sum("bytes_scanned") + sum("bytes_read");
    reading.rows += rows;
    reading.bytes += bytes;
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::new()).ok();
    let known = |count: Option<&usize>| count.map_or(0, |count| *count as u64);
    let total = size_of_files(plan)
        .unwrap_or_else(|| known(statistics.as_ref().and_then(|known| known.total_byte_size.get_value())));
    let all_rows = known(statistics.as_ref().and_then(|known| known.num_rows.get_value()));
    // Of a wide file few bytes may be read: then the rows say how far it is.
    let by_rows = if all_rows > 0 { (rows as f64 / all_rows as f64).min(1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a whole number of bytes")]
    let by_rows = (by_rows * total as f64) as u64;
    reading.total += total;
    reading.done += by_rows.max(bytes.min(total));
}

/// Bytes of the files that a scan of files reads.
fn size_of_files(plan: &dyn ExecutionPlan) -> Option<u64> {
    let scan = plan.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()?;
    let files = scan.file_groups.iter().flat_map(FileGroup::files);
    let size = |file: &PartitionedFile| match &file.range {
        Some(range) => u64::try_from(range.end - range.start).unwrap_or(0),
        None => file.object_meta.size,
    };
    Some(files.map(size).sum())
}

/// A pool that remembers the most it ever held.
#[derive(Debug)]
pub(super) struct WatchedPool {
    inner: Arc<dyn MemoryPool>,
    most: AtomicUsize,
}

impl WatchedPool {
    pub(super) fn new(inner: impl MemoryPool) -> Self {
        Self { inner: Arc::new(inner), most: AtomicUsize::new(0) }
    }

    fn note(&self) {
        self.most.fetch_max(self.inner.reserved(), Ordering::Relaxed);
    }
}

impl fmt::Display for WatchedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl MemoryPool for WatchedPool {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.inner.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.inner.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.inner.grow(reservation, additional);
        self.note();
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.inner.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> EngineResult<()> {
        self.inner.try_grow(reservation, additional)?;
        self.note();
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.inner.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.inner.memory_limit()
    }
}
