//! The values of a unique column that were seen so far.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::{Field, Schema};
use datafusion::error::Result as EngineResult;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::aggregates::group_values::{GroupValues, new_group_values};
use datafusion::physical_plan::aggregates::order::GroupOrdering;

/// The values of one column seen so far.
pub(super) struct Seen {
    pub(super) column: usize,
    values: Box<dyn GroupValues>,
    count: usize,
    found: Vec<usize>,
    reservation: MemoryReservation,
}

impl Seen {
    pub(super) fn new(column: usize, field: &Field, context: &TaskContext) -> EngineResult<Self> {
        let schema = Arc::new(Schema::new(vec![field.clone()]));
        let values = new_group_values(schema, &GroupOrdering::None)?;
        let consumer = MemoryConsumer::new(format!("values of the unique column {}", field.name()));
        let reservation = consumer.register(context.memory_pool());
        Ok(Self { column, values, count: 0, found: Vec::new(), reservation })
    }

    /// The rows of `batch` whose value was seen before; one without a value is like no other.
    pub(super) fn repeated_rows(&mut self, batch: &RecordBatch) -> EngineResult<Vec<usize>> {
        let column = batch.column(self.column);
        let known = if column.null_count() > 0 { Some(is_not_null(column)?) } else { None };
        let values: ArrayRef = match &known {
            Some(known) => filter(column, known)?,
            None => Arc::clone(column),
        };
        self.found.clear();
        self.values.intern(&[values], &mut self.found)?;
        let mut rows = (0..batch.num_rows()).filter(|row| known.as_ref().is_none_or(|known| known.value(*row)));
        let mut repeated = Vec::new();
        for value in &self.found {
            let Some(row) = rows.next() else { break };
            if *value == self.count {
                self.count += 1;
            } else {
                repeated.push(row);
            }
        }
        self.reservation.try_resize(self.values.size())?;
        Ok(repeated)
    }
}
