//! Cleaning a lake: releases that retention lets go, and data files that no release reads.
//!
//! What a release reads that stays is never touched, nor what a table of schema `system` has now, nor what lies on the shelf,
//! nor anything younger than a grace period: a run that works right now has written files that no log names yet, and a
//! reader may hold the release that was the newest a moment ago.
//!
//! The definitions of models outlive the releases that had them.
//!
//! Manifests, and what lies on the shelf, go first and data second, after both have been looked at again: a release that can
//! be opened can always be read. Who is about to publish again what was published or built before puts it on the shelf
//! and then looks whether it is still there: either it is found here, or it finds that it came too late.

mod gather;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use object_store::ObjectMeta;
use object_store::path::Path;

pub use gather::{gather, scattered};

use crate::catalog::Retention;
use crate::error::{Error, Result};
use crate::name::{Layer, TableName};
use crate::release::{Definition, Followed, Manifest, TableVersion, Unpublished};
use crate::store::{Lake, Shelved};
use crate::table::{ParquetTable, Staged, data_files, data_path, open_newest, open_version, remove_files};

/// What is to be cleaned.
#[derive(Debug, Clone, Copy)]
pub struct Cleaning {
    /// Which releases stay; all of them without one.
    pub retention: Option<Retention>,
    /// The time.
    pub now: DateTime<Utc>,
    /// What is younger stays, whatever it is.
    pub grace: Duration,
}

/// What can go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waste {
    /// The releases that stay.
    pub kept: usize,
    /// The releases that retention lets go.
    pub releases: Vec<u64>,
    /// What runs have built and not published, by name on the shelf.
    pub unpublished: Vec<String>,
    /// The data files that no other release reads, by table.
    pub files: BTreeMap<TableName, Unread>,
}

/// Data files of a table that no release reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unread {
    /// The files.
    pub files: Vec<Path>,
    /// Their bytes.
    pub bytes: u64,
}

/// Finds what can go; removes nothing.
///
/// # Errors
/// A store that cannot be read, or a release that names a file that is not there.
pub async fn find(lake: &Lake, cleaning: Cleaning) -> Result<Waste> {
    let mut manifests = lake.releases()?.all().await?;
    let releases = expired(&manifests, cleaning)?;
    manifests.retain(|manifest| !releases.contains(&manifest.release));
    let shelved = lake.shelf()?.all().await?;
    let (old, shelved): (Vec<_>, Vec<_>) = shelved.into_iter().partition(|shelved| cleaning.is_old(shelved.at));
    let unpublished = old.into_iter().map(|shelved| shelved.name).collect();
    let files = unread(lake, &manifests, &shelved, cleaning).await?;
    Ok(Waste { kept: manifests.len(), releases, unpublished, files })
}

/// Removes what [`find`] found, as far as it still can go; returns what went.
///
/// # Errors
/// A store that cannot be read or written: what is left then is found by the next cleaning.
pub async fn remove(lake: &Lake, waste: &Waste, cleaning: Cleaning) -> Result<Waste> {
    let (log, shelf) = (lake.releases()?, lake.shelf()?);
    keep_definitions(lake, &waste.releases).await?;
    for number in &waste.releases {
        log.remove(*number).await?;
    }
    for name in &waste.unpublished {
        shelf.remove(name).await?;
    }
    // Somebody may have gone back to an earlier release meanwhile, or is about to.
    let shelved = shelf.all().await?;
    let manifests = log.all().await?;
    let files = unread(lake, &manifests, &shelved, cleaning).await?;
    for (name, unread) in &files {
        remove_files(lake.stores(), &lake.table(name), &unread.files).await?;
    }
    Ok(Waste { kept: manifests.len(), files, ..waste.clone() })
}

impl Cleaning {
    fn is_old(&self, written: DateTime<Utc>) -> bool {
        let grace = TimeDelta::from_std(self.grace).unwrap_or(TimeDelta::MAX);
        self.now.signed_duration_since(written) > grace
    }
}

