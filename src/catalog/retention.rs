//! Which releases stay: `releases` of the catalog.

use super::file::ReleasesFile;
use crate::document::{Notes, Path};
use crate::error::Finding;

/// Which releases stay when a lake is cleaned: those that one of the two keeps, and always the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many of the newest.
    pub keep: Option<u64>,
    /// Those that were the newest some time in the last so many days.
    pub days: Option<u32>,
}

/// What `releases` means.
pub(super) fn retention(file: Option<&ReleasesFile>, here: &Path, notes: &mut Notes<'_>) -> Option<Retention> {
    let ReleasesFile { keep, days } = *file?;
    if keep.is_none() && days.is_none() {
        notes.value(here, Finding::new("`releases` keeps nothing").hint("write `keep:`, `days:` or both"));
    }
    if keep == Some(0) {
        let finding = Finding::new("the newest release always stays");
        notes.value(&here.then("keep"), finding.hint("write 1 or more"));
    }
    Some(Retention { keep, days })
}
