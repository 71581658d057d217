//! What a release says of a model: what it said and meant, what it was built from, how it is kept, what its checks measured.

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::{Followed, ModelAccount};
use crate::model::Meaning;
use crate::name::TableName;

/// What a release says of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReleasedModel {
    /// What a row is.
    pub description: String,
    /// The run that built it; the one before it may have left it as it was.
    #[serde(default)]
    pub run: String,
    /// The version of cauce of that run.
    #[serde(default)]
    pub cauce: String,
    /// Tells whether two models were built with one key of `pseudonym()`.
    #[serde(default)]
    pub key: String,
    /// How long that took, in milliseconds.
    #[serde(default)]
    pub millis: u64,
    /// The number of its definition: 1 for the first, one more each time its fingerprint changed.
    #[serde(default = "first_definition")]
    pub definition: u64,
    /// What the model says, as [`crate::model::Model::fingerprint`].
    pub fingerprint: String,
    /// What it means, and so what of it a change concerns; releases of earlier versions of cauce do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<Meaning>,
    /// The model file, for messages.
    #[serde(default)]
    pub file: String,
    /// Its text, header included.
    #[serde(default)]
    pub sql: String,
    /// The columns that identify a row; none where the header names none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grain: Vec<String>,
    /// The datasets and models it reads.
    pub inputs: Vec<TableName>,
    /// What it was built from: of each input a mark that differs where its content may.
    #[serde(default)]
    pub built_from: BTreeMap<TableName, String>,
    /// What its checks were held against besides its own rows: of each table a mark that differs where its content may.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checked_from: BTreeMap<TableName, String>,
    /// The columns in order.
    pub columns: Vec<ReleasedColumn>,
    /// How it is kept.
    #[serde(flatten)]
    pub kept: Kept,
    /// What its checks measured.
    pub checks: Vec<ReleasedCheck>,
    /// What became of the rows it read; a view and releases of earlier versions of cauce have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<ModelAccount>,
    /// The files it was made from one by one, if it is incremental.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed: Option<Followed>,
}

impl ReleasedModel {
    /// The version of its table, if it is kept as one.
    #[must_use]
    pub const fn table(&self) -> Option<&TableVersion> {
        match &self.kept {
            Kept::Table { at, .. } => Some(at),
            Kept::View => None,
        }
    }
}

/// The version of this cauce. What another one built may mean something else by the same SQL.
pub const CAUCE: &str = env!("CARGO_PKG_VERSION");

/// A column of a released model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedColumn {
    /// Its name.
    pub name: String,
    /// Its type, as the engine spells it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// What it means, if the header says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
}

impl ReleasedColumn {
    /// Its type; none if this cauce cannot read how it is spelled.
    #[must_use]
    pub fn read_type(&self) -> Option<DataType> {
        self.data_type.parse().ok()
    }
}

/// How a released model is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "materialized", rename_all = "snake_case")]
pub enum Kept {
    /// As a version of a Delta table.
    Table {
        /// Which version of which table.
        #[serde(flatten)]
        at: TableVersion,
        /// Its rows.
        rows: u64,
        /// Bytes of its files.
        bytes: u64,
    },
    /// As SQL, planned afresh by each query.
    #[default]
    View,
}

/// A version of a Delta table. A table that is removed and made anew counts from 0 again, so that its number alone could
/// mean two contents.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableVersion {
    /// The version of its log.
    pub version: u64,
    /// The table's own name for itself, as its log has it; empty in manifests of before it was recorded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub table_id: String,
}

/// What a check measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedCheck {
    /// Its name.
    pub name: String,
    /// Whether it held. A check of severity `warn` may fail in a release.
    pub passed: bool,
    /// The rows that fail, or what the rule counts.
    pub failing: u64,
    /// The rows it looked at.
    pub rows: u64,
}

/// The definition number in manifests of before definitions were numbered.
const fn first_definition() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{Field, TimeUnit};

    use super::*;

    #[test]
    fn types_are_read_back_as_they_were_written() {
        let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8View, true)));
        let parts = vec![Field::new("a", DataType::Int64, true), Field::new("b c", list.clone(), false)];
        for data_type in [
            DataType::Utf8View,
            DataType::Int64,
            DataType::Float64,
            DataType::Boolean,
            DataType::Date32,
            DataType::Binary,
            DataType::Decimal128(38, 2),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            list.clone(),
            DataType::Struct(parts.into()),
        ] {
            let column = ReleasedColumn { data_type: data_type.to_string(), ..ReleasedColumn::default() };
            assert_eq!(column.read_type(), Some(data_type));
        }
    }
}
