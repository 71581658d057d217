//! Rows of a batch as entries of the ledger.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use datafusion::common::Result as EngineResult;

use crate::ingest::json_rows;
use crate::ledger::Entry;
use crate::name::TableName;

/// Columns that say where a row stands in its file, where the input has them.
const FILE: &str = "_file";
const LINE: &str = "_line";

/// What is needed to tell of a row of the input.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    origin: TableName,
    /// How many columns are the table's own.
    columns: usize,
    file: Option<usize>,
    line: Option<usize>,
}

/// Why a row stays behind.
#[derive(Debug, Clone)]
pub(super) struct Why {
    pub(super) rule: String,
    pub(super) column: Option<String>,
    pub(super) value: Option<String>,
    pub(super) message: String,
}

impl Rows {
    /// Rows of `schema`, of which the first `columns` columns are the table's own, as `origin` rejects them.
    pub(super) fn new(origin: TableName, schema: &SchemaRef, columns: usize) -> Self {
        let find = |name: &str| schema.index_of(name).ok();
        Self { origin, columns, file: find(FILE), line: find(LINE) }
    }

    /// The columns by which rows stand in the order of their files, if they come from files.
    pub(super) fn position(&self) -> Option<[usize; 2]> {
        Some([self.file?, self.line?])
    }

    /// How many columns are the table's own.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Where the row stands, as `file:line`, if it comes from a file.
    pub(super) fn place(&self, batch: &RecordBatch, row: usize) -> EngineResult<Option<String>> {
        let (files, lines) = self.places(batch)?;
        let place = file_of(files.as_ref(), row).zip(line_of(lines.as_ref(), row));
        Ok(place.map(|(file, line)| format!("{file}:{line}")))
    }

    /// The rows of `batch` as entries, each for its reason.
    pub(super) fn entries(&self, batch: &RecordBatch, why: Vec<Why>) -> EngineResult<Vec<Entry>> {
        let own: Vec<usize> = (0..self.columns).collect();
        let json = json_rows(&batch.project(&own)?)?;
        let (files, lines) = self.places(batch)?;
        let entry = |(row, (raw, why)): (usize, (String, Why))| Entry {
            origin: self.origin.clone(),
            rule: why.rule,
            file: file_of(files.as_ref(), row).map(Arc::from),
            line: line_of(lines.as_ref(), row),
            offset: None,
            length: None,
            column: why.column,
            value: why.value,
            raw,
            message: why.message,
            advice: None,
        };
        Ok(json.into_iter().zip(why).enumerate().map(entry).collect())
    }

    fn places(&self, batch: &RecordBatch) -> EngineResult<(Option<ArrayRef>, Option<ArrayRef>)> {
        let column = |index: Option<usize>, data_type: DataType| {
            index.map(|index| cast(batch.column(index), &data_type)).transpose()
        };
        Ok((column(self.file, DataType::Utf8)?, column(self.line, DataType::Int64)?))
    }
}

fn file_of(files: Option<&ArrayRef>, row: usize) -> Option<&str> {
    let files = files?.as_string::<i32>();
    files.is_valid(row).then(|| files.value(row))
}

fn line_of(lines: Option<&ArrayRef>, row: usize) -> Option<u64> {
    let lines = lines?.as_primitive::<Int64Type>();
    lines.is_valid(row).then(|| u64::try_from(lines.value(row)).ok()).flatten()
}
