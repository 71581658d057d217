//! Rows as people write them, and as tables hold them.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use serde_json::{Map, Value};

use super::file::{Row, Written};
use crate::error::{Finding, Place};
use crate::name::did_you_mean;

/// The written rows as rows of `schema`; columns that are not written are NULL.
///
/// # Errors
/// Every column that the table does not have and every value that does not fit, with their places.
pub(super) fn typed(written: &Written, schema: &SchemaRef, table: &str) -> Result<RecordBatch, Vec<Finding>> {
    let mut findings = Vec::new();
    for ((_, column), place) in &written.cells {
        if schema.field_with_name(column).is_err() {
            let finding = Finding::new(format!("{table} has no column `{column}`")).at(place.clone());
            let names = schema.fields().iter().map(|field| field.name().as_str());
            findings.push(finding.hint(did_you_mean(
                column,
                names.clone(),
                format!("its columns are {}", names.collect::<Vec<_>>().join(", ")),
            )));
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    // NULL may stand in for any value that a test does not care about.
    let nullable = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let nullable: SchemaRef = Arc::new(Schema::new(nullable.collect::<Vec<Field>>()));
    let cut = written.cells.iter().filter_map(|((row, column), place)| {
        let (value, field) = (written.rows[*row].get(column)?, nullable.field_with_name(column).ok()?);
        is_cut(value, field.data_type()).then(|| no_value(column, value, field, place))
    });
    let cut: Vec<Finding> = cut.collect();
    if !cut.is_empty() {
        return Err(cut);
    }
    decode(&written.rows, &nullable).map_err(|whole| {
        let wrong = written.cells.iter().filter_map(|((row, column), place)| {
            let value = written.rows[*row].get(column)?;
            wrong_value(column, value, &nullable, place)
        });
        let wrong: Vec<Finding> = wrong.collect();
        if wrong.is_empty() { vec![Finding::new(format!("{table}: {whole}"))] } else { wrong }
    })
}

fn wrong_value(column: &str, value: &Value, schema: &Schema, place: &Place) -> Option<Finding> {
    let field = schema.field_with_name(column).ok()?;
    let alone: Row = Map::from_iter([(column.to_owned(), value.clone())]);
    decode(&[alone], &Arc::new(Schema::new(vec![field.clone()]))).err()?;
    Some(no_value(column, value, field, place))
}

fn no_value(column: &str, value: &Value, field: &Field, place: &Place) -> Finding {
    let finding = Finding::new(format!("{value} is no value of `{column}`")).at(place.clone());
    finding.hint(format!("write {}", wanted(field.data_type())))
}

/// Whether a column of this type would take the value and lose a part of it: the decoder cuts off what does not fit.
fn is_cut(value: &Value, data_type: &DataType) -> bool {
    let written = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(items) => {
            let (DataType::List(item) | DataType::LargeList(item)) = data_type else { return false };
            return items.iter().any(|value| is_cut(value, item.data_type()));
        }
        _ => return false,
    };
    // Digits behind the point that say something.
    let digits = || {
        let (number, exponent) = written.split_once(['e', 'E']).unwrap_or((&written, "0"));
        let digits = number.split_once('.').map_or(0, |(_, digits)| digits.trim_end_matches('0').len());
        i64::try_from(digits).unwrap_or(i64::MAX).saturating_sub(exponent.parse().unwrap_or(0))
    };
    match data_type {
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => digits() > i64::from(*scale),
        DataType::Date32 => written.contains(':'),
        data_type if data_type.is_integer() => digits() > 0,
        _ => false,
    }
}

/// What a value of a type looks like.
fn wanted(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "true or false",
        DataType::Date32 | DataType::Date64 => "a date: 2024-12-31",
        DataType::Timestamp(..) => "a time: 2024-12-31T23:59:59",
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) => "a list: [a, b]",
        data_type if data_type.is_integer() => "a whole number",
        data_type if data_type.is_numeric() => "a number",
        _ => "a text",
    }
}

fn decode(rows: &[Row], schema: &SchemaRef) -> Result<RecordBatch, String> {
    if rows.is_empty() || schema.fields().is_empty() {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    let builder = ReaderBuilder::new(Arc::clone(schema)).with_coerce_primitive(true).with_batch_size(rows.len());
    let mut decoder = builder.build_decoder().map_err(|failure| failure.to_string())?;
    decoder.serialize(rows).map_err(|failure| failure.to_string())?;
    let batch = decoder.flush().map_err(|failure| failure.to_string())?;
    batch.ok_or_else(|| "no rows".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_would_lose_digits_is_no_value() {
        let decimal = DataType::Decimal128(18, 2);
        for (value, data_type, expected) in [
            (json!(1), DataType::Int64, false),
            (json!(1.0), DataType::Int64, false),
            (json!(1.9), DataType::Int64, true),
            (json!("1.9"), DataType::Int64, true),
            (json!(10.01), decimal.clone(), false),
            (json!("10.010"), decimal.clone(), false),
            (json!(10.0149), decimal.clone(), true),
            (json!(1e-3), decimal, true),
            (json!(1.9), DataType::Float64, false),
            (json!("2025-01-02"), DataType::Date32, false),
            (json!("2025-01-02T10:00:00"), DataType::Date32, true),
            (json!([1, 2.5]), DataType::List(Arc::new(Field::new("item", DataType::Int64, true))), true),
        ] {
            assert_eq!(is_cut(&value, &data_type), expected, "{value} {data_type}");
        }
    }
}
