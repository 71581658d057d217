//! Where a file, a folder or a set of files is.

use std::fmt;
use std::path::{Component, Path as FilePath, PathBuf};

use object_store::path::{Path, PathPart};
use url::Url;

use crate::error::{Error, Result};

/// A place in a store: the store's URL and a path in it, perhaps with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The store: `file:///` or `s3://bucket/`.
    store: Url,
    /// The path in the store, without a leading slash; may hold `*`, `?` and `[…]` in its last parts.
    path: String,
    /// As a person wrote it.
    shown: String,
}

impl Location {
    /// Reads a path (relative ones start at `base`, an absolute folder) or an `s3://` URL.
    ///
    /// # Errors
    /// Another scheme, or a URL without a bucket, is a usage error.
    pub fn parse(text: &str, base: &FilePath) -> Result<Self> {
        let shown = text.to_owned();
        match text.split_once("://") {
            None => {
                let absolute = without_dots(&base.join(text));
                let path = absolute.to_string_lossy().trim_start_matches('/').to_owned();
                let store = Url::parse("file:///").map_err(|error| Error::bug(error.to_string()))?;
                Ok(Self { store, path, shown })
            }
            Some(("s3", rest)) => {
                let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
                let store = Url::parse(&format!("s3://{bucket}/")).ok().filter(Url::has_host);
                let store = store.ok_or_else(|| {
                    Error::usage(format!("`{text}` names no bucket")).hint("write it as s3://bucket/path")
                })?;
                Ok(Self { store, path: path.trim_matches('/').to_owned(), shown })
            }
            Some((scheme, _)) => {
                Err(Error::usage(format!("`{text}`: stores of the kind `{scheme}://` cannot be opened"))
                    .hint("use a path on this machine or s3://bucket/path"))
            }
        }
    }

    /// The place `relative` under this one.
    #[must_use]
    pub fn join(&self, relative: &str) -> Self {
        let under = |parent: &str| match parent.trim_end_matches('/') {
            "" => relative.to_owned(),
            parent => format!("{parent}/{relative}"),
        };
        Self { store: self.store.clone(), path: under(&self.path), shown: under(&self.shown) }
    }

    /// The URL of the store.
    #[must_use]
    pub fn store_url(&self) -> &Url {
        &self.store
    }

    /// The path in the store.
    #[must_use]
    pub fn path(&self) -> Path {
        path_of(self.path.split('/'))
    }

    /// The path as text, wildcards included.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.path
    }

    /// The URL of this place as a folder, ending in a slash.
    ///
    /// # Errors
    /// A path that no URL can hold is a bug: locations are made from text.
    pub fn folder_url(&self) -> Result<Url> {
        let url = if self.store.scheme() == "file" {
            Url::from_directory_path(format!("/{}", self.path)).ok()
        } else {
            self.store.join(&format!("{}/", self.path)).ok()
        };
        url.ok_or_else(|| Error::bug(format!("{self} cannot be written as a URL")))
    }

    /// The path on this machine, for a local location.
    #[must_use]
    pub fn local(&self) -> Option<PathBuf> {
        (self.store.scheme() == "file").then(|| PathBuf::from(format!("/{}", self.path)))
    }
}

/// Shows the location as it was written.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The path with these parts, each as it is: letters outside ASCII stand for themselves in all stores.
pub(super) fn path_of<'p>(parts: impl Iterator<Item = &'p str>) -> Path {
    let as_it_is = |part: &'p str| PathPart::parse(part).unwrap_or_else(|_| PathPart::from(part));
    parts.filter(|part| !part.is_empty()).map(as_it_is).collect()
}

/// The path without `.` and `..`, by its text alone: the folder need not exist yet.
fn without_dots(path: &FilePath) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Location {
        Location::parse(text, FilePath::new("/home/ana/banco")).unwrap()
    }

    #[test]
    fn paths_start_at_the_project_and_urls_stand_for_themselves() {
        for (text, store, path) in [
            ("data/raw/a.csv", "file:///", "home/ana/banco/data/raw/a.csv"),
            ("./data/../lake", "file:///", "home/ana/banco/lake"),
            ("/srv/lake/", "file:///", "srv/lake"),
            ("s3://banco/raw/*.csv", "s3://banco/", "raw/*.csv"),
            ("s3://banco", "s3://banco/", ""),
        ] {
            let location = parse(text);
            assert_eq!((location.store_url().as_str(), location.pattern()), (store, path), "{text}");
            assert_eq!(location.to_string(), text);
        }
    }

    #[test]
    fn a_path_is_the_text_that_was_written() {
        for path in ["data/Pagos Móviles.csv", "ñandú/100% [a] #1?.csv", "a/😊/b"] {
            assert_eq!(parse(path).path().as_ref(), format!("home/ana/banco/{path}"));
        }
        assert!(parse("data/año").folder_url().unwrap().as_str().ends_with("/data/a%C3%B1o/"));
    }

    #[test]
    fn joining_keeps_what_the_person_wrote() {
        let table = parse("data/lake").join("curated/kpi_canal");
        assert_eq!(table.to_string(), "data/lake/curated/kpi_canal");
        assert_eq!(table.folder_url().unwrap().as_str(), "file:///home/ana/banco/data/lake/curated/kpi_canal/");
        assert_eq!(parse("s3://banco").join("lake").folder_url().unwrap().as_str(), "s3://banco/lake/");
    }

    #[test]
    fn other_schemes_are_refused_with_the_way_out() {
        let error = Location::parse("gs://banco/x", FilePath::new("/")).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert!(error.next_step().unwrap().contains("s3://"));
        assert!(Location::parse("s3:///x", FilePath::new("/")).is_err());
    }
}
