//! The files that a table was made from one by one, and what came of each.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DatasetAccount, ModelAccount};

/// The values of the partition columns of rows, in their order, as text; nothing for NULL, and for the empty text, which
/// Delta Lake cannot tell from it.
pub type Partition = Vec<Option<String>>;

/// The files of an input that an incremental model was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Followed {
    /// Stands for how the files were read: where it is the same, a file that is the same gives the same rows.
    pub basis: String,
    /// What came of each file, by its path.
    pub files: BTreeMap<String, FollowedFile>,
}

/// What came of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowedFile {
    /// Tells whether the file is the same: by size, time and etag. Data files of tables never change and have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mark: String,
    /// The run that read it: what the model rejected of it stands in `system.rejects` under that run.
    pub run: String,
    /// The data files that its rows are in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// What became of its rows; none where partitions are computed from several files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<ModelAccount>,
    /// The partitions it has rows for, each as the texts of their columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<Partition>,
}

/// A data file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its path below the folder of its table.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
}

/// How a file of a dataset was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReading {
    /// The run that read it: its rejects are that run's.
    pub run: String,
    /// What became of its records.
    pub account: DatasetAccount,
}

impl Followed {
    /// The data files of all files, in the order of those.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        self.files.values().flat_map(|file| &file.parts)
    }

    /// The partitions that some file has rows for.
    #[must_use]
    pub fn partitions(&self) -> BTreeSet<&Partition> {
        self.files.values().flat_map(|file| &file.partitions).collect()
    }

    /// Those whose first value lies between two, both included: as numbers where all are numbers, as text elsewhere, which
    /// is right for dates and months written with the year first.
    #[must_use]
    pub fn partitions_between(&self, from: Option<&str>, to: Option<&str>) -> BTreeSet<Partition> {
        let within = |partition: &&Partition| {
            let Some(value) = partition.first().and_then(Option::as_deref) else { return false };
            from.is_none_or(|from| !comes_before(value, from)) && to.is_none_or(|to| !comes_before(to, value))
        };
        self.partitions().into_iter().filter(within).cloned().collect()
    }
}

fn comes_before(one: &str, other: &str) -> bool {
    match (one.parse::<f64>(), other.parse::<f64>()) {
        (Ok(one), Ok(other)) => one < other,
        _ => one < other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_lie_between_values() {
        let of = |values: &[&str]| {
            let partitions = values.iter().map(|value| vec![Some((*value).to_owned()), Some("x".to_owned())]).collect();
            let file = FollowedFile { partitions, ..FollowedFile::default() };
            Followed { basis: String::new(), files: BTreeMap::from([("a.csv".to_owned(), file)]) }
        };
        let found = |followed: &Followed, from, to| -> Vec<String> {
            let found = followed.partitions_between(from, to);
            found.into_iter().filter_map(|partition| partition.into_iter().next().flatten()).collect()
        };
        let months = of(&["2023-12", "2024-01", "2024-02", "2024-10"]);
        assert_eq!(found(&months, Some("2024-01"), Some("2024-02")), ["2024-01", "2024-02"]);
        assert_eq!(found(&months, Some("2024-02"), None), ["2024-02", "2024-10"]);
        assert_eq!(found(&of(&["9", "10", "11"]), None, Some("10")), ["10", "9"]);
        assert!(found(&months, Some("2025"), None).is_empty());
    }
}
