//! The files of a dataset as a table.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

use super::exec::IngestExec;
use super::fault::{Faults, StopAtFirst};
use super::unique::{HeldAccounts, UniqueExec};
use crate::catalog::{Dataset, Metadata};
use crate::store::InputFile;

/// A table of schema `raw`: its columns are those the catalog declares, its rows those of all files.
///
/// Files are read anew by every query. Nothing is opened before a query runs.
#[derive(Debug)]
pub struct DatasetTable {
    dataset: Arc<Dataset>,
    schema: SchemaRef,
    files: Vec<InputFile>,
    faults: Arc<dyn Faults>,
}

impl DatasetTable {
    /// The table of `dataset` in `files`. The first record that is not accepted ends a query, unless
    /// [`with_faults`](Self::with_faults) says otherwise.
    #[must_use]
    pub fn new(dataset: &Dataset, files: Vec<InputFile>) -> Self {
        Self { dataset: Arc::new(dataset.clone()), schema: dataset.schema(), files, faults: Arc::new(StopAtFirst) }
    }

    /// The same table, whose rejects go to `faults`.
    #[must_use]
    pub fn with_faults(mut self, faults: Arc<dyn Faults>) -> Self {
        self.faults = faults;
        self
    }

    /// The files, in the order they were given.
    #[must_use]
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }
}

#[async_trait]
impl TableProvider for DatasetTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn statistics(&self) -> Option<Statistics> {
        let bytes: u64 = self.files.iter().map(|file| file.meta.size).sum();
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.total_byte_size = Precision::Inexact(usize::try_from(bytes).unwrap_or(usize::MAX));
        Some(statistics)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let unique = self.dataset.unique_columns();
        if !unique.is_empty() {
            return self.scan_unique(unique, &projection);
        }
        let partitions = state.config().target_partitions();
        let plan = IngestExec::try_new(Arc::clone(&self.dataset), self.files.clone(), projection, limit, partitions)?;
        Ok(Arc::new(plan.with_faults(Arc::clone(&self.faults))))
    }
}

impl DatasetTable {
    /// Reads all files in their order and leaves out rows that repeat a value of the columns `unique`.
    fn scan_unique(&self, unique: Vec<usize>, projection: &[usize]) -> Result<Arc<dyn ExecutionPlan>> {
        let dataset = Arc::new(self.dataset.with_place());
        let schema = dataset.schema();
        let places = [schema.index_of(Metadata::File.name())?, schema.index_of(Metadata::Line.name())?];
        let accounts = Arc::new(HeldAccounts::new(Arc::clone(&self.faults)));
        let all = (0..schema.fields().len()).collect();
        let read = IngestExec::try_new(Arc::clone(&dataset), self.files.clone(), all, None, 1)?;
        let read = read.with_faults(Arc::<HeldAccounts>::clone(&accounts));
        let rows = UniqueExec::new(Arc::new(read), dataset, unique, places, accounts);
        let columns = projection.iter().map(|index| {
            let name = schema.field(*index).name();
            ProjectionExpr { expr: Arc::new(Column::new(name, *index)), alias: name.clone() }
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), Arc::new(rows))?))
    }
}
