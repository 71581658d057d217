//! What of a table may differ from the last release, and whom that concerns.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Meaning;
use crate::name::TableName;

/// What of a table may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Changed {
    /// Which rows there are, and so everything.
    Rows,
    /// The values of these columns, or whether there are such columns.
    Columns(BTreeSet<String>),
}

/// The tables that may differ, by name.
pub(super) type Changes = BTreeMap<TableName, Changed>;

/// Why and how a model differs from what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// Why, in words.
    pub(super) reason: String,
    /// The input it comes from, if it comes from one.
    pub(super) because: Option<TableName>,
    /// What of the model differs; none where only the way it is kept does.
    pub(super) changed: Option<Changed>,
}

impl Difference {
    /// The same, for a model that also differs for another reason.
    pub(super) fn and(self, other: Self) -> Self {
        let changed = match other.changed {
            Some(other) => Some(both(self.changed, other)),
            None => self.changed,
        };
        Self { changed, ..self }
    }
}

/// How a model that means `now` differs from what it meant, as far as its own definition goes.
pub(super) fn redefined(before: &Meaning, now: &Meaning) -> Option<Difference> {
    let own = |reason: String, changed| Some(Difference { reason, because: None, changed });
    if before.rows.mark != now.rows.mark {
        return own("which rows it has is defined otherwise".to_owned(), Some(Changed::Rows));
    }
    // Before the columns: rows that are no longer accepted are missing from all of them.
    if before.keeping != now.keeping {
        return own("its header says otherwise how it is kept or what it accepts".to_owned(), Some(Changed::Rows));
    }
    let names: BTreeSet<&str> = before.names().chain(now.names()).collect();
    let mark = |meaning: &Meaning, name: &str| meaning.column(name).map(|trace| trace.mark.clone());
    let differ: BTreeSet<String> =
        names.into_iter().filter(|name| mark(before, name) != mark(now, name)).map(str::to_owned).collect();
    if !differ.is_empty() {
        let said = |name: &String| match (before.column(name), now.column(name)) {
            (None, _) => format!("{name} is new"),
            (_, None) => format!("{name} is gone"),
            _ => format!("{name} is defined otherwise"),
        };
        let reason = listed(differ.iter().map(said));
        return own(reason, Some(Changed::Columns(differ)));
    }
    (!before.names().eq(now.names())).then(|| Difference {
        reason: "its columns stand in another order".to_owned(),
        because: None,
        changed: None,
    })
}

/// How `changes` of its inputs concern a model that means `now`.
pub(super) fn concerned(now: &Meaning, inputs: &[TableName], changes: &Changes) -> Option<Difference> {
    let mut found: Option<Difference> = None;
    for input in inputs {
        let Some(change) = changes.get(input) else { continue };
        let (what, own) = match change {
            Changed::Rows => (format!("{input} is built anew"), Changed::Rows),
            Changed::Columns(columns) if now.rows.is_from(input, columns) => {
                (format!("{} of {input} changed", read(now, input, columns)), Changed::Rows)
            }
            Changed::Columns(columns) => {
                let of_column = |column: &&crate::model::MeantColumn| column.trace.is_from(input, columns);
                let made: BTreeSet<String> =
                    now.columns.iter().filter(of_column).map(|column| column.name.clone()).collect();
                if made.is_empty() {
                    continue;
                }
                (format!("{} of {input} changed", read(now, input, columns)), Changed::Columns(made))
            }
        };
        found = Some(match found {
            None => Difference { reason: what, because: Some(input.clone()), changed: Some(own) },
            Some(first) => first.and(Difference { reason: what, because: None, changed: Some(own) }),
        });
    }
    found
}

/// The columns of `input` among `columns` that a model reads.
fn read(meaning: &Meaning, input: &TableName, columns: &BTreeSet<String>) -> String {
    let reads = meaning.reads(input).unwrap_or_default();
    listed(columns.iter().filter(|column| reads.contains(column.as_str())).cloned())
}

fn both(one: Option<Changed>, other: Changed) -> Changed {
    match (one, other) {
        (Some(Changed::Columns(mut one)), Changed::Columns(other)) => {
            one.extend(other);
            Changed::Columns(one)
        }
        (None, other) => other,
        _ => Changed::Rows,
    }
}

/// A few of many, in words.
fn listed(names: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 3;
    let names: Vec<String> = names.collect();
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names[..SHOWN].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MeantColumn, Sources, Trace};

    fn from(sources: &[(&str, &[&str])]) -> Sources {
        let named = |(table, columns): &(&str, &[&str])| {
            (table.parse().unwrap(), columns.iter().map(|column| (*column).to_owned()).collect())
        };
        sources.iter().map(named).collect()
    }

    fn meaning(rows: &str, columns: &[(&str, &str, &str)]) -> Meaning {
        let column = |(name, mark, read): &(&str, &str, &str)| MeantColumn {
            name: (*name).to_owned(),
            trace: Trace { mark: (*mark).to_owned(), from: from(&[("processed.t", &[read])]), ..Trace::default() },
        };
        Meaning {
            rows: Trace { mark: rows.to_owned(), from: from(&[("processed.t", &["estado"])]), ..Trace::default() },
            columns: columns.iter().map(column).collect(),
            ..Meaning::default()
        }
    }

    fn columns(names: &[&str]) -> Changed {
        Changed::Columns(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn a_definition_changes_in_its_rows_or_in_some_columns() {
        let before = meaning("r", &[("a", "1", "x"), ("b", "2", "y")]);
        let told = |now: &Meaning| redefined(&before, now).map(|found| (found.reason, found.changed));
        assert_eq!(told(&before), None);
        let rows = meaning("s", &[("a", "1", "x"), ("b", "2", "y")]);
        assert_eq!(told(&rows), Some(("which rows it has is defined otherwise".to_owned(), Some(Changed::Rows))));
        let some = meaning("r", &[("a", "9", "x"), ("c", "2", "y")]);
        let reason = "a is defined otherwise, b is gone, c is new".to_owned();
        assert_eq!(told(&some), Some((reason, Some(columns(&["a", "b", "c"])))));
        let accepted = Meaning { keeping: "k".to_owned(), ..some };
        let reason = "its header says otherwise how it is kept or what it accepts".to_owned();
        assert_eq!(told(&accepted), Some((reason, Some(Changed::Rows))), "not only some columns");
        let order = meaning("r", &[("b", "2", "y"), ("a", "1", "x")]);
        assert_eq!(told(&order), Some(("its columns stand in another order".to_owned(), None)));
    }

    #[test]
    fn a_changed_column_concerns_those_that_are_made_from_it() {
        let inputs = ["processed.t".parse().unwrap()];
        let model = meaning("r", &[("a", "1", "x"), ("b", "2", "y")]);
        let told = |changed| {
            let changes = Changes::from([("processed.t".parse().unwrap(), changed)]);
            concerned(&model, &inputs, &changes).map(|found| (found.reason, found.changed))
        };
        assert_eq!(told(columns(&["z"])), None);
        assert_eq!(told(columns(&["y", "z"])), Some(("y of processed.t changed".into(), Some(columns(&["b"])))));
        assert_eq!(told(columns(&["estado"])), Some(("estado of processed.t changed".into(), Some(Changed::Rows))));
        assert_eq!(told(Changed::Rows), Some(("processed.t is built anew".into(), Some(Changed::Rows))));
    }
}
