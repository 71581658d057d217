//! What the shell asks of the engine behind it.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::engine::{FunctionEntry, Meter, Parameters};
use crate::error::Result;
use crate::ledger::Ledger;
use crate::model::Draft;
use crate::name::{Layer, TableName, closest};
use crate::release::AsOf;
use crate::sql::Statement;

/// Somebody who answers SQL over one project.
pub trait Session: Send + Sync {
    /// What the prompt shows before `>`: the project and its release, `satisfaccion_cliente:1`.
    fn title(&self) -> String;

    /// Which rows of `system.rejects` are missing from the tables of the release, as a condition in SQL; none where there
    /// is no release.
    fn released_rejects(&self) -> Option<String> {
        None
    }

    /// Plans one statement, with values for the `$names` in it; its rows come as they are read from the stream.
    fn answer<'a>(&'a self, statement: &'a Statement, parameters: &'a Parameters) -> BoxFuture<'a, Result<Answer>>;

    /// Every table and view, by layer and name.
    fn tables(&self) -> BoxFuture<'_, Result<Vec<TableEntry>>>;

    /// The columns of one of them.
    fn columns<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<Vec<ColumnEntry>>>;

    /// All SQL functions.
    fn functions(&self) -> Vec<FunctionEntry>;

    /// The text of a model as it was released; none for what is no model.
    fn definition(&self, table: &TableName) -> Option<String>;

    /// What a person may want to know of a table besides its columns: a word and what is said of it.
    fn facts(&self, table: &TableName) -> Vec<(&'static str, String)>;

    /// Columns that stand for rows of another table, as the models' checks declare them.
    fn relationships(&self) -> Vec<Relationship>;

    /// Where the session reads and what it may use.
    fn settings(&self) -> Vec<(&'static str, String)>;

    /// What stands directly in a folder of a store, as whole URLs; folders end in `/`. `s3://` holds the buckets of the project.
    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>>>;

    /// The options of a command of the command line, each with what it does.
    fn options(&self, command: &str) -> Vec<(String, String)>;

    /// Carries out a command of the command line, such as `plan kpi_canal --json`, and shows what it shows there.
    fn command<'a>(&'a self, words: &'a [String]) -> BoxFuture<'a, Result<()>>;

    /// Writes a model file of the project, if it can be one, and shows what a run would do with it. A file that is there
    /// is replaced only if `replace` says so.
    fn save<'a>(&'a self, draft: &'a Draft, replace: bool) -> BoxFuture<'a, Result<()>>;

    /// The same project at another release.
    fn at(&self, as_of: AsOf) -> BoxFuture<'_, Result<Arc<dyn Session>>>;

    /// The same project, opened again: at the newest release of now, unless another one was asked for.
    fn renewed(&self) -> BoxFuture<'_, Result<Arc<dyn Session>>>;

    /// The newest release, if it is newer than the one that is read and that one was not asked for.
    fn newer(&self) -> BoxFuture<'_, Result<Option<u64>>>;
}

/// The rows of a statement. Dropping the stream stops the work.
pub struct Answer {
    /// The columns; none where the statement only did something.
    pub schema: SchemaRef,
    /// The rows, batch by batch.
    pub rows: BoxStream<'static, Result<RecordBatch>>,
    /// The rows of raw files that are not among those the answer is made of, once it is read.
    pub rejects: Option<Arc<Ledger>>,
    /// What making the rows takes, where it is measured.
    pub meter: Option<Meter>,
}

/// A column whose values stand in another table's column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// The table that refers.
    pub table: TableName,
    /// Its column.
    pub column: String,
    /// The table referred to.
    pub to_table: TableName,
    /// Its column.
    pub to_column: String,
}

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// Files as they came.
    Dataset,
    /// Rows that are stored.
    Table,
    /// SQL that is run when it is read.
    View,
}

impl TableKind {
    /// The word of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

/// One line of `\d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableEntry {
    /// Its layer and name.
    pub name: TableName,
    /// What it is.
    pub kind: TableKind,
    /// Its rows, where the release counted them.
    pub rows: Option<u64>,
    /// Bytes of its files, where it has files.
    pub bytes: Option<u64>,
    /// What it holds; empty where nobody wrote it.
    pub description: String,
}

/// One line of `\d name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it holds; empty where nobody wrote it.
    pub description: String,
}

/// The table a person means by `wanted`: by its full name, or by its own name in the first layer that has it. Otherwise
/// the nearest name, if there is one.
pub(super) fn find<'a>(tables: &'a [TableEntry], wanted: &str) -> Result<&'a TableEntry, Option<String>> {
    let unquoted = wanted.replace('"', "");
    let wanted = unquoted.trim_end_matches(';').trim();
    if let Ok(name) = wanted.parse::<TableName>()
        && let Some(table) = tables.iter().find(|table| table.name == name)
    {
        return Ok(table);
    }
    let by_layer = |layer: Layer| tables.iter().find(|table| table.name.layer == layer && table.name.name == wanted);
    if let Some(table) = Layer::SEARCH_ORDER.into_iter().find_map(by_layer) {
        return Ok(table);
    }
    let full: Vec<String> = tables.iter().map(|table| table.name.to_string()).collect();
    let own = tables.iter().map(|table| table.name.name.as_str());
    Err(closest(wanted, full.iter().map(String::as_str).chain(own)).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Vec<TableEntry> {
        ["processed.tickets", "raw.tickets", "curated.kpi_nps"]
            .map(|name| TableEntry {
                name: name.parse().unwrap(),
                kind: TableKind::Table,
                rows: None,
                bytes: None,
                description: String::new(),
            })
            .to_vec()
    }

    #[test]
    fn a_table_is_found_as_sql_would_find_it() {
        let tables = tables();
        let found = |wanted: &str| find(&tables, wanted).map(|table| table.name.to_string());
        assert_eq!(found("tickets").unwrap(), "processed.tickets");
        assert_eq!(found("raw.tickets;").unwrap(), "raw.tickets");
        assert_eq!(found("\"kpi_nps\"").unwrap(), "curated.kpi_nps");
        assert_eq!(found("kpi_np"), Err(Some("kpi_nps".to_owned())));
        assert_eq!(found("curated.kpi_npss"), Err(Some("curated.kpi_nps".to_owned())));
        assert_eq!(found("zzz"), Err(None));
    }
}
