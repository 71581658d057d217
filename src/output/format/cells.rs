//! Values as text, the same in every format for reading.

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// How a null is shown; an empty text is shown as nothing.
pub(super) const NULL: &str = "NULL";

pub(super) const DATE: &str = "%Y-%m-%d";
pub(super) const TIME: &str = "%H:%M:%S%.f";
pub(super) const TIMESTAMP: &str = "%Y-%m-%d %H:%M:%S%.f";
pub(super) const TIMESTAMP_WITH_ZONE: &str = "%Y-%m-%d %H:%M:%S%.f%:z";

/// Numbers by their shortest digits that read back the same, instants without the T, nulls inside lists by name.
const OPTIONS: FormatOptions<'static> = FormatOptions::new()
    .with_null(NULL)
    .with_date_format(Some(DATE))
    .with_datetime_format(Some(TIMESTAMP))
    .with_time_format(Some(TIME))
    .with_timestamp_format(Some(TIMESTAMP))
    .with_timestamp_tz_format(Some(TIMESTAMP_WITH_ZONE));

/// The values of a batch as text.
pub(super) struct Cells<'a> {
    columns: Vec<(ArrayFormatter<'a>, Option<NullBuffer>)>,
    rows: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, ArrowError> {
        let columns = batch
            .columns()
            .iter()
            // The nulls of a dictionary stand in its values: only the logical ones are the reader's.
            .map(|column| Ok((ArrayFormatter::try_new(column.as_ref(), &OPTIONS)?, column.logical_nulls())))
            .collect::<Result<_, ArrowError>>()?;
        Ok(Self { columns, rows: batch.num_rows() })
    }

    /// The rows, each with its values in the order of the columns; `None` is null.
    pub(super) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = Option<String>> + '_> + '_ {
        (0..self.rows).map(|row| {
            self.columns.iter().map(move |(values, nulls)| {
                let null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                (!null).then(|| values.value(row).to_string())
            })
        })
    }
}

/// Whether values of this type stand at the right edge of a column, digit under digit.
pub(super) fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_number(value),
        other => other.is_numeric(),
    }
}

/// Whether values of this type may be long, so that a narrow terminal cuts or wraps them. A cut number or date would
/// be another number or date.
pub(super) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_text(value),
        other => !other.is_numeric() && !other.is_temporal() && *other != DataType::Boolean,
    }
}
