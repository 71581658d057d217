//! One row that was not accepted.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::ingest::{Fault, Reject};
use crate::name::TableName;

/// A row that was not accepted: where it stood, what it was, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The dataset or model that did not accept it.
    pub origin: TableName,
    /// The rule it breaks; the first one, if there are several.
    pub rule: String,
    /// The file it stands in, if it comes from one.
    pub file: Option<Arc<str>>,
    /// Its physical line in the file, from 1.
    pub line: Option<u64>,
    /// Its first byte in the file, from 0.
    pub offset: Option<u64>,
    /// Its bytes in the file.
    pub length: Option<u64>,
    /// The column, if the rule is about one.
    pub column: Option<String>,
    /// The value, if the rule is about one.
    pub value: Option<String>,
    /// The row: as it is written in the file, or as JSON.
    pub raw: String,
    /// All that is wrong with it.
    pub message: String,
    /// What to do about it, for those who are told; the ledger does not keep it.
    pub advice: Option<String>,
}

impl Entry {
    /// A record that the reader of `origin` did not accept.
    #[must_use]
    pub fn of_record(origin: TableName, reject: Reject) -> Self {
        let message = reject.message();
        let Reject { file, offset, length, line, raw, faults } = reject;
        let first = faults.into_iter().next();
        let rule = first.as_ref().map(|fault| fault.reason.rule()).unwrap_or_default();
        let advice = first.as_ref().map(Fault::hint);
        let (column, value) = first.map(|fault| (fault.column, fault.value)).unwrap_or_default();
        Self {
            origin,
            rule: rule.to_owned(),
            file: Some(file),
            line: Some(line),
            offset,
            length,
            column,
            value,
            raw,
            message,
            advice,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.column, &self.value].into_iter().flatten().chain([&self.rule, &self.raw, &self.message]);
        texts.map(String::len).sum::<usize>() + size_of::<Self>()
    }

    /// The columns that entries have before a run is known.
    pub(super) fn schema() -> SchemaRef {
        let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
        let number = |name: &str| Field::new(name, DataType::Int64, true);
        Arc::new(Schema::new(vec![
            text("origin", false),
            text("rule", false),
            text("file", true),
            number("line"),
            number("byte_offset"),
            number("byte_length"),
            text("column", true),
            text("value", true),
            text("raw", false),
            text("message", false),
        ]))
    }

    /// Entries as rows.
    pub(super) fn batch(entries: &[Self]) -> Result<RecordBatch> {
        let texts = |text: fn(&Self) -> Option<&str>| -> ArrayRef {
            Arc::new(entries.iter().map(text).collect::<StringArray>())
        };
        let numbers = |number: fn(&Self) -> Option<u64>| -> ArrayRef {
            let numbers = entries.iter().map(|entry| number(entry).and_then(|number| i64::try_from(number).ok()));
            Arc::new(numbers.collect::<Int64Array>())
        };
        let origins: ArrayRef =
            Arc::new(entries.iter().map(|entry| Some(entry.origin.to_string())).collect::<StringArray>());
        let columns = vec![
            origins,
            texts(|entry| Some(&entry.rule)),
            texts(|entry| entry.file.as_deref()),
            numbers(|entry| entry.line),
            numbers(|entry| entry.offset),
            numbers(|entry| entry.length),
            texts(|entry| entry.column.as_deref()),
            texts(|entry| entry.value.as_deref()),
            texts(|entry| Some(&entry.raw)),
            texts(|entry| Some(&entry.message)),
        ];
        RecordBatch::try_new(Self::schema(), columns).map_err(|failure| Error::bug(failure.to_string()))
    }
}
