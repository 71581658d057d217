//! The accepted rows of a table, as a table.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::compute::SortOptions;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as EngineResult;
use datafusion::datasource::TableType;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::deduplicate::{DeduplicateExec, Keys};
use super::rows::Rows;
use super::rules::RulesExec;
use crate::catalog::Dataset;
use crate::ledger::{Ledger, Reading};
use crate::name::TableName;

/// A condition on a row of the input.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Its name.
    pub(super) name: String,
    /// As it is written.
    pub(super) sql: String,
    /// Over the columns of the input.
    pub(super) condition: Arc<dyn PhysicalExpr>,
}

/// Which of the rows with equal keys stays.
#[derive(Debug, Clone)]
pub(super) struct Order {
    /// Positions of the key's columns.
    pub(super) key: Vec<usize>,
    /// What is compared, and how.
    pub(super) keep: Vec<(Arc<dyn PhysicalExpr>, SortOptions)>,
}

/// The rows of `input` that a model accepts.
#[derive(Debug)]
pub struct AcceptedTable {
    model: TableName,
    input: Arc<dyn TableProvider>,
    /// The columns that the model sees; the input may have more behind them, which say where a row stands in its file.
    schema: SchemaRef,
    /// The declaration of the input, if it is a dataset.
    dataset: Option<Arc<Dataset>>,
    rules: Arc<[Rule]>,
    order: Option<Order>,
    ledger: Arc<Ledger>,
    readings: Mutex<Vec<Arc<Reading>>>,
}

impl AcceptedTable {
    /// The rows of `input` that `model` accepts, of which it sees the first `columns` columns.
    pub(super) fn new(
        model: TableName,
        input: Arc<dyn TableProvider>,
        columns: usize,
        dataset: Option<Arc<Dataset>>,
        rules: Vec<Rule>,
        order: Option<Order>,
        ledger: Arc<Ledger>,
    ) -> Self {
        let all = input.schema();
        let schema = Arc::new(Schema::new(all.fields().iter().take(columns).cloned().collect::<Vec<_>>()));
        Self { model, input, schema, dataset, rules: rules.into(), order, ledger, readings: Mutex::default() }
    }

    /// The declaration of the input, if it is a dataset.
    pub(in crate::engine) fn dataset(&self) -> Option<&Arc<Dataset>> {
        self.dataset.as_ref()
    }

    /// The first reading of the input that came to its end, if one did: what it counted is the model's account.
    #[must_use]
    pub fn complete_reading(&self) -> Option<Arc<Reading>> {
        let readings = self.readings.lock().unwrap_or_else(PoisonError::into_inner);
        readings.iter().find(|reading| reading.is_complete()).cloned()
    }
}

#[async_trait]
impl TableProvider for AcceptedTable {
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
        _limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let input = self.input.scan(state, None, &[], None).await?;
        let reading = self.ledger.reading(self.model.clone());
        self.readings.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&reading));
        let rows = Rows::new(self.model.clone(), &input.schema(), self.schema.fields().len());
        let more_parts = usize::from(self.order.is_some());
        let rules = RulesExec::new(input, Arc::clone(&self.rules), rows.clone(), Arc::clone(&reading), more_parts);
        let mut plan: Arc<dyn ExecutionPlan> = Arc::new(rules);
        if let Some(Order { key, keep }) = &self.order {
            let keys = Keys { key: key.clone(), keep: keep.clone(), rows };
            plan = Arc::new(DeduplicateExec::new(Arc::new(CoalescePartitionsExec::new(plan)), Arc::new(keys), reading));
        }
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let columns = columns.into_iter().map(|index| {
            let name = self.schema.field(index).name();
            ProjectionExpr { expr: Arc::new(Column::new(name, index)), alias: name.clone() }
        });
        Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), plan)?))
    }
}
