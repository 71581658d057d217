//! Record batches as CSV, byte for byte in the style of pandas, which the bank's files come from.
//!
//! UTF-8 without a mark, lines end with a line feed, a field is quoted only if it must be, NULL is empty, a list is a Python
//! literal (`['pago', 'limite']`), a timestamp has six decimals, and an integer column that may hold NULL is written as
//! pandas writes it: `12.0`.

use arrow::array::{Array, Date32Array, Int64Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Schema;
use chrono::Datelike;

use super::calendar::{self, DAY, HOUR, SECOND};
use crate::error::{Error, Result};

/// Appends the header line.
pub(super) fn push_header(out: &mut Vec<u8>, schema: &Schema) {
    for (index, field) in schema.fields().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_field(out, field.name());
    }
    out.push(b'\n');
}

/// Appends a line for each row of the batch.
pub(super) fn push_rows(out: &mut Vec<u8>, batch: &RecordBatch) -> Result<()> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        Values::of(column.as_ref(), field.is_nullable()).ok_or_else(|| {
            Error::bug(format!("no CSV form for column `{}` of type {}", field.name(), field.data_type()))
        })
    });
    let columns: Vec<Values<'_>> = columns.collect::<Result<_>>()?;
    let mut scratch = String::new();
    for row in 0..batch.num_rows() {
        for (index, column) in columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            column.push(out, row, &mut scratch)?;
        }
        out.push(b'\n');
    }
    Ok(())
}

/// The values of one column.
enum Values<'a> {
    Text(&'a StringArray),
    Int { values: &'a Int64Array, as_float: bool },
    Date(&'a Date32Array),
    Moment(&'a TimestampMicrosecondArray),
    List { lists: &'a ListArray, members: &'a StringArray },
}

impl<'a> Values<'a> {
    fn of(column: &'a dyn Array, nullable: bool) -> Option<Self> {
        let any = column.as_any();
        let list = || {
            let lists: &ListArray = any.downcast_ref()?;
            Some(Self::List { lists, members: lists.values().as_any().downcast_ref()? })
        };
        let text = any.downcast_ref().map(Self::Text);
        text.or_else(|| any.downcast_ref().map(|values| Self::Int { values, as_float: nullable }))
            .or_else(|| any.downcast_ref().map(Self::Date))
            .or_else(|| any.downcast_ref().map(Self::Moment))
            .or_else(list)
    }

    fn push(&self, out: &mut Vec<u8>, row: usize, scratch: &mut String) -> Result<()> {
        match self {
            Self::Text(values) if values.is_valid(row) => push_field(out, values.value(row)),
            Self::Int { values, as_float } if values.is_valid(row) => {
                push_int(out, values.value(row));
                if *as_float {
                    out.extend_from_slice(b".0");
                }
            }
            Self::Date(values) if values.is_valid(row) => push_date(out, values.value(row)),
            Self::Moment(values) if values.is_valid(row) => push_moment(out, values.value(row)),
            Self::List { lists, members } if lists.is_valid(row) => {
                let offsets = lists.value_offsets();
                let range = usize::try_from(offsets[row]).ok().zip(usize::try_from(offsets[row + 1]).ok());
                let (start, end) = range.ok_or_else(|| Error::bug("a list has a negative offset"))?;
                scratch.clear();
                push_literal(scratch, (start..end).map(|index| members.value(index)));
                push_field(out, scratch);
            }
            _ => {} // NULL
        }
        Ok(())
    }
}

/// A field, quoted if a reader would otherwise take it apart.
fn push_field(out: &mut Vec<u8>, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// A list of texts as Python would write it.
fn push_literal<'a>(out: &mut String, members: impl Iterator<Item = &'a str>) {
    out.push('[');
    for (index, member) in members.enumerate() {
        out.push_str(if index > 0 { ", '" } else { "'" });
        for letter in member.chars() {
            if matches!(letter, '\'' | '\\') {
                out.push('\\');
            }
            out.push(letter);
        }
        out.push('\'');
    }
    out.push(']');
}

fn push_int(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    let mut width = 1;
    let mut rest = number.unsigned_abs() / 10;
    while rest > 0 {
        width += 1;
        rest /= 10;
    }
    push_digits(out, number.unsigned_abs(), width);
}

/// `2023-04-02`
fn push_date(out: &mut Vec<u8>, day: i32) {
    let date = calendar::date(day);
    push_digits(out, u64::from(date.year().unsigned_abs()), 4);
    out.push(b'-');
    push_digits(out, date.month().into(), 2);
    out.push(b'-');
    push_digits(out, date.day().into(), 2);
}

/// `2023-04-02 04:52:42.137506`
fn push_moment(out: &mut Vec<u8>, moment: i64) {
    push_date(out, calendar::day_of(moment));
    let time = moment.rem_euclid(DAY).unsigned_abs();
    let (hour, minute, second) = (HOUR.unsigned_abs(), 60 * SECOND.unsigned_abs(), SECOND.unsigned_abs());
    for (mark, number, width) in [
        (b' ', time / hour, 2),
        (b':', time % hour / minute, 2),
        (b':', time % minute / second, 2),
        (b'.', time % second, 6),
    ] {
        out.push(mark);
        push_digits(out, number, width);
    }
}

/// The last `width` decimal digits of a number.
fn push_digits(out: &mut Vec<u8>, number: u64, width: usize) {
    let start = out.len();
    out.resize(start + width, b'0');
    let mut rest = number;
    for place in out[start..].iter_mut().rev() {
        *place = b'0' + (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    #[test]
    fn every_type_looks_as_pandas_writes_it() {
        let (one, two) = (vec!["ayuda"], vec!["pago", "limite"]);
        let batch = Columns::default()
            .text("reseña_id", ["a", "dos\nlíneas", "coma, y \"comillas\""].iter())
            .optional_text("emoji", [Some("😊"), None, Some("😞")].iter().copied())
            .int("likes", [0, -7, 1234].into_iter())
            .optional_int("duracion", [Some(12), None, Some(0)].into_iter())
            .date("fecha", [19_358, 20_088, 0].into_iter())
            .optional_date("respuesta", [None, Some(19_782), None].into_iter())
            .moment("hora", [1_680_411_162_137_506, 0, 1_000].into_iter())
            .list("etiquetas", [&two, &one, &vec![]].into_iter())
            .batch()
            .unwrap();
        let mut out = Vec::new();
        push_header(&mut out, &batch.schema());
        push_rows(&mut out, &batch).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "reseña_id,emoji,likes,duracion,fecha,respuesta,hora,etiquetas\n\
             a,😊,0,12.0,2023-01-01,,2023-04-02 04:52:42.137506,\"['pago', 'limite']\"\n\
             \"dos\nlíneas\",,-7,,2024-12-31,2024-02-29,1970-01-01 00:00:00.000000,['ayuda']\n\
             \"coma, y \"\"comillas\"\"\",😞,1234,0.0,1970-01-01,,1970-01-01 00:00:00.001000,[]\n"
        );
    }
}
