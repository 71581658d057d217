//! `catalog.yaml`: what was written ([`CatalogFile`](file::CatalogFile)) and what it means ([`Catalog`]).
//!
//! A catalog declares where the lake is and which datasets exist. After validation nothing is looked up twice and no
//! option means "maybe not checked yet": every other room takes the validated types of this file.

mod column;
mod declaration;
mod drift;
mod file;
mod format;
mod limit;
mod moment;
mod retention;
mod rules;
mod validate;
pub mod value;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use encoding_rs::{Encoding, UTF_8};

pub use self::column::wrong_column_name;
pub use self::drift::{Difference, OnDrift, Verdict};
pub use self::limit::Limit;
pub use self::moment::Shapes;
pub use self::retention::Retention;
pub use self::rules::{Rules, whole_pattern};
pub use self::write::{Change, column_line, dataset_lines, with_changes, with_columns, with_dataset};
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
    /// Which releases stay when the lake is cleaned; all of them without it.
    pub retention: Option<Retention>,
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
    /// How many of its records may be rejects.
    pub on_reject: Limit,
    /// What happens to files that do not fit.
    pub on_drift: OnDrift,
    /// The columns in their declared order. None where the catalog leaves them out: they are those of the files.
    pub columns: Vec<Column>,
    /// What follows them: columns that say where a row comes from.
    pub metadata: Vec<Metadata>,
}

impl Dataset {
    /// The Arrow schema of the table: the declared columns in order, then those of `metadata`. A column is nullable
    /// unless it is `required`.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let declared = self.columns.iter().map(Column::field);
        let fields: Vec<Field> = declared.chain(self.metadata.iter().map(|metadata| metadata.field())).collect();
        SchemaRef::new(Schema::new(fields))
    }

    /// The metadata column at a position of the schema, if it is one.
    #[must_use]
    pub fn metadata_at(&self, index: usize) -> Option<Metadata> {
        self.metadata.get(index.checked_sub(self.columns.len())?).copied()
    }

    /// The same dataset, whose rows say in which file and on which line they stand, behind its other columns.
    #[must_use]
    pub fn with_place(&self) -> Self {
        let mut placed = self.clone();
        for place in [Metadata::File, Metadata::Line] {
            if !placed.metadata.contains(&place) {
                placed.metadata.push(place);
            }
        }
        placed
    }

    /// The positions of the columns in which no two rows have the same value.
    #[must_use]
    pub fn unique_columns(&self) -> Vec<usize> {
        let columns = self.columns.iter().enumerate();
        columns.filter(|(_, column)| column.rules.unique).map(|(index, _)| index).collect()
    }
}

/// A column that says where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// `_file`: the file as messages name it.
    File,
    /// `_line`: the physical line on which the record begins, or the number of the row in a file of rows.
    Line,
}

impl Metadata {
    /// The column's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "_file",
            Self::Line => "_line",
        }
    }

    fn field(self) -> Field {
        let data_type = match self {
            Self::File => DataType::Utf8,
            Self::Line => DataType::Int64,
        };
        Field::new(self.name(), data_type, true)
    }
}

/// The format of a dataset's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Delimited text with a header line.
    Csv(CsvOptions),
    /// JSON objects, one after the other or in one array.
    Json,
    /// JSON objects, one a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC, the file format.
    Arrow,
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
            Self::Json => "json",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
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
    /// The encoding of files that do not begin with a mark of theirs.
    pub encoding: &'static Encoding,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self { delimiter: b',', null: vec![String::new()], encoding: UTF_8 }
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
    /// How its values are written and which of them are accepted.
    pub rules: Rules,
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

/// A value of a column, as its type understands it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of `string`.
    Text(String),
    /// Of `int`.
    Int(i64),
    /// Of `float`.
    Float(f64),
    /// Of `decimal`, in units of its last digit.
    Decimal(i128),
    /// Of `bool`.
    Bool(bool),
    /// Of `date`, as days since 1970-01-01.
    Date(i32),
    /// Of `timestamp`, as microseconds since 1970-01-01 00:00.
    Timestamp(i64),
}

impl ColumnType {
    /// What `text` says for this type, if it says anything; nothing for a list.
    #[must_use]
    pub fn value(self, text: &str) -> Option<Value> {
        let bytes = text.as_bytes();
        match self {
            Self::String => Some(Value::Text(text.to_owned())),
            Self::Int => value::int(bytes).map(Value::Int),
            Self::Float => value::float(bytes).map(Value::Float),
            Self::Decimal { precision, scale } => value::decimal(bytes, precision, scale).map(Value::Decimal),
            Self::Bool => value::boolean(bytes).map(Value::Bool),
            Self::Date => value::date(bytes).map(Value::Date),
            Self::Timestamp => value::timestamp(bytes).map(Value::Timestamp),
            Self::StringList => None,
        }
    }

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
