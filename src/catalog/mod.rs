//! `catalog.yaml`: what was written ([`CatalogFile`](file::CatalogFile)) and what it means ([`Catalog`]).
//!
//! A catalog declares where the lake is and which datasets exist. After validation nothing is looked up twice and no
//! option means "maybe not checked yet": every other room takes the validated types of this file.

mod drift;
mod file;
mod validate;

use std::collections::BTreeMap;
use std::fmt;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub use self::drift::{Difference, OnDrift, Verdict};
use crate::error::{Error, Result};
use crate::name::closest;

/// A validated `catalog.yaml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    /// The project's name.
    pub project: String,
    /// Where processed and curated tables and releases live: a path relative to the project or a URL.
    pub lake: String,
    /// The lakes of other targets by name; see [`Catalog::for_target`].
    pub targets: BTreeMap<String, String>,
    /// Settings of object stores by URL prefix (`s3://bucket`).
    pub stores: BTreeMap<String, StoreSettings>,
    /// The datasets by name.
    pub datasets: BTreeMap<String, Dataset>,
}

impl Catalog {
    /// Reads the text of a catalog; `file_name` is what messages call it.
    ///
    /// Everything that is wrong is reported in one error, each with its place.
    pub fn parse(text: &str, file_name: &str) -> Result<Self> {
        validate::parse(text, file_name)
    }

    /// The catalog as a target sees it: another lake, the rest unchanged.
    pub fn for_target(mut self, target: &str) -> Result<Self> {
        let Some(lake) = self.targets.get(target) else {
            let error = Error::usage(format!("unknown target `{target}`"));
            let known = self.targets.keys().map(String::as_str);
            return Err(match closest(target, known.clone()) {
                Some(meant) => error.hint(format!("did you mean `{meant}`?")),
                None if self.targets.is_empty() => {
                    error.hint("the catalog declares none; add `targets:` with a name and a `lake:`")
                }
                None => error.hint(format!("the targets are {}", known.collect::<Vec<_>>().join(", "))),
            });
        };
        self.lake.clone_from(lake);
        Ok(self)
    }
}

/// The JSON Schema of `catalog.yaml`: what `cauce spec catalog` prints and editors complete with.
pub fn json_schema() -> serde_json::Value {
    crate::document::schema::<file::CatalogFile>()
}

impl Catalog {
    /// Whether any dataset holds personal data.
    #[must_use]
    pub fn has_pii(&self) -> bool {
        self.datasets.values().flat_map(|dataset| &dataset.columns).any(|column| column.pii.is_some())
    }
}

/// How to reach one object store. Credentials never stand here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreSettings {
    /// The region, such as `us-east-1`.
    pub region: Option<String>,
    /// The endpoint of an S3-compatible server, such as `http://127.0.0.1:9000`.
    pub endpoint: Option<String>,
    /// Whether plain HTTP is accepted.
    pub allow_http: bool,
}

/// One dataset: raw input files and the table they make.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Its name, a table of schema `raw`.
    pub name: String,
    /// What a row is.
    pub description: String,
    /// File, folder, glob or URL, as written (relative to the project).
    pub path: String,
    /// How the files are written.
    pub format: Format,
    /// What happens to files that do not fit.
    pub on_drift: OnDrift,
    /// The columns in their declared order. None where the catalog leaves them out: they are those of the files.
    pub columns: Vec<Column>,
}

impl Dataset {
    /// The Arrow schema of the table: the declared columns in order. A column is nullable unless it is `required`.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self.columns.iter().map(Column::field).collect();
        SchemaRef::new(Schema::new(fields))
    }
}

/// The format of a dataset's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Delimited text with a header line.
    Csv(CsvOptions),
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The value of `format:` for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.ending()
    }

    /// How the names of its files end, to tell them from others in a folder.
    #[must_use]
    pub fn ending(&self) -> &'static str {
        match self {
            Self::Csv(options) if options.delimiter == b'\t' => "tsv",
            Self::Csv(_) => "csv",
            Self::Parquet => "parquet",
        }
    }
}

/// How delimited text is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    /// The byte between fields.
    pub delimiter: u8,
    /// Field texts that mean NULL.
    pub null: Vec<String>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', null: vec![String::new()] }
    }
}

/// A declared column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, exactly as in the files' headers.
    pub name: String,
    /// The type of its values.
    pub column_type: ColumnType,
    /// Whether a row without a value is wrong.
    pub required: bool,
    /// What it means.
    pub description: String,
    /// What must happen to it before it leaves the raw layer.
    pub pii: Option<Pii>,
}

impl Column {
    /// The Arrow field of this column.
    #[must_use]
    pub fn field(&self) -> Field {
        Field::new(&self.name, self.column_type.arrow(), !self.required)
    }
}

/// What must happen to personal data before it leaves the raw layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pii {
    /// Replaced by `pseudonym(column)`: equal values stay equal, the value itself is gone.
    Pseudonym,
    /// Left out.
    Drop,
}

/// The type of a declared column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `string`: UTF-8 text.
    String,
    /// `int`: 64-bit signed integer.
    Int,
    /// `float`: 64-bit floating point.
    Float,
    /// `decimal(precision, scale)`: exact number.
    Decimal {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// `bool`.
    Bool,
    /// `date`: a calendar day.
    Date,
    /// `timestamp`: a local instant with microseconds, without a zone.
    Timestamp,
    /// `list<string>`: a list of texts.
    StringList,
}

/// The type as `catalog.yaml` writes it.
impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Self::Bool => f.write_str("bool"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::StringList => f.write_str("list<string>"),
        }
    }
}

impl ColumnType {
    /// The Arrow type of the column.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Decimal { precision, scale } => {
                DataType::Decimal128(precision, i8::try_from(scale).unwrap_or(i8::MAX))
            }
            Self::Bool => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::StringList => DataType::List(std::sync::Arc::new(Field::new("item", DataType::Utf8, true))),
        }
    }
}
