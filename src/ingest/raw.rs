//! Rows as a person finds them in the ledger, where they have no text of their own.

use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use datafusion::error::Result as EngineResult;

/// Rows as JSON, a text each.
///
/// # Errors
/// A type that JSON cannot hold.
pub fn json_rows(batch: &RecordBatch) -> EngineResult<Vec<String>> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    Ok(String::from_utf8_lossy(&writer.into_inner()).lines().map(str::to_owned).collect())
}
