//! What a reader could not accept: where it stands, what it is, and who decides what happens next.

use std::fmt;
use std::sync::Arc;

use crate::catalog::ColumnType;
use crate::error::{Error, Finding, Kind, Place, Result};

/// The longest value quoted in a message, in characters.
const VALUE_SHOWN: usize = 80;
/// As much of a line as goes with a message, in characters; a place beyond is given by number only.
const LINE_KEPT: usize = 2000;
/// Texts that people write for "no value".
const LIKELY_NULLS: [&str; 9] = ["na", "n/a", "null", "none", "nan", "nat", "-", "?", "\\n"];

/// One record or value that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file as the person knows it.
    pub file: Arc<str>,
    /// Where in the file.
    pub position: Position,
    /// The column, if the fault is about one.
    pub column: Option<String>,
    /// The value as written, if the fault is about one; bytes that are not UTF-8 are replaced.
    pub value: Option<String>,
    /// The whole record as written, if the format is text.
    pub raw: String,
    /// Why it was not accepted.
    pub reason: Reason,
}

/// Where in a file a fault stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// In a text file.
    Text {
        /// First byte of the record, counted from 0 at the beginning of the file.
        offset: u64,
        /// Physical line on which the record begins, from 1.
        record_line: u64,
        /// Physical line of the value (or of the record, if the fault is about the whole of it), from 1. Line breaks
        /// inside quotes count.
        line: u64,
        /// First character of the value in that line, from 1.
        column: usize,
    },
    /// In a file of rows without a text form.
    Row(u64),
}

/// Why a record or value was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The value is not of the column's type.
    NotA(ColumnType),
    /// A required column has no value.
    NoValue,
    /// The record has more or fewer fields than the header.
    FieldCount {
        /// Fields of the header.
        expected: usize,
        /// Fields of the record.
        found: usize,
    },
    /// A quote opens and the file ends before it closes.
    UnclosedQuote,
    /// Between a closing quote and the next delimiter there is text.
    TextAfterQuote,
    /// The value's bytes are not UTF-8.
    NotUtf8,
    /// The record does not end within this many bytes.
    TooLong {
        /// The longest record accepted, in bytes.
        limit: usize,
    },
}

/// Decides what a fault means for the reading.
pub trait Faults: fmt::Debug + Send + Sync {
    /// Takes one fault. An error ends the reading; otherwise the row is left out and reading goes on.
    ///
    /// The faults of a file come in the order of the file.
    fn take(&self, fault: Fault) -> Result<()>;
}

/// The strict policy: the first fault is the error.
#[derive(Debug, Clone, Copy, Default)]
pub struct StopAtFirst;

impl Faults for StopAtFirst {
    fn take(&self, fault: Fault) -> Result<()> {
        Err(fault.into_error())
    }
}

impl Fault {
    /// The fault as an error for a person: file, line, column, value, and what to do.
    #[must_use]
    pub fn into_error(self) -> Error {
        let what = self.what();
        let position = match self.position {
            Position::Text { line, .. } => format!("line {line}"),
            Position::Row(row) => format!("row {row}"),
        };
        let column = self.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        let error =
            Error::new(Kind::Query, format!("{}: {position}{column}: {what}", self.file)).hint(self.what_to_do());
        match self.place() {
            Some(place) => error.finding(Finding::new(what).at(place)),
            None => error,
        }
    }

    /// What is wrong, without where.
    fn what(&self) -> String {
        let value = quoted(self.value.as_deref().unwrap_or_default());
        match self.reason {
            Reason::NotA(column_type) => format!("{value} is not {}", with_article(column_type)),
            Reason::NoValue => "no value, but the column is required".to_owned(),
            Reason::FieldCount { expected, found } => {
                format!("{found} {}, but the header has {expected}", if found == 1 { "field" } else { "fields" })
            }
            Reason::UnclosedQuote => "the quote that opens here is never closed".to_owned(),
            Reason::TextAfterQuote => "text between a closing quote and the next delimiter".to_owned(),
            Reason::NotUtf8 => format!("{value} is not valid UTF-8"),
            Reason::TooLong { limit } => format!("the record does not end within {} MiB", limit >> 20),
        }
    }

