//! The file in which somebody corrected rejected records: as `cauce rejects` exports them, with other texts in `raw` or,
//! with `--columns`, with other values in the columns of the dataset.
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
use crate::ingest::{IngestExec, Proposal, propose};
use crate::store::InputFile;

/// What a person is told whose file is no such file.
const HINT: &str = "export the rejects with `cauce rejects DATASET --format csv -o FILE`, correct the texts in its column \
                    `raw`, and keep its columns `file` and `line`; or add --columns, correct values, and keep `_file` and \
                    `_line`";

/// The columns that say where a record stands, beside those of its dataset.
pub const PLACE_COLUMNS: [&str; 3] = ["_file", "_line", "_byte_offset"];

/// The column behind those of the dataset that says what is wrong with a record.
pub const MESSAGE_COLUMN: &str = "_message";

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
    /// What it should be.
    pub(super) text: Text,
}

/// What a record should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// This text; nothing where it was taken away.
    Whole(Option<String>),
    /// The record with these values in columns of the dataset, each by its position.
    Values {
        /// The values.
        values: Vec<(usize, Option<String>)>,
        /// Whether somebody took away what was said to be wrong: the record is right as it is shown.
        as_shown: bool,
    },
}

/// The records in `file`, which are rejects of `corrected`.
///
/// # Errors
/// A file that cannot be read, that lacks a column, or whose lines are no numbers.
pub(super) async fn read(file: InputFile, corrected: &Dataset, engine: &Engine) -> Result<Vec<Corrected>> {
    let name = file.name.clone();
    let Proposal { dataset, inferred } = propose("corrections", &name, std::slice::from_ref(&file)).await?;
    let has = |name: &str| inferred.columns.iter().any(|column| column.name == name);
    let by_values = !has("raw") && has(PLACE_COLUMNS[0]);
    let [file_name, line, offset] = if by_values { PLACE_COLUMNS } else { ["file", "line", "byte_offset"] };
    let mut columns = vec![
        column(file_name, ColumnType::String, true),
        column(line, ColumnType::Int, true),
        column(offset, ColumnType::Int, false),
    ];
    let of_dataset: Vec<usize> = if by_values {
        (0..corrected.columns.len()).filter(|index| has(&corrected.columns[*index].name)).collect()
    } else {
        Vec::new()
    };
    if by_values {
        columns.extend(of_dataset.iter().map(|i| column(&corrected.columns[*i].name, ColumnType::String, false)));
    } else {
        columns.push(column("raw", ColumnType::String, false));
    }
    let texts = 3..columns.len();
    let message = (by_values && has(MESSAGE_COLUMN)).then_some(columns.len());
    columns.extend(message.map(|_| column(MESSAGE_COLUMN, ColumnType::String, false)));
    let at = columns.len();
    let mut dataset =
        Dataset { on_drift: OnDrift::AcceptNewColumns, columns, metadata: vec![Metadata::Line], ..dataset };
    if let Format::Csv(options) = &mut dataset.format {
        options.null = vec![String::new()];
    }
    let all = (0..=at).collect();
    let plan = IngestExec::try_new(Arc::new(dataset), vec![file], all, None, 1).map_err(engine_error)?;
    let rows = collect(Arc::new(plan), engine.task()).await;
    let rows = rows.map_err(|failure| for_person(&engine_error(failure)))?;
    let record = |(batch, row): (&RecordBatch, usize)| Corrected {
        at: number(batch, at, row).unwrap_or_default(),
        file: text(batch, 0, row).unwrap_or_default(),
        line: number(batch, 1, row).unwrap_or_default(),
        offset: number(batch, 2, row),
        text: if by_values {
            let values = texts.clone().map(|column| text(batch, column, row));
            let as_shown = message.is_some_and(|column| text(batch, column, row).is_none());
            Text::Values { values: of_dataset.iter().copied().zip(values).collect(), as_shown }
        } else {
            Text::Whole(text(batch, texts.start, row))
        },
    };
    Ok(rows.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row))).map(record).collect())
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

fn text(rows: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let column = rows.column(column);
    column.is_valid(row).then(|| column.as_string::<i32>().value(row).to_owned())
}

fn number(rows: &RecordBatch, column: usize, row: usize) -> Option<u64> {
    let column = rows.column(column);
    let number = column.is_valid(row).then(|| column.as_primitive::<Int64Type>().value(row));
    number.and_then(|number| u64::try_from(number).ok())
}