/// Keeps what is known of definitions from releases that go: the text where no other release has it, and since when there
/// is such a definition.
async fn keep_definitions(lake: &Lake, going: &[u64]) -> Result<()> {
    if going.is_empty() {
        return Ok(());
    }
    let definitions = lake.definitions()?;
    let (going, staying): (Vec<Manifest>, Vec<Manifest>) =
        lake.releases()?.all().await?.into_iter().partition(|manifest| going.contains(&manifest.release));
    let stays = |definition: &Definition| {
        let of_model = |manifest: &Manifest| manifest.models.get(&definition.model).map(|model| model.definition);
        staying.iter().any(|manifest| of_model(manifest) == Some(definition.number))
    };
    let kept: BTreeSet<(TableName, u64)> =
        definitions.kept().await?.into_iter().map(|definition| (definition.model, definition.number)).collect();
    for definition in Definition::all(&going, Vec::new()) {
        if !stays(&definition) || !kept.contains(&(definition.model.clone(), definition.number)) {
            definitions.keep(&definition).await?;
        }
    }
    Ok(())
}

/// The releases that retention lets go. The newest stays, and so does one that was the newest within the grace period.
fn expired(manifests: &[Manifest], cleaning: Cleaning) -> Result<Vec<u64>> {
    let Some(Retention { keep, days }) = cleaning.retention else { return Ok(Vec::new()) };
    let since = |age: Duration| TimeDelta::from_std(age).ok().and_then(|age| cleaning.now.checked_sub_signed(age));
    let day = Duration::from_hours(24);
    let wanted_since = days.map(|days| since(day.saturating_mul(days)));
    let mut expired = Vec::new();
    for (index, manifest) in manifests.iter().enumerate() {
        let Some(next) = manifests.get(index + 1) else { continue };
        let replaced_at = next.published()?;
        let newer = u64::try_from(manifests.len() - index - 1).unwrap_or(u64::MAX);
        let among_the_last = keep.is_some_and(|keep| newer < keep);
        // An age before the beginning of time keeps everything.
        let young = match wanted_since {
            None => false,
            Some(since) => since.is_none_or(|since| replaced_at >= since),
        };
        let in_grace = since(cleaning.grace).is_none_or(|since| replaced_at >= since);
        if !(among_the_last || young || in_grace) {
            expired.push(manifest.release);
        }
    }
    Ok(expired)
}

/// The data files that none of the `manifests` reads, nor the newest version of their table, that do not lie on the shelf,
/// and that are old enough.
async fn unread(
    lake: &Lake,
    manifests: &[Manifest],
    shelved: &[Shelved],
    cleaning: Cleaning,
) -> Result<BTreeMap<TableName, Unread>> {
    let mut versions: BTreeMap<&TableName, BTreeSet<&TableVersion>> = BTreeMap::new();
    let mut parts: BTreeMap<&TableName, BTreeSet<Path>> = BTreeMap::new();
    let released = manifests.iter().flat_map(|manifest| &manifest.models);
    let unpublished: Vec<&Unpublished> = shelved.iter().filter_map(|shelved| shelved.built.as_ref()).collect();
    let to_publish = unpublished
        .iter()
        .flat_map(|built| built.manifest.models.iter().filter(|(name, _)| !built.staged.contains_key(*name)));
    for (name, model) in released.chain(to_publish) {
        versions.entry(name).or_default().extend(model.table());
        for part in model.followed.iter().flat_map(Followed::parts) {
            parts.entry(name).or_default().insert(data_path(&lake.table(name), &part.path)?);
        }
    }
    let mut built: BTreeSet<Path> = BTreeSet::new();
    for unpublished in unpublished {
        for (name, files) in &unpublished.staged {
            built.extend(Staged::from_json(&lake.table(name), files)?.paths()?);
            let followed = unpublished.manifest.models.get(name).and_then(|model| model.followed.as_ref());
            for part in followed.into_iter().flat_map(Followed::parts) {
                built.insert(data_path(&lake.table(name), &part.path)?);
            }
        }
    }
    let mut tables = tables(lake).await?;
    // Also one of which no file is left.
    for name in versions.keys() {
        tables.entry((*name).clone()).or_default();
    }
    let mut waste = BTreeMap::new();
    for (name, files) in tables {
        let location = lake.table(&name);
        // What incremental tables are put together from.
        let mut read: BTreeSet<Path> = parts.remove(&name).unwrap_or_default();
        for version in versions.get(&name).into_iter().flatten() {
            read.extend(open_version(lake.stores(), &location, version).await?.paths());
        }
        // Other tools read the newest version, whether or not a release names it.
        read.extend(open_newest(lake.stores(), &location).await?.iter().flat_map(ParquetTable::paths));
        let there: BTreeSet<&Path> = files.iter().map(|file| &file.location).collect();
        if let Some(missing) = read.iter().find(|path| !there.contains(path)) {
            return Err(Error::store(format!("{name} needs the file {missing}, which is not there")).hint(
                "nothing is removed while the lake is damaged; bring the file back, or roll back to another release",
            ));
        }
        let mut unread = Unread::default();
        let spared = |file: &ObjectMeta| read.contains(&file.location) || built.contains(&file.location);
        for file in files.iter().filter(|file| !spared(file) && cleaning.is_old(file.last_modified)) {
            unread.files.push(file.location.clone());
            unread.bytes += file.size;
        }
        if !unread.files.is_empty() {
            waste.insert(name, unread);
        }
    }
    Ok(waste)
}

