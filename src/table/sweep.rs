//! The data files in a lake's folders, as the store lists them, and removing some.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectMeta;
use object_store::path::Path;

use crate::error::Result;
use crate::store::{Location, Stores, remove, store_error};

/// The folder, below that of a table, of data files that no log names and releases do. Other tools pass over folders
/// whose names begin so.
pub const PARTS: &str = "_parts";

/// The Parquet files of all tables in the folder of a layer, each with its table's name; logs are left out. Those in a
/// table's folder [`PARTS`] are among them.
///
/// # Errors
/// A store that cannot be listed.
pub async fn data_files(stores: &Stores, layer: &Location) -> Result<Vec<(String, ObjectMeta)>> {
    let folder = layer.path();
    let store = stores.open(layer)?;
    let listed: Vec<ObjectMeta> =
        store.list(Some(&folder)).try_collect().await.map_err(|failure| store_error("list", layer, failure))?;
    let of_table = |file: ObjectMeta| {
        let parts: Vec<String> = file.location.prefix_match(&folder)?.map(|part| part.as_ref().to_owned()).collect();
        let [table, inside @ ..] = parts.as_slice() else { return None };
        let hidden = |part: &String| part.starts_with('_') && part != PARTS;
        let is_data = inside.last()?.ends_with(".parquet") && !inside.iter().any(hidden);
        is_data.then(|| (table.clone(), file))
    };
    Ok(listed.into_iter().filter_map(of_table).collect())
}

/// Removes files of the table at `location`. One that is gone already is no failure.
///
/// # Errors
/// A store that cannot be written.
pub async fn remove_files(stores: &Stores, location: &Location, files: &[Path]) -> Result<()> {
    let store = stores.open(location)?;
    let removal = async |file: &Path| remove(store.as_ref(), file, location).await;
    stream::iter(files).map(removal).buffer_unordered(REMOVED_AT_ONCE).try_collect().await
}

/// Files removed at a time.
const REMOVED_AT_ONCE: usize = 16;
