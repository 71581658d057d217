//! Result formats: one file each, behind one trait.
//!
//! A [`ResultFile`] takes the batches of one result in order and writes them in a [`Format`] to a
//! [`Target`]. Formats for programs (csv, tsv, json, jsonl, parquet, arrow) are written as the batches come, in memory
//! that does not grow with the rows, and are always whole. Formats for reading (table, box, vertical, markdown, html)
//! may be limited to a number of rows; the [`Account`] then says how many there were.

mod arrow_file;
mod cells;
mod delimited;
mod html;
mod json;
mod markdown;
mod parquet;
mod table;
mod vertical;

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clap::ValueEnum;

use super::target::{SharedTarget, Target};
use super::text::thousands;
use crate::error::{Error, Result};
use crate::name::closest;

/// How the rows of a result are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Format {
    /// A framed table, one line a row, long text cut to fit the terminal.
    Table,
    /// A framed table with long text wrapped instead of cut.
    Box,
    /// Comma-separated values with a header line; lists as JSON.
    Csv,
    /// Tab-separated values with a header line; lists as JSON.
    Tsv,
    /// One JSON array with an object a row.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// A Markdown table.
    Markdown,
    /// An HTML table.
    Html,
    /// One line a column, row after row.
    Vertical,
    /// An Apache Parquet file.
    Parquet,
    /// An Apache Arrow IPC file (Feather version 2).
    Arrow,
}

impl Format {
    /// Every format, in the order help lists them.
    pub const ALL: [Self; 11] = [
        Self::Table,
        Self::Box,
        Self::Csv,
        Self::Tsv,
        Self::Json,
        Self::Jsonl,
        Self::Markdown,
        Self::Html,
        Self::Vertical,
        Self::Parquet,
        Self::Arrow,
    ];

    /// The name as `--format` takes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Box => "box",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Vertical => "vertical",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The format that the ending of a file's name asks for.
    pub fn of_file(path: &Path) -> Result<Self> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "csv" => Ok(Self::Csv),
            "tsv" | "tab" => Ok(Self::Tsv),
            "json" => Ok(Self::Json),
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "md" | "markdown" => Ok(Self::Markdown),
            "html" | "htm" => Ok(Self::Html),
            "txt" => Ok(Self::Table),
            "parquet" => Ok(Self::Parquet),
            "arrow" | "feather" | "ipc" => Ok(Self::Arrow),
            _ => Err(Error::usage(format!("the ending of `{}` does not say its format", path.display())).hint(
                "end the name in .csv, .tsv, .json, .jsonl, .md, .html, .txt, .parquet or .arrow, or add --format",
            )),
        }
    }

    /// Whether it is for reading, so that rows may be left out, or for programs, which get them all.
    #[must_use]
    pub const fn is_for_reading(self) -> bool {
        matches!(self, Self::Table | Self::Box | Self::Markdown | Self::Html | Self::Vertical)
    }

    /// Whether it is made of bytes that a terminal cannot show.
    #[must_use]
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = text.to_lowercase();
        if let Some(format) = Self::ALL.into_iter().find(|format| format.as_str() == wanted) {
            return Ok(format);
        }
        let names = Self::ALL.map(Self::as_str);
        let hint = match closest(text, names) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the formats are {}", names.join(", ")),
        };
        Err(Error::usage(format!("unknown format `{text}`")).hint(hint))
    }
}

/// How a format for reading is laid out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own that somebody has or has not")]
pub struct Layout {
    /// Columns of the terminal to fit into; none to be as wide as the content.
    pub width: Option<usize>,
    /// The most rows a format for reading shows; the rest is counted.
    pub max_rows: Option<usize>,
    /// Whether colour is sent.
    pub colour: bool,
    /// Whether the header shows the columns' types.
    pub types: bool,
    /// Whether there is no header, also in csv and tsv.
    pub rows_alone: bool,
    /// Whether a table turns vertical instead of cutting or wrapping long text.
    pub turns: bool,
    /// How a null is shown, if not as `NULL`.
    pub null: Option<String>,
}

impl Layout {
    /// How a null is shown.
    fn null(&self) -> &str {
        self.null.as_deref().unwrap_or(cells::NULL)
    }
}

/// What became of the rows of a result. It reads `6 rows`, or `1,000 of 75,000 rows shown` where rows were left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// Rows of the result.
    pub rows: u64,
    /// Rows written.
    pub shown: u64,
    /// How they were shown, where that is not plain to see.
    pub manner: Manner,
}

/// What a format for reading did to make a result fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// Nothing: all of each value stands there.
    #[default]
    Whole,
    /// Long text was cut.
    Cut,
    /// A table became vertical.
    Turned,
}