    fn what_to_do(&self) -> String {
        let value = self.value.as_deref().unwrap_or_default();
        match self.reason {
            Reason::NotA(_) if LIKELY_NULLS.contains(&value.trim().to_lowercase().as_str()) => {
                let value = quoted(value);
                format!(
                    "if it means that there is no value, write `options: {{ null: [\"\", {value}] }}` in catalog.yaml"
                )
            }
            Reason::NotA(ColumnType::Int) if value.trim().parse::<f64>().is_ok() => {
                "correct the row, or declare the column as float or decimal in catalog.yaml".to_owned()
            }
            Reason::NotA(ColumnType::String) => {
                "declare the column in catalog.yaml with the type it has in the file".to_owned()
            }
            Reason::NotA(ColumnType::StringList) => {
                "write it as [\"a\", \"b\"] or ['a', 'b'], or declare the column as string in catalog.yaml".to_owned()
            }
            Reason::NotA(ColumnType::Date) => {
                "write it as 2024-12-31, or declare the column as string in catalog.yaml".to_owned()
            }
            Reason::NotA(ColumnType::Timestamp) => {
                "write it as 2024-12-31 23:59:59, or declare the column as string in catalog.yaml".to_owned()
            }
            Reason::NotA(_) => "correct the row, or declare the column as string in catalog.yaml".to_owned(),
            Reason::NoValue => "fill in the value, or take `required: true` from the column in catalog.yaml".to_owned(),
            Reason::FieldCount { .. } => {
                "put text that contains the delimiter or a line break between double quotes".to_owned()
            }
            Reason::UnclosedQuote | Reason::TooLong { .. } => {
                "close the quote; inside quoted text a quote is written twice (\"\")".to_owned()
            }
            Reason::TextAfterQuote => "inside quoted text write a quote twice (\"\")".to_owned(),
            Reason::NotUtf8 => "save the file as UTF-8".to_owned(),
        }
    }

    /// The place with its physical line of text; `None` for a file of rows.
    fn place(&self) -> Option<Place> {
        let Position::Text { record_line, line, column, .. } = self.position else { return None };
        let text = usize::try_from(line - record_line).ok().and_then(|nth| self.raw.split('\n').nth(nth));
        let text = text.unwrap_or_default().trim_end_matches('\r');
        let value = self.value.as_deref().and_then(|value| value.lines().next()).unwrap_or_default();
        let width = match self.reason {
            Reason::NotA(_) | Reason::NotUtf8 => value.chars().count().clamp(1, VALUE_SHOWN),
            _ => 1,
        };
        Some(Place {
            file: self.file.to_string(),
            line: usize::try_from(line).unwrap_or(usize::MAX),
            column,
            width,
            text: if column > LINE_KEPT { String::new() } else { cut(text, LINE_KEPT + width) },
        })
    }
}

/// `text`, or its beginning with an ellipsis if it is longer than `most` characters.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// `value` between quotes on one line, cut to a length that can be read.
fn quoted(value: &str) -> String {
    let mut shown = String::from("\"");
    for c in cut(value, VALUE_SHOWN).chars() {
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown.push('"');
    shown
}

fn with_article(column_type: ColumnType) -> String {
    let name = type_name(column_type);
    if column_type == ColumnType::Int { format!("an {name}") } else { format!("a {name}") }
}

/// The type as `catalog.yaml` writes it.
pub(super) fn type_name(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::String => "string".to_owned(),
        ColumnType::Int => "int".to_owned(),
        ColumnType::Float => "float".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("decimal({precision},{scale})"),
        ColumnType::Bool => "bool".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Timestamp => "timestamp".to_owned(),
        ColumnType::StringList => "list<string>".to_owned(),
    }
}
