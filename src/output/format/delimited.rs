//! CSV and TSV: a header line, values quoted where they must be, null as nothing, lists as JSON text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringBuilder};
use arrow::csv::{Writer, WriterBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};

use super::cells::{DATE, TIME, TIMESTAMP, TIMESTAMP_WITH_ZONE};
use super::{Failure, Manner, ResultWriter};
use crate::output::target::SharedTarget;

pub(super) struct Delimited {
    writer: Writer<SharedTarget>,
    /// The columns as written: nested ones are text.
    schema: SchemaRef,
}

impl Delimited {
    pub(super) fn begin(delimiter: u8, schema: &SchemaRef, out: SharedTarget, header: bool) -> Result<Self, Failure> {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| {
                let data_type = if field.data_type().is_nested() { DataType::Utf8 } else { field.data_type().clone() };
                Field::new(field.name(), data_type, true)
            })
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let mut writer = WriterBuilder::new()
            .with_delimiter(delimiter)
            .with_header(header)
            .with_date_format(DATE.to_owned())
            .with_datetime_format(TIMESTAMP.to_owned())
            .with_time_format(TIME.to_owned())
            .with_timestamp_format(TIMESTAMP.to_owned())
            .with_timestamp_tz_format(TIMESTAMP_WITH_ZONE.to_owned())
            .build(out);
        // The header belongs to a result without rows, too.
        writer.write(&RecordBatch::new_empty(Arc::clone(&schema)))?;
        Ok(Self { writer, schema })
    }
}

impl ResultWriter for Delimited {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let columns = batch
            .schema_ref()
            .fields()
            .iter()
            .zip(batch.columns())
            .map(
                |(field, column)| {
                    if field.data_type().is_nested() { json_texts(field, column) } else { Ok(Arc::clone(column)) }
                },
            )
            .collect::<Result<Vec<_>, ArrowError>>()?;
        let written = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        Ok(self.writer.write(&written)?)
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        Ok(Manner::Whole)
    }
}

/// Every value of a nested column as JSON text.
fn json_texts(field: &Arc<Field>, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let mut texts = StringBuilder::with_capacity(column.len(), column.len() * 16);
    let mut buffer = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
            continue;
        }
        buffer.clear();
        encoder.encode(row, &mut buffer);
        texts.append_value(String::from_utf8_lossy(&buffer));
    }
    Ok(Arc::new(texts.finish()))
}
