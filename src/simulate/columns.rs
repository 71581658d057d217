//! Rows to a record batch: names, types and values of the columns in one place.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};

use crate::error::{Error, Result};

/// The columns of a batch, in the order in which they are added.
#[derive(Debug, Default)]
pub(super) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    pub(super) fn text<T: AsRef<str>>(self, name: &str, values: impl Iterator<Item = T>) -> Self {
        self.add(name, false, Arc::new(StringArray::from_iter_values(values)))
    }

    pub(super) fn optional_text<T: AsRef<str>>(self, name: &str, values: impl Iterator<Item = Option<T>>) -> Self {
        self.add(name, true, Arc::new(values.collect::<StringArray>()))
    }

    pub(super) fn int(self, name: &str, values: impl Iterator<Item = i64>) -> Self {
        self.add(name, false, Arc::new(Int64Array::from_iter_values(values)))
    }

    pub(super) fn optional_int(self, name: &str, values: impl Iterator<Item = Option<i64>>) -> Self {
        self.add(name, true, Arc::new(values.collect::<Int64Array>()))
    }

    /// Days since 1970-01-01.
    pub(super) fn date(self, name: &str, values: impl Iterator<Item = i32>) -> Self {
        self.add(name, false, Arc::new(Date32Array::from_iter_values(values)))
    }

    /// Days since 1970-01-01.
    pub(super) fn optional_date(self, name: &str, values: impl Iterator<Item = Option<i32>>) -> Self {
        self.add(name, true, Arc::new(values.collect::<Date32Array>()))
    }

    /// Microseconds since 1970-01-01, local time.
    pub(super) fn moment(self, name: &str, values: impl Iterator<Item = i64>) -> Self {
        self.add(name, false, Arc::new(TimestampMicrosecondArray::from_iter_values(values)))
    }

    pub(super) fn list<'a>(self, name: &str, values: impl Iterator<Item = &'a Vec<&'static str>>) -> Self {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for list in values {
            for member in list {
                lists.values().append_value(member);
            }
            lists.append(true);
        }
        self.add(name, false, Arc::new(lists.finish()))
    }

    /// The batch.
    pub(super) fn batch(self) -> Result<RecordBatch> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
            .map_err(|error| Error::bug("simulated columns do not fit together").because(error))
    }

    fn add(mut self, name: &str, nullable: bool, array: ArrayRef) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), nullable));
        self.arrays.push(array);
        self
    }
}
