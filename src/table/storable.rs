//! Bringing query results into types that a Delta table can hold.
//!
//! The Delta protocol knows fewer types than Arrow; left alone, an unsigned counter or a dictionary would be written
//! under a type it does not have. Each such type is widened to one that holds all its values.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::error::{Error, Result};

/// The schema under which a table holds the result `schema`. All columns are nullable: whether a plan proves a column
/// to be without NULLs changes from run to run and would look like a change of the table.
///
/// # Errors
/// A column whose type no table can hold, named with what to write instead.
pub fn storable_schema(schema: &Schema) -> Result<SchemaRef> {
    let fields = schema.fields().iter().map(|field| {
        let data_type = storable_type(field.data_type()).ok_or_else(|| {
            Error::query(format!(
                "column `{}` has the type {}, which no table can hold",
                field.name(),
                field.data_type()
            ))
            .hint(format!("cast it in the model, for example CAST({} AS VARCHAR)", field.name()))
        })?;
        Ok(Field::new(field.name(), data_type, true))
    });
    Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
}

/// The batch under the schema that [`storable_schema`] gave for it.
///
/// # Errors
/// A value that does not fit, which only an unsigned integer above 2⁶³−1 can be.
pub(super) fn storable_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() {
            return Ok(Arc::clone(column));
        }
        cast_with_options(column, field.data_type(), &exact)
            .map_err(|failure| Error::query(format!("column `{}`: {failure}", field.name())))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|failure| Error::bug(failure.to_string()))
}

fn storable_type(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::UInt8 | DataType::UInt16 => DataType::Int32,
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 => DataType::Float32,
        // Delta has no type for a time of day.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Time32(_) | DataType::Time64(_) => {
            DataType::Utf8
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, value) => storable_type(value)?,
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => {
            DataType::List(Arc::new(Field::new("element", storable_type(item.data_type())?, true)))
        }
        DataType::Struct(fields) => {
            let fields =
                fields.iter().map(|field| Some(Field::new(field.name(), storable_type(field.data_type())?, true)));
            DataType::Struct(fields.collect::<Option<_>>()?)
        }
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal128(..) => data_type.clone(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray, StringViewArray, UInt64Array};
    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn counters_and_views_are_widened_without_loss() {
        let batch = RecordBatch::try_from_iter([
            ("n", Arc::new(UInt64Array::from(vec![1, 9_223_372_036_854_775_807])) as Arc<dyn Array>),
            ("texto", Arc::new(StringViewArray::from(vec!["ñ", "😊"])) as Arc<dyn Array>),
        ])
        .unwrap();
        let schema = storable_schema(&batch.schema()).unwrap();
        let stored = storable_batch(&batch, &schema).unwrap();
        assert_eq!(stored.column(0).as_primitive::<Int64Type>().value(1), i64::MAX);
        assert_eq!(stored.column(1).as_string::<i32>().value(1), "😊");
    }

    #[test]
    fn what_does_not_fit_is_an_error_with_its_column() {
        let batch =
            RecordBatch::try_from_iter([("n", Arc::new(UInt64Array::from(vec![u64::MAX])) as Arc<dyn Array>)]).unwrap();
        let schema = storable_schema(&batch.schema()).unwrap();
        assert!(storable_batch(&batch, &schema).unwrap_err().message().contains("`n`"));
        let untyped = Schema::new(vec![Field::new("vacio", DataType::Null, true)]);
        let error = storable_schema(&untyped).unwrap_err();
        assert!(error.message().contains("`vacio`") && error.next_step().unwrap().contains("CAST"), "{error}");
    }
}
