//! What became of the rows of a table's inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::TableName;

/// The account of a dataset: its records, and what they became.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetAccount {
    /// Records in all files.
    pub records: u64,
    /// Rows of the table.
    pub rows: u64,
    /// Records that are rejects.
    pub rejected: u64,
    /// Rows whose record was rejected and corrected; they are among `rows`.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub replayed: u64,
}

impl DatasetAccount {
    /// Whether every record is one of these.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.records == self.rows + self.rejected
    }

    /// The account of both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            records: self.records + other.records,
            rows: self.rows + other.rows,
            rejected: self.rejected + other.rejected,
            replayed: self.replayed + other.replayed,
        }
    }

    /// The share of records that are rejects.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.records == 0 { 0.0 } else { self.rejected as f64 / self.records as f64 }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_nothing(count: &u64) -> bool {
    *count == 0
}

/// The account of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelAccount {
    /// The rows of each table it reads; a view has none of its own.
    pub inputs: BTreeMap<TableName, u64>,
    /// Rows of the table.
    pub rows: u64,
    /// Rows that broke a rule of `accept`.
    #[serde(default)]
    pub rejected: u64,
    /// Rows left out because another one has their key.
    #[serde(default)]
    pub deduplicated: u64,
    /// Rows its SELECT left out, if each row out is a row of the one input; only then the account must add up.
    #[serde(default)]
    pub filtered: Option<u64>,
}

impl ModelAccount {
    /// Rows of all inputs.
    #[must_use]
    pub fn rows_in(&self) -> u64 {
        self.inputs.values().sum()
    }

    /// Whether each row of the input is in the table or accounted for. True where rows out are not rows in.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let Some(filtered) = self.filtered else { return true };
        self.rows_in() == self.rows + self.rejected + self.deduplicated + filtered
    }

    /// Whether a row was left out on the way.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.rejected + self.deduplicated + self.filtered.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_adds_up_or_does_not() {
        let dataset = DatasetAccount { records: 10, rows: 8, rejected: 2, replayed: 1 };
        assert!(dataset.adds_up() && !DatasetAccount { rows: 7, ..dataset }.adds_up());
        assert!((dataset.ratio() - 0.2).abs() < 1e-12 && DatasetAccount::default().ratio() == 0.0);
        let inputs = BTreeMap::from([("raw.a".parse().unwrap(), 10)]);
        let model = ModelAccount { inputs, rows: 5, rejected: 2, deduplicated: 1, filtered: Some(2) };
        assert!(model.adds_up() && !ModelAccount { rows: 6, ..model.clone() }.adds_up());
        assert!(ModelAccount { filtered: None, ..model }.adds_up(), "an aggregate makes rows of its own");
    }
}
