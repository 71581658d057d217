//! Paths of files, as far as they are typed: those of this machine are looked up, those of a store have been listed.

use std::fs;
use std::path::Path;

use super::{Names, Offer, OfferKind};

/// How URLs of stores begin.
const STORE: &str = "s3://";

/// The folder of a store in which `typed` stands, if it is one.
pub(super) fn store_folder(typed: &str) -> Option<&str> {
    let inside = typed.strip_prefix(STORE)?;
    Some(&typed[..STORE.len() + inside.rfind('/').map_or(0, |slash| slash + 1)])
}

/// Files and folders that begin as `typed` does; folders end in `/`. What cannot be read holds nothing.
pub(super) fn paths(names: &Names, typed: &str) -> Vec<Offer> {
    if let Some(folder) = store_folder(typed) {
        return names.folder(folder).iter().map(|url| Offer::new(OfferKind::Value, url)).collect();
    }
    let (folder, name) = typed.rsplit_once('/').map_or(("", typed), |(folder, name)| (folder, name));
    let prefix = if typed.contains('/') { format!("{folder}/") } else { String::new() };
    let looked_in = if prefix.is_empty() { "." } else { prefix.as_str() };
    let Ok(entries) = fs::read_dir(Path::new(looked_in)) else { return Vec::new() };
    let offers = entries.flatten().filter_map(|entry| {
        let found = entry.file_name().into_string().ok()?;
        let hidden = found.starts_with('.') && !name.starts_with('.');
        let end = if entry.path().is_dir() { "/" } else { "" };
        (!hidden).then(|| Offer::new(OfferKind::Value, format!("{prefix}{found}{end}")))
    });
    offers.collect()
}
