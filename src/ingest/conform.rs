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
    /// It should have no values: pandas writes a column in which all are missing as one of floats.
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
    #[expect(clippy::match_same_arms, reason = "a line for each declared type shows what it accepts")]
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
            (_, from) if from.is_floating() => Self::Nulls,
            _ => return None,
        };
        Some(way)
    }

    /// Whether every value of type `from` becomes one of type `to` this way.
    pub(super) fn never_fails(self, from: &DataType, to: ColumnType) -> bool {
        let same = match to {
            ColumnType::String => is_text(from),
            ColumnType::Int => from.is_integer() && *from != DataType::UInt64,
            ColumnType::Float => from.is_integer() || from.is_floating() || from.is_decimal(),
            ColumnType::Bool => *from == DataType::Boolean,
            ColumnType::Date => *from == DataType::Date32,
            ColumnType::Timestamp => {
                matches!(from, DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _))
            }
            ColumnType::StringList => matches!(from, DataType::List(_) | DataType::LargeList(_)),
            ColumnType::Decimal { .. } => false,
        };
        self == Self::Cast && same
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
        Way::Nulls => {
            let nulls = new_null_array(&target, array.len());
            if array.data_type().is_null() {
                // An array of the type Null does not count its NULLs.
                array = Arc::clone(&nulls);
            }
            nulls
        }
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

#[cfg(test)]
mod tests {
    use arrow::array::{
        BinaryArray, BooleanArray, Date32Array, Date64Array, Decimal128Array, DictionaryArray, Float32Array,
        Float64Array, Int32Array, Int64Array, LargeListArray, LargeStringArray, ListArray, NullArray, StringArray,
        StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
    };
    use arrow::datatypes::{Int8Type, Int32Type};

    use super::super::testing::column;
    use super::*;

    /// The values as text after the way from the type of `array`, and the rows that do not fit.
    fn conformed(array: &ArrayRef, column_type: ColumnType) -> (Vec<String>, Vec<usize>) {
        let column = column(column_type, false);
        let way = Way::between(array.data_type(), column_type).unwrap();
        let (made, faults) = conform(array, &column, way).unwrap();
        assert_eq!(made.data_type(), &column_type.arrow());
        assert!(faults.iter().all(|fault| made.is_null(fault.row) && fault.reason == Reason::NotA(column_type)));
        ((0..made.len()).map(|row| shown(&made, row)).collect(), faults.iter().map(|fault| fault.row).collect())
    }

    #[test]
    fn texts_of_every_kind() {
        let dictionary: DictionaryArray<Int8Type> = [Some("x"), None, Some("ñ")].into_iter().collect();
        let arrays: [ArrayRef; 5] = [
            Arc::new(StringArray::from(vec![Some("x"), None, Some("ñ")])),
            Arc::new(LargeStringArray::from(vec![Some("x"), None, Some("ñ")])),
            Arc::new(StringViewArray::from(vec![Some("x"), None, Some("ñ")])),
            Arc::new(BinaryArray::from(vec![Some("x".as_bytes()), None, Some("ñ".as_bytes())])),
            Arc::new(dictionary),
        ];
        for array in arrays {
            let name = array.data_type().clone();
            let expected = ["x", "", "ñ"].map(str::to_owned).to_vec();
            assert_eq!(conformed(&array, ColumnType::String), (expected, vec![]), "{name}");
        }
    }

