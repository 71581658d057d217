//! Models: one SQL file each, a plain SELECT with an optional YAML header in its first comment.
//!
//! The path is the name: `sql/curated/kpi_canal.sql` is `curated.kpi_canal`. What a model depends on comes from its
//! parsed SQL, never from a declaration.

mod accept;
mod amount;
mod checks;
mod draft;
mod edges;
mod fingerprint;
mod graph;
mod header;
mod incremental;
mod lineage;
mod meaning;
mod names;
mod parse;
mod select;
mod single_source;

pub use accept::DEDUPLICATE;
pub use amount::{Amount, age, read_age};
pub use draft::Draft;
pub use graph::{Models, unknown_layer};
pub use header::GRAIN_CHECK;
pub use lineage::{Branch, Direction, Place, lineage};
pub use meaning::{Meaning, MeantColumn, Sources, Trace};
pub use names::Known;
pub use select::{Chosen, Selector};

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::TableName;

/// The JSON Schema of a model's header, for editors.
pub fn header_schema() -> serde_json::Value {
    crate::document::schema::<header::HeaderFile>()
}

/// A parsed model file.
#[derive(Debug, Clone)]
pub struct Model {
    /// Its name, from its path.
    pub name: TableName,
    /// The file, as a person would name it (relative to the project), for messages.
    pub file: String,
    /// The whole text of the file, header included; it is valid SQL as it stands.
    pub text: String,
    /// What its header says.
    pub header: Header,
    /// The datasets and models its SELECT reads, resolved, sorted, without duplicates.
    pub inputs: Vec<TableName>,
    /// The datasets and models its checks read, resolved, sorted, without duplicates and without itself. They need not
    /// be built before this model, only before its checks.
    pub check_inputs: Vec<TableName>,
    /// What the model means, as 64 hexadecimal digits; equal for texts that differ only in white space, comments,
    /// descriptions and the case of unquoted words.
    pub fingerprint: String,
}

/// The header of a model.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Header {
    /// What a row is.
    pub description: String,
    /// How the model is kept.
    pub materialized: Materialized,
    /// Columns the table is partitioned by.
    pub partition_by: Vec<String>,
    /// The columns that identify a row: checked to be unique and not null.
    pub grain: Vec<String>,
    /// Which rows of one input the model takes.
    pub accept: Option<Accept>,
    /// How the table follows the files of an input, if it does.
    pub incremental: Option<Incremental>,
    /// What must hold before a release; the grain's check included.
    pub checks: Vec<Check>,
    /// What becomes of the release when one of them fails.
    pub on_failure: OnFailure,
    /// What becomes of this model when a model that it reads stays as the last release has it, by that model; where nothing
    /// is said, [`OnFailure::KeepLastGood`].
    pub inputs: BTreeMap<TableName, OnFailure>,
    /// What the columns mean, by name.
    pub columns: BTreeMap<String, String>,
    /// Words to select models by.
    pub tags: Vec<String>,
}

/// Which rows of an input a model takes: inside the model, the input's name means these rows alone. The others are
/// rejects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// The input.
    pub from: TableName,
    /// Conditions by name, as SQL. A row for which one is false is a reject; unknown (NULL) passes.
    pub rules: BTreeMap<String, String>,
    /// What is done with rows that agree in their key.
    pub deduplicate: Option<Deduplicate>,
}

/// Of the rows that agree in the columns `key`, one stays. A row without a value in one of them has no other like it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deduplicate {
    /// The columns.
    pub key: Vec<String>,
    /// The order in which the first one stays, as SQL has it behind ORDER BY; where it decides nothing, the order of the
    /// files does, or in a table that of all columns.
    pub keep: Option<String>,
}

/// How a table follows the files of one input: what a run has to do is what came of the files that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// The input.
    pub from: TableName,
    /// What a file that comes, changes or goes means for the table.
    pub strategy: Strategy,
}

/// What a file that comes, changes or goes means for an incremental table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strategy {
    /// The table is what each file gives by itself, put together.
    Append,
    /// As `Append`, and of the rows of one key only the newest is in the table, unless it says that the key is gone.
    Merge {
        /// The columns of the table that identify a row.
        unique_key: Vec<String>,
        /// The order in which the first row of a key is its newest, as SQL has it behind ORDER BY.
        latest: String,
        /// True of a row which says that its key is gone, as SQL.
        deleted: Option<String>,
    },
    /// The partitions that the file has rows for are computed anew from all files that have some.
    Partition,
}

impl Strategy {
    /// The word for it, as headers write it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Merge { .. } => "merge",
            Self::Partition => "partition",
        }
    }
}

