//! Our Delta tables as a stranger reads them: the `deltalake` package and DuckDB, in Python.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::python;

/// What a foreign reader finds.
#[derive(Debug, Deserialize, PartialEq)]
pub(crate) struct Found {
    /// The table's newest version.
    pub(crate) version: u64,
    /// The number of rows, counted by reading them.
    pub(crate) rows: u64,
    /// Each column's name and Arrow type.
    pub(crate) columns: Vec<(String, String)>,
    /// The columns the table is partitioned by.
    pub(crate) partitioned_by: Vec<String>,
    /// The rows that DuckDB answers to the statement asked with, values as JSON.
    pub(crate) answer: Vec<Vec<Value>>,
}

/// Reads a table and asks DuckDB a statement about it, in which the table is `t`.
pub(crate) fn read(table: &Path, sql: &str) -> Found {
    let output = python::script("read_delta.py").arg(table).arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
