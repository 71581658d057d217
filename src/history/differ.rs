//! How the rows of a model differ between two releases, found by its grain.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use serde::Serialize;

use super::pair::{Column, Pair, THERE};
use crate::engine::{Engine, quoted};
use crate::error::{Error, Result};
use crate::name::TableName;
use crate::release::Manifest;

/// How many rows of a model differ between two releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowChanges {
    /// Rows whose grain stands only in the later release.
    pub added: u64,
    /// Rows whose grain stands only in the earlier release.
    pub removed: u64,
    /// Rows in both whose other columns differ, among the columns that both releases have.
    pub changed: u64,
}

/// A value that differs between two releases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// The model.
    pub model: TableName,
    /// The values of its grain.
    pub key: String,
    /// The column; `None` where the whole row stands in one release only.
    pub column: Option<String>,
    /// The value in the earlier release, as text.
    pub before: Option<String>,
    /// The value in the later release, as text.
    pub after: Option<String>,
    /// The later value minus the earlier one, where both are numbers.
    pub difference: Option<f64>,
}

/// How the rows of `model` differ; `None` where one of the releases does not have it, or where no grain says which rows
/// belong together.
///
/// # Errors
/// A table that cannot be read.
pub async fn row_changes(
    engine: &Engine,
    (from, to): (&Manifest, &Manifest),
    model: &TableName,
) -> Result<Option<RowChanges>> {
    let Some(pair) = Pair::of(from, to, model) else { return Ok(None) };
    let both = format!("a.{THERE} AND b.{THERE}");
    let sql = format!(
        "SELECT count(*) FILTER (WHERE a.{THERE} IS NULL) AS added, count(*) FILTER (WHERE b.{THERE} IS NULL) AS removed, \
         count(*) FILTER (WHERE {both} AND ({})) AS changed FROM {}",
        pair.any_differs(),
        pair.joined(),
    );
    let batches = engine.rows(&sql).await?;
    let count = |column: usize| -> u64 {
        let values = batches.iter().map(|batch| batch.column(column).as_primitive::<Int64Type>());
        values.flat_map(|values| values.iter().flatten()).map(|count| u64::try_from(count).unwrap_or(0)).sum()
    };
    Ok(Some(RowChanges { added: count(0), removed: count(1), changed: count(2) }))
}

/// The values of `model` that differ, by its grain, at most `most` of them; none where [`row_changes`] gives none.
///
/// # Errors
/// A table that cannot be read.
pub async fn value_changes(
    engine: &Engine,
    (from, to): (&Manifest, &Manifest),
    model: &TableName,
    most: usize,
) -> Result<Vec<ValueChange>> {
    let Some(pair) = Pair::of(from, to, model) else { return Ok(Vec::new()) };
    let key = pair
        .grain
        .iter()
        .map(|column| format!("coalesce(CAST(a.{0} AS VARCHAR), CAST(b.{0} AS VARCHAR))", quoted(column)));
    let key = format!("concat_ws(', ', {})", key.collect::<Vec<_>>().join(", "));
    let whole = format!(
        "SELECT {key} AS grain, -1 AS nth, CAST(NULL AS VARCHAR) AS before, CAST(NULL AS VARCHAR) AS after, \
         CAST(NULL AS DOUBLE) AS difference, b.{THERE} AS stays FROM {} WHERE a.{THERE} IS NULL OR b.{THERE} IS NULL",
        pair.joined()
    );
    let of_column = |(nth, column): (usize, &Column)| {
        format!(
            "SELECT {key}, {nth}, {}, {}, {}, true FROM {} \
             WHERE a.{THERE} AND b.{THERE} AND {}",
            column.shown("a"),
            column.shown("b"),
            column.difference(),
            pair.joined(),
            column.differs()
        )
    };
    let parts = std::iter::once(whole).chain(pair.columns.iter().enumerate().map(of_column));
    let sql = format!(
        "SELECT grain, nth, before, after, difference, stays FROM ({}) ORDER BY grain, nth LIMIT {}",
        parts.collect::<Vec<_>>().join(" UNION ALL "),
        i64::try_from(most).unwrap_or(i64::MAX),
    );
    let mut changes = Vec::new();
    for batch in engine.rows(&sql).await? {
        changes.extend(pair.changes(model, &batch)?);
    }
    Ok(changes)
}

impl Pair<'_> {
    /// The rows of [`value_changes`] as values.
    fn changes(&self, model: &TableName, batch: &RecordBatch) -> Result<Vec<ValueChange>> {
        let texts = |column: usize| {
            let texts =
                cast(batch.column(column), &DataType::Utf8).map_err(|failure| Error::bug(failure.to_string()))?;
            let texts = texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned));
            Ok(texts.collect::<Vec<Option<String>>>())
        };
        let (keys, before, after) = (texts(0)?, texts(2)?, texts(3)?);
        let columns = batch.column(1).as_primitive::<Int64Type>();
        let differences = batch.column(4).as_primitive::<Float64Type>();
        let stays = batch.column(5).as_boolean();
        let whole = |there: bool| Some((if there { "row" } else { "no row" }).to_owned());
        let rows = keys.into_iter().zip(before.into_iter().zip(after)).enumerate();
        let changes = rows.map(|(row, (key, (before, after)))| {
            let nth = usize::try_from(columns.value(row)).ok();
            let column = nth.and_then(|nth| self.columns.get(nth)).map(|column| column.name.clone());
            let (before, after) = match &column {
                Some(_) => (before, after),
                None => (whole(!stays.is_valid(row)), whole(stays.is_valid(row))),
            };
            let difference = differences.is_valid(row).then(|| differences.value(row)).filter(|by| by.is_finite());
            ValueChange { model: model.clone(), key: key.unwrap_or_default(), column, before, after, difference }
        });
        Ok(changes.collect())
    }
}
