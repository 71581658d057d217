//! Opening the Delta log of a table over the store everybody else uses.

use std::sync::{Arc, Once};

use deltalake_core::logstore::{LogStore, LogStoreFactory, StorageConfig, default_logstore, logstore_factories};
use deltalake_core::{DeltaResult, DeltaTable, DeltaTableBuilder, DeltaTableError};
use object_store::DynObjectStore;
use url::Url;

use crate::error::{Error, Kind, Result};
use crate::store::{Location, Stores, store_cause, store_error, store_error_of};

/// The Delta table at `location`; nothing is read yet.
pub(super) fn open(stores: &Stores, location: &Location) -> Result<DeltaTable> {
    open_at(stores, location, None)
}

/// The Delta table at `location`, to be loaded at `version`.
pub(super) fn open_at(stores: &Stores, location: &Location, version: Option<u64>) -> Result<DeltaTable> {
    begin(stores, location, version)?.map_err(|failure| delta_error("open", location, failure))
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
            let message = kernel.to_string();
            Error::store(format!("cannot {doing} the Delta table {location}: {message}")).because(kernel)
        }
        failure => match store_cause(&failure) {
            Some(cause) => store_error_of(doing, location, cause),
            None => Error::store(format!("cannot {doing} the Delta table {location}: {failure}")).because(failure),
        },
    }
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
fn lost_a_race(failure: &DeltaTableError) -> bool {
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
