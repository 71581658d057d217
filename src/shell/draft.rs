//! A model from the last query: what its words say of its rows and what its rows show, as far as they were kept.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, SortField};

use super::kept::Kept;
use crate::error::{Error, Result};
use crate::model::Draft;
use crate::name::TableName;
use crate::sql::{Statement, key_columns, tokens};

/// Rows that are looked at.
const ROWS: u64 = 1_000_000;

/// Columns of which a key is tried, the first of those that can be one.
const TRIED: usize = 8;

/// A model called `name` of `statement`, whose rows are `kept`.
///
/// # Errors
/// A query with a parameter, which only its session knows.
pub(super) fn draft(name: TableName, description: String, statement: &Statement, kept: &mut Kept) -> Result<Draft> {
    let query = statement.whole();
    let parameter = tokens(&query).into_iter().map(|token| &query[token.range]).find(|text| is_parameter(text));
    if let Some(parameter) = parameter {
        return Err(Error::query(format!("a model takes no parameters, and the query has `{parameter}`"))
            .hint(format!("write its value, or :{} to have it written", &parameter[1..])));
    }
    let (mut grain, mut not_null) = (Vec::new(), Vec::new());
    // Of a result that is too long to look at, nothing is claimed.
    if let Ok(batches) = kept.small(ROWS, "\\save") {
        let batch = concat_batches(kept.schema(), &batches).map_err(|failure| Error::bug(failure.to_string()))?;
        let complete = complete(&batch);
        let key = key(&batch, key_columns(statement), &complete)?;
        let name = |column: &usize| batch.schema().field(*column).name().clone();
        grain = key.iter().map(name).collect();
        not_null = complete.iter().filter(|column| !key.contains(column)).map(name).collect();
    }
    Ok(Draft { name, description, query, grain, not_null })
}

fn is_parameter(text: &str) -> bool {
    text.strip_prefix('$').is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}

/// The columns without a null, in a result that has rows.
fn complete(batch: &RecordBatch) -> Vec<usize> {
    let is_complete = |column: &usize| batch.column(*column).logical_null_count() == 0;
    if batch.num_rows() == 0 { Vec::new() } else { (0..batch.num_columns()).filter(is_complete).collect() }
}

/// The columns that identify a row: those that the query's words give, or else the first column, or the first two, in
/// which the rows all differ. One row proves nothing.
fn key(batch: &RecordBatch, by_words: Option<Vec<usize>>, complete: &[usize]) -> Result<Vec<usize>> {
    if let Some(columns) = by_words
        && columns.iter().all(|column| complete.contains(column))
        && all_differ(batch, &columns)?
    {
        return Ok(columns);
    }
    if batch.num_rows() < 2 {
        return Ok(Vec::new());
    }
    let can_be_key = |column: &&usize| is_key_type(batch.column(**column).data_type());
    let tried: Vec<usize> = complete.iter().filter(can_be_key).take(TRIED).copied().collect();
    let ones = tried.iter().map(|one| vec![*one]);
    let pairs = tried.iter().enumerate().flat_map(|(at, one)| tried[at + 1..].iter().map(move |two| vec![*one, *two]));
    for columns in ones.chain(pairs) {
        if all_differ(batch, &columns)? {
            return Ok(columns);
        }
    }
    Ok(Vec::new())
}

/// Whether values of this type name things: a measure that never repeats is chance.
fn is_key_type(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_key_type(value),
        other => other.is_integer() || other.is_string() || other.is_temporal(),
    }
}

/// Whether no two rows agree in all of the columns.
fn all_differ(batch: &RecordBatch, columns: &[usize]) -> Result<bool> {
    let unreadable = |failure: arrow::error::ArrowError| Error::bug(failure.to_string());
    let arrays: Vec<_> = columns.iter().map(|column| Arc::clone(batch.column(*column))).collect();
    let fields = arrays.iter().map(|array| SortField::new(array.data_type().clone())).collect();
    let rows =
        RowConverter::new(fields).and_then(|converter| converter.convert_columns(&arrays)).map_err(unreadable)?;
    let mut seen = HashSet::with_capacity(rows.num_rows());
    Ok(rows.iter().all(|row| seen.insert(row)))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};

    use super::*;
    use crate::sql::Source;

    /// The draft of `sql`, whose rows are a channel, a month, a count, a mean and a note.
    fn drafted(sql: &str, rows: usize) -> Result<Draft> {
        let columns: [(&str, ArrayRef); 5] = [
            ("canal", Arc::new(StringArray::from(vec!["app", "app", "web", "web"]))),
            ("mes", Arc::new(StringArray::from(vec!["2024-01", "2024-02", "2024-01", "2024-02"]))),
            ("n", Arc::new(Int64Array::from(vec![3, 1, 2, 3]))),
            ("media", Arc::new(Float64Array::from(vec![1.5, 2.5, 3.5, 4.5]))),
            ("nota", Arc::new(StringArray::from(vec![None, Some("a"), Some("b"), Some("c")]))),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
        let mut kept = Kept::new(batch.schema_ref(), false);
        kept.push(&batch.slice(0, rows));
        let statement = Source::new("q", sql).only_statement().unwrap();
        draft("curated.kpi".parse().unwrap(), String::new(), &statement, &mut kept)
    }

    #[test]
    fn the_key_is_what_the_query_says_or_what_its_rows_show() {
        let grain = |sql: &str, rows| drafted(sql, rows).unwrap().grain.join(" ");
        let all = "SELECT canal, mes, n, media, nota FROM t";
        assert_eq!(grain(&format!("{all} GROUP BY mes, canal"), 4), "mes canal");
        assert_eq!(grain(all, 4), "canal mes", "the mean differs by chance, the note is missing once");
        assert_eq!(grain(all, 2), "mes", "one column is enough");
        assert_eq!(grain(&format!("{all} GROUP BY nota"), 4), "canal mes", "a key has values");
        assert_eq!((grain(all, 1), grain(&format!("{all} GROUP BY canal"), 1)), (String::new(), "canal".to_owned()));
        assert_eq!(drafted(all, 4).unwrap().not_null, ["n", "media"]);
        assert_eq!(drafted(all, 0).unwrap().not_null, Vec::<String>::new());
    }

    #[test]
    fn a_parameter_is_refused_with_its_name() {
        let error = drafted("SELECT canal FROM t WHERE mes = $mes AND nota = '$x'", 4).unwrap_err();
        assert_eq!(error.message(), "a model takes no parameters, and the query has `$mes`");
        assert!(drafted("SELECT canal FROM t WHERE nota = '$x'", 4).is_ok());
    }
}
