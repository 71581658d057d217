//! Committing staged files as the whole content of a Delta table.

use std::collections::BTreeMap;

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::schema::StructType;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake_core::kernel::{Action, Add, EagerSnapshot};
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError};
use futures::TryStreamExt;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::json;

use super::log::{delta_error, is_missing, log_cut_off, open, open_at};
use super::stage::{Staged, TARGET_FILE_BYTES};
use crate::error::{Error, Kind, Result};
use crate::release::TableVersion;
use crate::store::{Location, Stores, store_error};

impl Staged {
    /// Makes the staged files the whole content of the table: creates it, or replaces what its newest version holds.
    /// `before` is the version of the last release. Returns the version, which is the table's newest then.
    ///
    /// # Errors
    /// [`crate::error::Kind::Refused`] if another writer committed to the table meanwhile: nothing of ours is visible
    /// then and nothing is retried, because our content was computed against the older state. Otherwise a store that
    /// cannot be read or written.
    pub async fn commit(self, stores: &Stores, run: &str, before: Option<&TableVersion>) -> Result<TableVersion> {
        let location = self.location.clone();
        match self.commit_once(stores, run, before).await {
            // A store may write the commit and lose its answer; asked again, it says that somebody else was first.
            Err(refused) if refused.kind() == Kind::Refused => newest_of(stores, &location, run).await?.ok_or(refused),
            ended => ended,
        }
    }

    async fn commit_once(self, stores: &Stores, run: &str, before: Option<&TableVersion>) -> Result<TableVersion> {
        if self.files.is_empty() {
            make_folder(stores, &self.location).await?;
        }
        let mut table = open(stores, &self.location)?;
        let failed = |failure| delta_error("commit to", &self.location, failure);
        let columns = self.columns()?;
        let properties = properties(run).with_max_retries(0);
        match table.load().await {
            Ok(()) => {
                let snapshot = table.snapshot().map_err(failed)?.snapshot().clone();
                not_older(&snapshot, before, &self.location)?;
                if has_shape(&snapshot, &columns, &self.partition_by) && in_one_order(&snapshot, &columns)? {
                    return replace_files(&table, &snapshot, self, properties).await;
                }
            }
            Err(failure) if is_missing(&failure) => {}
            Err(failure) => return Err(failed(failure)),
        }
        self.create(&table, &columns, SaveMode::Overwrite, properties).await.map_err(failed)
    }

    /// Puts the staged files, which have the same rows, in the place of those of `version`. What others appended since then
    /// stays. Returns the new version.
    ///
    /// # Errors
    /// [`crate::error::Kind::Refused`] if somebody else replaced files of that version meanwhile, or a store that cannot be
    /// read or written.
    pub async fn replace_files_of(self, stores: &Stores, version: u64) -> Result<u64> {
        let failed = |failure| delta_error("commit to", &self.location, failure);
        let mut table = open_at(stores, &self.location, Some(version))?;
        table.load_version(version).await.map_err(failed)?;
        let snapshot = table.snapshot().map_err(failed)?.snapshot();
        let log = table.log_store();
        let removed = snapshot.file_views(&log, None).map_ok(|file| Action::Remove(file.remove_action(false)));
        let mut actions: Vec<Action> = removed.try_collect().await.map_err(failed)?;
        let same_rows = |file: &Add| Action::Add(Add { data_change: false, ..file.clone() });
        actions.extend(self.files.iter().map(same_rows));
        let target_size = i64::try_from(TARGET_FILE_BYTES.get()).unwrap_or(i64::MAX);
        let operation = DeltaOperation::Optimize { predicate: None, target_size };
        let commit = CommitBuilder::from(properties("clean")).with_actions(actions);
        Ok(commit.build(Some(snapshot), log, operation).await.map_err(failed)?.version())
    }

    pub(super) fn columns(&self) -> Result<StructType> {
        self.schema.as_ref().try_into_kernel().map_err(|failure| {
            Error::bug(format!("the schema of {} cannot be written as a Delta schema: {failure}", self.location))
        })
    }

    /// Makes the staged files the first version of a table, or of another shape of it.
    pub(super) async fn create(
        &self,
        table: &DeltaTable,
        columns: &StructType,
        mode: SaveMode,
        properties: CommitProperties,
    ) -> Result<TableVersion, DeltaTableError> {
        let created = CreateBuilder::new()
            .with_log_store(table.log_store())
            .with_save_mode(mode)
            .with_columns(columns.fields().cloned())
            .with_partition_columns(self.partition_by.clone())
            .with_actions(self.all_files().cloned().map(Action::Add))
            .with_commit_properties(properties)
            .await?;
        let version = created.version();
        let version =
            version.ok_or_else(|| DeltaTableError::generic("the table has no version after its first commit"))?;
        Ok(TableVersion { version, table_id: created.snapshot()?.metadata().id().to_owned() })
    }
}

