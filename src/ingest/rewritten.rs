//! Corrected rows that are written as JSON objects: those of files without a text form, and those whose text had been read
//! when they were rejected.
//!
//! Their values are written as JSON and cauce write them, whatever shapes and separators the dataset declares for its files:
//! a day as 2024-12-31, a list as an array.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::metrics::{Count, Time};
use encoding_rs::UTF_8;

use super::decode::Decoder;
use super::fault::StopAtFirst;
use super::json::Json;
use super::piece::{Origin, Piece};
use super::reader::Scan;
use super::replay::why_no_row;
use super::text_file::TextFormat;
use crate::catalog::Dataset;
use crate::error::{Error, Result};

/// The row that `text` is in the place of the one on `line` of `file`, in the columns `projection` of `dataset`; or why it is
/// none.
pub(super) fn row(
    dataset: &Dataset,
    (projection, schema): (&[usize], &SchemaRef),
    (file, line): (&Arc<str>, u64),
    text: &str,
) -> Result<Result<RecordBatch, String>> {
    let mut dataset = dataset.clone();
    for column in &mut dataset.columns {
        column.rules.formats.clear();
        column.rules.separator = None;
    }
    let scan = Scan {
        dataset: Arc::new(dataset),
        projection: projection.to_vec(),
        schema: Arc::clone(schema),
        batch_rows: 2,
        limit: None,
        tasks: 1,
        faults: Arc::new(StopAtFirst),
        bytes_read: Count::new(),
        busy: Time::new(),
    };
    let origin = Origin { file: Arc::clone(file), measure: Decoder::new(UTF_8, b"").measure() };
    // What is no object at all is told as one text that is none.
    let opened = Json::new(!text.trim_start().starts_with('{')).open(origin, Arc::new(scan), &mut None)?;
    let made = opened.maker.make(&Piece { text: text.as_bytes().to_vec(), offset: 0, line, broken: None })?;
    if let Some(why) = why_no_row(&made) {
        return Ok(Err(why));
    }
    let row = made.batches.into_iter().find(|batch| batch.num_rows() == 1);
    row.map(Ok).ok_or_else(|| Error::bug(format!("{file}: a corrected row came to nothing")))
}
