//! Columns in the making: the texts of one column become values of its declared type.
//!
//! Work goes column by column over a block of rows, so that the choice of a type is made once a block and not once a
//! field. A text that is not a value of the type becomes a NULL and a note of its row; who reads decides what that
//! means.

use std::sync::Arc;

use arrow::array::builder::{ListBuilder, NullBufferBuilder, StringBuilder};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, NullArray, StringArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::fault::Reason;
use super::list;
use crate::catalog::{Column, ColumnType, Shapes, value};

/// The texts of one column for a block of rows.
pub(super) trait Texts {
    /// How many rows.
    fn rows(&self) -> usize;

    /// The text of a row, `None` where there is no value. `scratch` may hold it.
    fn text<'a>(&'a self, row: usize, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]>;

    /// Whether all texts are known to be UTF-8, so that none needs to be looked at.
    fn are_utf8(&self) -> bool {
        false
    }
}

/// The values of one column so far.
pub(super) struct Cells {
    column_type: ColumnType,
    required: bool,
    /// In which a date or timestamp is written, if the column declares it.
    shapes: Option<Shapes>,
    /// What stands between the items of a list, if the column declares it.
    separator: Option<String>,
    /// Why a text is not accepted.
    not_a: Reason,
    /// Whether anybody asked for the values; if not, they are checked and thrown away.
    wanted: bool,
    /// Room that the next batch will most likely need.
    rows: usize,
    validity: NullBufferBuilder,
    values: Values,
    scratch: Vec<u8>,
}

enum Values {
    Text {
        ends: Vec<i32>,
        bytes: Vec<u8>,
    },
    /// Texts that nobody asked for.
    Unwanted,
    Int(Vec<i64>),
    Float(Vec<f64>),
    Decimal {
        values: Vec<i128>,
        precision: u8,
        scale: u8,
    },
    Bool(Vec<bool>),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    List(Box<ListBuilder<StringBuilder>>),
}

/// A value that was not accepted: its row since the last [`Cells::finish`], and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CellFault {
    pub(super) row: usize,
    pub(super) reason: Reason,
}

impl Cells {
    /// No values yet of `column`, with room for `rows`.
    pub(super) fn new(column: &Column, rows: usize) -> Self {
        Self {
            column_type: column.column_type,
            required: column.required,
            shapes: Some(&column.rules.formats)
                .filter(|formats| !formats.is_empty())
                .and_then(|formats| Shapes::new(formats).ok()),
            separator: column.rules.separator.clone(),
            not_a: match column.rules.formats.as_slice() {
                [] => Reason::NotA(column.column_type),
                formats => {
                    let (column_type, shapes) = (column.column_type, formats.join(" or ").into());
                    Reason::NotInShape { column_type, shapes }
                }
            },
            wanted: true,
            rows,
            validity: NullBufferBuilder::new(rows),
            values: Values::new(column.column_type, rows, rows * 16),
            scratch: Vec::new(),
        }
    }

    /// Checks the values of `column` and keeps none of them.
    pub(super) fn checking(column: &Column) -> Self {
        let values = match column.column_type {
            ColumnType::String => Values::Unwanted,
            other => Values::new(other, 0, 0),
        };
        Self { wanted: false, values, ..Self::new(column, 0) }
    }

