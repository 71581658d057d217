//! The log of releases: one immutable file a release, created only if absent.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::{Location, Stores, store_error};
use crate::error::{Error, Kind, Result};

/// The folder `<lake>/releases`. A release becomes visible by the one conditional put of [`ReleaseLog::publish`].
#[derive(Debug, Clone)]
pub struct ReleaseLog {
    store: Arc<dyn ObjectStore>,
    folder: Location,
}

impl ReleaseLog {
    /// The log of the lake at `lake`.
    ///
    /// # Errors
    /// A store that cannot be opened.
    pub fn open(stores: &Stores, lake: &Location) -> Result<Self> {
        Ok(Self { store: stores.open(lake)?, folder: lake.join("releases") })
    }

    /// The numbers of all releases, ascending.
    ///
    /// # Errors
    /// A store that cannot be listed.
    pub async fn numbers(&self) -> Result<Vec<u64>> {
        let folder = self.folder.path();
        let listed = self.store.list(Some(&folder)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|failure| store_error("list", &self.folder, failure))?;
        let mut numbers: Vec<u64> = listed.iter().filter_map(|meta| number_of(&meta.location)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The manifest of release `number`, as it was published.
    ///
    /// # Errors
    /// No such release, or a store that cannot be read.
    pub async fn read(&self, number: u64) -> Result<Vec<u8>> {
        let place = self.place(number);
        let found = match self.store.get(&place.path()).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(Error::query(format!("there is no release {number} in {}", self.folder)));
            }
            Err(failure) => return Err(store_error("read", &place, failure)),
        };
        let bytes = found.bytes().await.map_err(|failure| store_error("read", &place, failure))?;
        Ok(bytes.to_vec())
    }

    /// Publishes release `number` if nobody has.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the release exists already, whatever it holds; [`Kind::Store`] if it cannot be written.
    pub async fn publish(&self, number: u64, manifest: Vec<u8>) -> Result<()> {
        let place = self.place(number);
        let only_if_absent = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&place.path(), PutPayload::from(manifest), only_if_absent).await {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Err(Error::new(Kind::Refused, format!("another run published release {number} first"))
                    .hint("nothing of this run is visible; run again to build on the new release"))
            }
            Err(failure) => Err(store_error("write", &place, failure)),
        }
    }

    fn place(&self, number: u64) -> Location {
        self.folder.join(&format!("{number:020}.json"))
    }
}

/// The release a file of the log holds, if it is one.
fn number_of(path: &Path) -> Option<u64> {
    let digits = path.filename()?.strip_suffix(".json")?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[tokio::test]
    async fn a_release_is_published_once() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Location::parse("lake", folder.path()).unwrap();
        let log = ReleaseLog::open(&Stores::new(BTreeMap::new()), &lake).unwrap();
        assert!(log.numbers().await.unwrap().is_empty());
        log.publish(1, b"one".to_vec()).await.unwrap();
        let second = log.publish(1, b"other".to_vec()).await.unwrap_err();
        assert_eq!(second.kind(), Kind::Refused);
        log.publish(2, b"two".to_vec()).await.unwrap();
        assert_eq!(log.numbers().await.unwrap(), [1, 2]);
        assert_eq!(log.read(1).await.unwrap(), b"one");
        assert!(log.read(3).await.unwrap_err().message().contains("no release 3"));
    }
}
