//! `\plot`: the last result as a chart.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::kept::Kept;
use crate::error::{Error, Result};
use crate::name::did_you_mean;
use crate::output::Chart;

/// Rows that a chart is made of at most.
const ROWS: u64 = 100_000;

/// Bars that still say something.
const BARS: usize = 60;

/// Draws `kept` as the words of `\plot` ask: the kind of chart, then the columns.
pub(super) fn plot(kept: &mut Kept, words: &[String], columns: usize) -> Result<String> {
    let batches = kept.small(ROWS, "\\plot")?;
    let batch = concat_batches(kept.schema(), &batches).map_err(|failure| Error::bug(failure.to_string()))?;
    let (chart, names) = match words {
        [] => (Chart::Bar, &[] as &[String]),
        [chart, names @ ..] => match chart.as_str() {
            "line" => (Chart::Line, names),
            "bar" => (Chart::Bar, names),
            "hist" | "histogram" => (Chart::Histogram, names),
            other => {
                return Err(Error::usage(format!("there is no chart `{other}`"))
                    .hint("\\plot line x y, \\plot bar x y or \\plot hist y"));
            }
        },
    };
    let wanted: Vec<usize> = names.iter().map(|name| position(&batch, name)).collect::<Result<_>>()?;
    let is_number = |index: &usize| batch.column(*index).data_type().is_numeric();
    let first_number = || (0..batch.num_columns()).find(is_number);
    let (x, y) = match wanted.as_slice() {
        [x, y] => (Some(*x), Some(*y)),
        [y] if chart == Chart::Histogram => (None, Some(*y)),
        [x] => (Some(*x), (0..batch.num_columns()).filter(|index| index != x).find(is_number)),
        [] => {
            let y = (1..batch.num_columns()).find(is_number).or_else(first_number);
            (Some(0).filter(|x| Some(*x) != y), y)
        }
        _ => return Err(Error::usage("\\plot takes a chart and two columns").hint("for example \\plot line mes nps")),
    };
    let y = y
        .filter(is_number)
        .ok_or_else(|| Error::usage("\\plot needs a column of numbers").hint("name it: \\plot bar canal tickets"))?;
    let points = points(&batch, x, y)?;
    if chart == Chart::Bar && points.len() > BARS {
        return Err(Error::usage(format!("{} bars are too many to read", points.len()))
            .hint(format!("add LIMIT {BARS}, or use \\plot line or \\plot hist")));
    }
    if points.is_empty() {
        return Err(Error::query("there is nothing to draw: the last result has no values there"));
    }
    Ok(chart.draw(&points, columns))
}

/// The column of that name.
pub(super) fn position(batch: &RecordBatch, name: &str) -> Result<usize> {
    let schema = batch.schema();
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    names().position(|column| column.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let error = Error::query(format!("the last result has no column `{name}`"));
        error.hint(did_you_mean(name, names(), format!("its columns are {}", names().collect::<Vec<_>>().join(", "))))
    })
}

/// The values of a column as texts, nulls as `NULL`.
pub(super) fn texts(column: &ArrayRef) -> Result<Vec<String>> {
    let options = FormatOptions::new().with_null("NULL").with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"));
    let shown = ArrayFormatter::try_new(column.as_ref(), &options).map_err(|wrong| Error::bug(wrong.to_string()))?;
    Ok((0..column.len()).map(|row| shown.value(row).to_string()).collect())
}

/// Labels and values; rows without a value are left out.
fn points(batch: &RecordBatch, x: Option<usize>, y: usize) -> Result<Vec<(String, f64)>> {
    let values = cast(batch.column(y), &DataType::Float64).map_err(|wrong| Error::query(wrong.to_string()))?;
    let values = values.as_primitive::<Float64Type>();
    let labels = match x {
        Some(x) => texts(batch.column(x))?,
        None => (1..=batch.num_rows()).map(|row| row.to_string()).collect(),
    };
    Ok(labels.into_iter().zip(values).filter_map(|(label, value)| Some((label, value?))).collect())
}