impl Account {
    /// Whether rows or parts of values were left out.
    #[must_use]
    pub fn is_shortened(&self) -> bool {
        self.shown < self.rows || self.manner == Manner::Cut
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.shown, self.rows) {
            (shown, rows) if shown < rows => write!(f, "{} of {} rows shown", thousands(shown), thousands(rows))?,
            (_, 1) => f.write_str("1 row")?,
            (_, rows) => write!(f, "{} rows", thousands(rows))?,
        }
        f.write_str(match self.manner {
            Manner::Whole => "",
            Manner::Cut => " · long text cut at …, format box wraps it",
            Manner::Turned => " · too wide for the terminal, so shown vertically",
        })
    }
}

/// One result being written.
pub struct ResultFile {
    writer: Box<dyn ResultWriter>,
    target: SharedTarget,
    /// The most rows passed on to the writer.
    limit: u64,
    account: Account,
    /// Whether the writer has finished, because it has all the rows it may show.
    full: bool,
}

impl ResultFile {
    /// Begins to write a result with the columns of `schema`.
    pub fn begin(format: Format, schema: &SchemaRef, target: Target, layout: &Layout) -> Result<Self> {
        let target = SharedTarget::new(target);
        let writer = writer(format, schema, target.clone(), layout).map_err(|error| target.failure(error))?;
        let limit = match layout.max_rows {
            Some(max_rows) if format.is_for_reading() => max_rows as u64,
            _ => u64::MAX,
        };
        Ok(Self { writer, target, limit, account: Account::default(), full: false })
    }

    /// The rows taken so far, and those of them that are shown.
    #[must_use]
    pub fn rows_so_far(&self) -> (u64, u64) {
        (self.account.rows, self.account.shown)
    }

    /// Whether no more rows are written: the rest is only counted.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Writes the next rows, as far as the limit allows, and counts them. What may be shown is sent as soon as it is
    /// complete, while the rest is still being counted.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        self.account.rows += rows as u64;
        let room = usize::try_from(self.limit - self.account.shown).unwrap_or(usize::MAX);
        let taken = rows.min(room);
        if taken == 0 {
            return Ok(());
        }
        self.account.shown += taken as u64;
        let part = if taken < rows { &batch.slice(0, taken) } else { batch };
        self.writer.batch(part).map_err(|error| self.target.failure(error))?;
        if self.account.shown < self.limit {
            return Ok(());
        }
        self.end()?;
        self.target.send()
    }

    /// Ends the result and its target.
    pub fn finish(mut self) -> Result<Account> {
        if !self.full {
            self.end()?;
        }
        self.target.finish()?;
        Ok(self.account)
    }

    fn end(&mut self) -> Result<()> {
        self.account.manner = self.writer.finish().map_err(|error| self.target.failure(error))?;
        self.full = true;
        Ok(())
    }
}

impl fmt::Debug for ResultFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultFile").field("account", &self.account).finish_non_exhaustive()
    }
}

/// A failure to encode or to write, of whichever library does it.
type Failure = Box<dyn StdError + Send + Sync>;

/// One format at work; made with the schema, given the batches in order, finished once.
trait ResultWriter: Send {
    /// Takes the next rows.
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure>;

    /// Writes what is left and tells what was done to make it fit.
    fn finish(&mut self) -> Result<Manner, Failure>;
}

fn writer(
    format: Format,
    schema: &SchemaRef,
    out: SharedTarget,
    layout: &Layout,
) -> Result<Box<dyn ResultWriter>, Failure> {
    Ok(match format {
        Format::Table => Box::new(table::Table::new(table::LongText::Cut, schema, out, layout)),
        Format::Box => Box::new(table::Table::new(table::LongText::Wrapped, schema, out, layout)),
        Format::Csv => Box::new(delimited::Delimited::begin(b',', schema, out, !layout.rows_alone)?),
        Format::Tsv => Box::new(delimited::Delimited::begin(b'\t', schema, out, !layout.rows_alone)?),
        Format::Json => Box::new(json::Json::array(out)),
        Format::Jsonl => Box::new(json::Json::lines(out)),
        Format::Markdown => Box::new(markdown::Markdown::begin(schema, out, layout)?),
        Format::Html => Box::new(html::Html::begin(schema, out, layout)?),
        Format::Vertical => Box::new(vertical::Vertical::new(schema, out, layout)),
        Format::Parquet => Box::new(parquet::Parquet::begin(schema, out)?),
        Format::Arrow => Box::new(arrow_file::ArrowFile::begin(schema, out)?),
    })
}

#[cfg(test)]
mod tests;
