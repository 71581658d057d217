//! Staged files as a value, for a later run that publishes what this one could not.

use arrow::datatypes::Schema;
use deltalake_core::kernel::Add;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake_core::kernel::schema::StructType;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::carry::Carried;
use super::stage::{Staged, data_path};
use crate::error::{Error, Result};
use crate::store::{Location, Stores, store_error};

/// Staged files as they are written down.
#[derive(Serialize, Deserialize)]
struct Written {
    schema: StructType,
    partition_by: Vec<String>,
    files: Vec<Add>,
    rows: u64,
    carried: Vec<Add>,
    carried_rows: u64,
}

impl Staged {
    /// The value that stands for them.
    ///
    /// # Errors
    /// A schema that is none of Delta Lake, which is a bug.
    pub fn to_json(&self) -> Result<Value> {
        let written = Written {
            schema: self.columns()?,
            partition_by: self.partition_by.clone(),
            files: self.files.clone(),
            rows: self.rows,
            carried: self.carried.files.clone(),
            carried_rows: self.carried.rows,
        };
        serde_json::to_value(written).map_err(|failure| Error::bug(failure.to_string()))
    }

    /// The files that a value stands for, of the table at `location`.
    ///
    /// # Errors
    /// A value that stands for none.
    pub fn from_json(location: &Location, value: &Value) -> Result<Self> {
        let damaged = |failure: &dyn std::fmt::Display| {
            Error::store(format!("what was built of {location} and not published is damaged: {failure}"))
        };
        let written = Written::deserialize(value).map_err(|failure| damaged(&failure))?;
        let schema: Schema = (&written.schema).try_into_arrow().map_err(|failure| damaged(&failure))?;
        Ok(Self {
            location: location.clone(),
            schema: schema.into(),
            partition_by: written.partition_by,
            files: written.files,
            rows: written.rows,
            carried: Carried { files: written.carried, rows: written.carried_rows },
        })
    }

    /// All files of the next version, by path from the root of their store.
    ///
    /// # Errors
    /// A path that is none, which is a bug.
    pub fn paths(&self) -> Result<Vec<Path>> {
        self.all_files().map(|file| data_path(&self.location, &file.path)).collect()
    }

    /// Whether the store still has all that were written, as they were.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub async fn is_there(&self, stores: &Stores) -> Result<bool> {
        let asked = self.files.iter().map(|file| stands(stores, &self.location, file).boxed());
        let asked: Vec<BoxFuture<'_, Result<bool>>> = asked.collect();
        let stand: Vec<bool> = stream::iter(asked).buffer_unordered(ASKED_AT_ONCE).try_collect().await?;
        Ok(stand.into_iter().all(|stands| stands))
    }
}

/// Files asked for at a time.
const ASKED_AT_ONCE: usize = 16;

async fn stands(stores: &Stores, location: &Location, file: &Add) -> Result<bool> {
    match stores.open(location)?.head(&data_path(location, &file.path)?).await {
        Ok(found) => Ok(i64::try_from(found.size) == Ok(file.size)),
        Err(object_store::Error::NotFound { .. }) => Ok(false),
        Err(failure) => Err(store_error("read", location, failure)),
    }
}
