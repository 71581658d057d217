//! How rows differ from those expected, in whatever order they come.

use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::file::Written;
use crate::error::{Error, Place, Result};

/// Two floating-point numbers are taken to be the same up to this share of the larger one.
const PRECISION: f64 = 1e-9;

/// What is wrong with a set of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differences {
    /// The columns that were looked at.
    pub columns: Vec<String>,
    /// The rows that differ.
    pub rows: Vec<(Difference, Option<Place>, Vec<String>)>,
}

/// What is wrong with one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is expected and is not there.
    Missing,
    /// It is there and is not expected.
    Unexpected,
    /// Some of its values are others: they are written as `expected → found`.
    Changed,
}

impl Difference {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unexpected => "unexpected",
            Self::Changed => "changed",
        }
    }
}

/// Holds `found` against the rows `expected`, which are `written`; looks at `columns` only, and of each expected row only
/// at those that are written. `key` are columns that identify a row, if there are such.
pub(super) fn compare(
    written: &Written,
    expected: &RecordBatch,
    found: &[RecordBatch],
    columns: &[String],
    key: &[String],
) -> Result<Option<Differences>> {
    let found = match found.first() {
        None => Cells::of(&RecordBatch::new_empty(expected.schema()), columns)?,
        Some(first) => Cells::of(&concat_batches(&first.schema(), found).map_err(internal)?, columns)?,
    };
    let expected = Cells::of(expected, columns)?;
    let looked_at = |row: usize| -> Vec<usize> {
        let named = |column: &&String| written.rows.get(row).is_some_and(|row| row.contains_key(*column));
        (0..columns.len()).filter(|at| columns.get(*at).as_ref().is_some_and(named)).collect()
    };
    let is_it =
        |row: usize, candidate: usize| looked_at(row).into_iter().all(|at| expected.same(row, &found, candidate, at));
    let taken = paired(expected.rows, found.rows, &is_it);
    let mut free: Vec<usize> = (0..found.rows).filter(|candidate| taken[*candidate].is_none()).collect();
    let met: BTreeSet<usize> = taken.into_iter().flatten().collect();
    let open: Vec<usize> = (0..expected.rows).filter(|row| !met.contains(row)).collect();
    let key: Vec<usize> = key.iter().filter_map(|name| columns.iter().position(|column| column == name)).collect();
    let mut rows = Vec::new();
    for row in open {
        let looked_at = looked_at(row);
        let shared =
            |candidate: usize| looked_at.iter().filter(|at| expected.same(row, &found, candidate, **at)).count();
        let has_key = |candidate: usize| key.iter().all(|at| expected.same(row, &found, candidate, *at));
        let nearest = free
            .iter()
            .enumerate()
            .filter(|(_, candidate)| if key.is_empty() { shared(**candidate) > 0 } else { has_key(**candidate) })
            .max_by_key(|(at, candidate)| (shared(**candidate), std::cmp::Reverse(*at)));
        let place = written.places.get(row).cloned();
        match nearest.map(|(at, _)| at) {
            None => rows.push((Difference::Missing, place, expected.texts(row))),
            Some(at) => {
                let candidate = free.remove(at);
                let cell = |column: usize| {
                    let (wanted, is) = (expected.text(row, column), found.text(candidate, column));
                    let differs = looked_at.contains(&column) && !expected.same(row, &found, candidate, column);
                    if differs { format!("{wanted} → {is}") } else { is }
                };
                rows.push((Difference::Changed, place, (0..columns.len()).map(cell).collect()));
            }
        }
    }
    rows.extend(free.into_iter().map(|row| (Difference::Unexpected, None, found.texts(row))));
    Ok((!rows.is_empty()).then(|| Differences { columns: columns.to_vec(), rows }))
}

