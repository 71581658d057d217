//! Adding staged files to what a Delta table holds, whatever others add meanwhile.

use std::collections::BTreeSet;

use deltalake_core::DeltaTableError;
use deltalake_core::kernel::schema::{StructField, StructType};
use deltalake_core::kernel::transaction::{CommitBuilder, CommitConflictError, TransactionError};
use deltalake_core::kernel::{Action, EagerSnapshot, MetadataExt};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaResult, DeltaTable};
use futures::TryStreamExt;

use super::commit::{has_shape, properties};
use super::log::{delta_error, is_missing, lost_a_race, open};
use super::stage::Staged;
use crate::error::{Error, Result};
use crate::store::Stores;

impl Staged {
    /// Adds the staged files to what the table holds, whatever others add meanwhile. Columns that the table lacks it gains in
    /// the same commit: they are NULL in the rows that it holds.
    ///
    /// # Errors
    /// A table of other columns, or a store that cannot be read or written.
    pub async fn append(self, stores: &Stores, run: &str) -> Result<()> {
        let failed = |failure| delta_error("commit to", &self.location, failure);
        let columns = self.columns()?;
        let mut lost = None;
        for _ in 0..ATTEMPTS {
            let mut table = open(stores, &self.location)?;
            let attempt = match table.load().await {
                // A store may write the commit and lose its answer; asked again, it says that somebody else was first.
                Ok(()) if lost.is_some() && self.is_in(&table).await.map_err(failed)? => return Ok(()),
                Ok(()) => self.add_to(&table, &columns, run).await?,
                // Nothing is replaced: if somebody else begins the table meanwhile, there is one to add to then.
                Err(failure) if is_missing(&failure) => {
                    let properties = properties(run).with_max_retries(0);
                    let created = self.create(&table, &columns, SaveMode::ErrorIfExists, properties).await;
                    created.map(|_| ())
                }
                Err(failure) => return Err(failed(failure)),
            };
            match attempt {
                Ok(()) => return Ok(()),
                Err(failure) if is_of_metadata(&failure) || lost_a_race(&failure) || is_begun(&failure) => {
                    lost = Some(failure);
                }
                Err(failure) => return Err(failed(failure)),
            }
        }
        let never = || Error::store(format!("{} is there and is not, each time it is looked for", self.location));
        Err(lost.map_or_else(never, failed))
    }

    /// Adds the files to what was read of the table, in one attempt; the inner error is that of the commit.
    async fn add_to(&self, table: &DeltaTable, columns: &StructType, run: &str) -> Result<DeltaResult<()>> {
        let failed = |failure| delta_error("commit to", &self.location, failure);
        let snapshot = table.snapshot().map_err(failed)?.snapshot();
        let mut actions = Vec::with_capacity(self.files.len() + 1);
        if gains_columns(snapshot, columns, &self.partition_by) {
            let wider = snapshot.metadata().clone().with_schema(columns);
            actions.push(Action::Metadata(wider.map_err(|failure| failed(failure.into()))?));
        } else if !has_shape(snapshot, columns, &self.partition_by) {
            return Err(Error::store(format!("{} has other columns than this cauce writes", self.location))
                .hint("use the version of cauce that wrote it last, or move the folder away"));
        }
        actions.extend(self.files.iter().cloned().map(Action::Add));
        let partition_by = (!self.partition_by.is_empty()).then(|| self.partition_by.clone());
        let operation = DeltaOperation::Write { mode: SaveMode::Append, partition_by, predicate: None };
        let commit = CommitBuilder::from(properties(run).with_max_retries(0)).with_actions(actions);
        Ok(commit.build(Some(snapshot), table.log_store(), operation).await.map(|_| ()))
    }

    /// Whether the table has the staged files already.
    async fn is_in(&self, table: &DeltaTable) -> DeltaResult<bool> {
        let mut missing: BTreeSet<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        let log = table.log_store();
        let mut views = table.snapshot()?.snapshot().file_views(&log, None);
        while let Some(file) = views.try_next().await? {
            missing.remove(file.path().as_ref());
        }
        Ok(missing.is_empty())
    }
}

/// How often an append begins anew because somebody else was first. Runs end with appends: as many may come at once.
const ATTEMPTS: usize = 30;

/// Whether the table has some of these columns, and the others may be NULL.
fn gains_columns(snapshot: &EagerSnapshot, columns: &StructType, partition_by: &[String]) -> bool {
    let schema = snapshot.schema();
    let is_kept = |field: &StructField| columns.field(field.name()) == Some(field);
    let is_new = |field: &&StructField| schema.field(field.name()).is_none();
    schema.fields().all(is_kept)
        && columns.fields().any(|field| is_new(&field))
        && columns.fields().filter(is_new).all(StructField::is_nullable)
        && snapshot.metadata().partition_columns() == partition_by
}

/// Whether a commit failed because another one changed what the table is.
fn is_of_metadata(failure: &DeltaTableError) -> bool {
    let conflict = TransactionError::CommitConflict(CommitConflictError::MetadataChanged).to_string();
    matches!(failure, DeltaTableError::Transaction { source } if source.to_string() == conflict)
}

/// Whether a table could not be begun because there is one by now. The type of that failure cannot be named here.
fn is_begun(failure: &DeltaTableError) -> bool {
    failure.to_string().contains("already exists")
}
