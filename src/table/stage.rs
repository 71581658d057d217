//! Staging: a plan's result as Parquet files of a table that no log names yet.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, execute_stream_partitioned};
use deltalake_core::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake_core::kernel::Add;
use deltalake_core::operations::get_num_idx_cols_and_stats_columns;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tokio::task::JoinSet;

use super::carry::Carried;
use super::log::delta_error;
use super::spread::spread;
use super::storable::{storable_batch, storable_schema};
use super::upload::Uploads;
use crate::error::{Error, Result, engine_error};
use crate::store::{Location, Stores, store_error};

/// A file grows to this many bytes before the next one is begun.
pub(super) const TARGET_FILE_BYTES: NonZeroU64 = NonZeroU64::new(256 << 20).unwrap();

/// Rows handed to the Parquet encoder at once.
const WRITE_ROWS: usize = 65_536;

/// The files of a table's next version, written and not yet visible.
#[derive(Debug, Clone)]
pub struct Staged {
    pub(super) location: Location,
    pub(super) schema: SchemaRef,
    pub(super) partition_by: Vec<String>,
    pub(super) files: Vec<Add>,
    /// Rows in them.
    pub(super) rows: u64,
    /// The files that the next version has from an earlier one.
    pub(super) carried: Carried,
}

impl Staged {
    /// The schema of the table.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }
}

/// Runs `plan` and writes its result under `location`, one writer for each of the plan's partitions, or for each thread
/// if the plan is large and has one.
///
/// When the future is dropped the writers stop; files already closed are orphans that no log names.
///
/// # Errors
/// The plan's own failure (as the engine's error), a value no table can hold, or a store that cannot be written.
pub async fn stage(
    plan: Arc<dyn ExecutionPlan>,
    task: Arc<TaskContext>,
    stores: &Stores,
    location: &Location,
    partition_by: &[String],
) -> Result<Staged> {
    let schema = plan.schema();
    let plan = spread(plan, task.session_config().target_partitions()).map_err(engine_error)?;
    let streams = execute_stream_partitioned(plan, task).map_err(engine_error)?;
    let streams = streams.into_iter().map(|stream| stream.map_err(engine_error).boxed()).collect();
    stage_rows(streams, &schema, stores, location, partition_by).await
}

/// Writes rows of `schema` under `location`, one writer for each of the `streams`. As [`stage()`] otherwise.
///
/// # Errors
/// The first failure of a stream, a value no table can hold, or a store that cannot be written.
pub async fn stage_rows(
    streams: Vec<BoxStream<'static, Result<RecordBatch>>>,
    schema: &SchemaRef,
    stores: &Stores,
    location: &Location,
    partition_by: &[String],
) -> Result<Staged> {
    let schema = storable_schema(schema)?;
    let uploads = Arc::new(Uploads::new(Arc::new(PrefixStore::new(stores.open(location)?, location.path()))));
    let (indexed_columns, stats_columns) = get_num_idx_cols_and_stats_columns(None, HashMap::new());
    let config = WriterConfig::new(
        Arc::clone(&schema),
        partition_by.to_vec(),
        Some(writer_properties()?),
        Some(TARGET_FILE_BYTES),
        Some(WRITE_ROWS),
        indexed_columns,
        stats_columns,
    );
    let mut writers = JoinSet::new();
    for stream in streams {
        let writer = DeltaWriter::new(Arc::clone(&uploads) as _, config.clone());
        writers.spawn(write(stream, writer, Arc::clone(&uploads), Arc::clone(&schema), location.clone()));
    }
    let mut staged = Staged {
        location: location.clone(),
        schema,
        partition_by: partition_by.to_vec(),
        files: Vec::new(),
        rows: 0,
        carried: Carried::default(),
    };
    while let Some(finished) = writers.join_next().await {
        let (files, rows) = finished.map_err(|panic| Error::bug(format!("a writer of {location} died: {panic}")))??;
        staged.files.extend(files);
        staged.rows += rows;
    }
    // The writers finish in any order; the log should not depend on it.
    staged.files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(staged)
}

/// Writes one partition of the plan; returns its files and rows.
async fn write(
    mut stream: BoxStream<'static, Result<RecordBatch>>,
    mut writer: DeltaWriter,
    uploads: Arc<Uploads>,
    schema: SchemaRef,
    location: Location,
) -> Result<(Vec<Add>, u64)> {
    let in_store = |failure| store_error("write", &location, failure);
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let written = match batch.and_then(|batch| storable_batch(&batch, &schema)) {
            Ok(batch) if batch.num_rows() == 0 => continue,
            Ok(batch) => {
                rows += batch.num_rows() as u64;
                let written = writer.write(&batch).await;
                // The store's own failure says more than what the writer makes of it.
                uploads
                    .outcome()
                    .map_err(in_store)
                    .and(written.map_err(|failure| delta_error("write", &location, failure)))
            }
            Err(failure) => Err(failure),
        };
        if let Err(failure) = written {
            // The first failure is the one to tell; an abort that fails too leaves an orphan, which nobody sees.
            writer.abort().await.ok();
            return Err(failure);
        }
    }
    let closed = writer.close().await;
    uploads.outcome().map_err(in_store)?;
    let files = closed.map_err(|failure| delta_error("write", &location, failure))?;
    Ok((files, rows))
}

/// The path of a staged file below its table. Partition values stand in it encoded, and stay so: the log encodes paths
/// only when it is written.
pub(super) fn staged_path(written: &str) -> Result<Path> {
    Path::parse(written).map_err(|failure| Error::bug(failure.to_string()))
}

/// The path of a data file of the table at `location`, from the root of its store.
///
/// # Errors
/// A path that is none, which is a bug or a damaged release.
pub fn data_path(location: &Location, written: &str) -> Result<Path> {
    Ok(location.path().parts().chain(staged_path(written)?.parts()).collect())
}

fn writer_properties() -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(1).map_err(|failure| Error::bug(failure.to_string()))?;
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(512 * 1024))
        .set_created_by(format!("cauce {}", env!("CARGO_PKG_VERSION")))
        .build())
}
