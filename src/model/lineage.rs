//! What a column is made from, and what is made from it, through all models.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Meaning, Trace};
use crate::name::TableName;

/// A column, or the rows of a table where no column is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The table.
    pub table: TableName,
    /// The column; none where it is about which rows there are.
    pub column: Option<String>,
}

/// A place, and the places one step further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Branch {
    /// The place.
    #[serde(flatten)]
    pub place: Place,
    /// One step further; empty where it ends, and where the place stands in the tree already.
    pub next: Vec<Self>,
    /// Whether the place stands in the tree already, with what follows it.
    pub again: bool,
}

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To what it is made from.
    Up,
    /// To what is made from it.
    Down,
}

/// The lineage of all models that mean `meanings`, from `place` in one direction, as a tree.
#[must_use]
pub fn lineage(meanings: &BTreeMap<TableName, Meaning>, place: Place, direction: Direction) -> Branch {
    let steps = match direction {
        Direction::Up => sources(meanings),
        Direction::Down => turned(sources(meanings)),
    };
    branch(&steps, place, &mut BTreeSet::new())
}

impl Trace {
    /// The columns it is computed from, and the rows that it looks at.
    #[must_use]
    pub fn places(&self) -> BTreeSet<Place> {
        let place =
            |table: &TableName, column: Option<&String>| Place { table: table.clone(), column: column.cloned() };
        let columns =
            self.from.iter().flat_map(|(table, columns)| columns.iter().map(move |name| place(table, Some(name))));
        // Releases of an earlier cauce say so by naming no column.
        let bare = self.from.iter().filter(|(_, columns)| columns.is_empty()).map(|(table, _)| table);
        columns.chain(self.rows_of.iter().chain(bare).map(|table| place(table, None))).collect()
    }
}

/// From each place to those one step further.
type Steps = BTreeMap<Place, BTreeSet<Place>>;

fn sources(meanings: &BTreeMap<TableName, Meaning>) -> Steps {
    let mut steps = Steps::new();
    for (table, meaning) in meanings {
        steps.insert(Place { table: table.clone(), column: None }, meaning.rows.places());
        for column in &meaning.columns {
            let place = Place { table: table.clone(), column: Some(column.name.clone()) };
            steps.insert(place, column.trace.places());
        }
    }
    steps
}

fn turned(steps: Steps) -> Steps {
    let mut turned = Steps::new();
    for (from, to) in steps {
        for place in to {
            turned.entry(place).or_default().insert(from.clone());
        }
    }
    turned
}

fn branch(steps: &Steps, place: Place, seen: &mut BTreeSet<Place>) -> Branch {
    let further = steps.get(&place).into_iter().flatten();
    if !seen.insert(place.clone()) {
        return Branch { again: further.count() > 0, place, next: Vec::new() };
    }
    // Which rows there are is told behind the values: it leads to much that is not about this one.
    let (values, rows): (Vec<&Place>, Vec<&Place>) = further.partition(|next| next.column.is_some());
    let next = values.into_iter().chain(rows).map(|next| branch(steps, next.clone(), seen)).collect();
    Branch { place, next, again: false }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.column {
            Some(column) => write!(f, "{}.{column}", self.table),
            None => write!(f, "rows of {}", self.table),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MeantColumn, Sources};

    fn meaning(rows: &[(&str, &str)], columns: &[(&str, &[(&str, &str)])]) -> Meaning {
        let trace = |from: &[(&str, &str)]| {
            let mut sources = Sources::new();
            for (table, column) in from {
                let columns: &mut BTreeSet<String> = sources.entry(table.parse().unwrap()).or_default();
                if !column.is_empty() {
                    columns.insert((*column).to_owned());
                }
            }
            Trace { from: sources, ..Trace::default() }
        };
        Meaning {
            rows: trace(rows),
            columns: columns
                .iter()
                .map(|(name, from)| MeantColumn { name: (*name).into(), trace: trace(from) })
                .collect(),
            ..Meaning::default()
        }
    }

    fn told(branch: &Branch) -> String {
        let next = branch.next.iter().map(told).collect::<Vec<_>>().join(", ");
        let again = if branch.again { "…" } else { "" };
        if next.is_empty() { format!("{}{again}", branch.place) } else { format!("{} ({next})", branch.place) }
    }

    #[test]
    fn what_looks_at_rows_is_made_from_what_decides_them() {
        // A filter on `f`, then a count by `k` and a copy of `k`.
        let rows_of = |mut meaning: Meaning, table: &str, columns: &[usize]| {
            let tables = BTreeSet::from([table.parse().unwrap()]);
            for column in columns {
                meaning.columns[*column].trace.rows_of.clone_from(&tables);
            }
            meaning.rows.rows_of = tables;
            meaning
        };
        let filtered = meaning(&[("raw.a", "f")], &[("k", &[("raw.a", "k")])]);
        let counted =
            meaning(&[("processed.b", "k")], &[("k", &[("processed.b", "k")]), ("n", &[("processed.b", "k")])]);
        let meanings = BTreeMap::from([
            ("processed.b".parse().unwrap(), rows_of(filtered, "raw.a", &[])),
            ("curated.c".parse().unwrap(), rows_of(counted, "processed.b", &[1])),
        ]);
        let of = |table: &str, column: &str, direction| {
            let place = Place { table: table.parse().unwrap(), column: Some(column.to_owned()) };
            told(&lineage(&meanings, place, direction))
        };
        assert_eq!(of("raw.a", "f", Direction::Down), "raw.a.f (rows of processed.b (curated.c.n, rows of curated.c))");
        assert_eq!(
            of("curated.c", "n", Direction::Up),
            "curated.c.n (processed.b.k (raw.a.k), rows of processed.b (raw.a.f, rows of raw.a))"
        );
        assert_eq!(of("curated.c", "k", Direction::Up), "curated.c.k (processed.b.k (raw.a.k))");
    }

    #[test]
    fn columns_are_followed_both_ways_and_shown_once() {
        let meanings = BTreeMap::from([
            ("processed.b".parse().unwrap(), meaning(&[("raw.a", "estado")], &[("x", &[("raw.a", "x")])])),
            (
                "curated.c".parse().unwrap(),
                meaning(&[("processed.b", "")], &[("y", &[("processed.b", "x")]), ("z", &[("processed.b", "x")])]),
            ),
        ]);
        let of = |table: &str, column: Option<&str>, direction| {
            let place = Place { table: table.parse().unwrap(), column: column.map(str::to_owned) };
            told(&lineage(&meanings, place, direction))
        };
        assert_eq!(of("curated.c", Some("y"), Direction::Up), "curated.c.y (processed.b.x (raw.a.x))");
        assert_eq!(of("curated.c", None, Direction::Up), "rows of curated.c (rows of processed.b (raw.a.estado))");
        assert_eq!(of("raw.a", Some("x"), Direction::Down), "raw.a.x (processed.b.x (curated.c.y, curated.c.z))");
        assert_eq!(
            of("raw.a", Some("estado"), Direction::Down),
            "raw.a.estado (rows of processed.b (rows of curated.c))"
        );
    }
}
