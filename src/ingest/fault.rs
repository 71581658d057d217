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

/// What the message of a reject says before what is wrong with its correction.
pub const STILL_WRONG: &str = "its correction is no row either: ";

/// A record that was not accepted, with all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The file as the person knows it.
    pub file: Arc<str>,
    /// The record's first byte, counted from 0 at the beginning of the file (of its content, if it is compressed);
    /// `None` in a file of rows without a text form.
    pub offset: Option<u64>,
    /// The record's bytes, without its line end; `None` where there is no offset.
    pub length: Option<u64>,
    /// Physical line on which the record begins, from 1; in a file of rows the number of the row.
    pub line: u64,
    /// The record as written, in which bytes that are not text are replaced; where there is no offset, as a JSON object.
    pub raw: String,
    /// What is wrong with it, in the order of the record; never empty.
    pub faults: Vec<Fault>,
}

/// One thing wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The column, if the fault is about one.
    pub column: Option<String>,
    /// The value as written, if the fault is about one; bytes that are not text are replaced.
    pub value: Option<String>,
    /// Physical line of the value (or of the record, if the fault is about the whole of it), from 1. Line breaks
    /// inside quotes count. In a file of rows the number of the row.
    pub line: u64,
    /// First character of the value in that line, from 1.
    pub at: usize,
    /// Why it was not accepted.
    pub reason: Reason,
}

/// Why a record or value was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The value is not of the column's type.
    NotA(ColumnType),
    /// The value is not written in any shape that the column declares.
    NotInShape {
        /// The column's type.
        column_type: ColumnType,
        /// The shapes.
        shapes: Arc<str>,
    },
    /// A required column has no value.
    NoValue,
    /// The value is less than this, the least.
    Below(Arc<str>),
    /// The value is greater than this, the greatest.
    Above(Arc<str>),
    /// The value is none of these.
    NotAmong(Arc<str>),
    /// The value does not match this pattern.
    NoMatch(Arc<str>),
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
    /// The value's bytes are nothing in the encoding of the file.
    NotText {
        /// The encoding's name.
        encoding: &'static str,
    },
    /// The record is no JSON object, and why.
    NotJson(Arc<str>),
    /// The record has this key, which is no declared column.
    UnknownKey(Arc<str>),
    /// The record has this key twice.
    KeyTwice(Arc<str>),
    /// The record does not end within this many bytes.
    TooLong {
        /// The longest record accepted, in bytes.
        limit: usize,
    },
    /// An earlier row has the value, which may stand in one row only.
    Repeated,
    /// Somebody corrected the record, and why the correction is no row either.
    StillWrong(Arc<str>),
}

impl Reason {
    /// The rule that was broken, in one word.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        match self {
            Self::NotA(_) => "type",
            Self::NotInShape { .. } => "format",
            Self::Below(_) => "min",
            Self::Above(_) => "max",
            Self::NotAmong(_) => "values",
            Self::NoMatch(_) => "pattern",
            Self::NoValue => "required",
            Self::FieldCount { .. } => "field_count",
            Self::UnclosedQuote => "unclosed_quote",
            Self::TextAfterQuote => "text_after_quote",
            Self::NotUtf8 | Self::NotText { .. } => "encoding",
            Self::NotJson(_) => "json",
            Self::UnknownKey(_) | Self::KeyTwice(_) => "keys",
            Self::TooLong { .. } => "record_size",
            Self::Repeated => "unique",
            Self::StillWrong(_) => "correction",
        }
    }
}

/// How many records a file holds and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    /// Records in the file.
    pub records: u64,
    /// Those that are rows of the table.
    pub rows: u64,
    /// Those that are not.
    pub rejected: u64,
    /// Rows made of a correction in the place of a record that is not accepted; they are among `rows`.
    pub replayed: u64,
}

impl Account {
    /// Adds what became of further records.
    pub(super) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.rows += other.rows;
        self.rejected += other.rejected;
        self.replayed += other.replayed;
    }
}

/// Decides what a reject means for the reading.
pub trait Faults: fmt::Debug + Send + Sync {
    /// Takes one rejected record. An error ends the reading; otherwise the record is left out and reading goes on.
    ///
    /// The rejects of a file come in its order, each record once.
    fn take(&self, reject: Reject) -> Result<()>;

    /// The text that somebody put in the place of a rejected record. If that is a row, the reject is not taken.
    fn correction(&self, _: &Reject) -> Option<Arc<str>> {
        None
    }

    /// Says that `file` was read to its end, after the last of its rejects. A file of which a query wanted only the
    /// first rows may never be.
    fn finished(&self, file: &str, account: Account) -> Result<()>;

