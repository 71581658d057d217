//! Arrow IPC in its file form, which pandas, Polars and DuckDB read as Feather version 2.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;

use super::{Failure, Manner, ResultWriter};
use crate::output::target::SharedTarget;

pub(super) struct ArrowFile {
    writer: FileWriter<SharedTarget>,
    /// The columns as written: a dictionary may not change within a file, so its values are written out.
    schema: SchemaRef,
}

impl ArrowFile {
    pub(super) fn begin(schema: &SchemaRef, out: SharedTarget) -> Result<Self, Failure> {
        let fields: Vec<Field> = schema.fields().iter().map(|field| plain(field)).collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { writer: FileWriter::try_new(out, &schema)?, schema })
    }
}

impl ResultWriter for ArrowFile {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        let columns = self
            .schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| cast(column, field.data_type()))
            .collect::<Result<Vec<_>, ArrowError>>()?;
        Ok(self.writer.write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)?)
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        self.writer.finish()?;
        Ok(Manner::Whole)
    }
}

fn plain(field: &Field) -> Field {
    match field.data_type() {
        DataType::Dictionary(_, value) => Field::new(field.name(), value.as_ref().clone(), field.is_nullable()),
        _ => field.clone(),
    }
}
