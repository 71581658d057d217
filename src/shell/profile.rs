//! `\profile`: what is in each column of a table, by SQL alone.
//!
//! One pass takes what can be taken at once: nulls, distinct values, least, quartiles and greatest. A second one a column
//! finds its commonest values, or the shape of its numbers.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::rows::Rows;
use super::session::{ColumnEntry, Session};
use crate::engine::{Parameters, quoted, sql_name};
use crate::error::{Error, Result};
use crate::name::TableName;
use crate::output::type_name;
use crate::sql::Source;

/// Values named of each column.
const TOP: usize = 3;

/// Characters of a value that are named.
const LENGTH: usize = 24;

/// Bars of a small histogram.
const BINS: usize = 8;

/// The heights of its bars.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is known of a table's columns.
pub(super) struct Profile {
    pub(super) rows: u64,
    /// A row for each column.
    pub(super) columns: RecordBatch,
}

/// Looks at every row of `table`.
pub(super) async fn of(session: &dyn Session, table: &TableName) -> Result<Profile> {
    let columns = session.columns(table).await?;
    let from = sql_name(table);
    let mut wanted = vec!["count(*)".to_owned()];
    for column in &columns {
        wanted.extend(measures(column));
    }
    let measured = ask(session, &format!("SELECT {} FROM {from}", wanted.join(", "))).await?;
    let value = |index: usize| -> Option<String> { text_at(&measured, index, 0) };
    let rows: u64 = value(0).and_then(|count| count.parse().ok()).unwrap_or(0);

    let mut table = Table::default();
    let mut next = 1;
    for column in &columns {
        let count = measures(column).len();
        let values: Vec<Option<String>> = (next..next + count).map(value).collect();
        next += count;
        let name = quoted(&column.name);
        let common = if column.data_type.is_nested() {
            None
        } else if has_shape(&column.data_type) {
            shape(session, &from, &name, &values).await?
        } else {
            let sql = format!(
                "SELECT CAST({name} AS VARCHAR), count(*) FROM {from} WHERE {name} IS NOT NULL GROUP BY 1 \
                 ORDER BY 2 DESC, 1 LIMIT {TOP}"
            );
            Some(top(&ask(session, &sql).await?))
        };
        table.push(column, rows, &values, common);
    }
    Ok(Profile { rows, columns: table.batch()? })
}

/// What is measured of a column: values, distinct values, and least, quartiles and greatest where there is an order.
fn measures(column: &ColumnEntry) -> Vec<String> {
    let name = quoted(&column.name);
    let mut measures = vec![format!("count({name})")];
    if column.data_type.is_nested() {
        return measures;
    }
    measures.extend([
        format!("approx_distinct(CAST({name} AS VARCHAR))"),
        format!("CAST(min({name}) AS VARCHAR)"),
        format!("CAST(max({name}) AS VARCHAR)"),
    ]);
    if has_shape(&column.data_type) {
        measures
            .extend([0.25, 0.5, 0.75].map(|share| {
                format!("approx_percentile_cont({share}) WITHIN GROUP (ORDER BY CAST({name} AS DOUBLE))")
            }));
    }
    measures
}