    /// Takes the failure to read `file` to its end because it is damaged. An error ends the reading; otherwise the rows
    /// before the damage stand, and reading goes on with the next file.
    fn damaged(&self, _file: &str, failure: Error) -> Result<()> {
        Err(failure)
    }
}

/// The strict policy: the first fault is the error.
#[derive(Debug, Clone, Copy, Default)]
pub struct StopAtFirst;

impl Faults for StopAtFirst {
    fn take(&self, reject: Reject) -> Result<()> {
        Err(reject.into_error())
    }

    fn finished(&self, _: &str, _: Account) -> Result<()> {
        Ok(())
    }
}

impl Reject {
    /// The first fault as an error for a person: file, line, column, value, and what to do.
    #[must_use]
    pub fn into_error(self) -> Error {
        let Some(fault) = self.faults.first() else {
            return Error::bug(format!("{}: line {} was rejected without a reason", self.file, self.line));
        };
        let what = fault.message();
        let place = match self.offset {
            Some(_) => format!("line {}", fault.line),
            None => format!("row {}", fault.line),
        };
        let column = fault.column.as_ref().map(|column| format!(", column {column}")).unwrap_or_default();
        let error = Error::new(Kind::Query, format!("{}: {place}{column}: {what}", self.file)).hint(fault.hint());
        match self.place(fault) {
            Some(place) => error.finding(Finding::new(what).at(place)),
            None => error,
        }
    }

    /// Adds that somebody corrected the record, and why the correction is no row either.
    pub(super) fn still_wrong(&mut self, why: &str) {
        let reason = Reason::StillWrong(why.into());
        self.faults.push(Fault { column: None, value: None, line: self.line, at: 1, reason });
    }

    /// All that is wrong, one after the other, without where.
    #[must_use]
    pub fn message(&self) -> String {
        let told: Vec<String> = self.faults.iter().map(Fault::told_with_column).collect();
        told.join("; ")
    }

    /// The place of a fault with its physical line of text; `None` for a file of rows.
    fn place(&self, fault: &Fault) -> Option<Place> {
        self.offset?;
        let text = usize::try_from(fault.line - self.line).ok().and_then(|nth| self.raw.split('\n').nth(nth));
        let text = text.unwrap_or_default().trim_end_matches('\r');
        let value = fault.value.as_deref().and_then(|value| value.lines().next()).unwrap_or_default();
        let width = value.chars().count().clamp(1, VALUE_SHOWN);
        Some(Place {
            file: self.file.to_string(),
            line: usize::try_from(fault.line).unwrap_or(usize::MAX),
            column: fault.at,
            width,
            text: if fault.at > LINE_KEPT { String::new() } else { cut(text, LINE_KEPT + width) },
        })
    }
}