    /// Adds the values of a block of rows, and to `faults` what is wrong with them.
    ///
    /// The bytes of a text column are checked by [`Cells::finish`], all at once.
    pub(super) fn extend(&mut self, texts: &impl Texts, faults: &mut Vec<CellFault>) {
        let Self { required, shapes, separator, not_a, wanted, validity, values, scratch, .. } = self;
        let mut block = Block { texts, validity, scratch, required: *required, not_a: not_a.clone(), faults };
        match values {
            Values::Unwanted if !*required && texts.are_utf8() => block.validity.append_n_non_nulls(texts.rows()),
            Values::Unwanted => {
                let known = texts.are_utf8();
                block.not_a = Reason::NotUtf8;
                block.each(|text| (known || text.is_none_or(|text| std::str::from_utf8(text).is_ok())).then_some(()));
            }
            Values::Text { ends, bytes } => block.each(|text| {
                bytes.extend_from_slice(text.unwrap_or_default());
                // A batch holds far less than 2 GiB of text: see the reader's limit on bytes of a batch.
                ends.push(i32::try_from(bytes.len()).ok()?);
                Some(())
            }),
            Values::Int(values) => block.parse(values, value::int),
            Values::Float(values) => block.parse(values, value::float),
            Values::Decimal { values, precision, scale } => {
                block.parse(values, |text| value::decimal(text, *precision, *scale));
            }
            Values::Bool(values) => block.parse(values, value::boolean),
            Values::Date(values) => match shapes {
                None => block.parse(values, value::date),
                Some(shapes) => block.parse(values, |text| shapes.date(text)),
            },
            Values::Timestamp(values) => match shapes {
                None => block.parse(values, value::timestamp),
                Some(shapes) => block.parse(values, |text| shapes.timestamp(text)),
            },
            Values::List(builder) => block.each(|text| {
                let text = text.map(std::str::from_utf8);
                // The items of a list that turns out to be none stay behind in a NULL; they are never seen.
                let good = match text {
                    None | Some(Err(_)) => false,
                    Some(Ok(text)) => match separator {
                        None => list::strings(text, |item| builder.values().append_option(item)),
                        Some(separator) => {
                            text.split(separator.as_str()).for_each(|item| builder.values().append_value(item.trim()));
                            true
                        }
                    },
                };
                builder.append(good);
                (good || text.is_none()).then_some(())
            }),
        }
        if !*wanted {
            values.clear();
        }
    }

    /// The values as an array, nullable, and to `faults` the rows whose text is not UTF-8; begins anew with none. Of a
    /// column that nobody asked for it is an array of NULLs, of the type Null.
    pub(super) fn finish(&mut self, faults: &mut Vec<CellFault>) -> ArrayRef {
        if !self.wanted {
            let rows = self.validity.len();
            self.validity = NullBufferBuilder::new(0);
            return Arc::new(NullArray::new(rows));
        }
        let nulls = self.validity.finish();
        let bytes = if let Values::Text { bytes, .. } = &self.values { bytes.len() + bytes.len() / 8 } else { 0 };
        let empty = Values::new(self.column_type, self.rows, bytes);
        match std::mem::replace(&mut self.values, empty) {
            Values::Text { ends, bytes } => Arc::new(strings(ends, bytes, nulls.as_ref(), faults)),
            Values::Int(values) => Arc::new(Int64Array::new(values.into(), nulls)),
            Values::Float(values) => Arc::new(Float64Array::new(values.into(), nulls)),
            Values::Decimal { values, .. } => {
                let array = Decimal128Array::new(values.into(), nulls);
                Arc::new(array.with_data_type(self.column_type.arrow()))
            }
            Values::Bool(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)),
            Values::Date(values) => Arc::new(Date32Array::new(values.into(), nulls)),
            Values::Timestamp(values) => Arc::new(TimestampMicrosecondArray::new(values.into(), nulls)),
            Values::Unwanted => Arc::new(NullArray::new(nulls.map_or(0, |nulls| nulls.len()))),
            // This builder keeps its own validity.
            Values::List(mut builder) => Arc::new(builder.finish()),
        }
    }
}

impl Values {
    fn new(column_type: ColumnType, rows: usize, bytes: usize) -> Self {
        match column_type {
            ColumnType::String => {
                let mut ends = Vec::with_capacity(rows + 1);
                ends.push(0);
                Self::Text { ends, bytes: Vec::with_capacity(bytes) }
            }
            ColumnType::Int => Self::Int(Vec::with_capacity(rows)),
            ColumnType::Float => Self::Float(Vec::with_capacity(rows)),
            ColumnType::Decimal { precision, scale } => {
                Self::Decimal { values: Vec::with_capacity(rows), precision, scale }
            }
            ColumnType::Bool => Self::Bool(Vec::with_capacity(rows)),
            ColumnType::Date => Self::Date(Vec::with_capacity(rows)),
            ColumnType::Timestamp => Self::Timestamp(Vec::with_capacity(rows)),
            ColumnType::StringList => Self::List(Box::new(ListBuilder::new(StringBuilder::new()))),
        }
    }

