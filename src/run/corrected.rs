//! The file in which somebody corrected rejected records: as `cauce rejects` exports them, with other texts in `raw`.
//!
//! A spreadsheet may have been at it, so delimiter and encoding are found out as for any dataset. Columns other than those
//! that say where a record stands and what it should be are passed over.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::physical_plan::collect;

use crate::catalog::{Column, ColumnType, Dataset, Format, Metadata, OnDrift, Rules};
use crate::engine::Engine;
use crate::error::{Error, Finding, Result, engine_error};
use crate::ingest::{IngestExec, propose};
use crate::store::InputFile;

/// What a person is told whose file is no such file.
const HINT: &str = "export the rejects with `cauce rejects DATASET --format csv -o FILE`, correct the texts in its column \
                    `raw`, and keep its columns `file` and `line`";

/// A record as somebody corrected it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Corrected {
    /// Its line in the file of corrections.
    pub(super) at: u64,
    /// The file that holds the record.
    pub(super) file: String,
    /// Its physical line there.
    pub(super) line: u64,
    /// Its first byte there, if the file of corrections says it.
    pub(super) offset: Option<u64>,
    /// What it should be; nothing where the text was taken away.
    pub(super) text: Option<String>,
}

/// The records in `file`.
///
/// # Errors
/// A file that cannot be read, that lacks a column, or whose lines are no numbers.
pub(super) async fn read(file: InputFile, engine: &Engine) -> Result<Vec<Corrected>> {
    let name = file.name.clone();
    let proposal = propose("corrections", &name, std::slice::from_ref(&file)).await?;
    let mut dataset = Dataset {
        on_drift: OnDrift::AcceptNewColumns,
        columns: vec![
            column("file", ColumnType::String, true),
            column("line", ColumnType::Int, true),
            column("raw", ColumnType::String, false),
            column("byte_offset", ColumnType::Int, false),
        ],
        metadata: vec![Metadata::Line],
        ..proposal.dataset
    };
    if let Format::Csv(options) = &mut dataset.format {
        options.null = vec![String::new()];
    }
    let plan = IngestExec::try_new(Arc::new(dataset), vec![file], (0..5).collect(), None, 1).map_err(engine_error)?;
    let rows = collect(Arc::new(plan), engine.task()).await;
    let rows = rows.map_err(|failure| for_person(&engine_error(failure)))?;
    Ok(rows.iter().flat_map(records).collect())
}

/// An error about the file without the advice on how to declare a dataset, which this is not.
fn for_person(error: &Error) -> Error {
    let findings = error.all_findings().iter().map(|finding| Finding { hint: None, ..finding.clone() });
    Error::new(error.kind(), error.message()).findings(findings).hint(HINT)
}

fn column(name: &str, column_type: ColumnType, required: bool) -> Column {
    let (name, description) = (name.to_owned(), String::new());
    Column { name, column_type, required, description, pii: None, rules: Rules::default() }
}

fn records(rows: &RecordBatch) -> Vec<Corrected> {
    let text = |column: usize, row: usize| {
        let column = rows.column(column);
        column.is_valid(row).then(|| column.as_string::<i32>().value(row).to_owned())
    };
    let number = |column: usize, row: usize| {
        let column = rows.column(column);
        let number = column.is_valid(row).then(|| column.as_primitive::<Int64Type>().value(row));
        number.and_then(|number| u64::try_from(number).ok())
    };
    let record = |row: usize| Corrected {
        at: number(4, row).unwrap_or_default(),
        file: text(0, row).unwrap_or_default(),
        line: number(1, row).unwrap_or_default(),
        offset: number(3, row),
        text: text(2, row),
    };
    (0..rows.num_rows()).map(record).collect()
}
