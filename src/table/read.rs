//! Reading a table: staged files and committed versions, both as a plain Parquet scan.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Result as EngineResult, Statistics, project_schema};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::ParquetSource;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use deltalake_core::DeltaTable;
use futures::TryStreamExt;
use object_store::ObjectMeta;
use object_store::path::Path;

use super::columns::{Columns, columns_of, partition_value};
use super::log::{delta_error, is_missing, load_version, open_if_there};
use super::stage::{Staged, staged_path};
use super::whole::DataFiles;
use crate::error::{Error, Result};
use crate::release::TableVersion;
use crate::store::{Location, Stores};

/// A set of Parquet files that together are a table. Plans to DataFusion's own `DataSourceExec`, which splits large
/// files, prunes row groups and can be sent to other machines as it is.
#[derive(Debug)]
pub struct ParquetTable {
    /// Its folder.
    pub(super) location: Location,
    store: ObjectStoreUrl,
    /// The columns as the scan counts them: those inside the files, then those of their folders' names.
    scanned: TableSchema,
    /// Where each column of the table stands among those.
    places: Vec<usize>,
    /// The columns in the order of the SELECT that made the table.
    schema: SchemaRef,
    files: Vec<PartitionedFile>,
    rows: Option<usize>,
    bytes: u64,
}

impl ParquetTable {
    /// The staged files of a table, as only the run that staged them sees them.
    ///
    /// # Errors
    /// A file name or partition value that cannot be read back, which is a bug.
    pub fn staged(staged: &Staged) -> Result<Self> {
        let columns = Columns::of(&staged.schema, &staged.partition_by)?;
        let mut files = Vec::new();
        for file in staged.all_files() {
            let path = staged_path(&file.path)?;
            let of_file = |field: &Field| file.partition_values.get(field.name()).cloned().flatten();
            let values = columns.partitions.iter().map(of_file).collect();
            files.push((path, u64::try_from(file.size).unwrap_or(0), values));
        }
        Self::new(&staged.location, columns, files, usize::try_from(staged.rows()).ok())
    }

    /// Files of these paths below `location` and sizes, which have `rows` together; none of their columns stands in a
    /// folder's name.
    ///
    /// # Errors
    /// A path that is none.
    pub fn of_parts(location: &Location, schema: &Schema, parts: &[(String, u64)], rows: u64) -> Result<Self> {
        let columns = Columns::of(schema, &[])?;
        let files = parts.iter().map(|(path, bytes)| Ok((staged_path(path)?, *bytes, Vec::new())));
        Self::new(location, columns, files.collect::<Result<_>>()?, usize::try_from(rows).ok())
    }

    /// The same table without the files whose paths, from the root of their store, are not among `paths`.
    #[must_use]
    pub fn only(&self, paths: &BTreeSet<Path>) -> Self {
        let files = self.files.iter().filter(|file| paths.contains(&file.object_meta.location)).cloned();
        let files: Vec<PartitionedFile> = files.collect();
        let bytes = files.iter().map(|file| file.object_meta.size).sum();
        Self {
            location: self.location.clone(),
            store: self.store.clone(),
            scanned: self.scanned.clone(),
            places: self.places.clone(),
            schema: Arc::clone(&self.schema),
            files,
            rows: None,
            bytes,
        }
    }

    /// The same files as a table of `columns`: one that the table does not have is NULL in all rows, one that it has besides
    /// is not seen. Only for a table without partitions.
    #[must_use]
    pub fn with_columns(mut self, columns: &Schema) -> Self {
        let column = |wanted: &FieldRef| {
            let known = self.schema.field_with_name(wanted.name());
            known.map_or_else(|_| Arc::clone(wanted), |known| Arc::new(known.clone()))
        };
        let columns: Vec<FieldRef> = columns.fields().iter().map(column).collect();
        self.schema = Arc::new(Schema::new(columns));
        self.scanned = TableSchema::builder(Arc::clone(&self.schema)).build();
        self.places = (0..self.schema.fields().len()).collect();
        self
    }

    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The paths of all files, from the root of their store.
    pub fn paths(&self) -> impl Iterator<Item = Path> {
        self.files().map(|file| file.location.clone())
    }

    /// All files, as the log says.
    pub(super) fn files(&self) -> impl Iterator<Item = &ObjectMeta> {
        self.files.iter().map(|file| &file.object_meta)
    }