    /// Throws away what is there.
    fn clear(&mut self) {
        match self {
            Self::Text { ends, bytes } => {
                ends.truncate(1);
                bytes.clear();
            }
            Self::Unwanted => {}
            Self::Int(values) | Self::Timestamp(values) => values.clear(),
            Self::Float(values) => values.clear(),
            Self::Decimal { values, .. } => values.clear(),
            Self::Bool(values) => values.clear(),
            Self::Date(values) => values.clear(),
            Self::List(builder) => drop(builder.finish()),
        }
    }
}

/// A block of rows on its way into one column.
struct Block<'a, T> {
    texts: &'a T,
    validity: &'a mut NullBufferBuilder,
    scratch: &'a mut Vec<u8>,
    required: bool,
    not_a: Reason,
    faults: &'a mut Vec<CellFault>,
}

impl<T: Texts> Block<'_, T> {
    /// Gives the text of each row to `take`, which says by `None` that it is not a value.
    #[inline]
    fn each(&mut self, mut take: impl FnMut(Option<&[u8]>) -> Option<()>) {
        for index in 0..self.texts.rows() {
            let text = self.texts.text(index, self.scratch);
            let taken = take(text);
            match (text.is_some(), taken) {
                (true, Some(())) => self.validity.append_non_null(),
                (true, None) => self.refuse(self.not_a.clone()),
                (false, _) if self.required => self.refuse(Reason::NoValue),
                (false, _) => self.validity.append_null(),
            }
        }
    }

    /// Puts the value of each row, as `parse` understands it, into `values`.
    #[inline]
    fn parse<V: Default>(&mut self, values: &mut Vec<V>, parse: impl Fn(&[u8]) -> Option<V>) {
        self.each(|text| {
            let value = text.and_then(&parse);
            let known = value.is_some();
            values.push(value.unwrap_or_default());
            known.then_some(())
        });
    }

    #[cold]
    fn refuse(&mut self, reason: Reason) {
        self.faults.push(CellFault { row: self.validity.len(), reason });
        self.validity.append_null();
    }
}

