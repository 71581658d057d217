//! Data files of tables that cannot be read: one that is gone, cut off or no Parquet is told with its table and what to do
//! about it, whoever comes upon it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::Result as EngineResult;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{DefaultParquetFileReaderFactory, ParquetFileReaderFactory};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::TryStreamExt;
use futures::future::{BoxFuture, FutureExt};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::ParquetTable;
use crate::error::{Error, Result};
use crate::name::{Layer, TableName};
use crate::store::{Location, Stores, store_error};

impl ParquetTable {
    /// Sees to it that each file is there, with the size that the log says.
    ///
    /// # Errors
    /// The first file that is not, or a store that cannot be listed.
    pub async fn ensure_whole(&self, stores: &Stores) -> Result<()> {
        let folder = self.location.path();
        let listed = stores.open(&self.location)?.list(Some(&folder)).try_collect::<Vec<ObjectMeta>>().await;
        let listed = listed.map_err(|failure| store_error("list", &self.location, failure))?;
        let sizes: BTreeMap<&Path, u64> = listed.iter().map(|file| (&file.location, file.size)).collect();
        for file in self.files() {
            let size = sizes.get(&file.location).copied();
            if size != Some(file.size) {
                return Err(not_whole(&self.location, file, size, ""));
            }
        }
        Ok(())
    }
}

/// Reads the data files of one table.
#[derive(Debug)]
pub(super) struct DataFiles {
    store: Arc<dyn ObjectStore>,
    table: Location,
}

impl DataFiles {
    pub(super) const fn new(store: Arc<dyn ObjectStore>, table: Location) -> Self {
        Self { store, table }
    }
}

impl ParquetFileReaderFactory for DataFiles {
    fn create_reader(
        &self,
        partition: usize,
        file: PartitionedFile,
        hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> EngineResult<Box<dyn AsyncFileReader + Send>> {
        let (store, table, of) = (Arc::clone(&self.store), self.table.clone(), file.object_meta.clone());
        let plain = DefaultParquetFileReaderFactory::new(Arc::clone(&self.store));
        let reader = plain.create_reader(partition, file, hint, metrics)?;
        Ok(Box::new(DataFile { reader, store, table, of }))
    }
}

/// A data file that is being read.
struct DataFile {
    reader: Box<dyn AsyncFileReader + Send>,
    store: Arc<dyn ObjectStore>,
    table: Location,
    of: ObjectMeta,
}

impl DataFile {
    /// What is wrong with the file, as far as the store can tell.
    async fn explain(
        store: &dyn ObjectStore,
        table: &Location,
        of: &ObjectMeta,
        failure: ParquetError,
    ) -> ParquetError {
        let told = match store.head(&of.location).await {
            Ok(found) => not_whole(table, of, Some(found.size), &failure),
            Err(object_store::Error::NotFound { .. }) => not_whole(table, of, None, &failure),
            Err(failure) => store_error("read", table, failure),
        };
        ParquetError::External(Box::new(told))
    }
}

impl AsyncFileReader for DataFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        let Self { reader, store, table, of } = self;
        async move {
            match reader.get_bytes(range).await {
                Err(failure) => Err(Self::explain(store.as_ref(), table, of, failure).await),
                read => read,
            }
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, parquet::errors::Result<Vec<Bytes>>> {
        let Self { reader, store, table, of } = self;
        async move {
            match reader.get_byte_ranges(ranges).await {
                Err(failure) => Err(Self::explain(store.as_ref(), table, of, failure).await),
                read => read,
            }
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, parquet::errors::Result<Arc<ParquetMetaData>>> {
        let Self { reader, store, table, of } = self;
        async move {
            match reader.get_metadata(options).await {
                Err(failure) => Err(Self::explain(store.as_ref(), table, of, failure).await),
                read => read,
            }
        }
        .boxed()
    }
}

/// The error of a file of `table` that the log says is there as `of`, and the store has with `size` bytes or not at all;
/// `failure` is what its reader says.
fn not_whole(table: &Location, of: &ObjectMeta, size: Option<u64>, failure: impl fmt::Display) -> Error {
    let name: Vec<_> = of.location.prefix_match(&table.path()).into_iter().flatten().collect();
    let name = name.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("/");
    let wrong = match size {
        None => "is not there any more".to_owned(),
        Some(size) if size != of.size => format!("has {size} bytes; the table's log says {}", of.size),
        Some(_) => format!("cannot be read: {failure}"),
    };
    Error::store(format!("{table} is damaged: its file {name} {wrong}")).hint(mending(table))
}

/// What to do about a table some of whose data files are damaged.
fn mending(table: &Location) -> String {
    match model_of(table) {
        Some(model) => format!(
            "bring the file back from a copy of the lake; without one `cauce run --full-refresh {model}` builds the table \
             anew, and `cauce rollback` goes to a release of other files"
        ),
        None => format!("bring the file back from a copy of the lake; without one {}", do_without(table)),
    }
}

/// What to do about a table whose log is damaged.
pub(super) fn mending_log(table: &Location) -> String {
    let copy = format!("bring the files of {table}/_delta_log back from a copy of the lake; without one");
    match model_of(table) {
        Some(model) => format!(
            "{copy} move {table} away and `cauce run --full-refresh {model}`: the table is made anew, and lost to the \
             releases there are"
        ),
        None => format!("{copy} {}", do_without(table)),
    }
}

/// How a table of schema `system` is begun anew.
fn do_without(table: &Location) -> String {
    format!(
        "move {table} away: what it tells of earlier runs is gone then, and the tables of the releases stay as they are"
    )
}

/// The model whose table this is, if it is one's.
fn model_of(table: &Location) -> Option<TableName> {
    let parts: Vec<String> = table.path().parts().map(|part| part.as_ref().to_owned()).collect();
    let [.., layer, name] = parts.as_slice() else { return None };
    let layer = Layer::OF_MODELS.into_iter().find(|of_models| of_models.as_str() == layer)?;
    Some(TableName::new(layer, name))
}
