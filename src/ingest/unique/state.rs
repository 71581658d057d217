//! What is done with each row while they pass: it goes on, is a reject, or comes back as somebody corrected it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use arrow::util::display::array_value_to_string;
use datafusion::error::Result as EngineResult;
use datafusion::physical_plan::metrics::BaselineMetrics;

use super::external;
use super::held::HeldAccounts;
use super::seen::Seen;
use crate::catalog::Dataset;
use crate::error::Result;
use crate::ingest::fault::{Fault, Faults, Reason, Reject};
use crate::ingest::raw::json_rows;
use crate::ingest::rewritten;

/// What is known while rows pass.
pub(super) struct State {
    pub(super) dataset: Arc<Dataset>,
    pub(super) schema: SchemaRef,
    pub(super) seen: Vec<Seen>,
    /// Rows that are rejects here, by file.
    pub(super) repeated: BTreeMap<String, u64>,
    /// Rows that are as somebody corrected them, by file.
    pub(super) replayed: BTreeMap<String, u64>,
    /// Rows that repeat a value and were corrected, with what they are instead.
    pub(super) corrected: Vec<(Reject, Arc<str>)>,
    pub(super) places: [usize; 2],
    pub(super) accounts: Arc<HeldAccounts>,
    pub(super) baseline: BaselineMetrics,
}

impl State {
    /// The rows of `batch` whose values are new.
    pub(super) fn keep(&mut self, batch: &RecordBatch) -> EngineResult<RecordBatch> {
        let busy = self.baseline.elapsed_compute().clone();
        let _busy = busy.timer();
        let mut repeated: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for seen in &mut self.seen {
            for row in seen.repeated_rows(batch)? {
                repeated.entry(row).or_default().push(seen.column);
            }
        }
        let kept = if repeated.is_empty() {
            batch.clone()
        } else {
            self.reject(batch, &repeated)?;
            let new: BooleanArray = (0..batch.num_rows()).map(|row| Some(!repeated.contains_key(&row))).collect();
            filter_record_batch(batch, &new)?
        };
        self.baseline.record_output(kept.num_rows());
        Ok(kept)
    }

    /// Gives the rows of `batch` to the policy that repeat a value, with the columns in which they do.
    fn reject(&mut self, batch: &RecordBatch, repeated: &BTreeMap<usize, Vec<usize>>) -> EngineResult<()> {
        let [file, line] = self.places;
        let own: Vec<usize> = (0..file.min(line)).collect();
        let files = cast(batch.column(file), &DataType::Utf8)?;
        let lines = cast(batch.column(line), &DataType::Int64)?;
        for (row, columns) in repeated {
            let file = files.as_string::<i32>().value(*row);
            let line = u64::try_from(lines.as_primitive::<Int64Type>().value(*row)).unwrap_or(0);
            let mut faults = Vec::with_capacity(columns.len());
            for column in columns {
                let value = Some(array_value_to_string(batch.column(*column), *row)?);
                let name = Some(batch.schema().field(*column).name().clone());
                faults.push(Fault { column: name, value, line, at: 1, reason: Reason::Repeated });
            }
            let raw = json_rows(&batch.slice(*row, 1).project(&own)?)?.pop().unwrap_or_default();
            let reject = Reject { file: Arc::from(file), offset: None, length: None, line, raw, faults };
            match self.accounts.correction(&reject) {
                Some(text) => self.corrected.push((reject, text)),
                None => self.take(reject).map_err(external)?,
            }
        }
        Ok(())
    }

    fn take(&mut self, reject: Reject) -> Result<()> {
        *self.repeated.entry(reject.file.to_string()).or_default() += 1;
        self.accounts.take(reject)
    }

    /// The corrected rows whose values no other row has, after all others have been seen.
    pub(super) fn keep_corrected(&mut self) -> EngineResult<Option<RecordBatch>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let mut rows = Vec::new();
        for (mut reject, text) in std::mem::take(&mut self.corrected) {
            let place = (&reject.file, reject.line);
            let made = rewritten::row(&self.dataset, (&all, &self.schema), place, &text).map_err(external)?;
            let kept = match made {
                Ok(row) => self.repeated_values(&row)?.map_or(Ok(row), Err),
                Err(why) => Err(why),
            };
            match kept {
                Ok(row) => {
                    *self.replayed.entry(reject.file.to_string()).or_default() += 1;
                    rows.push(row);
                }
                Err(why) => {
                    reject.still_wrong(&why);
                    self.take(reject).map_err(external)?;
                }
            }
        }
        if rows.is_empty() {
            return Ok(None);
        }
        let rows = concat_batches(&self.schema, &rows)?;
        self.baseline.record_output(rows.num_rows());
        Ok(Some(rows))
    }

    /// The values of a corrected row that another row has, in words; none if it has its own.
    fn repeated_values(&mut self, row: &RecordBatch) -> EngineResult<Option<String>> {
        let mut told = Vec::new();
        for seen in &mut self.seen {
            if !seen.repeated_rows(row)?.is_empty() {
                let value = array_value_to_string(row.column(seen.column), 0)?;
                told.push(format!("{}: \"{value}\" stands in another row", self.schema.field(seen.column).name()));
            }
        }
        Ok((!told.is_empty()).then(|| told.join("; ")))
    }
}