/// The key in a commit under which the run stands that made it.
const RUN: &str = "cauce.run";

pub(super) fn properties(run: &str) -> CommitProperties {
    CommitProperties::default()
        .with_metadata([(RUN.to_owned(), json!(run))])
        // Old versions are read by the releases that name them; the age of their log says nothing about that.
        .with_cleanup_expired_logs(Some(false))
}

/// The newest version of the table, if `run` committed it: none does so twice.
async fn newest_of(stores: &Stores, location: &Location, run: &str) -> Result<Option<TableVersion>> {
    let failed = |failure| delta_error("read", location, failure);
    let mut table = open(stores, location)?;
    table.load().await.map_err(failed)?;
    let commit = table.history(Some(1)).try_next().await.map_err(failed)?;
    if commit.is_none_or(|commit| commit.info.get(RUN) != Some(&json!(run))) {
        return Ok(None);
    }
    let snapshot = table.snapshot().map_err(failed)?.snapshot();
    Ok(Some(TableVersion { version: snapshot.version(), table_id: snapshot.metadata().id().to_owned() }))
}

/// Sees to it that the log did not lose versions: their numbers would be given a second time, and releases that name them
/// would show what they never held.
fn not_older(snapshot: &EagerSnapshot, before: Option<&TableVersion>, location: &Location) -> Result<()> {
    let newest = snapshot.version();
    match before.filter(|before| before.table_id == snapshot.metadata().id()) {
        Some(before) if before.version > newest => Err(log_cut_off(location, newest, before.version)),
        _ => Ok(()),
    }
}

/// Whether the table already has these columns and partitions, so that a commit need not restate them.
pub(super) fn has_shape(snapshot: &EagerSnapshot, columns: &StructType, partition_by: &[String]) -> bool {
    snapshot.schema().as_ref() == columns && snapshot.metadata().partition_columns() == partition_by
}

/// Whether the columns, and what is nested in them, stand in the same order: to the kernel that is all one.
fn in_one_order(snapshot: &EagerSnapshot, columns: &StructType) -> Result<bool> {
    let written =
        |columns: &StructType| serde_json::to_value(columns).map_err(|failure| Error::bug(failure.to_string()));
    Ok(written(snapshot.schema().as_ref())? == written(columns)?)
}

/// Replaces the files of `snapshot` in one commit by the staged ones and those carried along. Of the latter the snapshot
/// may lack some, where it is of a run that was killed before its release.
async fn replace_files(
    table: &DeltaTable,
    snapshot: &EagerSnapshot,
    staged: Staged,
    properties: CommitProperties,
) -> Result<TableVersion> {
    let failed = |failure| delta_error("commit to", &staged.location, failure);
    let log = table.log_store();
    let mut wanted: BTreeMap<&str, &Add> = staged.all_files().map(|file| (file.path.as_str(), file)).collect();
    let mut actions = Vec::new();
    let mut views = snapshot.file_views(&log, None);
    while let Some(file) = views.try_next().await.map_err(failed)? {
        if wanted.remove(file.path().as_ref()).is_none() {
            actions.push(Action::Remove(file.remove_action(true)));
        }
    }
    drop(views);
    actions.extend(wanted.into_values().cloned().map(Action::Add));
    let partition_by = (!staged.partition_by.is_empty()).then(|| staged.partition_by.clone());
    let operation = DeltaOperation::Write { mode: SaveMode::Overwrite, partition_by, predicate: None };
    let committed = CommitBuilder::from(properties).with_actions(actions).build(Some(snapshot), log, operation).await;
    let version = committed.map_err(failed)?.version();
    Ok(TableVersion { version, table_id: snapshot.metadata().id().to_owned() })
}

/// Makes the folder of a table that has no row, and so no file that brought its folder with it: a log on this machine
/// can be begun only in a folder that exists.
async fn make_folder(stores: &Stores, location: &Location) -> Result<()> {
    let store = stores.open(location)?;
    let begun = location.join("_delta_log/.begun").path();
    let failed = |failure| store_error("write", location, failure);
    store.put(&begun, PutPayload::new()).await.map_err(failed)?;
    store.delete(&begun).await.map_err(failed)
}
