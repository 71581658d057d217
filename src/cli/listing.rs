//! Small tables that commands make of what they know.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Result};
use crate::output::{Format, Printer, ResultFile};

/// A table in the making: columns of equal length, each with its name.
#[derive(Debug, Default)]
pub(super) struct Listing {
    columns: Vec<(&'static str, ArrayRef)>,
}

impl Listing {
    /// Adds a column of texts.
    pub(super) fn texts<T: Into<String>>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = Option<T>>,
    ) -> Self {
        let values: StringArray = values.into_iter().map(|value| value.map(Into::into)).collect();
        self.columns.push((name, Arc::new(values)));
        self
    }

    /// Adds a column of counts.
    pub(super) fn counts(mut self, name: &'static str, values: impl IntoIterator<Item = Option<u64>>) -> Self {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let values: Int64Array = values.into_iter().map(|value| value.map(signed)).collect();
        self.columns.push((name, Arc::new(values)));
        self
    }

    /// Writes the table to stdout as `format`, or as results are written where none is asked for.
    ///
    /// # Errors
    /// An output that cannot be written.
    pub(super) fn write(self, printer: &Printer, format: Option<Format>) -> Result<()> {
        let rows = self.rows()?;
        let format = format.unwrap_or_else(|| printer.default_format());
        let mut file = ResultFile::begin(format, &rows.schema(), printer.stdout(), &printer.layout(None))?;
        file.batch(&rows)?;
        file.finish().map(drop)
    }

    /// The table itself, for who shows it in another way.
    ///
    /// # Errors
    /// Never for columns of equal length.
    pub(super) fn rows(self) -> Result<RecordBatch> {
        RecordBatch::try_from_iter(self.columns).map_err(|failure| Error::bug(failure.to_string()))
    }
}

/// Writes a value as JSON to stdout.
///
/// # Errors
/// An output that cannot be written.
pub(super) fn write_json(printer: &Printer, value: &impl serde::Serialize) -> Result<()> {
    let json = serde_json::to_string_pretty(value).map_err(|failure| Error::bug(failure.to_string()))?;
    write_text(printer, &format!("{json}\n"))
}

/// Writes a text to stdout.
///
/// # Errors
/// An output that cannot be written.
pub(super) fn write_text(printer: &Printer, text: &str) -> Result<()> {
    let mut stdout = printer.stdout();
    stdout.text(text)?;
    stdout.finish()
}
