//! `\crosstab`: the last result with a column for each value of one of its columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{concat_batches, interleave};
use arrow::datatypes::{Field, Schema};

use super::kept::Kept;
use super::plot::{position, texts};
use crate::error::{Error, Result};

/// Rows that are looked at.
const ROWS: u64 = 1_000_000;

/// Columns that a person can still look through.
const COLUMNS: usize = 500;

/// Turns `kept`: rows by one column, columns by another, the values from a third; the first three where none are named.
pub(super) fn crosstab(kept: &mut Kept, names: &[String]) -> Result<RecordBatch> {
    let batches = kept.small(ROWS, "\\crosstab")?;
    let batch = concat_batches(kept.schema(), &batches).map_err(|failure| Error::bug(failure.to_string()))?;
    let chosen: Vec<usize> = names.iter().map(|name| position(&batch, name)).collect::<Result<_>>()?;
    let mut order = chosen.clone();
    order.extend((0..batch.num_columns()).filter(|index| !chosen.contains(index)));
    let (&[rows_by, columns_by, value, ..], true) = (order.as_slice(), chosen.len() <= 3) else {
        return Err(Error::usage("\\crosstab needs three columns: row, column and value")
            .hint("SELECT canal, anio_mes, count(*) FROM tickets GROUP BY 1, 2 \\crosstab"));
    };
    let (row_keys, column_keys) = (texts(batch.column(rows_by))?, texts(batch.column(columns_by))?);
    let (rows, columns) = (distinct(&row_keys), distinct(&column_keys));
    if columns.len() > COLUMNS {
        return Err(Error::usage(format!("{} columns are too many to read", columns.len()))
            .hint(format!("`{}` becomes the columns; name another", batch.schema().field(columns_by).name())));
    }
    let mut cells: Vec<Vec<Option<usize>>> = vec![vec![None; rows.len()]; columns.len()];
    for (index, (row_key, column_key)) in row_keys.iter().zip(&column_keys).enumerate() {
        let cell = &mut cells[columns[column_key.as_str()]][rows[row_key.as_str()]];
        if cell.replace(index).is_some() {
            return Err(Error::query(format!("`{row_key}` and `{column_key}` stand in more than one row"))
                .hint("group by both columns, so that there is one value for each pair"));
        }
    }
    let first_rows: Vec<usize> = ordered(&rows).into_iter().map(|key| first(&row_keys, key)).collect();
    let schema = batch.schema();
    let mut fields = vec![schema.field(rows_by).clone()];
    let mut arrays = vec![pick(batch.column(rows_by), first_rows.into_iter().map(Some))?];
    for (key, cells) in ordered(&columns).into_iter().zip(cells) {
        fields.push(Field::new(key, schema.field(value).data_type().clone(), true));
        arrays.push(pick(batch.column(value), cells)?);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|failure| Error::bug(failure.to_string()))
}

/// Each text once, with its place in the order of their first appearance.
fn distinct(keys: &[String]) -> HashMap<&str, usize> {
    let mut found = HashMap::new();
    for key in keys {
        let next = found.len();
        found.entry(key.as_str()).or_insert(next);
    }
    found
}

fn ordered<'a>(keys: &HashMap<&'a str, usize>) -> Vec<&'a str> {
    let mut ordered: Vec<(&str, usize)> = keys.iter().map(|(key, place)| (*key, *place)).collect();
    ordered.sort_by_key(|(_, place)| *place);
    ordered.into_iter().map(|(key, _)| key).collect()
}

fn first(keys: &[String], wanted: &str) -> usize {
    keys.iter().position(|key| key == wanted).unwrap_or(0)
}

/// The values at these places, null where there is none.
fn pick(column: &ArrayRef, places: impl IntoIterator<Item = Option<usize>>) -> Result<ArrayRef> {
    let nothing = new_null_array(column.data_type(), 1);
    let places: Vec<(usize, usize)> =
        places.into_iter().map(|place| place.map_or((1, 0), |place| (0, place))).collect();
    interleave(&[column.as_ref(), nothing.as_ref()], &places).map_err(|failure| Error::bug(failure.to_string()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    fn kept(rows: &[(&str, &str, i64)]) -> Kept {
        let canal: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
        let mes: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.1)));
        let n: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2)));
        let batch = RecordBatch::try_from_iter([("canal", canal), ("mes", mes), ("n", n)]).unwrap();
        let mut kept = Kept::new(batch.schema_ref(), false);
        kept.push(&batch);
        kept
    }

    fn shown(batch: &RecordBatch) -> String {
        arrow::util::pretty::pretty_format_batches(std::slice::from_ref(batch)).unwrap().to_string()
    }

    #[test]
    fn values_of_a_column_become_columns() {
        let mut kept = kept(&[("web", "05", 1), ("web", "06", 2), ("email", "06", 3)]);
        insta::assert_snapshot!(shown(&crosstab(&mut kept, &[]).unwrap()), @"
        +-------+----+----+
        | canal | 05 | 06 |
        +-------+----+----+
        | web   | 1  | 2  |
        | email |    | 3  |
        +-------+----+----+
        ");
        let turned = crosstab(&mut kept, &["mes".to_owned(), "canal".to_owned()]).unwrap();
        insta::assert_snapshot!(shown(&turned), @"
        +-----+-----+-------+
        | mes | web | email |
        +-----+-----+-------+
        | 05  | 1   |       |
        | 06  | 2   | 3     |
        +-----+-----+-------+
        ");
    }

    #[test]
    fn two_values_for_one_cell_are_refused() {
        let error = crosstab(&mut kept(&[("web", "05", 1), ("web", "05", 2)]), &[]).unwrap_err();
        assert_eq!(error.message(), "`web` and `05` stand in more than one row");
        let error = crosstab(&mut kept(&[("web", "05", 1)]), &["cnal".to_owned()]).unwrap_err();
        assert_eq!(error.next_step(), Some("did you mean `canal`?"));
    }
}
