//! Opening the Delta log of a table over the store everybody else uses.

use std::sync::{Arc, Once};

use deltalake_core::logstore::{LogStore, LogStoreFactory, StorageConfig, default_logstore, logstore_factories};
use deltalake_core::{DeltaResult, DeltaTable, DeltaTableBuilder, DeltaTableError};
use object_store::DynObjectStore;
use url::Url;

use super::whole::mending_log;
use crate::error::{Error, Kind, Result};
use crate::release::TableVersion;
use crate::store::{Location, Stores, store_cause, store_error, store_error_of};

/// The Delta table at `location`; nothing is read yet.
pub(super) fn open(stores: &Stores, location: &Location) -> Result<DeltaTable> {
    open_at(stores, location, None)
}

/// The Delta table at `location`, to be loaded at `version`.
pub(super) fn open_at(stores: &Stores, location: &Location, version: Option<u64>) -> Result<DeltaTable> {
    begin(stores, location, version)?.map_err(|failure| delta_error("open", location, failure))
}

/// The Delta table at `location` as it was at `version`.
pub(super) async fn load_version(stores: &Stores, location: &Location, version: &TableVersion) -> Result<DeltaTable> {
    let TableVersion { version, table_id } = version;
    let gone = || Error::store(format!("version {version} of the Delta table {location} is not there any more"));
    let mut table = match begin(stores, location, Some(*version))? {
        Ok(table) => table,
        Err(failure) if is_missing(&failure) => return Err(gone().hint(mending_log(location))),
        Err(failure) => return Err(delta_error("read", location, failure)),
    };
    match table.load_version(*version).await {
        Ok(()) => {}
        Err(failure) if is_missing(&failure) => return Err(gone().hint(mending_log(location))),
        Err(failure) => return Err(delta_error("read", location, failure)),
    }
    let loaded = table.snapshot().map_err(|failure| delta_error("read", location, failure))?;
    // Where nothing was recorded, nothing can be compared.
    if !table_id.is_empty() && loaded.metadata().id() != table_id {
        return Err(gone().hint("the table was removed and made anew since; a later release is read as ever"));
    }
    Ok(table)
}

/// The Delta table at `location`; `None` if not even its folder is there.
pub(super) fn open_if_there(stores: &Stores, location: &Location) -> Result<Option<DeltaTable>> {
    match begin(stores, location, None)? {
        Ok(table) => Ok(Some(table)),
        Err(failure) if is_missing(&failure) => Ok(None),
        Err(failure) => Err(delta_error("open", location, failure)),
    }
}

fn begin(stores: &Stores, location: &Location, version: Option<u64>) -> Result<DeltaResult<DeltaTable>> {
    register_s3();
    let url = location.folder_url()?;
    let store = stores.open(location)?;
    let table = DeltaTableBuilder::from_url(url.clone()).and_then(|builder| {
        let builder = builder.with_storage_backend(store, url);
        match version {
            Some(version) => builder.with_version(version).build(),
            None => builder.build(),
        }
    });
    Ok(table)
}

/// A failure of the Delta log, said with the table and the cause.
pub(super) fn delta_error(doing: &str, location: &Location, failure: DeltaTableError) -> Error {
    match failure {
        DeltaTableError::ObjectStore { source } => store_error(doing, location, source),
        failure if lost_a_race(&failure) => {
            Error::new(Kind::Refused, format!("another run changed {location} while this one worked"))
                .hint("nothing of this run is visible; run again to build on what the other one published")
                .because(failure)
        }
        DeltaTableError::KernelError(kernel) => {
            if let Some(cause) = store_cause(&kernel) {
                return store_error_of(doing, location, cause);
            }
            damaged(doing, location, &kernel)
        }
        failure => match store_cause(&failure) {
            Some(cause) => store_error_of(doing, location, cause),
            None => damaged(doing, location, &failure),
        },
    }
}

/// The error of a log that ends at `newest`, where a release has the version `wanted` of it.
pub(super) fn log_cut_off(location: &Location, newest: u64, wanted: u64) -> Error {
    damaged("commit to", location, &format_args!("its log ends at version {newest}, and the last release has {wanted}"))
}

/// The error of a log that holds something else than it should.
fn damaged(doing: &str, location: &Location, failure: &dyn std::fmt::Display) -> Error {
    let failure = failure.to_string();
    // Behind the first line the kernel tells where in itself it noticed.
    let said = failure.lines().next().unwrap_or_default().trim_end_matches('.');
    let missing = ["No table metadata or protocol", "LogSegment end version"].iter().any(|what| said.contains(what));
    let said = if missing { "files of its log are missing" } else { said };
    Error::store(format!("cannot {doing} the Delta table {location}: {said}")).hint(mending_log(location))
}

/// Whether there is no table yet, or not even its folder.
pub(super) fn is_missing(failure: &DeltaTableError) -> bool {
    match failure {
        DeltaTableError::ObjectStore { source: object_store::Error::NotFound { .. } }
        | DeltaTableError::InvalidTableLocation(_)
        | DeltaTableError::NotATable(_) => true,
        // The type of these is not the crate's own, and cannot be named here.
        DeltaTableError::KernelError(kernel) => kernel.to_string().starts_with("Invalid table location"),
        _ => false,
    }
}

/// Whether a commit failed because another writer was first.
pub(super) fn lost_a_race(failure: &DeltaTableError) -> bool {
    use deltalake_core::kernel::transaction::TransactionError;
    match failure {
        DeltaTableError::VersionAlreadyExists(_) => true,
        DeltaTableError::Transaction { source } => matches!(
            source,
            TransactionError::VersionAlreadyExists(_)
                | TransactionError::CommitConflict(_)
                | TransactionError::MaxCommitAttempts(_)
        ),
        _ => false,
    }
}

/// Delta logs on S3 need no more than conditional puts, which the store has; only the scheme must be made known.
#[derive(Debug)]
struct ConditionalPutLogs;

impl LogStoreFactory for ConditionalPutLogs {
    fn with_options(
        &self,
        table: Arc<DynObjectStore>,
        root: Arc<DynObjectStore>,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(table, root, location, options))
    }
}

fn register_s3() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if let Ok(scheme) = Url::parse("s3://") {
            logstore_factories().insert(scheme, Arc::new(ConditionalPutLogs));
        }
    });
}
