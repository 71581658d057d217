//! The places of a project: its lake, and where the paths of `catalog.yaml` start.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use object_store::{ObjectStoreExt, PutPayload};
use uuid::Uuid;

use super::{Definitions, Location, ReleaseLog, Shelf, Stores, remove, store_error};
use crate::catalog::{Catalog, Dataset};
use crate::error::Result;
use crate::name::TableName;

/// Where a project's inputs, tables and releases are, and the stores that hold them.
#[derive(Debug, Clone)]
pub struct Lake {
    stores: Arc<Stores>,
    root: PathBuf,
    location: Location,
}

impl Lake {
    /// The lake of `catalog`, whose relative paths start at `root`, the project's folder (absolute).
    ///
    /// # Errors
    /// A `lake:` that is no place.
    pub fn new(catalog: &Catalog, root: &Path, stores: Arc<Stores>) -> Result<Self> {
        Ok(Self { stores, root: root.to_owned(), location: Location::parse(&catalog.lake, root)? })
    }

    /// The stores that hold it.
    #[must_use]
    pub fn stores(&self) -> &Arc<Stores> {
        &self.stores
    }

    /// The lake's own place.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Where a table is.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Location {
        self.location.join(&format!("{}/{}", name.layer, name.name))
    }

    /// Where a dataset's files are.
    ///
    /// # Errors
    /// A `path:` that is no place.
    pub fn input(&self, dataset: &Dataset) -> Result<Location> {
        Location::parse(&dataset.path, &self.root)
            .map_err(|error| error.while_doing(format_args!("dataset {}", dataset.name)))
    }

    /// The time by the clock of the store, which dates the files. A small file is written for it, and removed.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub async fn time(&self) -> Result<DateTime<Utc>> {
        let place = self.location.join(&format!(".time-{}", Uuid::new_v4().simple()));
        let store = self.stores.open(&place)?;
        let dated = async {
            store.put(&place.path(), PutPayload::new()).await?;
            store.head(&place.path()).await
        };
        let dated = dated.await.map_err(|failure| store_error("write", &place, failure))?;
        remove(store.as_ref(), &place.path(), &place).await?;
        Ok(dated.last_modified)
    }

    /// Its log of releases.
    ///
    /// # Errors
    /// A store that cannot be opened.
    pub fn releases(&self) -> Result<ReleaseLog> {
        ReleaseLog::open(&self.stores, &self.location)
    }

    /// The definitions that its models ever had.
    ///
    /// # Errors
    /// A store that cannot be opened.
    pub fn definitions(&self) -> Result<Definitions> {
        Definitions::open(&self.stores, &self.location)
    }

    /// What its runs have built and not published.
    ///
    /// # Errors
    /// A store that cannot be opened.
    pub fn shelf(&self) -> Result<Shelf> {
        Shelf::open(&self.stores, &self.location)
    }
}
