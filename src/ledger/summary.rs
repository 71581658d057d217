//! How many rejects there are of each kind, with an example.

use std::collections::BTreeMap;

use super::entry::Entry;
use crate::name::TableName;

/// As much of a value as an example shows, in characters.
const SHOWN: usize = 60;

/// Rejects by where they come from, rule and column.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    groups: BTreeMap<(TableName, String, Option<String>), Group>,
}

/// The rejects of one origin, rule and column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The dataset or model.
    pub origin: TableName,
    /// The rule.
    pub rule: String,
    /// The column, if the rule is about one.
    pub column: Option<String>,
    /// How many rows.
    pub count: u64,
    /// Where the first of them stands, as `file:line`; empty if they come from no file.
    pub place: String,
    /// The value of the first of them, or its row, cut to a length that can be read.
    pub value: String,
    /// What is wrong with the first of them.
    pub message: String,
    /// What to do about the first of them, if that can be said in general.
    pub advice: Option<String>,
    first: (Option<String>, Option<u64>, String),
}

impl Summary {
    /// Counts an entry.
    pub(super) fn add(&mut self, entry: &Entry) {
        let first = || (entry.file.as_deref().map(str::to_owned), entry.line, entry.raw.clone());
        let key = (entry.origin.clone(), entry.rule.clone(), entry.column.clone());
        match self.groups.get_mut(&key) {
            None => {
                self.groups.insert(key, Group::beginning_with(entry, first()));
            }
            Some(group) => {
                group.count += 1;
                // Files are read side by side: the example should not depend on which reader was first.
                let is_earlier = (entry.file.as_deref(), entry.line, entry.raw.as_str())
                    < (group.first.0.as_deref(), group.first.1, group.first.2.as_str());
                if is_earlier {
                    let count = group.count;
                    *group = Group { count, ..Group::beginning_with(entry, first()) };
                }
            }
        }
    }

    /// Adds all that another summary counted.
    pub(super) fn append(&mut self, other: Self) {
        for (key, group) in other.groups {
            match self.groups.get_mut(&key) {
                None => {
                    self.groups.insert(key, group);
                }
                Some(mine) => {
                    let count = mine.count + group.count;
                    let earlier = if group.first < mine.first { group } else { mine.clone() };
                    *mine = Group { count, ..earlier };
                }
            }
        }
    }

    /// The groups, the largest first.
    #[must_use]
    pub fn commonest(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.groups.values().cloned().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        groups
    }

    /// How many rejects there are in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.groups.values().map(|group| group.count).sum()
    }

    /// How many rejects each dataset or model has.
    #[must_use]
    pub fn by_origin(&self) -> BTreeMap<TableName, u64> {
        self.groups.values().fold(BTreeMap::new(), |mut counts, group| {
            *counts.entry(group.origin.clone()).or_default() += group.count;
            counts
        })
    }
}

impl Group {
    fn beginning_with(entry: &Entry, first: (Option<String>, Option<u64>, String)) -> Self {
        let place = match (&entry.file, entry.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.to_string(),
            (None, _) => String::new(),
        };
        Self {
            origin: entry.origin.clone(),
            rule: entry.rule.clone(),
            column: entry.column.clone(),
            count: 1,
            place,
            value: shown(entry.value.as_deref().unwrap_or(&entry.raw)),
            message: entry.message.clone(),
            advice: entry.advice.clone(),
            first,
        }
    }
}

/// A text on one line, cut to a length that can be read.
fn shown(text: &str) -> String {
    let one_line: String = text.chars().take(SHOWN + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    match one_line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &one_line[..end]),
        None => one_line,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::name::Layer;

    fn entry(origin: &str, rule: &str, file: &str, line: u64, value: &str) -> Entry {
        Entry {
            origin: TableName::new(Layer::Raw, origin),
            rule: rule.to_owned(),
            file: Some(Arc::from(file)),
            line: Some(line),
            offset: None,
            length: None,
            column: Some("monto".to_owned()),
            value: Some(value.to_owned()),
            raw: format!("1,{value}"),
            message: "no es así".to_owned(),
            advice: None,
        }
    }

    #[test]
    fn the_example_is_the_first_in_the_files_whatever_came_first() {
        let entries = [
            entry("a", "type", "b.csv", 2, "tarde"),
            entry("a", "type", "a.csv", 9, "después"),
            entry("a", "type", "a.csv", 3, "x\ny"),
            entry("a", "min", "a.csv", 1, "-1"),
        ];
        let told = |order: &[usize]| {
            let mut summary = Summary::default();
            let mut rest = Summary::default();
            order[..2].iter().for_each(|index| summary.add(&entries[*index]));
            order[2..].iter().for_each(|index| rest.add(&entries[*index]));
            summary.append(rest);
            assert_eq!(summary.count(), 4);
            let lines = summary.commonest().into_iter();
            lines
                .map(|group| format!("{} {} {} {}", group.rule, group.count, group.place, group.value))
                .collect::<Vec<_>>()
        };
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
            assert_eq!(told(&order), ["type 3 a.csv:3 x y", "min 1 a.csv:1 -1"]);
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(shown(&"ñ".repeat(61)), format!("{}…", "ñ".repeat(60)));
        assert_eq!(shown(&"ñ".repeat(60)), "ñ".repeat(60));
    }
}
