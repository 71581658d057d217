//! Holding each row against the rules of a model: those that break one stay behind.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::util::display::array_value_to_string;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as EngineResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties};
use futures::StreamExt;

use super::rows::{Rows, Why};
use super::table::Rule;
use crate::ledger::Reading;

/// Hands on the rows that break no rule. A rule is broken where it is false; unknown passes.
#[derive(Debug)]
pub(super) struct RulesExec {
    input: Arc<dyn ExecutionPlan>,
    rules: Arc<[Rule]>,
    rows: Rows,
    reading: Arc<Reading>,
    /// Parts of the reading behind this step.
    more_parts: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl RulesExec {
    pub(super) fn new(
        input: Arc<dyn ExecutionPlan>,
        rules: Arc<[Rule]>,
        rows: Rows,
        reading: Arc<Reading>,
        more_parts: usize,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(input.schema()),
            input.properties().output_partitioning().clone(),
            input.properties().emission_type,
            input.properties().boundedness,
        );
        let (properties, metrics) = (Arc::new(properties), ExecutionPlanMetricsSet::new());
        Self { input, rules, rows, reading, more_parts, properties, metrics }
    }
}

impl DisplayAs for RulesExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.rules.iter().map(|rule| rule.name.as_str()).collect();
        write!(f, "RulesExec: model={}, rules=[{}]", self.reading.origin(), names.join(", "))
    }
}

impl ExecutionPlan for RulesExec {
    fn name(&self) -> &'static str {
        "RulesExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> EngineResult<TreeNodeRecursion>,
    ) -> EngineResult<TreeNodeRecursion> {
        let mut go_on = TreeNodeRecursion::Continue;
        for rule in self.rules.iter() {
            go_on = go_on.visit_sibling(|| f(&rule.condition))?;
        }
        Ok(go_on)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let input = children.pop().ok_or_else(|| DataFusionError::Internal("RulesExec has one input".to_owned()))?;
        let (rules, rows, reading) = (Arc::clone(&self.rules), self.rows.clone(), Arc::clone(&self.reading));
        Ok(Arc::new(Self::new(input, rules, rows, reading, self.more_parts)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> EngineResult<SendableRecordBatchStream> {
        self.reading.begins(self.input.properties().output_partitioning().partition_count() + self.more_parts);
        let batches = self.input.execute(partition, context)?;
        let baseline = BaselineMetrics::new(&self.metrics, partition);
        let (rules, rows, reading) = (Arc::clone(&self.rules), self.rows.clone(), Arc::clone(&self.reading));
        let held = batches.map(move |batch| {
            let batch = batch?;
            let _busy = baseline.elapsed_compute().timer();
            reading.came_in(batch.num_rows());
            let kept = hold(&rules, &rows, &reading, batch)?;
            baseline.record_output(kept.num_rows());
            Ok(kept)
        });
        let reading = Arc::clone(&self.reading);
        let end = futures::stream::once(async move {
            reading.ended();
            None
        });
        // The end of the input is the end of this part, and gives no batch.
        let stream = held.map(Some).chain(end).filter_map(futures::future::ready);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream)))
    }
}

/// The rows of `batch` that break no rule; the others go to the reading.
fn hold(rules: &[Rule], rows: &Rows, reading: &Reading, batch: RecordBatch) -> EngineResult<RecordBatch> {
    let mut broken: Vec<(&Rule, BooleanBuffer)> = Vec::new();
    for rule in rules {
        let held = rule.condition.evaluate(&batch)?.into_array(batch.num_rows())?;
        let is_false = false_rows(held.as_boolean());
        if is_false.count_set_bits() > 0 {
            broken.push((rule, is_false));
        }
    }
    let Some(any) = broken.iter().map(|(_, rows)| rows.clone()).reduce(|all, more| &all | &more) else {
        return Ok(batch);
    };
    let left_out = filter_record_batch(&batch, &BooleanArray::new(any.clone(), None))?;
    let mut why = Vec::with_capacity(left_out.num_rows());
    for (row, at) in any.set_indices().enumerate() {
        let of_row: Vec<&Rule> = broken.iter().filter(|(_, rows)| rows.value(at)).map(|(rule, _)| *rule).collect();
        why.push(because(&of_row, &left_out, row)?);
    }
    reading.reject(rows.entries(&left_out, why)?).map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(filter_record_batch(&batch, &BooleanArray::new(!&any, None))?)
}

/// Where a condition is false: not where it is unknown.
fn false_rows(held: &BooleanArray) -> BooleanBuffer {
    let is_false = !held.values();
    match held.nulls() {
        Some(known) => &is_false & known.inner(),
        None => is_false,
    }
}

/// Why a row stays behind that breaks `rules`.
fn because(rules: &[&Rule], batch: &RecordBatch, row: usize) -> EngineResult<Why> {
    let first = rules.first().ok_or_else(|| DataFusionError::Internal("a row without a broken rule".to_owned()))?;
    let columns: Vec<usize> = collect_columns(&first.condition).iter().map(Column::index).collect();
    // A rule about one column has a value to show.
    let about = match columns.as_slice() {
        [column] => Some(*column),
        _ => None,
    };
    let value = about.filter(|column| batch.column(*column).is_valid(row));
    let value = value.map(|column| array_value_to_string(batch.column(column), row)).transpose()?;
    let told: Vec<String> = rules.iter().map(|rule| format!("{}: {} is false", rule.name, rule.sql.trim())).collect();
    Ok(Why {
        rule: first.name.clone(),
        column: about.map(|column| batch.schema().field(column).name().clone()),
        value,
        message: told.join("; "),
    })
}