    fn new(
        location: &Location,
        columns: Columns,
        listed: Vec<(Path, u64, Vec<Option<String>>)>,
        rows: Option<usize>,
    ) -> Result<Self> {
        let store = ObjectStoreUrl::parse(location.store_url()).map_err(|failure| Error::bug(failure.to_string()))?;
        let bytes = listed.iter().map(|(_, size, _)| size).sum();
        let mut files = Vec::with_capacity(listed.len());
        for (path, size, values) in listed {
            let whole: Path = location.path().parts().chain(path.parts()).collect();
            let mut file = PartitionedFile::new(String::new(), size);
            // Set as it is: made from a text, the path would be encoded a second time.
            file.object_meta.location = whole;
            for (field, value) in columns.partitions.iter().zip(values) {
                file.partition_values.push(partition_value(field, value)?);
            }
            files.push(file);
        }
        let Columns { inside, partitions, places } = columns;
        let partitions: Vec<FieldRef> = partitions.into_iter().map(Arc::new).collect();
        let scanned = TableSchema::builder(inside).with_table_partition_cols(partitions).build();
        let schema = scanned.table_schema().project(&places).map_err(|failure| Error::bug(failure.to_string()))?;
        Ok(Self { location: location.clone(), store, scanned, places, schema: Arc::new(schema), files, rows, bytes })
    }
}

/// The table at `location` as it was at `version`.
///
/// # Errors
/// A store that cannot be read, or a log that does not hold the version.
pub async fn open_version(stores: &Stores, location: &Location, version: &TableVersion) -> Result<ParquetTable> {
    loaded(&load_version(stores, location, version).await?, location).await
}

/// The table at `location` at its newest version; `None` if there is no table yet.
///
/// # Errors
/// A store that cannot be read.
pub async fn open_newest(stores: &Stores, location: &Location) -> Result<Option<ParquetTable>> {
    Ok(newest(stores, location).await?.map(|(_, table)| table))
}

/// The same with the number of the version.
///
/// # Errors
/// As [`open_newest`].
pub async fn newest(stores: &Stores, location: &Location) -> Result<Option<(u64, ParquetTable)>> {
    let Some(mut table) = open_if_there(stores, location)? else { return Ok(None) };
    match table.load().await {
        Ok(()) => {
            let version =
                table.version().ok_or_else(|| Error::bug(format!("{location} was loaded without a version")))?;
            Ok(Some((version, loaded(&table, location).await?)))
        }
        Err(failure) if is_missing(&failure) => Ok(None),
        Err(failure) => Err(delta_error("read", location, failure)),
    }
}

/// The files of a version that was loaded.
async fn loaded(table: &DeltaTable, location: &Location) -> Result<ParquetTable> {
    let failed = |failure| delta_error("read", location, failure);
    let snapshot = table.snapshot().map_err(failed)?.snapshot();
    let columns = columns_of(snapshot, location)?;
    let mut rows = Some(0);
    let mut files = Vec::new();
    let mut views = snapshot.file_views(&table.log_store(), None);
    while let Some(view) = views.try_next().await.map_err(failed)? {
        rows = rows.zip(view.num_records()).map(|(sum, more)| sum + more);
        let values = view.partition_values_map();
        let values = columns.partitions.iter().map(|field| values.get(field.name()).cloned().flatten()).collect();
        files.push((view.object_store_path(), u64::try_from(view.size()).unwrap_or(0), values));
    }
    drop(views);
    files.sort_by(|a, b| a.0.cmp(&b.0));
    ParquetTable::new(location, columns, files, rows)
}

#[async_trait]
impl TableProvider for ParquetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            // A scan without files has no partition, which the planner does not accept.
            let schema = project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let store = state.runtime_env().object_store(&self.store)?;
        let source = ParquetSource::new(self.scanned.clone())
            .with_table_parquet_options(state.table_options().parquet.clone())
            .with_enable_page_index(true)
            .with_parquet_file_reader_factory(Arc::new(DataFiles::new(store, self.location.clone())));
        let mut statistics = Statistics::new_unknown(self.scanned.table_schema());
        if let Some(rows) = self.rows {
            statistics.num_rows = Precision::Exact(rows);
        }
        let wanted = match projection {
            Some(columns) => columns.iter().map(|&column| self.places[column]).collect(),
            None => self.places.clone(),
        };
        let groups = FileGroup::new(self.files.clone()).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(wanted))?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    fn statistics(&self) -> Option<Statistics> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = self.rows.map_or(Precision::Absent, Precision::Exact);
        Some(statistics)
    }
}
