//! The names of a project at one moment, and the values of columns that somebody asked for.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::engine::{Parameters, quoted, sql_name};
use crate::error::{Error, Result};
use crate::name::{Layer, TableName};
use crate::output::type_name;
use crate::shell::command::project_commands;
use crate::shell::rows::Rows;
use crate::shell::session::{Relationship, Session, TableKind};
use crate::sql::Source;

/// The most values of a column that are offered; a column with more is none to choose from.
const VALUES: usize = 50;

/// The names of a project at one moment.
#[derive(Debug, Clone, Default)]
pub(in crate::shell) struct Names {
    pub(super) tables: Vec<TableNames>,
    /// Functions, each with how it is called.
    pub(super) functions: Vec<(String, String)>,
    pub(super) relationships: Vec<Relationship>,
    /// Values by table and column; none of a column that has too many.
    pub(super) values: BTreeMap<(TableName, String), Vec<String>>,
    /// Columns whose values are being read.
    pub(super) asked: BTreeSet<(TableName, String)>,
    /// What stands in folders of stores, by the folder's URL; nothing yet in one that is being listed.
    pub(super) folders: BTreeMap<String, Vec<String>>,
    /// The options of commands of the command line, each with what it does.
    pub(super) options: BTreeMap<&'static str, Vec<(String, String)>>,
}

/// What completion has to ask for in the background before it can offer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::shell) enum Wanted {
    /// The values of a column.
    Values(TableName, String),
    /// What stands in a folder of a store.
    Folder(String),
}

/// A table and its columns.
#[derive(Debug, Clone)]
pub(super) struct TableNames {
    pub(super) name: TableName,
    pub(super) kind: TableKind,
    pub(super) columns: Vec<Column>,
}

/// A column as completion shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) type_name: String,
    /// The table whose column it is, where that is plain.
    pub(super) of: Option<TableName>,
}

impl Names {
    /// The names that `session` has now.
    pub(in crate::shell) async fn of(session: &dyn Session) -> Result<Self> {
        let mut tables = Vec::new();
        for table in session.tables().await? {
            // A table that cannot be read has a name to complete, if no columns.
            let columns = session.columns(&table.name).await.unwrap_or_default();
            let columns = columns.into_iter().map(|column| Column {
                name: column.name,
                type_name: type_name(&column.data_type),
                of: Some(table.name.clone()),
            });
            tables.push(TableNames { columns: columns.collect(), kind: table.kind, name: table.name });
        }
        let functions = session.functions().into_iter().map(|it| (it.name, it.signature)).collect();
        let relationships = session.relationships();
        let names = project_commands().iter().map(|command| command.names[0]);
        let options = names.map(|name| (name, session.options(name))).collect();
        Ok(Self { tables, functions, relationships, options, ..Self::default() })
    }

    /// The table that a name means: `curated.kpi_nps`, or `kpi_nps` in the first layer that has it.
    pub(super) fn table(&self, written: &str) -> Option<&TableNames> {
        let by_layer = |layer: Layer| {
            self.tables.iter().find(move |table| table.name.layer == layer && table.name.name == written)
        };
        match written.parse::<TableName>() {
            Ok(name) => self.tables.iter().find(|table| table.name == name),
            Err(()) => Layer::SEARCH_ORDER.into_iter().find_map(by_layer),
        }
    }

    /// The values of a column, if they have been read.
    pub(super) fn values(&self, table: &TableName, column: &str) -> Option<&[String]> {
        self.values.get(&(table.clone(), column.to_owned())).map(Vec::as_slice)
    }

    /// Takes the names of another moment. Folders of stores are none of a release.
    pub(in crate::shell) fn renew(&mut self, found: Self) {
        let folders = std::mem::take(&mut self.folders);
        *self = Self { folders, ..found };
    }

    /// What stands in a folder of a store, as far as it has been listed.
    pub(super) fn folder(&self, folder: &str) -> &[String] {
        self.folders.get(folder).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a folder should be listed now; notes that it is being listed.
    pub(in crate::shell) fn ask_for_folder(&mut self, folder: &str) -> bool {
        let unknown = !self.folders.contains_key(folder);
        if unknown {
            self.folders.insert(folder.to_owned(), Vec::new());
        }
        unknown
    }

    /// Takes what stands in a folder; one that could not be listed may be asked for again.
    pub(in crate::shell) fn learn_folder(&mut self, folder: &str, inside: Option<Vec<String>>) {
        match inside {
            Some(inside) => drop(self.folders.insert(folder.to_owned(), inside)),
            None => drop(self.folders.remove(folder)),
        }
    }

    /// Whether the values of a column should be read now; notes that they are being read.
    pub(in crate::shell) fn ask_for(&mut self, table: &TableName, column: &str) -> bool {
        let readable = self.tables.iter().any(|known| known.name == *table && known.kind != TableKind::Dataset);
        readable && self.asked.insert((table.clone(), column.to_owned()))
    }

    /// Takes the values of a column.
    pub(in crate::shell) fn learn(&mut self, table: TableName, column: String, values: Vec<String>) {
        let values = if values.len() > VALUES { Vec::new() } else { values };
        self.values.insert((table, column), values);
    }
}

/// Reads the commonest values of a text column, one more than are offered.
pub(in crate::shell) async fn read_values(
    session: &dyn Session,
    table: &TableName,
    column: &str,
) -> Result<Vec<String>> {
    let name = quoted(column);
    let sql = format!(
        "SELECT CAST({name} AS VARCHAR) FROM {} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT {}",
        sql_name(table),
        VALUES + 1
    );
    let answer = session.answer(&Source::new("completion", &sql).only_statement()?, &Parameters::new()).await?;
    let mut rows = Rows::of(answer.rows);
    let mut values = Vec::new();
    while let Some(batch) = rows.next().await {
        let texts = cast(batch?.column(0), &DataType::Utf8).map_err(|failure| Error::bug(failure.to_string()))?;
        values.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(values)
}
