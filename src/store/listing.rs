//! Finding the input files of a dataset.

use std::sync::Arc;

use futures::TryStreamExt;
use glob::{MatchOptions, Pattern};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use super::location::path_of;
use super::{Location, Stores, store_error};
use crate::error::{Error, Result};

/// One input file, ready to be read.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// The file as a person would write it (`data/raw/tickets.csv`, `s3://bucket/raw/tickets.csv`), for messages.
    pub name: String,
    /// The store that holds it.
    pub store: Arc<dyn ObjectStore>,
    /// Its path in the store, size, time of change and etag.
    pub meta: ObjectMeta,
}

impl Stores {
    /// The files a location names, sorted by path: the file itself, all files of a folder (at any depth) whose names
    /// end in `.ending` (with `.gz` or `.zst` after it, if they are compressed), or all files that match its wildcards. Files and folders whose names begin with `.` or `_`
    /// are not inputs.
    ///
    /// # Errors
    /// An unreachable store, a wildcard that cannot be read, or no file at all.
    pub async fn list(&self, location: &Location, ending: &str) -> Result<Vec<InputFile>> {
        let store = self.open(location)?;
        let pattern = location.pattern();
        let mut files = if pattern.contains(['*', '?', '[']) {
            list_matching(&store, location).await?
        } else {
            match store.head(&location.path()).await {
                Ok(meta) => vec![meta],
                // A local folder is reported as an odd file rather than as absent; listing settles it either way.
                Err(failure) => {
                    let files = list_folder(&store, location, ending).await?;
                    if files.is_empty() && !matches!(failure, object_store::Error::NotFound { .. }) {
                        return Err(store_error("read", location, failure));
                    }
                    files
                }
            }
        };
        if files.is_empty() {
            return Err(Error::store(format!("no input file: {location} does not exist or holds no .{ending} file"))
                .hint("put the file there, or correct `path:` of the dataset in catalog.yaml"));
        }
        files.sort_by(|a, b| a.location.cmp(&b.location));
        let single = files.len() == 1 && files[0].location == location.path();
        Ok(files
            .into_iter()
            .map(|meta| InputFile {
                name: if single { location.to_string() } else { shown_name(location, &meta) },
                store: Arc::clone(&store),
                meta,
            })
            .collect())
    }
}

impl Stores {
    /// What stands directly in a folder, by name: files, and folders with a `/` behind them.
    ///
    /// # Errors
    /// A store that cannot be listed.
    pub async fn list_one_level(&self, folder: &Location) -> Result<Vec<String>> {
        let path = folder.path();
        let listed = self.open(folder)?.list_with_delimiter(Some(&path)).await;
        let listed = listed.map_err(|failure| store_error("list", folder, failure))?;
        let folders = listed.common_prefixes.iter().filter_map(|path| Some(format!("{}/", path.filename()?)));
        let files = listed.objects.iter().filter_map(|meta| meta.location.filename().map(str::to_owned));
        Ok(folders.chain(files).collect())
    }
}

async fn list_folder(store: &Arc<dyn ObjectStore>, location: &Location, ending: &str) -> Result<Vec<ObjectMeta>> {
    let folder = location.path();
    let all: Vec<ObjectMeta> =
        store.list(Some(&folder)).try_collect().await.map_err(|failure| store_error("list", location, failure))?;
    let endings = ["", ".gz", ".zst"].map(|compression| format!(".{ending}{compression}"));
    Ok(all
        .into_iter()
        .filter(|meta| endings.iter().any(|ending| meta.location.as_ref().ends_with(ending)))
        .filter(|meta| {
            meta.location.prefix_match(&folder).is_some_and(|rest| rest.into_iter().all(|p| is_input(p.as_ref())))
        })
        .collect())
}

async fn list_matching(store: &Arc<dyn ObjectStore>, location: &Location) -> Result<Vec<ObjectMeta>> {
    let pattern = Pattern::new(location.pattern()).map_err(|wrong| {
        Error::usage(format!("{location}: {} at character {}", wrong.msg, wrong.pos + 1))
            .hint("wildcards are *, ?, [abc] and ** for folders at any depth")
    })?;
    let folder = path_of(location.pattern().split('/').take_while(|part| !part.contains(['*', '?', '['])));
    let all: Vec<ObjectMeta> =
        store.list(Some(&folder)).try_collect().await.map_err(|failure| store_error("list", location, failure))?;
    let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    Ok(all
        .into_iter()
        .filter(|meta| pattern.matches_with(meta.location.as_ref(), options))
        .filter(|meta| meta.location.filename().is_some_and(is_input))
        .collect())
}

fn is_input(part: &str) -> bool {
    !part.starts_with(['.', '_'])
}

/// The name of a listed file, in the terms the person used: below the fixed part of what they wrote.
fn shown_name(location: &Location, meta: &ObjectMeta) -> String {
    let shown = location.to_string();
    let shown = shown.trim_end_matches('/');
    let fixed_shown: Vec<&str> = shown.split('/').take_while(|part| !part.contains(['*', '?', '['])).collect();
    let fixed_path = location.pattern().split('/').take_while(|part| !part.contains(['*', '?', '['])).count();
    let rest: Vec<&str> = meta.location.as_ref().split('/').skip(fixed_path).collect();
    format!("{}/{}", fixed_shown.join("/"), rest.join("/"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    async fn names(folder: &Path, path: &str) -> Result<Vec<String>> {
        let stores = Stores::new(BTreeMap::new());
        let location = Location::parse(path, folder)?;
        Ok(stores.list(&location, "csv").await?.into_iter().map(|file| file.name).collect())
    }

    #[tokio::test]
    async fn a_file_a_folder_and_wildcards_name_their_files_as_written() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["raw/a.csv", "raw/b.csv", "raw/2024/c.csv.gz", "raw/_tmp.csv", "raw/.x.csv", "raw/d.txt"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x\n1\n").unwrap();
        }
        let base = folder.path();
        assert_eq!(names(base, "raw/a.csv").await.unwrap(), ["raw/a.csv"]);
        assert_eq!(names(base, "raw").await.unwrap(), ["raw/2024/c.csv.gz", "raw/a.csv", "raw/b.csv"]);
        assert_eq!(names(base, "raw/").await.unwrap(), ["raw/2024/c.csv.gz", "raw/a.csv", "raw/b.csv"]);
        assert_eq!(names(base, "raw/*.csv").await.unwrap(), ["raw/a.csv", "raw/b.csv"]);
        assert_eq!(names(base, "raw/**/*.csv*").await.unwrap(), ["raw/2024/c.csv.gz", "raw/a.csv", "raw/b.csv"]);
        let location = Location::parse("raw/", base).unwrap();
        let level = Stores::new(BTreeMap::new()).list_one_level(&location).await.unwrap();
        assert_eq!(level.iter().filter(|name| !name.starts_with(['.', '_'])).count(), 4, "{level:?}");
        assert!(level.contains(&"2024/".to_owned()) && level.contains(&"b.csv".to_owned()), "{level:?}");
        let missing = names(base, "raw/nada.csv").await.unwrap_err();
        assert_eq!(missing.kind(), crate::error::Kind::Store);
        assert!(missing.message().contains("raw/nada.csv"), "{missing}");
        assert!(names(base, "raw/[.csv").await.is_err());
    }
}
