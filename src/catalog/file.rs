//! `catalog.yaml` as it is written. The doc comments here are what an editor shows while it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The catalog of a project: where its lake is and which datasets it reads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "catalog.yaml")]
pub(super) struct CatalogFile {
    /// The version of this format: 1.
    pub(super) version: u32,
    /// The project's name.
    pub(super) project: String,
    /// Where processed and curated tables and releases live: a folder relative to this file, or `s3://bucket/prefix`.
    pub(super) lake: String,
    /// Other places to run in, by name: `cauce --target prod …`.
    #[serde(default)]
    pub(super) targets: BTreeMap<String, TargetFile>,
    /// How to reach object stores, by URL: `s3://bucket`. Credentials never stand here.
    #[serde(default)]
    pub(super) stores: BTreeMap<String, StoreFile>,
    /// Which releases stay when `cauce clean` removes old ones; all of them unless given.
    pub(super) releases: Option<ReleasesFile>,
    /// The input files, by the name of the table they make in the schema `raw`.
    pub(super) datasets: BTreeMap<String, DatasetFile>,
}

/// Which releases stay: those that one of the two keeps, and always the newest.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleasesFile {
    /// So many of the newest.
    pub(super) keep: Option<u64>,
    /// Those that were the newest some time in the last so many days.
    pub(super) days: Option<u32>,
}

/// What a target changes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetFile {
    /// The target's lake: a folder relative to this file, or `s3://bucket/prefix`.
    pub(super) lake: String,
}

/// How to reach one object store.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StoreFile {
    /// The region, such as `us-east-1`.
    pub(super) region: Option<String>,
    /// The endpoint of an S3-compatible server, such as `http://127.0.0.1:9000`.
    pub(super) endpoint: Option<String>,
    /// Accept plain HTTP.
    #[serde(default)]
    pub(super) allow_http: bool,
}

/// One dataset.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetFile {
    /// What a row is.
    #[serde(default)]
    pub(super) description: String,
    /// A file, a folder, a glob or an `s3://` URL; relative to this file.
    pub(super) path: String,
    /// How the files are written; may be left out when the ending of the path says it.
    pub(super) format: Option<FormatFile>,
    /// How delimited text is written.
    pub(super) options: Option<OptionsFile>,
    /// How many records may be rejects before a run publishes nothing; one in a hundred unless given.
    pub(super) on_reject: Option<OnRejectFile>,
    /// What happens to a file that does not fit; `quarantine_file` unless given.
    pub(super) on_drift: Option<OnDriftFile>,
    /// The columns in their order, at least one. Left out, they are what is found in the files whenever the dataset is
    /// read; `cauce catalog lock` writes them down.
    pub(super) columns: Option<Vec<ColumnFile>>,
    /// Columns that say where a row comes from, put after the others.
    #[serde(default)]
    pub(super) metadata: Vec<MetadataFile>,
}

/// What happens to a file that does not fit.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnDriftFile {
    /// The run stops before anything is read.
    Fail,
    /// The file is left out, and everybody is told.
    QuarantineFile,
    /// Columns that are not declared are passed over; a file that differs in more is left out.
    AcceptNewColumns,
}

/// A column that says where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(super) enum MetadataFile {
    /// The file.
    #[serde(rename = "_file")]
    File,
    /// The line in the file, or the number of the row where there are no lines.
    #[serde(rename = "_line")]
    Line,
}

/// How many records may be rejects before a run publishes nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OnRejectFile {
    /// The greatest share of the records, from 0 to 1; 0.01 unless given.
    pub(super) max_ratio: Option<f64>,
    /// The greatest number.
    pub(super) max_rows: Option<u64>,
}

/// The format of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum FormatFile {
    /// Delimited text with a header line, commas unless `options` say otherwise.
    Csv,
    /// Delimited text with a header line, tabs between fields.
    Tsv,
    /// JSON objects, one after the other or in one array.
    Json,
    /// JSON objects, one a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC, the file format (Feather version 2).
    Arrow,
}

/// How delimited text is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionsFile {
    /// The character between fields, one byte long.
    pub(super) delimiter: Option<String>,
    /// Field texts that mean NULL; the empty text alone unless given.
    pub(super) null: Option<Vec<String>>,
    /// The encoding of the text, such as `utf-8`, `windows-1252` or `utf-16le`; `utf-8` unless given. A byte order mark
    /// in a file decides over it.
    pub(super) encoding: Option<String>,
}

/// One column.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnFile {
    /// Its name, exactly as in the files' headers.
    pub(super) name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub(super) column_type: TypeFile,
    /// A row without a value is wrong.
    #[serde(default)]
    pub(super) required: bool,
    /// What it means.
    #[serde(default)]
    pub(super) description: String,
    /// What happens to this personal datum before it leaves the raw layer.
    pub(super) pii: Option<PiiFile>,
    /// The shapes of a date or timestamp: a strftime pattern such as `%d/%m/%Y`, or a list of them. The ISO shapes
    /// unless given.
    pub(super) format: Option<FormatsFile>,
    /// What stands between the items of a list. JSON (`["a", "b"]`) and Python (`['a', 'b']`) unless given.
    pub(super) separator: Option<String>,
    /// The least value of a number, date or timestamp; a row with a lesser one is wrong.
    pub(super) min: Option<ScalarFile>,
    /// The greatest value of a number, date or timestamp; a row with a greater one is wrong.
    pub(super) max: Option<ScalarFile>,
    /// The values; a row with another one is wrong.
    #[serde(default)]
    pub(super) values: Vec<ScalarFile>,
    /// A regular expression that a whole text matches; a row with another one is wrong.
    pub(super) pattern: Option<String>,
    /// No two rows have the same value: the first in the files stays, a later one is wrong. Rows without a value may be
    /// many.
    #[serde(default)]
    pub(super) unique: bool,
}

/// One pattern or many.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum FormatsFile {
    /// One pattern.
    One(String),
    /// Many patterns, tried in their order.
    Many(Vec<String>),
}

/// A single value: a number or a text.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ScalarFile {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// A text.
    Text(String),
}

impl ScalarFile {
    /// The value as a file would have it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Bool(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }
}

/// The name of a column's type.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct TypeFile(pub(super) String);

impl JsonSchema for TypeFile {
    fn schema_name() -> Cow<'static, str> {
        "Type".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The type of a column's values.",
            "anyOf": [
                { "type": "string", "enum": ["string", "int", "float", "bool", "date", "timestamp", "list<string>"] },
                { "type": "string", "pattern": "^decimal\\( *[0-9]+ *, *[0-9]+ *\\)$" },
            ],
        })
    }
}

/// What happens to personal data before it leaves the raw layer.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum PiiFile {
    /// Replaced by a pseudonym: equal values stay equal, the value itself is gone.
    Pseudonym,
    /// Left out.
    Drop,
}