    #[test]
    fn integers_of_every_width_and_whole_floats() {
        let arrays: [ArrayRef; 5] = [
            Arc::new(Int32Array::from(vec![Some(12), None])),
            Arc::new(UInt64Array::from(vec![Some(12), None])),
            Arc::new(Float32Array::from(vec![Some(12.0), None])),
            Arc::new(Float64Array::from(vec![Some(12.0), Some(f64::NAN)])),
            Arc::new(StringArray::from(vec![Some("12.0"), None])),
        ];
        for array in arrays {
            let name = array.data_type().clone();
            let expected = vec!["12".to_owned(), String::new()];
            assert_eq!(conformed(&array, ColumnType::Int), (expected, vec![]), "{name}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_by_row() {
        let decimal = ColumnType::Decimal { precision: 10, scale: 2 };
        let bad: [(ArrayRef, ColumnType, &[usize]); 9] = [
            (Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(1.5)])), ColumnType::String, &[2]),
            (Arc::new(Float64Array::from(vec![1.0, 12.5, 1e19, f64::INFINITY])), ColumnType::Int, &[1, 2, 3]),
            (Arc::new(UInt64Array::from(vec![1, u64::MAX])), ColumnType::Int, &[1]),
            (Arc::new(StringArray::from(vec!["1", "x"])), ColumnType::Int, &[1]),
            (Arc::new(Float64Array::from(vec![10.25, 0.125])), decimal, &[1]),
            (Arc::new(Int64Array::from(vec![0, 1, 2])), ColumnType::Bool, &[2]),
            (Arc::new(TimestampNanosecondArray::from(vec![0, 1_000_000_000])), ColumnType::Date, &[1]),
            (Arc::new(TimestampMillisecondArray::from(vec![0, i64::MAX])), ColumnType::Timestamp, &[1]),
            (Arc::new(StringArray::from(vec!["['a']", "a"])), ColumnType::StringList, &[1]),
        ];
        for (array, column_type, rows) in bad {
            let name = array.data_type().clone();
            assert_eq!(conformed(&array, column_type).1, rows, "{name}");
        }
    }

    #[test]
    fn days_and_instants() {
        let nanos = TimestampNanosecondArray::from(vec![1_680_411_162_137_506_999]);
        let arrays: [(ArrayRef, ColumnType, &str); 8] = [
            (Arc::new(nanos.clone()), ColumnType::Timestamp, "2023-04-02T04:52:42.137506"),
            (Arc::new(nanos.with_timezone("UTC")), ColumnType::Timestamp, "2023-04-02T04:52:42.137506"),
            (Arc::new(TimestampMillisecondArray::from(vec![1500])), ColumnType::Timestamp, "1970-01-01T00:00:01.500"),
            (Arc::new(Date32Array::from(vec![1])), ColumnType::Timestamp, "1970-01-02T00:00:00"),
            (Arc::new(StringArray::from(vec!["2023-04-02"])), ColumnType::Timestamp, "2023-04-02T00:00:00"),
            (Arc::new(Date32Array::from(vec![1])), ColumnType::Date, "1970-01-02"),
            (Arc::new(Date64Array::from(vec![86_400_000])), ColumnType::Date, "1970-01-02"),
            (Arc::new(TimestampMillisecondArray::from(vec![-86_400_000])), ColumnType::Date, "1969-12-31"),
        ];
        for (array, column_type, expected) in arrays {
            let name = array.data_type().clone();
            assert_eq!(conformed(&array, column_type), (vec![expected.to_owned()], vec![]), "{name}");
        }
    }

    #[test]
    fn lists_numbers_and_truth_values() {
        let decimal = ColumnType::Decimal { precision: 10, scale: 2 };
        let list = || vec![Some(vec![Some("a"), Some("b")]), None];
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([None::<Vec<Option<i32>>>]);
        assert_eq!(Way::between(lists.data_type(), ColumnType::StringList), None);
        let mut builder =
            arrow::array::builder::LargeListBuilder::new(arrow::array::builder::LargeStringBuilder::new());
        for row in list() {
            match row {
                Some(items) => builder.append_value(items),
                None => builder.append_null(),
            }
        }
        let large: LargeListArray = builder.finish();
        let expected = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            conformed(&(Arc::new(large) as ArrayRef), ColumnType::StringList),
            (expected(&["[a, b]", ""]), vec![])
        );
        let money = Decimal128Array::from(vec![1250]).with_precision_and_scale(38, 3).unwrap();
        assert_eq!(conformed(&(Arc::new(money.clone()) as ArrayRef), decimal), (expected(&["1.25"]), vec![]));
        assert_eq!(conformed(&(Arc::new(money) as ArrayRef), ColumnType::Float), (expected(&["1.25"]), vec![]));
        assert_eq!(
            conformed(&(Arc::new(Float64Array::from(vec![10.25])) as ArrayRef), decimal),
            (expected(&["10.25"]), vec![])
        );
        assert_eq!(
            conformed(&(Arc::new(Int32Array::from(vec![7])) as ArrayRef), decimal),
            (expected(&["7.00"]), vec![])
        );
        assert_eq!(
            conformed(&(Arc::new(Int32Array::from(vec![7])) as ArrayRef), ColumnType::Float),
            (expected(&["7.0"]), vec![])
        );
        let bools = BooleanArray::from(vec![true, false]);
        assert_eq!(conformed(&(Arc::new(bools) as ArrayRef), ColumnType::Bool), (expected(&["true", "false"]), vec![]));
        assert_eq!(
            conformed(&(Arc::new(NullArray::new(2)) as ArrayRef), ColumnType::Date),
            (expected(&["", ""]), vec![])
        );
    }

    #[test]
    fn a_required_column_wants_a_value_in_every_row() {
        let arrays: [ArrayRef; 3] = [
            Arc::new(Int64Array::from(vec![Some(1), None])),
            Arc::new(Float64Array::from(vec![1.0, f64::NAN])),
            Arc::new(StringArray::from(vec![Some("1"), None])),
        ];
        for array in arrays {
            let way = Way::between(array.data_type(), ColumnType::Int).unwrap();
            let (_, faults) = conform(&array, &column(ColumnType::Int, true), way).unwrap();
            assert_eq!(faults, [CellFault { row: 1, reason: Reason::NoValue }], "{}", array.data_type());
        }
    }

    #[test]
    fn types_that_have_nothing_in_common() {
        for (from, to) in [
            (DataType::Int64, ColumnType::String),
            (DataType::Boolean, ColumnType::Int),
            (DataType::Date32, ColumnType::Bool),
            (DataType::Int64, ColumnType::Timestamp),
            (DataType::Utf8, ColumnType::Int),
        ] {
            assert_eq!(Way::between(&from, to).is_some(), from == DataType::Utf8, "{from}");
        }
    }
}
