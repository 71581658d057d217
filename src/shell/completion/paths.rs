//! Paths of files, as far as they are typed.

use std::fs;
use std::path::Path;

use super::{Offer, OfferKind};

/// Files and folders that begin as `typed` does; folders end in `/`. What cannot be read holds nothing.
pub(super) fn paths(typed: &str) -> Vec<Offer> {
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
