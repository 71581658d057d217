//! Gathering the many small data files of an incremental table: what many input files gave becomes one data file.
//!
//! A file that arrives each day adds a small data file each day. Where there are many of them, the run that adds another one
//! writes them anew as few. Input files that share a data file share its fate: if one of them is replaced or withdrawn, the
//! others are read again.

use std::collections::{BTreeMap, BTreeSet};

use crate::release::{FollowedFile, Part};

/// A data file of fewer bytes is small.
const SMALL: u64 = 16 << 20;

/// The files of `known` whose data files are small and at least `many` together; none if they are fewer.
pub(super) fn scattered(known: &BTreeMap<String, FollowedFile>, many: usize) -> BTreeMap<String, FollowedFile> {
    let is_small = |file: &&FollowedFile| !file.parts.is_empty() && file.parts.iter().all(|part| part.bytes < SMALL);
    let small = || known.iter().filter(|(_, file)| is_small(file));
    let parts: BTreeSet<&str> = small().flat_map(|(_, file)| &file.parts).map(|part| part.path.as_str()).collect();
    if parts.len() < many {
        return BTreeMap::new();
    }
    small().map(|(path, file)| (path.clone(), file.clone())).collect()
}

/// Leaves out of `known`, which were among the files `before`, those that share a data file with one that is not known.
pub(super) fn without_broken(
    before: &BTreeMap<String, FollowedFile>,
    mut known: BTreeMap<String, FollowedFile>,
) -> BTreeMap<String, FollowedFile> {
    let lost = before.iter().filter(|(path, _)| !known.contains_key(*path));
    let broken: BTreeSet<&str> = lost.flat_map(|(_, file)| &file.parts).map(|part| part.path.as_str()).collect();
    known.retain(|_, file| !file.parts.iter().any(|part| broken.contains(part.path.as_str())));
    known
}

/// The data files of `files`, each once.
pub(super) fn parts_of<'a>(files: impl Iterator<Item = &'a FollowedFile>) -> Vec<Part> {
    let parts: BTreeMap<&str, &Part> =
        files.flat_map(|file| &file.parts).map(|part| (part.path.as_str(), part)).collect();
    parts.into_values().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(parts: &[(&str, &[(&str, u64)])]) -> BTreeMap<String, FollowedFile> {
        let file = |parts: &[(&str, u64)]| FollowedFile {
            parts: parts.iter().map(|(path, bytes)| Part { path: (*path).to_owned(), bytes: *bytes }).collect(),
            ..FollowedFile::default()
        };
        parts.iter().map(|(path, parts)| ((*path).to_owned(), file(parts))).collect()
    }

    fn names(files: &BTreeMap<String, FollowedFile>) -> String {
        files.keys().cloned().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn small_data_files_are_gathered_where_there_are_many() {
        let known = files(&[
            ("a", &[("1", 10)]),
            ("b", &[("2", SMALL)]),
            ("c", &[("3", 10), ("4", SMALL + 1)]),
            ("d", &[]),
            ("e", &[("5", 10)]),
            ("f", &[("5", 10)]),
        ]);
        assert_eq!(names(&scattered(&known, 2)), "a e f");
        assert_eq!(names(&scattered(&known, 3)), "", "two files have one data file");
        assert_eq!(parts_of(known.values()).len(), 5);
    }

    #[test]
    fn what_shares_a_data_file_shares_its_fate() {
        let before = files(&[("a", &[("1", 1)]), ("b", &[("2", 1)]), ("c", &[("2", 1)]), ("d", &[("3", 1)])]);
        let mut known = before.clone();
        known.remove("b");
        assert_eq!(names(&without_broken(&before, known)), "a d");
        assert_eq!(names(&without_broken(&before, before.clone())), "a b c d");
    }
}
