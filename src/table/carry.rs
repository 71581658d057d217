//! Files of an earlier version that a new version has, too: what an incremental table is made of beside what is new.

use deltalake_core::kernel::{Add, LogicalFileView};
use futures::TryStreamExt;

use super::columns::{partition_texts, partitions_of};
use super::log::{delta_error, load_version};
use super::stage::{Staged, staged_path};
use crate::error::Result;
use crate::release::{Partition, TableVersion};
use crate::store::{Location, Stores};

/// Files of a version.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    pub(super) files: Vec<Add>,
    pub(super) rows: u64,
}

impl Carried {
    /// How many files these are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.files.len()
    }
}

/// The files of `version` that `keep` accepts, given the path of each below the table and its partition.
///
/// # Errors
/// A store that cannot be read, or a log that does not hold the version.
pub async fn carry(
    stores: &Stores,
    location: &Location,
    version: &TableVersion,
    keep: impl Fn(&str, &Partition) -> bool,
) -> Result<Carried> {
    let failed = |failure| delta_error("read", location, failure);
    let table = load_version(stores, location, version).await?;
    let snapshot = table.snapshot().map_err(failed)?.snapshot();
    let partitions = partitions_of(snapshot, location)?;
    let mut carried = Carried::default();
    let mut views = snapshot.file_views(&table.log_store(), None);
    while let Some(view) = views.try_next().await.map_err(failed)? {
        let partition = partition_texts(&partitions, &view.partition_values_map())?;
        if keep(view.object_store_path().as_ref(), &partition) {
            carried.rows += view.num_records().unwrap_or(0) as u64;
            carried.files.push(add(&view));
        }
    }
    Ok(carried)
}

/// The action of the log that makes a file part of a version.
fn add(file: &LogicalFileView) -> Add {
    Add {
        path: file.path().into_owned(),
        partition_values: file.partition_values_map(),
        size: file.size(),
        modification_time: file.modification_time(),
        data_change: true,
        stats: file.stats(),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

impl Staged {
    /// All of these as one, in their order; nothing if there is none.
    #[must_use]
    pub fn together(several: Vec<Self>) -> Option<Self> {
        several.into_iter().reduce(Self::and)
    }

    /// Both as one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self.rows += other.rows;
        self
    }

    /// The same with files that an earlier version has.
    #[must_use]
    pub fn beside(self, carried: Carried) -> Self {
        Self { carried, ..self }
    }

    /// The files that were written, by path below the table, with their bytes.
    ///
    /// # Errors
    /// A file name that cannot be read back, which is a bug.
    pub fn parts(&self) -> Result<Vec<(String, u64)>> {
        let part = |file: &Add| Ok((staged_path(&file.path)?.to_string(), u64::try_from(file.size).unwrap_or(0)));
        self.files.iter().map(part).collect()
    }

    /// The files of the next version: what was written, and what it has from an earlier one.
    pub(super) fn all_files(&self) -> impl Iterator<Item = &Add> {
        self.carried.files.iter().chain(&self.files)
    }

    /// Rows of the next version.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows + self.carried.rows
    }

    /// Bytes of all files of the next version.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.all_files().map(|file| u64::try_from(file.size).unwrap_or(0)).sum()
    }
}
