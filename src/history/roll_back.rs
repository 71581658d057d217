//! Going back: a new release with the content of an earlier one.

use std::collections::BTreeMap;

use futures::future::try_join_all;

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::release::{AsOf, Manifest, Unpublished};
use crate::store::Lake;
use crate::table::open_version;

/// Publishes a release that holds what the release `to` held; nothing is computed and nothing is deleted. `run` names
/// the act, as a run is named.
///
/// # Errors
/// A release that is not there, that is the newest already, or whose tables cannot be read any more; [`Kind::Refused`] if
/// a run published meanwhile.
pub async fn roll_back(lake: &Lake, to: &AsOf, run: &str, clock: &dyn Clock) -> Result<Manifest> {
    let log = lake.releases()?;
    let wanted = log.wanted(to).await?;
    let newest = log.wanted(&AsOf::Newest).await?;
    if wanted.release == newest.release {
        return Err(Error::new(Kind::Refused, format!("release {} is the newest already", newest.release))
            .hint("`cauce releases` lists the earlier ones"));
    }
    let restored = wanted.restored_after(&newest, run, Manifest::time_after(Some(&newest), clock.now())?);
    // On the shelf it is not cleaned away; what was cleaned before that is found missing below.
    let shelf = lake.shelf()?;
    let name = shelf.put(&Unpublished { manifest: restored.clone(), staged: BTreeMap::new() }, 0).await?;
    let published = publish(lake, &wanted, &restored).await;
    // If it stays there, nothing is lost by it, and it is cleaned later.
    shelf.remove(&name).await.ok();
    published.map(|()| restored)
}

/// Publishes `restored`, which holds what `wanted` held, if all of that is still there.
async fn publish(lake: &Lake, wanted: &Manifest, restored: &Manifest) -> Result<()> {
    let log = lake.releases()?;
    log.read(wanted.release).await?;
    // What is published must be readable: a version or file that the store has lost is found now, not by the readers.
    let versions = wanted.models.iter().filter_map(|(name, model)| Some((name, model.table()?)));
    try_join_all(versions.map(|(name, version)| async move {
        let whole =
            async { open_version(lake.stores(), &lake.table(name), version).await?.ensure_whole(lake.stores()).await };
        whole.await.map_err(|error| error.while_doing(format_args!("release {} cannot be restored", wanted.release)))
    }))
    .await?;
    log.publish(restored).await
}
