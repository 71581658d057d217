//! What is known of the definitions of models from releases that are gone: immutable files, the first and the last for each.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};

use super::once::create;
use super::{Location, ReleaseLog, Stores, store_error};
use crate::error::{Error, Result, json_reason};
use crate::release::Definition;

/// The folder `<lake>/definitions`.
#[derive(Debug, Clone)]
pub struct Definitions {
    store: Arc<dyn ObjectStore>,
    folder: Location,
    releases: ReleaseLog,
}

impl Definitions {
    /// Those of the lake at `lake`.
    ///
    /// # Errors
    /// A store that cannot be opened.
    pub fn open(stores: &Stores, lake: &Location) -> Result<Self> {
        let releases = ReleaseLog::open(stores, lake)?;
        Ok(Self { store: stores.open(lake)?, folder: lake.join("definitions"), releases })
    }

    /// Every definition that was ever released, by model and number.
    ///
    /// # Errors
    /// A store that cannot be read, or a file that was damaged.
    pub async fn all(&self) -> Result<Vec<Definition>> {
        let releases = self.releases.all().await?;
        // Read after the releases: a definition is put here before its last release goes.
        Ok(Definition::all(&releases, self.kept().await?))
    }

    /// Those that were put here.
    ///
    /// # Errors
    /// As [`Self::all`].
    pub async fn kept(&self) -> Result<Vec<Definition>> {
        let failed = |failure| store_error("read", &self.folder, failure);
        let mut listed: Vec<_> = self.store.list(Some(&self.folder.path())).try_collect().await.map_err(failed)?;
        listed.retain(|meta| meta.location.extension() == Some("json"));
        let mut kept = Vec::new();
        for meta in listed {
            let found = self.store.get(&meta.location).await.map_err(failed)?;
            let bytes = found.bytes().await.map_err(failed)?;
            let damaged = |failure: serde_json::Error| {
                let place = meta.location.prefix_match(&self.folder.path()).into_iter().flatten();
                let place: Vec<String> = place.map(|part| part.as_ref().to_owned()).collect();
                let place = self.folder.join(&place.join("/"));
                Error::store(format!("{place} is damaged: {}", json_reason(&failure))).hint(format!(
                    "bring {place} back from a copy of the lake; without one move it away: that one definition is not \
                     listed any more then"
                ))
            };
            kept.push(serde_json::from_slice(&bytes).map_err(damaged)?);
        }
        Ok(kept)
    }

    /// Puts here what is known of a definition until its last release.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn keep(&self, definition: &Definition) -> Result<()> {
        let Definition { model, number, last_release, .. } = definition;
        let place = self.folder.join(&format!("{}/{}/{number:06}-{last_release:020}.json", model.layer, model.name));
        let text = serde_json::to_vec_pretty(definition).map_err(|failure| Error::bug(failure.to_string()))?;
        create(self.store.as_ref(), &place, text).await.map(|_| ())
    }
}
