//! The shelf: what runs have built and not published, one immutable file each, until it is published or cleaned.
//!
//! What lies on the shelf is not cleaned, so an act that is about to publish what no newest release holds puts it there first.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::once::{create, remove};
use super::{Location, Stores, store_error};
use crate::error::{Error, Result};
use crate::release::Unpublished;

/// The folder `<lake>/unpublished`.
#[derive(Debug, Clone)]
pub struct Shelf {
    store: Arc<dyn ObjectStore>,
    folder: Location,
}

/// Something on the shelf.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelved {
    /// The name of its file.
    pub name: String,
    /// When it was put there.
    pub at: DateTime<Utc>,
    /// What it is; nothing if another version of cauce put it there, or it was damaged.
    pub built: Option<Unpublished>,
}

impl Shelf {
    /// The shelf of the lake at `lake`.
    ///
    /// # Errors
    /// A store that cannot be opened.
    pub fn open(stores: &Stores, lake: &Location) -> Result<Self> {
        Ok(Self { store: stores.open(lake)?, folder: lake.join("unpublished") })
    }

    /// What was put there last, if there is anything.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn last(&self) -> Result<Option<Shelved>> {
        match self.listed().await?.last() {
            Some(meta) => self.read(meta).await,
            None => Ok(None),
        }
    }

    /// Everything on the shelf, in the order it was put there.
    ///
    /// # Errors
    /// As [`Self::last`].
    pub async fn all(&self) -> Result<Vec<Shelved>> {
        let mut all = Vec::new();
        for meta in self.listed().await? {
            all.extend(self.read(&meta).await?);
        }
        Ok(all)
    }

    /// Puts `built` there as the `number`-th that its run puts there; returns its name.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn put(&self, built: &Unpublished, number: u32) -> Result<String> {
        let name = format!("{:020}-{}-{number:04}.json", built.manifest.release, built.manifest.run);
        let place = self.folder.join(&name);
        if create(self.store.as_ref(), &place, built.to_json()?).await? {
            Ok(name)
        } else {
            Err(Error::store(format!("{place} is there already: two runs have one name")))
        }
    }

    /// Whether something of that name is there.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn has(&self, name: &str) -> Result<bool> {
        let place = self.folder.join(name);
        match self.store.head(&place.path()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(failure) => Err(store_error("read", &place, failure)),
        }
    }

    /// Takes something away. What is gone already is no failure.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let place = self.folder.join(name);
        remove(self.store.as_ref(), &place.path(), &place).await
    }

    /// Takes away what can not be published any more now that `release` is.
    ///
    /// # Errors
    /// A store that cannot be read or written.
    pub async fn clear(&self, release: u64) -> Result<()> {
        let number = |name: &str| name.get(..20)?.parse::<u64>().ok();
        for meta in self.listed().await? {
            if let Some(name) = meta.location.filename().filter(|name| number(name).is_some_and(|of| of <= release)) {
                self.remove(name).await?;
            }
        }
        Ok(())
    }

    async fn listed(&self) -> Result<Vec<ObjectMeta>> {
        let folder = self.folder.path();
        let listed = self.store.list(Some(&folder)).try_collect::<Vec<_>>().await;
        let mut listed = listed.map_err(|failure| store_error("list", &self.folder, failure))?;
        listed.retain(|meta| meta.location.extension() == Some("json"));
        listed.sort_by(|a, b| (a.last_modified, &a.location).cmp(&(b.last_modified, &b.location)));
        Ok(listed)
    }

    /// Reads a file that was listed; nothing if it is gone since.
    async fn read(&self, meta: &ObjectMeta) -> Result<Option<Shelved>> {
        let name = meta.location.filename().unwrap_or_default().to_owned();
        let place = self.folder.join(&name);
        let found = match self.store.get(&meta.location).await {
            Ok(found) => found.bytes().await,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(failure) => Err(failure),
        };
        let bytes = found.map_err(|failure| store_error("read", &place, failure))?;
        // What was damaged is of no use, and goes like the rest; its models are built again.
        let built = Unpublished::from_json(&bytes).ok().flatten();
        Ok(Some(Shelved { name, at: meta.last_modified, built }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::release::Manifest;

    #[tokio::test]
    async fn what_was_put_last_is_found_until_it_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Location::parse("lake", folder.path()).unwrap();
        let shelf = Shelf::open(&Stores::new(BTreeMap::new()), &lake).unwrap();
        assert_eq!(shelf.last().await.unwrap(), None);
        let manifest = Manifest::new(3, Some(2), "p", "run", String::new());
        let built = Unpublished { manifest, staged: BTreeMap::new() };
        let first = shelf.put(&built, 0).await.unwrap();
        let second = shelf.put(&built, 1).await.unwrap();
        assert_eq!(shelf.put(&built, 1).await.unwrap(), second, "the same, of which the store lost the answer");
        let mut other = built.clone();
        other.staged.insert("processed.b".parse().unwrap(), serde_json::Value::Null);
        assert!(shelf.put(&other, 1).await.is_err(), "nothing is written over");
        shelf.clear(2).await.unwrap();
        let last = shelf.last().await.unwrap().unwrap();
        assert_eq!((last.name, last.built), (second.clone(), Some(built)));
        for name in [&second, &second] {
            shelf.remove(name).await.unwrap();
        }
        assert_eq!((shelf.all().await.unwrap().len(), shelf.has(&first).await.unwrap()), (1, true));
        shelf.clear(3).await.unwrap();
        assert_eq!((shelf.all().await.unwrap(), shelf.has(&first).await.unwrap()), (Vec::new(), false));
    }
}
