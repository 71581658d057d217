//! Arrays of whatever type a file has become arrays of the declared type, or it is said why not.
//!
//! Nothing is changed to fit: an integer column stored as floats (pandas does that where values are missing) is read
//! if all of them are whole, a timestamp is a date if it is midnight, a text is a number if it reads as one. Widths
//! (32 and 64 bits, large and small strings, dictionaries, units of time) make no difference. A timestamp with a zone
//! is taken as its UTC clock; digits beyond microseconds are dropped.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;

use super::cells::{CellFault, Cells, Texts};
use super::fault::Reason;
use crate::catalog::{Column, ColumnType};
use crate::error::{Error, Result};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// How an array becomes one of the declared type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It has no values.
    Nulls,
    /// Arrow's own conversion, which makes a NULL of what does not fit.
    Cast,
    /// Floats to integers: whole numbers and nothing else.
    Whole,
    /// Timestamps to days: midnights and nothing else.
    Midnight,
    /// Through the text of each value, as if it stood in a CSV file.
    Text,
}

impl Way {
    /// The way from `from` to `to`, if a value of the one can be one of the other.
    pub(super) fn between(from: &DataType, to: ColumnType) -> Option<Self> {
        use ColumnType as To;
        if let DataType::Dictionary(_, values) = from {
            return Self::between(values, to);
        }
        let way = match (to, from) {
            (_, DataType::Null) => Self::Nulls,
            (To::String, from) if is_text(from) => Self::Cast,
            (To::StringList, DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)) => {
                match item.data_type() {
                    DataType::Dictionary(_, values) if is_text(values) => Self::Cast,
                    item if is_text(item) => Self::Cast,
                    DataType::Null => Self::Cast,
                    _ => return None,
                }
            }
            (_, from) if is_text(from) || is_bytes(from) => Self::Text,
            (To::Int, from) if from.is_integer() => Self::Cast,
            (To::Int, from) if from.is_floating() => Self::Whole,
            (To::Int, from) if from.is_decimal() => Self::Text,
            (To::Float, from) if from.is_integer() || from.is_floating() || from.is_decimal() => Self::Cast,
            (To::Decimal { .. }, from) if from.is_integer() || from.is_floating() || from.is_decimal() => Self::Text,
            (To::Bool, DataType::Boolean) => Self::Cast,
            (To::Bool, from) if from.is_integer() => Self::Text,
            (To::Date, DataType::Date32) => Self::Cast,
            (To::Date, DataType::Date64 | DataType::Timestamp(..)) => Self::Midnight,
            (To::Timestamp, DataType::Timestamp(..) | DataType::Date32 | DataType::Date64) => Self::Cast,
            _ => return None,
        };
        Some(way)
    }
}

/// `array` as the type of `column`, and what does not fit: its rows are NULL in the result.
pub(super) fn conform(array: &ArrayRef, column: &Column, way: Way) -> Result<(ArrayRef, Vec<CellFault>)> {
    let target = column.column_type.arrow();
    let mut array = match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values)?,
        _ => Arc::clone(array),
    };
    if array.data_type().is_floating() && column.column_type != ColumnType::Float {
        // A column of floats that should hold something else marks missing values with NaN.
        let floats = cast(&array, &DataType::Float64)?;
        let known = |value: f64| (!value.is_nan()).then_some(value);
        array = Arc::new(floats.as_primitive::<Float64Type>().unary_opt::<_, Float64Type>(known));
    }
    let made: ArrayRef = match way {
        Way::Nulls => new_null_array(&target, array.len()),
        Way::Cast => cast(&array, &target)?,
        Way::Whole => Arc::new(array.as_primitive::<Float64Type>().unary_opt::<_, Int64Type>(whole)),
        Way::Midnight => {
            let instants = cast(&array, &DataType::Timestamp(TimeUnit::Microsecond, None))?;
            let day = |micros: i64| if micros % DAY == 0 { i32::try_from(micros / DAY).ok() } else { None };
            Arc::new(instants.as_primitive::<TimestampMicrosecondType>().unary_opt::<_, Date32Type>(day))
        }
        Way::Text => {
            let bytes = match array.data_type() {
                from if is_bytes(from) => cast(&array, &DataType::Binary)?,
                _ => cast(&cast(&array, &DataType::Utf8)?, &DataType::Binary)?,
            };
            let mut cells = Cells::new(column, array.len());
            let mut faults = Vec::new();
            cells.extend(bytes.as_binary::<i32>(), &mut faults);
            let made = cells.finish(&mut faults);
            return Ok((made, faults));
        }
    };
    let faults = unfit(&array, &made, column);
    Ok((made, faults))
}

/// The rows that have a value in `array` and none in `made`, and those that have none and should.
fn unfit(array: &ArrayRef, made: &ArrayRef, column: &Column) -> Vec<CellFault> {
    let none_expected = if column.required { 0 } else { array.null_count() };
    if made.null_count() == none_expected {
        return Vec::new();
    }
    let reason = |row: usize| match (made.is_null(row), array.is_null(row)) {
        (true, false) => Some(Reason::NotA(column.column_type)),
        (true, true) if column.required => Some(Reason::NoValue),
        _ => None,
    };
    (0..made.len()).filter_map(|row| reason(row).map(|reason| CellFault { row, reason })).collect()
}

/// The value of a row as a person writes it.
pub(super) fn shown(array: &ArrayRef, row: usize) -> String {
    array_value_to_string(array, row).unwrap_or_default()
}

impl Texts for BinaryArray {
    fn rows(&self) -> usize {
        self.len()
    }

    fn text<'a>(&'a self, row: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        self.is_valid(row).then(|| self.value(row))
    }
}

/// The integer that a float is, if it is one that 64 bits hold.
fn whole(value: f64) -> Option<i64> {
    // -2^63 and 2^63 as floats; the second is one more than the largest integer.
    const LEAST: f64 = -9_223_372_036_854_775_808.0;
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the value is whole and in range")]
    let integer = || value as i64;
    (value.fract() == 0.0 && (LEAST..BEYOND).contains(&value)).then(integer)
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(array, to, &options)
        .map_err(|source| Error::bug(format!("{} cannot become {to}", array.data_type())).because(source))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}