impl Fault {
    /// What is wrong, without where.
    #[must_use]
    pub fn message(&self) -> String {
        let value = quoted(self.value.as_deref().unwrap_or_default());
        match &self.reason {
            Reason::NotA(column_type) => format!("{value} is not {}", with_article(*column_type)),
            Reason::NotInShape { column_type, shapes } => {
                format!("{value} is not {} written as {shapes}", with_article(*column_type))
            }
            Reason::Below(least) => format!("{value} is less than {least}"),
            Reason::Above(greatest) => format!("{value} is greater than {greatest}"),
            Reason::NotAmong(_) => format!("{value} is none of the values of the column"),
            Reason::NoMatch(pattern) => format!("{value} does not match {pattern}"),
            Reason::NoValue => "no value, but the column is required".to_owned(),
            Reason::FieldCount { expected, found } => {
                format!("{found} {}, but the header has {expected}", if *found == 1 { "field" } else { "fields" })
            }
            Reason::UnclosedQuote => "the quote that opens here is never closed".to_owned(),
            Reason::TextAfterQuote => "text between a closing quote and the next delimiter".to_owned(),
            Reason::NotUtf8 if self.value.is_none() => "it is not valid UTF-8".to_owned(),
            Reason::NotUtf8 => format!("{value} is not valid UTF-8"),
            Reason::NotText { encoding } if self.value.is_none() => format!("it is not valid {encoding}"),
            Reason::NotText { encoding } => format!("{value} is not valid {encoding}"),
            Reason::NotJson(why) => format!("it is no JSON object: {why}"),
            Reason::UnknownKey(key) => format!("the key `{key}` is not declared"),
            Reason::KeyTwice(key) => format!("the key `{key}` stands there twice"),
            Reason::TooLong { limit } => format!("the record does not end within {} MiB", limit >> 20),
            Reason::Repeated => format!("{value} stands in an earlier row"),
            Reason::StillWrong(why) => format!("{STILL_WRONG}{why}"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let value = self.value.as_deref().unwrap_or_default();
        match &self.reason {
            Reason::NotA(_) | Reason::NotInShape { .. }
                if LIKELY_NULLS.contains(&value.trim().to_lowercase().as_str()) =>
            {
                let value = quoted(value);
                format!(
                    "if it means that there is no value, write `options: {{ null: [\"\", {value}] }}` in catalog.yaml"
                )
            }
            Reason::NotA(_) | Reason::NotInShape { .. } if self.column.as_deref() == Some(value.trim()) => {
                "the header stands there again: take the line out of the file".to_owned()
            }
            Reason::NotA(ColumnType::Int) if value.trim().bytes().skip(1).all(|byte| byte.is_ascii_digit()) => {
                "it has more digits than an int: declare the column as string or decimal(20,0) in catalog.yaml"
                    .to_owned()
            }
            Reason::NotA(ColumnType::Float | ColumnType::Decimal { .. })
                if value.trim().replacen(',', ".", 1).parse::<f64>().is_ok() && value.contains(',') =>
            {
                "write the fraction behind a point, as in 1.5, and nothing between thousands".to_owned()
            }
            Reason::NotA(ColumnType::Decimal { precision, scale }) if value.trim().parse::<f64>().is_ok() => {
                let (whole, scale) = (precision - scale, u32::from(*scale));
                format!(
                    "write it with at most {whole} digits before and {scale} behind the point, or declare the column with \
                     more digits in catalog.yaml"
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
                "write it as 2024-12-31, or declare its shape in catalog.yaml: `format: \"%d/%m/%Y\"`".to_owned()
            }
            Reason::NotA(ColumnType::Timestamp) => {
                "write it as 2024-12-31 23:59:59, or declare its shape in catalog.yaml: `format: \"%d/%m/%Y %H:%M\"`"
                    .to_owned()
            }
            Reason::NotInShape { .. } => "correct the row, or add its shape to `format` in catalog.yaml".to_owned(),
            Reason::Below(_) => "correct the row, or change `min` of the column in catalog.yaml".to_owned(),
            Reason::Above(_) => "correct the row, or change `max` of the column in catalog.yaml".to_owned(),
            Reason::NotAmong(values) => {
                format!("the values are {values}; correct the row, or add to `values` of the column in catalog.yaml")
            }
            Reason::NoMatch(_) => "correct the row, or change `pattern` of the column in catalog.yaml".to_owned(),
            Reason::NotA(_) => "correct the row, or declare the column as string in catalog.yaml".to_owned(),
            Reason::NoValue => "fill in the value, or take `required: true` from the column in catalog.yaml".to_owned(),
            Reason::Repeated => "correct the row, or take `unique: true` from the column in catalog.yaml".to_owned(),
            Reason::FieldCount { expected, found } if found < expected => {
                "complete the record; if a line break inside a text cut it, put the text between double quotes"
                    .to_owned()
            }
            Reason::FieldCount { .. } => {
                "put text that contains the delimiter between double quotes, or take away a delimiter at the end"
                    .to_owned()
            }
            Reason::NotJson(_) | Reason::KeyTwice(_) | Reason::StillWrong(_) => "correct the record".to_owned(),
            Reason::UnknownKey(key) => {
                format!(
                    "correct the record, or declare the column in catalog.yaml: `- {{ name: {key}, type: string }}`"
                )
            }
            Reason::UnclosedQuote => "close the quote; inside quoted text a quote is written twice (\"\")".to_owned(),
            Reason::TooLong { .. } => "close the quote that was left open, or shorten the record".to_owned(),
            Reason::TextAfterQuote => "inside quoted text write a quote twice (\"\")".to_owned(),
            Reason::NotUtf8 => "save the file as UTF-8".to_owned(),
            // A record that is wrong as a whole is JSON, which has one encoding.
            Reason::NotText { .. } if self.value.is_none() => "write the record in UTF-8".to_owned(),
            Reason::NotText { encoding } => format!(
                "write the record in {encoding} like the rest of the file, or if all are like this one name the encoding in \
                 catalog.yaml: `options: {{ encoding: windows-1252 }}`"
            ),
        }
    }

    fn told_with_column(&self) -> String {
        match &self.column {
            Some(column) => format!("{column}: {}", self.message()),
            None => self.message(),
        }
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
    if column_type == ColumnType::Int { format!("an {column_type}") } else { format!("a {column_type}") }
}
