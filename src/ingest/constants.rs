//! Columns whose values do not stand in the rows of a file: those of its path, those it does not have, and the
//! metadata.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use datafusion::common::ScalarValue;

use super::cells::{Cells, Texts};
use super::header::Source;
use super::reader::Scan;
use super::rules::ColumnRules;
use crate::catalog::{Column, Metadata};
use crate::error::{Error, Result};

/// The values that are the same in all rows of one file.
#[derive(Debug)]
pub(super) struct Constants {
    file: Arc<str>,
    /// For each declared column, if its values are.
    values: Vec<Option<ScalarValue>>,
}

impl Constants {
    /// The values for `file`, whose declared columns come from `sources`.
    ///
    /// # Errors
    /// A path whose value is not of the column's type.
    pub(super) fn new(file: &Arc<str>, scan: &Scan, sources: &[Source]) -> Result<Self> {
        let columns = scan.dataset.columns.iter().zip(sources);
        let values = columns.map(|(column, source)| value(file, column, source)).collect::<Result<_>>()?;
        Ok(Self { file: Arc::clone(file), values })
    }

    /// The wanted columns of `rows` rows: those of `arrays`, which holds the declared columns that the file has, and
    /// the others. `line` says on which line a row stands.
    pub(super) fn complete(
        &self,
        scan: &Scan,
        mut arrays: Vec<Option<ArrayRef>>,
        rows: usize,
        line: impl FnMut(usize) -> u64,
    ) -> Result<Vec<ArrayRef>> {
        let mut lines = Some(line);
        let mut columns = Vec::with_capacity(scan.projection.len());
        for index in &scan.projection {
            columns.push(match (arrays.get_mut(*index).and_then(Option::take), scan.dataset.metadata_at(*index)) {
                (Some(array), _) => array,
                (None, Some(Metadata::Line)) => {
                    let numbers = lines.take().into_iter().flat_map(|line| (0..rows).map(line));
                    Arc::new(numbers.map(|number| i64::try_from(number).ok()).collect::<Int64Array>())
                }
                (None, Some(Metadata::File)) => repeated(&ScalarValue::from(self.file.as_ref()), rows)?,
                (None, None) => {
                    let value = self.values.get(*index).and_then(Option::as_ref);
                    repeated(value.ok_or_else(|| Error::bug(format!("column {index} comes from nowhere")))?, rows)?
                }
            });
        }
        Ok(columns)
    }
}

fn value(file: &str, column: &Column, source: &Source) -> Result<Option<ScalarValue>> {
    let text = match source {
        Source::Field(_) => return Ok(None),
        Source::Path(text) => text.as_deref(),
        Source::Absent => None,
    };
    let mut cells = Cells::new(column, 1);
    let mut faults = Vec::new();
    cells.extend(&OneText(text), &mut faults);
    let array = cells.finish(&mut faults);
    if let Some(rules) = ColumnRules::new(column)? {
        rules.check(&array, &mut faults);
    }
    if !faults.is_empty() {
        let name = &column.name;
        let value = text.unwrap_or_default();
        return Err(Error::query(format!("{file}: the path says `{name}={value}`, which does not fit"))
            .hint(format!("rename the folder, or correct column {name} in catalog.yaml")));
    }
    ScalarValue::try_from_array(&array, 0).map(Some).map_err(|source| Error::bug("no value of a path").because(source))
}

fn repeated(value: &ScalarValue, rows: usize) -> Result<ArrayRef> {
    value.to_array_of_size(rows).map_err(|source| Error::bug("no column of one value").because(source))
}

/// One text as a column.
struct OneText<'t>(Option<&'t str>);

impl Texts for OneText<'_> {
    fn rows(&self) -> usize {
        1
    }

    fn text<'a>(&'a self, _: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        self.0.map(str::as_bytes)
    }
}
