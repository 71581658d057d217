//! What the files of a dataset showed: the evidence of each column, by name, over all files.

use super::evidence::Evidence;
use crate::error::{Kind, Result};

/// What one part of the data, a piece, a file or many files, showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Survey {
    /// The columns in the order in which they were first seen.
    pub(super) columns: Vec<(String, Evidence)>,
    /// Records that could be cut into fields.
    pub(super) records: u64,
    /// Records that could not.
    pub(super) broken: u64,
    /// Characters beyond ASCII that are valid in the encoding the text was taken for, and places that are not.
    pub(super) foreign: (u64, u64),
    /// What is told of damaged files, which show nothing.
    pub(super) damage: Vec<String>,
}

impl Survey {
    /// What looking through a file came to: a damaged one shows nothing but its damage.
    pub(super) fn of_file(looked: Result<Self>) -> Result<Self> {
        match looked {
            Err(failure) if failure.kind() == Kind::Damaged => {
                Ok(Self { damage: vec![failure.message().to_owned()], ..Self::default() })
            }
            looked => looked,
        }
    }

    /// Adds another file. A column that only one of the two has is without a value in the records of the other.
    pub(super) fn add(&mut self, other: Self) {
        for (name, known) in &mut self.columns {
            if !other.columns.iter().any(|(found, _)| found == name) {
                known.absent(other.records);
            }
        }
        for (name, mut evidence) in other.columns {
            match self.columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => known.merge(&evidence),
                None => {
                    evidence.absent(self.records);
                    self.columns.push((name, evidence));
                }
            }
        }
        self.records += other.records;
        self.broken += other.broken;
        self.foreign.0 += other.foreign.0;
        self.foreign.1 += other.foreign.1;
        self.damage.extend(other.damage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::ColumnType;

    fn file(columns: &[(&str, &[&str])]) -> Survey {
        let evidence = |values: &[&str]| {
            let mut evidence = Evidence::default();
            for value in values {
                evidence.add(Some(value.as_bytes()));
            }
            evidence
        };
        let records = columns.first().map_or(0, |(_, values)| values.len() as u64);
        let columns = columns.iter().map(|(name, values)| ((*name).to_owned(), evidence(values))).collect();
        Survey { columns, records, ..Survey::default() }
    }

    #[test]
    fn columns_of_files_are_joined_by_name() {
        let mut all = Survey::default();
        all.add(file(&[("a", &["1", "2"]), ("b", &["x", "y"])]));
        all.add(file(&[("c", &["1"]), ("a", &["1.5"])]));
        let told: Vec<(&str, ColumnType, u64)> = all
            .columns
            .iter()
            .map(|(name, evidence)| {
                let verdict = evidence.verdict(true);
                (name.as_str(), verdict.column_type, verdict.nulls)
            })
            .collect();
        let expected = [("a", ColumnType::Float, 0), ("b", ColumnType::String, 1), ("c", ColumnType::Int, 2)];
        assert_eq!(told, expected);
        assert_eq!(all.records, 3);
    }
}
