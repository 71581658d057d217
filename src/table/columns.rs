//! The columns of a table: Delta keeps those that it is partitioned by outside its files, in the names of folders.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use deltalake_core::kernel::EagerSnapshot;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoArrow;

use crate::error::{Error, Result};
use crate::release::Partition;
use crate::store::Location;

/// The columns of a table, told apart by where their values stand.
pub(super) struct Columns {
    /// Inside the files. Texts are read as views, the form in which the engine compares and groups them fastest.
    pub(super) inside: SchemaRef,
    /// In the names of their folders.
    pub(super) partitions: Vec<Field>,
    /// Where each column of the table, in its order, stands among those inside followed by those outside.
    pub(super) places: Vec<usize>,
}

/// The columns of a version.
pub(super) fn columns_of(snapshot: &EagerSnapshot, location: &Location) -> Result<Columns> {
    let schema: Schema = snapshot
        .schema()
        .as_ref()
        .try_into_arrow()
        .map_err(|failure| Error::store(format!("the schema of {location} cannot be read: {failure}")))?;
    Columns::of(&schema, snapshot.metadata().partition_columns())
}

/// The partition columns of a version.
pub(super) fn partitions_of(snapshot: &EagerSnapshot, location: &Location) -> Result<Vec<Field>> {
    Ok(columns_of(snapshot, location)?.partitions)
}

/// The values of a file's partition columns as text, each written as the engine casts it.
pub(super) fn partition_texts(partitions: &[Field], values: &HashMap<String, Option<String>>) -> Result<Partition> {
    let text = |field: &Field| {
        let value = partition_value(field, values.get(field.name()).cloned().flatten())?;
        let text = value.cast_to(&DataType::Utf8).map_err(|failure| Error::bug(failure.to_string()))?;
        Ok(match text {
            ScalarValue::Utf8(text) => text.filter(|text| !text.is_empty()),
            _ => None,
        })
    };
    partitions.iter().map(text).collect()
}

impl Columns {
    pub(super) fn of(schema: &Schema, partition_by: &[String]) -> Result<Self> {
        let (mut inside, mut partitions) = (Vec::new(), Vec::new());
        for name in partition_by {
            let field = schema
                .field_with_name(name)
                .map_err(|_| Error::bug(format!("the partition column `{name}` is not a column of the table")))?;
            partitions.push(field.clone().with_nullable(true));
        }
        let outside = schema.fields().len() - partitions.len();
        let mut places = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            if let Some(at) = partition_by.iter().position(|name| name == field.name()) {
                places.push(outside + at);
                continue;
            }
            let data_type = match field.data_type() {
                DataType::Utf8 => DataType::Utf8View,
                other => other.clone(),
            };
            places.push(inside.len());
            inside.push(Field::new(field.name(), data_type, true));
        }
        Ok(Self { inside: Arc::new(Schema::new(inside)), partitions, places })
    }
}

/// A partition value as the log writes it (text, or nothing for NULL) in the type of its column.
pub(super) fn partition_value(field: &Field, text: Option<String>) -> Result<ScalarValue> {
    let wrong = |failure: datafusion::error::DataFusionError| {
        Error::store(format!("the partition column `{}` has a value that is not of its type: {failure}", field.name()))
    };
    match text {
        None => ScalarValue::try_from(field.data_type()).map_err(wrong),
        Some(text) => ScalarValue::try_from_string(text, field.data_type()).map_err(wrong),
    }
}