/// How a model is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Materialized {
    /// A Delta table, written by each run that rebuilds it.
    #[default]
    Table,
    /// A Delta table that follows the files of an input: a run computes what came of those that changed.
    Incremental,
    /// SQL text, planned afresh by each query.
    View,
}

impl Materialized {
    /// The word for it, as headers write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Incremental => "incremental",
            Self::View => "view",
        }
    }
}

/// A statement about a model's rows that must hold before a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Its name, unique in the model: given, or made from the rule (`not_null_canal`).
    pub name: String,
    /// What must hold.
    pub rule: Rule,
    /// What happens when it does not.
    pub severity: Severity,
    /// How much may fail without the check failing: rows, or for sums how far they may lie apart.
    pub at_most: Amount,
}

/// What happens when a check fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Severity {
    /// The run publishes nothing.
    #[default]
    Error,
    /// The run says so and goes on.
    Warn,
}

impl Severity {
    /// The word for it, as headers write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
        }
    }
}

/// What a failure means: of a model's own checks, or of a model that it reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing is published.
    #[default]
    Block,
    /// The model stays as the last release has it; the rest is published.
    KeepLastGood,
    /// The model goes on: with the rows that fail, or with what the last release has of the model that it reads.
    Warn,
}

/// What a check demands.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// `not_null: [a, b]`: no NULL in any of the columns.
    NotNull(Vec<String>),
    /// `unique: [a, b]`: no two rows agree in all of the columns.
    Unique(Vec<String>),
    /// `accepted_values: { a: [x, y] }`: every value that is not NULL is one of these.
    AcceptedValues {
        /// The column.
        column: String,
        /// The values, as SQL literals (`'telefono'`, `5`, `true`).
        values: Vec<String>,
    },
    /// `range: { a: { min: 1, max: 5 } }`: every value that is not NULL lies between the bounds, both included.
    Range {
        /// The column.
        column: String,
        /// The least value, as a SQL literal.
        min: Option<String>,
        /// The greatest value, as a SQL literal.
        max: Option<String>,
    },
    /// `pattern: { a: '^[0-9]{8}$' }`: the regular expression is found in every value that is not NULL.
    Pattern {
        /// The column.
        column: String,
        /// The regular expression.
        pattern: String,
    },
    /// `relationship: { a: processed.clientes.cliente_id }`: every value that is not NULL stands in the other column.
    Relationship {
        /// The column.
        column: String,
        /// The table referred to.
        table: TableName,
        /// Its column.
        to_column: String,
    },
    /// `expression: a >= 0`: true or NULL in every row.
    Expression(String),
    /// `null_share: { a: 0.1 }`: at most this share of NULLs, from 0 to 1.
    NullShare {
        /// The column.
        column: String,
        /// The greatest share.
        max: f64,
    },
    /// `row_count: { min: 1 }`: the number of rows lies between the bounds, both included.
    RowCount {
        /// The least number.
        min: Option<u64>,
        /// The greatest number.
        max: Option<u64>,
        /// How far it may lie from the number of rows in the release before.
        change: Option<Amount>,
    },
    /// `freshness: { a: 2 days }`: the newest value is at most so old when the check is measured.
    Freshness {
        /// The column, a date or a time.
        column: String,
        /// The greatest age.
        within: Duration,
    },
    /// `sum: { a: processed.tickets.monto }`: the sum of the column is that of another table's column, or with `*` in the
    /// column's place the number of its rows.
    Sum {
        /// The column.
        column: String,
        /// The other table.
        table: TableName,
        /// Its column; none for its rows.
        of: Option<String>,
    },
    /// `sql: SELECT …`: the query returns no row.
    Sql(String),
}

impl Rule {
    /// The word for it, as headers write it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotNull(_) => "not_null",
            Self::Unique(_) => "unique",
            Self::AcceptedValues { .. } => "accepted_values",
            Self::Range { .. } => "range",
            Self::Pattern { .. } => "pattern",
            Self::Relationship { .. } => "relationship",
            Self::Expression(_) => "expression",
            Self::NullShare { .. } => "null_share",
            Self::RowCount { .. } => "row_count",
            Self::Freshness { .. } => "freshness",
            Self::Sum { .. } => "sum",
            Self::Sql(_) => "sql",
        }
    }

    /// Whether some of what it looks at may fail without the check failing.
    #[must_use]
    pub(crate) const fn tolerates(&self) -> bool {
        !matches!(self, Self::NullShare { .. } | Self::RowCount { .. } | Self::Freshness { .. })
    }
}
