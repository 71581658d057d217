//! The definitions that models ever had: each numbered, and each kept, also where the releases are gone that had it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

use super::Manifest;
use crate::name::TableName;

/// A definition of a model: what it said until it said something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The model.
    pub model: TableName,
    /// Its number, from 1.
    pub number: u64,
    /// The first release that is known to have it.
    pub first_release: u64,
    /// The last one.
    pub last_release: u64,
    /// When the first was published, RFC 3339 in UTC.
    pub published_at: String,
    /// The model file.
    pub file: String,
    /// Its text in the last release.
    pub sql: String,
}

impl Definition {
    /// The definitions in `releases`, by model and number; `known` is what is known of releases that are gone.
    #[must_use]
    pub fn all(releases: &[Manifest], known: Vec<Self>) -> Vec<Self> {
        let in_releases = releases.iter().flat_map(|release| {
            release.models.iter().map(|(name, model)| Self {
                model: name.clone(),
                number: model.definition,
                first_release: release.release,
                last_release: release.release,
                published_at: release.published_at.clone(),
                file: model.file.clone(),
                sql: model.sql.clone(),
            })
        });
        let mut found: BTreeMap<(TableName, u64), Self> = BTreeMap::new();
        for definition in known.into_iter().chain(in_releases) {
            match found.entry((definition.model.clone(), definition.number)) {
                Entry::Vacant(entry) => drop(entry.insert(definition)),
                Entry::Occupied(mut entry) => entry.get_mut().and(definition),
            }
        }
        found.into_values().collect()
    }

    /// The same definition over the releases of both.
    fn and(&mut self, other: Self) {
        let Self { first_release, last_release, published_at, file, sql, .. } = other;
        if first_release < self.first_release {
            (self.first_release, self.published_at) = (first_release, published_at);
        }
        if last_release > self.last_release {
            (self.last_release, self.file, self.sql) = (last_release, file, sql);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::ReleasedModel;

    #[test]
    fn a_definition_lasts_from_the_first_release_to_the_last() {
        let release = |number: u64, definition: u64, sql: &str| {
            let mut manifest = Manifest::new(number, number.checked_sub(1), "p", "r", format!("day {number}"));
            let model = ReleasedModel { definition, sql: sql.to_owned(), ..ReleasedModel::default() };
            manifest.models.insert("curated.a".parse().unwrap(), model);
            manifest
        };
        let releases = [release(4, 1, "a"), release(5, 2, "b"), release(6, 2, "b -- retold"), release(7, 1, "a")];
        let told = |definitions: Vec<Definition>| -> Vec<String> {
            let told = |of: Definition| {
                format!("v{} {}-{} {} {}", of.number, of.first_release, of.last_release, of.published_at, of.sql)
            };
            definitions.into_iter().map(told).collect()
        };
        let all = Definition::all(&releases, Vec::new());
        assert_eq!(told(all.clone()), ["v1 4-7 day 4 a", "v2 5-6 day 5 b -- retold"]);
        // What is known of releases that are gone goes on.
        assert_eq!(told(Definition::all(&releases[3..], all)), ["v1 4-7 day 4 a", "v2 5-6 day 5 b -- retold"]);
    }
}