/// For each found row the expected one that it is taken for, so that as many as possible find theirs: a row that says little
/// makes room for one that says more. Augmenting paths, as Kuhn's algorithm has them.
fn paired(expected: usize, found: usize, is_it: &dyn Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    let mut taken: Vec<Option<usize>> = vec![None; found];
    for row in 0..expected {
        // Found rows that were looked at for `row`, and the expected row from which each was reached.
        let mut reached: Vec<Option<usize>> = vec![None; found];
        let mut waiting = vec![row];
        let mut end = None;
        while let (Some(from), None) = (waiting.pop(), end) {
            for candidate in 0..found {
                if reached[candidate].is_some() || !is_it(from, candidate) {
                    continue;
                }
                reached[candidate] = Some(from);
                match taken[candidate] {
                    None => {
                        end = Some(candidate);
                        break;
                    }
                    Some(other) => waiting.push(other),
                }
            }
        }
        // Along the path each row moves on to the next candidate.
        while let Some(candidate) = end {
            let from = reached[candidate].unwrap_or(row);
            let before = (0..found).find(|other| taken[*other] == Some(from) && *other != candidate);
            taken[candidate] = Some(from);
            end = if from == row { None } else { before };
        }
    }
    taken
}

/// Cells as text, and as numbers where they are floating-point.
struct Cells {
    rows: usize,
    columns: Vec<Column>,
}

/// The cells of one column.
struct Column {
    /// Which cells are NULL, which no text is.
    nulls: Vec<bool>,
    texts: Vec<String>,
    numbers: Option<Vec<Option<f64>>>,
}

impl Cells {
    fn of(batch: &RecordBatch, columns: &[String]) -> Result<Self> {
        let options = FormatOptions::default().with_null("NULL");
        let mut read = Vec::with_capacity(columns.len());
        for column in columns {
            let none = || Error::bug(format!("there is no column {column}"));
            let array = batch.column_by_name(column).ok_or_else(none)?;
            let formatter = ArrayFormatter::try_new(array.as_ref(), &options).map_err(internal)?;
            let texts = (0..array.len()).map(|row| formatter.value(row).to_string()).collect();
            let numbers = match array.data_type() {
                DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                    let numbers = cast(array, &DataType::Float64).map_err(internal)?;
                    Some(numbers.as_primitive::<Float64Type>().iter().collect())
                }
                _ => None,
            };
            let nulls = (0..array.len()).map(|row| array.is_null(row)).collect();
            read.push(Column { nulls, texts, numbers });
        }
        Ok(Self { rows: batch.num_rows(), columns: read })
    }

    fn text(&self, row: usize, column: usize) -> String {
        self.columns[column].texts[row].clone()
    }

    fn texts(&self, row: usize) -> Vec<String> {
        (0..self.columns.len()).map(|column| self.text(row, column)).collect()
    }

    fn same(&self, row: usize, other: &Self, other_row: usize, column: usize) -> bool {
        let (own, others) = (&self.columns[column], &other.columns[column]);
        if let (Some(own), Some(others)) = (&own.numbers, &others.numbers)
            && let (Some(own), Some(other)) = (own[row], others[other_row])
        {
            return (own - other).abs() <= PRECISION * own.abs().max(other.abs());
        }
        own.nulls[row] == others.nulls[other_row] && own.texts[row] == others.texts[other_row]
    }
}

fn internal(failure: arrow::error::ArrowError) -> Error {
    Error::bug(failure.to_string()).because(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_rows_as_possible_find_theirs() {
        // The first expected row fits both found rows, the second one only the first.
        let fits = |row: usize, candidate: usize| row == 0 || candidate == 0;
        assert_eq!(paired(2, 2, &fits), [Some(1), Some(0)]);
        // A chain in which every row must move on by one.
        let chain = |row: usize, candidate: usize| {
            candidate == row || (row < 3 && candidate == row + 1) || row == 3 && candidate == 0
        };
        let taken = paired(4, 4, &chain);
        let met: BTreeSet<usize> = taken.iter().flatten().copied().collect();
        assert_eq!(met.len(), 4, "each has one");
        assert!(taken.iter().enumerate().all(|(candidate, row)| row.is_some_and(|row| chain(row, candidate))));
        assert_eq!(paired(2, 1, &|_, _| true), [Some(0)]);
        assert_eq!(paired(1, 0, &|_, _| true), []);
    }
}