/// Whether values of this type have quartiles and a histogram.
fn has_shape(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// The commonest values with their counts: `telefono 12, email 7`.
fn top(batch: &RecordBatch) -> String {
    let named = (0..batch.num_rows())
        .filter_map(|row| Some(format!("{} {}", short(&text_at(batch, 0, row)?), text_at(batch, 1, row)?)));
    named.collect::<Vec<_>>().join(", ")
}

/// A histogram in one word, `▁▃█▂`, between the least and the greatest value that `values` tells.
async fn shape(session: &dyn Session, from: &str, name: &str, values: &[Option<String>]) -> Result<Option<String>> {
    let number = |index: usize| values.get(index).cloned().flatten().and_then(|text| text.parse::<f64>().ok());
    let (Some(least), Some(most)) = (number(2), number(3)) else { return Ok(None) };
    if !(least.is_finite() && most.is_finite()) || most <= least {
        return Ok(None);
    }
    let step = (most - least) / BINS as f64;
    let sql = format!(
        "SELECT CAST(least(floor((CAST({name} AS DOUBLE) - ({least:e})) / {step:e}), {last}) AS BIGINT), count(*) \
         FROM {from} WHERE {name} IS NOT NULL GROUP BY 1",
        last = BINS - 1,
    );
    let batch = ask(session, &sql).await?;
    let mut counts = [0.0f64; BINS];
    for row in 0..batch.num_rows() {
        let bin = text_at(&batch, 0, row).and_then(|bin| bin.parse::<usize>().ok());
        let count = text_at(&batch, 1, row).and_then(|count| count.parse::<f64>().ok());
        if let (Some(bin), Some(count)) = (bin.filter(|bin| *bin < BINS), count) {
            counts[bin] = count;
        }
    }
    let highest = counts.iter().copied().fold(1.0, f64::max);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of seven")]
    let bar = |count: f64| if count > 0.0 { BARS[(count / highest * 7.0).round() as usize] } else { ' ' };
    Ok(Some(counts.map(bar).iter().collect()))
}

async fn ask(session: &dyn Session, sql: &str) -> Result<RecordBatch> {
    let statement = Source::new("\\profile", sql).only_statement()?;
    let answer = session.answer(&statement, &Parameters::new()).await?;
    let mut rows = Rows::of(answer.rows);
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await {
        batches.push(batch?);
    }
    arrow::compute::concat_batches(&answer.schema, &batches).map_err(|failure| Error::bug(failure.to_string()))
}

fn text_at(batch: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let column = batch.columns().get(column)?;
    let text = cast(&column.slice(row, 1), &DataType::Utf8).ok()?;
    text.as_string::<i32>().iter().next().flatten().map(str::to_owned)
}

/// The profile in the making, by columns.
#[derive(Default)]
struct Table {
    names: Vec<String>,
    types: Vec<String>,
    nulls: Vec<i64>,
    distinct: Vec<Option<i64>>,
    spread: Vec<Option<String>>,
    common: Vec<Option<String>>,
}

impl Table {
    /// `values` are those of [`measures`]; `common` its commonest values or its shape.
    fn push(&mut self, column: &ColumnEntry, rows: u64, values: &[Option<String>], common: Option<String>) {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let number = |index: usize| values.get(index).cloned().flatten().and_then(|text| text.parse::<i64>().ok());
        let nulls = rows - number(0).unwrap_or(rows);
        self.names.push(column.name.clone());
        self.types.push(type_name(&column.data_type));
        self.nulls.push(nulls);
        // An estimate may be a little above what is possible.
        self.distinct.push(number(1).map(|distinct| distinct.min(rows - nulls)));
        self.spread.push(spread(values));
        self.common.push(common);
    }

    fn batch(self) -> Result<RecordBatch> {
        let columns: [(&str, ArrayRef); 6] = [
            ("column", Arc::new(StringArray::from(self.names))),
            ("type", Arc::new(StringArray::from(self.types))),
            ("nulls", Arc::new(Int64Array::from(self.nulls))),
            ("distinct", Arc::new(Int64Array::from(self.distinct))),
            ("min · quartiles · max", Arc::new(StringArray::from(self.spread))),
            ("top or shape", Arc::new(StringArray::from(self.common))),
        ];
        RecordBatch::try_from_iter(columns).map_err(|failure| Error::bug(failure.to_string()))
    }
}

/// From the least to the greatest value: `1 · 3 · 4 · 5 · 5` with quartiles, `agresivo … urgente` without.
fn spread(values: &[Option<String>]) -> Option<String> {
    let value = |index: usize| values.get(index).cloned().flatten();
    let rounded = |text: String| match text.parse::<f64>() {
        Ok(number) => ((number * 100.0).round() / 100.0).to_string(),
        Err(_) => text,
    };
    let (least, most) = (value(2)?, value(3)?);
    match (value(4), value(5), value(6)) {
        (Some(q1), Some(median), Some(q3)) => Some([least, q1, median, q3, most].map(rounded).join(" · ")),
        _ => Some(format!("{} … {}", short(&least), short(&most))),
    }
}

/// A value in few characters, on one line.
fn short(text: &str) -> String {
    let line = text.replace(['\n', '\r', '\t'], " ");
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
