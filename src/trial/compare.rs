//! How rows differ from those expected, in whatever order they come.

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
    let mut free: Vec<usize> = (0..found.rows).collect();
    let mut open: Vec<usize> = Vec::new();
    // Rows that say more choose first.
    let mut order: Vec<usize> = (0..expected.rows).collect();
    order.sort_by_key(|row| std::cmp::Reverse(looked_at(*row).len()));
    for row in order {
        let is_it = |candidate: &usize| looked_at(row).into_iter().all(|at| expected.same(row, &found, *candidate, at));
        match free.iter().position(is_it) {
            Some(at) => drop(free.remove(at)),
            None => open.push(row),
        }
    }
    open.sort_unstable();
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

/// Cells as text, and as numbers where they are floating-point.
struct Cells {
    rows: usize,
    columns: Vec<Column>,
}

/// The cells of one column.
struct Column {
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
            read.push(Column { texts, numbers });
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
        own.texts[row] == others.texts[other_row]
    }
}

fn internal(failure: arrow::error::ArrowError) -> Error {
    Error::bug(failure.to_string()).because(failure)
}
