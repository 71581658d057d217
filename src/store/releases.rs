//! The log of releases: one immutable file a release, created only if absent.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::once::{create, remove};
use super::{Location, Stores, store_error};
use crate::error::{Error, Kind, Result};
use crate::release::{AsOf, Manifest};

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
        // A copy of the log in a folder of it is none of its files.
        let own =
            listed.iter().filter(|meta| meta.location.prefix_match(&folder).is_some_and(|rest| rest.count() == 1));
        let mut numbers: Vec<u64> = own.filter_map(|meta| number_of(&meta.location)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The newest release, if there is one.
    ///
    /// # Errors
    /// A store that cannot be read, or a manifest that cannot be understood.
    pub async fn newest(&self) -> Result<Option<Manifest>> {
        self.find(&AsOf::Newest).await
    }

    /// The newest release, if it is newer than `number`. It is a question about one file, asked often; the releases are
    /// listed only where there is something to tell.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn newer_than(&self, number: u64) -> Result<Option<u64>> {
        let next = self.place(number + 1);
        match self.store.head(&next.path()).await {
            Ok(_) => Ok(self.numbers().await?.last().copied()),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(failure) => Err(store_error("read", &next, failure)),
        }
    }

    /// The release that a reader wants; `None` if there was none yet.
    ///
    /// # Errors
    /// No release of that number, a store that cannot be read, or a manifest that cannot be understood.
    pub async fn find(&self, as_of: &AsOf) -> Result<Option<Manifest>> {
        let numbers = match as_of {
            AsOf::Release(number) => return self.read(*number).await.map(Some),
            AsOf::Newest | AsOf::Instant(_) => self.numbers().await?,
        };
        let AsOf::Instant(instant) = as_of else {
            return match numbers.last() {
                Some(number) => self.read(*number).await.map(Some),
                None => Ok(None),
            };
        };
        // Releases follow one another in time, so that halving finds the last one published by then.
        let (mut found, mut left) = (None, numbers.as_slice());
        while !left.is_empty() {
            let (earlier, later) = left.split_at(left.len() / 2);
            let Some((middle, later)) = later.split_first() else { break };
            let manifest = self.read(*middle).await?;
            left = if manifest.published()? <= *instant {
                found = Some(manifest);
                later
            } else {
                earlier
            };
        }
        Ok(found)
    }

    /// The release that a reader wants, for one who cannot do without.
    ///
    /// # Errors
    /// As [`Self::find`], and no release yet.
    pub async fn wanted(&self, as_of: &AsOf) -> Result<Manifest> {
        let none = || Error::query(format!("there was no release yet as of {as_of}"));
        self.find(as_of).await?.ok_or_else(|| none().hint("`cauce releases` lists them"))
    }

    /// The manifests of all releases, ascending.
    ///
    /// # Errors
    /// A store that cannot be read, or a manifest that cannot be understood.
    pub async fn all(&self) -> Result<Vec<Manifest>> {
        let mut manifests = Vec::new();
        for number in self.numbers().await? {
            manifests.push(self.read(number).await?);
        }
        Ok(manifests)
    }

    /// The manifest of release `number`, as it was published.
    ///
    /// # Errors
    /// No such release, a store that cannot be read, or a manifest that cannot be understood.
    pub async fn read(&self, number: u64) -> Result<Manifest> {
        let place = self.place(number);
        let found = match self.store.get(&place.path()).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => {
                return Err(Error::query(format!("there is no release {number} in {}", self.folder)));
            }
            Err(failure) => return Err(store_error("read", &place, failure)),
        };
        let bytes = found.bytes().await.map_err(|failure| store_error("read", &place, failure))?;
        Manifest::from_json(&bytes).map_err(|error| match error.next_step() {
            Some(_) => error.while_doing(format_args!("release {number}")),
            None => error.while_doing(&place).hint(format!(
                "bring {place} back from a copy of the lake; without one move it away: release {number} is gone then, \
                 and the others stay"
            )),
        })
    }

    /// Publishes a release if nobody has published one of its number.
    ///
    /// # Errors
    /// [`Kind::Refused`] if the release exists already, whatever it holds; [`Kind::Store`] if it cannot be written.
    pub async fn publish(&self, manifest: &Manifest) -> Result<()> {
        let number = manifest.release;
        let place = self.place(number);
        if create(self.store.as_ref(), &place, manifest.to_json()?).await? {
            return Ok(());
        }
        Err(Error::new(Kind::Refused, format!("another run published release {number} first"))
            .hint("nothing of this run is visible; run again to build on the new release"))
    }

    /// Removes the manifest of a release. One that is gone already is no failure.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn remove(&self, number: u64) -> Result<()> {
        let place = self.place(number);
        remove(self.store.as_ref(), &place.path(), &place).await
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

    fn manifest(number: u64, published_at: &str) -> Manifest {
        Manifest::new(number, number.checked_sub(1), "p", "r", published_at.to_owned())
    }

    fn log(folder: &std::path::Path) -> ReleaseLog {
        let lake = Location::parse("lake", folder).unwrap();
        ReleaseLog::open(&Stores::new(BTreeMap::new()), &lake).unwrap()
    }

    #[tokio::test]
    async fn a_release_is_published_once() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path());
        assert!(log.numbers().await.unwrap().is_empty());
        let first = manifest(1, "2024-01-01T00:00:00Z");
        log.publish(&first).await.unwrap();
        let second = log.publish(&manifest(1, "2025-01-01T00:00:00Z")).await.unwrap_err();
        assert_eq!(second.kind(), Kind::Refused);
        log.publish(&manifest(2, "2024-01-02T00:00:00Z")).await.unwrap();
        assert_eq!(log.numbers().await.unwrap(), [1, 2]);
        let newer = async |than: u64| log.newer_than(than).await.unwrap();
        assert_eq!((newer(0).await, newer(1).await, newer(2).await), (Some(2), Some(2), None));
        assert_eq!(log.read(1).await.unwrap(), first);
        assert!(log.read(3).await.unwrap_err().message().contains("no release 3"));
    }

    #[tokio::test]
    async fn the_release_of_an_instant_is_the_last_one_by_then() {
        let folder = tempfile::tempdir().unwrap();
        let log = log(folder.path());
        let found = async |as_of: &str| {
            let found = log.find(&as_of.parse().unwrap()).await.unwrap();
            found.map(|manifest| manifest.release)
        };
        assert_eq!((log.newest().await.unwrap(), found("2024-01-01").await), (None, None));
        for day in 1..=5 {
            log.publish(&manifest(day, &format!("2024-01-{:02}T12:00:00Z", day * 2))).await.unwrap();
        }
        assert_eq!(log.newest().await.unwrap().map(|manifest| manifest.release), Some(5));
        for (as_of, release) in [
            ("2024-01-01", None),
            ("2024-01-02 11:59", None),
            ("2024-01-02 12:00", Some(1)),
            ("2024-01-05", Some(2)),
            ("2024-01-08T12:00:00Z", Some(4)),
            ("2024-01-09", Some(4)),
            ("2030-01-01", Some(5)),
            ("3", Some(3)),
        ] {
            assert_eq!(found(as_of).await, release, "{as_of}");
        }
    }
}
