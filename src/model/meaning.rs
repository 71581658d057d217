//! What a model means, taken apart: which rows it has, what each of its columns is, and what each is made from.
//!
//! A [`fingerprint`](super::Model::fingerprint) says that two texts differ; meanings say in what. They come from the plan
//! of the SELECT, so that aliases, white space and the names of intermediate steps leave no trace in them, and they are
//! kept in the release, so that the next run knows what a change concerns.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::name::TableName;

/// The columns of tables that something is made from. A table of which only the rows count has no columns here.
pub type Sources = BTreeMap<TableName, BTreeSet<String>>;

/// What a model means.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meaning {
    /// Which rows there are: filters, joins, groups.
    pub rows: Trace,
    /// What each column is, in order.
    pub columns: Vec<MeantColumn>,
    /// How the table is kept, and which rows of its input are accepted, as a mark.
    pub keeping: String,
    /// What is checked, as a mark.
    pub checks: String,
    /// Stands for what it was read with: the cauce, and the tables that names meant, with their columns. Where that differs,
    /// it must be read again.
    #[serde(default)]
    pub read_with: String,
    /// The functions whose result is another one each time: `now`, `random`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unsteady: BTreeSet<String>,
    /// Whether its values depend on the key of `pseudonym()`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyed: bool,
}

/// A column of a model, as a part of its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeantColumn {
    /// Its name.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub trace: Trace,
}

/// A mark that differs where meanings differ, and what the meaning is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// 32 hexadecimal digits.
    pub mark: String,
    /// The columns it is computed from.
    pub from: Sources,
    /// The tables of which it matters which rows they have: a filter or a sum looks at all of them, a copied value does not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub rows_of: BTreeSet<TableName>,
}

impl Meaning {
    /// The columns of `table` that anything of the model is made from; `None` if it does not read the table.
    #[must_use]
    pub fn reads(&self, table: &TableName) -> Option<BTreeSet<&str>> {
        let traces = self.columns.iter().map(|column| &column.trace).chain([&self.rows]);
        let mut found = None;
        for columns in traces.filter_map(|trace| trace.from.get(table)) {
            found.get_or_insert_with(BTreeSet::new).extend(columns.iter().map(String::as_str));
        }
        found
    }

    /// The names of the columns, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// What the column `name` is.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Trace> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.trace)
    }
}

impl Trace {
    /// Takes up what `other` is made from.
    pub fn made_also_from(&mut self, other: &Self) {
        for (table, columns) in &other.from {
            self.from.entry(table.clone()).or_default().extend(columns.iter().cloned());
        }
        self.rows_of.extend(other.rows_of.iter().cloned());
    }

    /// Whether it is made from one of `columns` of `table`.
    #[must_use]
    pub fn is_from(&self, table: &TableName, columns: &BTreeSet<String>) -> bool {
        self.from.get(table).is_some_and(|from| from.iter().any(|column| columns.contains(column)))
    }
}
