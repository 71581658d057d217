//! Files that are written once: created if nobody has created them, never written over, and removed.

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{Location, store_error};
use crate::error::Result;

/// Creates a file at `place`; returns whether it did, rather than found another one there.
///
/// A store may create the file and lose its answer; asked again, it says that there is one. So what is there is read: no
/// two runs write the same bytes.
///
/// # Errors
/// A store that cannot be written.
pub(super) async fn create(store: &dyn ObjectStore, place: &Location, bytes: Vec<u8>) -> Result<bool> {
    let only_if_absent = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
    match store.put_opts(&place.path(), PutPayload::from(bytes.clone()), only_if_absent).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
            let there = async { store.get(&place.path()).await?.bytes().await };
            match there.await {
                Ok(there) => Ok(there == bytes),
                Err(object_store::Error::NotFound { .. }) => Ok(false),
                Err(failure) => Err(store_error("read", place, failure)),
            }
        }
        Err(failure) => Err(store_error("write", place, failure)),
    }
}

/// Removes the file at `path`; `place` is what an error calls it. One that is gone already is no failure.
///
/// # Errors
/// A store that cannot be written.
pub async fn remove(store: &dyn ObjectStore, path: &Path, place: &Location) -> Result<()> {
    match store.delete(path).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(failure) => Err(store_error("remove", place, failure)),
    }
}