/// The array of `bytes` cut at `ends`. Rows that are not UTF-8 are noted and become NULL.
fn strings(ends: Vec<i32>, bytes: Vec<u8>, nulls: Option<&NullBuffer>, faults: &mut Vec<CellFault>) -> StringArray {
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    let bytes = Buffer::from_vec(bytes);
    // The bytes are looked at once here, and a second time only if some are wrong.
    if let Ok(array) = StringArray::try_new(offsets.clone(), bytes.clone(), nulls.cloned()) {
        return array;
    }
    let known = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    let rows = offsets.windows(2).enumerate().map(|(row, ends)| {
        let text = match ends {
            [start, end] => &bytes[usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0)],
            _ => &[],
        };
        match std::str::from_utf8(text) {
            Ok(text) => known(row).then_some(text),
            Err(_) => {
                faults.push(CellFault { row, reason: Reason::NotUtf8 });
                None
            }
        }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    use super::super::testing::column;
    use super::*;
    use crate::catalog::Rules;

    impl Texts for Vec<Option<&[u8]>> {
        fn rows(&self) -> usize {
            self.len()
        }

        fn text<'a>(&'a self, row: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
            self[row]
        }
    }

    fn cells(column: &Column, blocks: &[&[Option<&[u8]>]]) -> (ArrayRef, Vec<CellFault>) {
        let mut cells = Cells::new(column, 8);
        let mut faults = Vec::new();
        for block in blocks {
            cells.extend(&block.to_vec(), &mut faults);
        }
        let array = cells.finish(&mut faults);
        (array, faults)
    }

    #[test]
    fn rows_of_faults_count_over_blocks() {
        let int = column(ColumnType::Int, true);
        let (array, faults) = cells(&int, &[&[Some(b"1"), Some(b"x")], &[None, Some(b"4.0")]]);
        assert_eq!(array.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(1), None, None, Some(4)]);
        let not_an_int = CellFault { row: 1, reason: Reason::NotA(ColumnType::Int) };
        assert_eq!(faults, [not_an_int, CellFault { row: 2, reason: Reason::NoValue }]);
    }

    #[test]
    fn text_that_is_not_utf8_is_found_even_if_it_is_as_a_whole() {
        let text = column(ColumnType::String, false);
        // Two halves of `ñ` in two rows make valid text together.
        let (array, faults) = cells(&text, &[&[Some(b"a"), Some(b"\xc3"), Some(b"\xb1"), None, Some("ñ".as_bytes())]]);
        assert_eq!(array.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None, None, None, Some("ñ")]);
        assert_eq!(faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_broken_list_leaves_nothing_behind() {
        let list = column(ColumnType::StringList, false);
        let (array, faults) =
            cells(&list, &[&[Some(b"['a', 'b']"), Some(b"['c', 'd'"), None, Some(b"['e', f]"), Some(b"[]")]]);
        let shown: Vec<Option<Vec<String>>> = array
            .as_list::<i32>()
            .iter()
            .map(|row| row.map(|items| items.as_string::<i32>().iter().flatten().map(str::to_owned).collect()))
            .collect();
        assert_eq!(shown, [Some(vec!["a".to_owned(), "b".to_owned()]), None, None, None, Some(vec![])]);
        assert_eq!(faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn what_nobody_asked_for_is_checked_all_the_same() {
        let rows: &[Option<&[u8]>] = &[Some(b"1"), Some(b"\xff"), None, Some(b"x")];
        for (column_type, bad) in [(ColumnType::String, vec![1, 2]), (ColumnType::Int, vec![1, 2, 3])] {
            let mut cells = Cells::checking(&column(column_type, true));
            for _ in 0..2 {
                let mut faults = Vec::new();
                cells.extend(&rows.to_vec(), &mut faults);
                cells.extend(&rows.to_vec(), &mut faults);
                assert_eq!(cells.finish(&mut faults).len(), 8);
                let expected: Vec<usize> = bad.iter().copied().chain(bad.iter().map(|row| row + 4)).collect();
                assert_eq!(faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), expected);
            }
        }
    }

    #[test]
    fn shapes_and_separators_that_a_column_declares() {
        let formats = vec!["%d/%m/%Y".to_owned(), "%Y-%m-%d".to_owned()];
        let date = Column { rules: Rules { formats, ..Rules::default() }, ..column(ColumnType::Date, false) };
        let (array, faults) = cells(&date, &[&[Some(b"31/12/2024"), Some(b"2024-12-31"), Some(b"12/31/2024")]]);
        assert_eq!((array.null_count(), faults[0].reason.rule()), (1, "format"));
        let rules = Rules { separator: Some(",".to_owned()), ..Rules::default() };
        let list = Column { rules, ..column(ColumnType::StringList, false) };
        let (array, faults) = cells(&list, &[&[Some(b"a, b"), Some(b"c"), None]]);
        assert_eq!(faults, []);
        let lengths: Vec<Option<usize>> =
            array.as_list::<i32>().iter().map(|row| row.map(|items| items.len())).collect();
        assert_eq!(lengths, [Some(2), Some(1), None]);
    }

    #[test]
    fn every_type_has_its_arrow_type() {
        let decimal = ColumnType::Decimal { precision: 10, scale: 2 };
        let types = [
            (ColumnType::String, "x"),
            (ColumnType::Int, "1"),
            (ColumnType::Float, "1.5"),
            (decimal, "1.5"),
            (ColumnType::Bool, "true"),
            (ColumnType::Date, "2024-01-01"),
            (ColumnType::Timestamp, "2024-01-01"),
            (ColumnType::StringList, "[]"),
        ];
        for (column_type, value) in types {
            let (array, faults) = cells(&column(column_type, true), &[&[Some(value.as_bytes())]]);
            assert_eq!((array.data_type(), array.null_count()), (&column_type.arrow(), 0), "{value}");
            assert_eq!(faults, []);
        }
    }
}