/// The data files of every table of the lake, whether or not a model of that name is left.
async fn tables(lake: &Lake) -> Result<BTreeMap<TableName, Vec<ObjectMeta>>> {
    let mut tables: BTreeMap<TableName, Vec<ObjectMeta>> = BTreeMap::new();
    for layer in Layer::OF_MODELS.into_iter().chain([Layer::System]) {
        let folder = lake.location().join(layer.as_str());
        for (table, file) in data_files(lake.stores(), &folder).await? {
            tables.entry(TableName::new(layer, table)).or_default().push(file);
        }
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Releases 1 to `count`, one a day at noon, the last at noon of the day before `now`.
    fn daily(count: u64) -> (Vec<Manifest>, DateTime<Utc>) {
        let first = DateTime::parse_from_rfc3339("2025-01-01T12:00:00Z").unwrap().to_utc();
        let at = |day: u64| first + TimeDelta::days(i64::try_from(day).unwrap());
        let manifest = |number: u64| Manifest::new(number, number.checked_sub(1), "p", "r", at(number).to_rfc3339());
        ((1..=count).map(manifest).collect(), at(count + 1))
    }

    fn expired_of(count: u64, keep: Option<u64>, days: Option<u32>, grace_hours: u64) -> Vec<u64> {
        let (manifests, now) = daily(count);
        let grace = Duration::from_hours(grace_hours);
        expired(&manifests, Cleaning { retention: Some(Retention { keep, days }), now, grace }).unwrap()
    }

    #[test]
    fn a_release_goes_when_neither_number_nor_age_keeps_it() {
        assert_eq!(expired_of(5, Some(2), None, 1), [1, 2, 3]);
        // Release 2 was the newest until three days ago.
        assert_eq!(expired_of(5, None, Some(3), 1), [1]);
        assert_eq!(expired_of(5, Some(4), Some(1), 1), [1]);
        assert_eq!(expired_of(5, Some(1), Some(3), 1), [1]);
        assert_eq!(expired_of(5, Some(9), None, 1), [] as [u64; 0]);
        assert_eq!(expired_of(0, Some(1), None, 1), [] as [u64; 0]);
    }

    #[test]
    fn what_was_the_newest_a_moment_ago_stays() {
        // Release 4 was replaced a day ago, release 3 two days ago.
        assert_eq!(expired_of(5, Some(1), None, 25), [1, 2, 3]);
        assert_eq!(expired_of(5, Some(1), None, 49), [1, 2]);
        assert_eq!(expired_of(1, Some(1), None, 0), [] as [u64; 0]);
    }
}
