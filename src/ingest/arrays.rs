//! Batches of whatever types a file has become rows of a dataset: what all formats of arrays share.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;

use super::conform::{Way, conform, shown};
use super::constants::Constants;
use super::fault::{Account, Fault, Reason, Reject};
use super::header::{self, Source};
use super::raw::json_rows;
use super::reader::Scan;
use super::rewritten;
use super::rules::ColumnRules;
use crate::catalog::{Column, Dataset, Difference};
use crate::error::{Error, Result};

/// Makes rows of the batches of one file.
pub(super) struct ArrayRows {
    file: Arc<str>,
    scan: Arc<Scan>,
    columns: Vec<Checked>,
    constants: Constants,
    account: Account,
    /// Whether all declared columns of the file are read.
    whole: bool,
}

/// A declared column that is read from the file.
struct Checked {
    /// Position in the declared columns.
    index: usize,
    /// Position in the batches.
    position: usize,
    /// How the file's values become what is declared.
    way: Way,
    rules: Option<ColumnRules>,
}

impl ArrayRows {
    /// The rows of `file`, whose columns are those of `schema`, and the positions in it of the columns to read, in
    /// ascending order: batches hold these and no others. `whole_after` says to read all columns, and what became of the rows
    /// before.
    pub(super) fn new(
        file: &Arc<str>,
        scan: Arc<Scan>,
        schema: &Schema,
        whole_after: Option<Account>,
    ) -> Result<(Self, Vec<usize>)> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let sources = header::sources(&scan.dataset, file, &names)?;
        let mut columns = Vec::with_capacity(sources.len());
        for (index, (column, source)) in scan.dataset.columns.iter().zip(&sources).enumerate() {
            let Source::Field(position) = *source else { continue };
            let field = schema.field(position);
            let from = field.data_type();
            let way = Way::between(from, column.column_type).ok_or_else(|| other_type(file, column, from))?;
            let rules = ColumnRules::new(column)?;
            // A column that nobody asked for is read all the same if a value of it can be wrong.
            let never_wrong = way.never_fails(from, column.column_type) && !(column.required && field.is_nullable());
            if whole_after.is_some() || scan.projection.contains(&index) || rules.is_some() || !never_wrong {
                columns.push(Checked { index, position, way, rules });
            }
        }
        let mut read: Vec<usize> = columns.iter().map(|column| column.position).collect();
        read.sort_unstable();
        for column in &mut columns {
            column.position = read.partition_point(|other| *other < column.position);
        }
        let constants = Constants::new(file, &scan, &sources)?;
        let of_file = sources.iter().filter(|source| matches!(source, Source::Field(_))).count();
        let whole = columns.len() == of_file;
        let (file, account) = (Arc::clone(file), whole_after.unwrap_or_default());
        Ok((Self { file, scan, columns, constants, account, whole }, read))
    }

    /// The wanted columns of a batch as it was read; its rejects go to the policy. None if a row is rejected of which not all
    /// is at hand: then the file must be read whole from this batch on.
    pub(super) fn rows(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let _busy = self.scan.busy.timer();
        let dataset = &self.scan.dataset;
        let mut arrays: Vec<Option<ArrayRef>> = vec![None; dataset.columns.len()];
        let mut faults: Vec<(usize, usize, &Column, Reason)> = Vec::new();
        for Checked { index, position, way, rules } in &self.columns {
            let column = &dataset.columns[*index];
            let (array, mut found) = conform(batch.column(*position), column, *way)?;
            if let Some(rules) = rules {
                rules.check(&array, &mut found);
            }
            arrays[*index] = Some(array);
            faults.extend(found.into_iter().map(|fault| (fault.row, *position, column, fault.reason)));
        }
        if !faults.is_empty() && !self.whole {
            return Ok(None);
        }
        faults.sort_by_key(|(row, position, ..)| (*row, *position));
        let row_number = |row: usize| self.account.records + row as u64 + 1;
        let mut corrected = Vec::new();
        for (rejected, faults) in faults.chunk_by(|(a, ..), (b, ..)| a == b).enumerate() {
            let row = faults[0].0;
            let line = row_number(row);
            let fault = |(row, position, column, reason): &(usize, usize, &Column, Reason)| Fault {
                column: Some(column.name.clone()),
                value: Some(shown(batch.column(*position), *row)),
                line,
                at: 1,
                reason: reason.clone(),
            };
            let mut reject = Reject {
                file: Arc::clone(&self.file),
                offset: None,
                length: None,
                line,
                raw: self.as_object(batch, &arrays, row)?,
                faults: faults.iter().map(fault).collect(),
            };
            if let Some(text) = self.scan.faults.correction(&reject) {
                let columns = (self.scan.projection.as_slice(), &self.scan.schema);
                match rewritten::row(dataset, columns, (&self.file, line), &text)? {
                    Ok(instead) => {
                        corrected.push((row - rejected, instead));
                        continue;
                    }
                    Err(why) => reject.still_wrong(&why),
                }
            }
            self.scan.faults.take(reject)?;
        }
        let wanted = self.constants.complete(&self.scan, arrays, batch.num_rows(), row_number)?;
        let rows = self.scan.batch(wanted, batch.num_rows(), faults.iter().map(|(row, ..)| *row))?;
        self.account.replayed += corrected.len() as u64;
        let rows = with_corrected(&rows, corrected)?;
        self.account.records += batch.num_rows() as u64;
        self.account.rows += rows.num_rows() as u64;
        self.account.rejected += (batch.num_rows() - rows.num_rows()) as u64;
        Ok(Some(rows))
    }

    /// What became of the rows so far.
    pub(super) fn account(&self) -> Account {
        self.account
    }

    /// A row as a JSON object: its values as they were read into `arrays`, or as they stand in the file where they do not fit.
    fn as_object(&self, batch: &RecordBatch, arrays: &[Option<ArrayRef>], row: usize) -> Result<String> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for Checked { index, position, .. } in &self.columns {
            let Some(made) = &arrays[*index] else { continue };
            let stored = batch.column(*position);
            let value = if made.is_null(row) && stored.is_valid(row) {
                Arc::new(StringArray::from(vec![shown(stored, row)]))
            } else {
                made.slice(row, 1)
            };
            columns.push((self.scan.dataset.columns[*index].name.as_str(), value, true));
        }
        let row =
            RecordBatch::try_from_iter_with_nullable(columns).map_err(|failure| Error::bug(failure.to_string()))?;
        let texts = json_rows(&row).map_err(|failure| Error::bug(failure.to_string()))?;
        Ok(texts.into_iter().next().unwrap_or_default())
    }

    /// The failure to read on after the rows so far.
    pub(super) fn damaged(&self, format: &str, why: impl fmt::Display) -> Error {
        let rows = self.account.records;
        Error::damaged(&self.file, format_args!("the {format} data is damaged after {rows} rows: {why}"))
            .hint("copy the file again, or write it again")
    }

    /// Says that the file was read to its end.
    pub(super) fn finished(&self) -> Result<()> {
        self.scan.faults.finished(&self.file, self.account)
    }
}

/// `rows` with each corrected row where it stands: before the row of that number.
fn with_corrected(rows: &RecordBatch, corrected: Vec<(usize, RecordBatch)>) -> Result<RecordBatch> {
    if corrected.is_empty() {
        return Ok(rows.clone());
    }
    let mut parts = Vec::with_capacity(2 * corrected.len() + 1);
    let mut at = 0;
    for (before, row) in corrected {
        parts.push(rows.slice(at, before - at));
        parts.push(row);
        at = before;
    }
    parts.push(rows.slice(at, rows.num_rows() - at));
    concat_batches(&rows.schema(), &parts).map_err(|failure| Error::bug(failure.to_string()))
}

/// The differences between `schema`, the columns of `file`, and those of `dataset`.
pub(super) fn differences(dataset: &Dataset, file: &str, schema: &Schema) -> Vec<Difference> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let (sources, mut differences) = header::compare(dataset, file, &names);
    for (column, source) in dataset.columns.iter().zip(sources) {
        let Source::Field(field) = source else { continue };
        let from = schema.field(field).data_type();
        if Way::between(from, column.column_type).is_none() {
            differences.push(Difference::OtherType {
                name: column.name.clone(),
                declared: column.column_type.to_string(),
                found: from.to_string(),
            });
        }
    }
    differences
}

fn other_type(file: &str, column: &Column, from: &DataType) -> Error {
    let name = &column.name;
    Error::usage(format!("{file}: column `{name}` holds {from}, which cannot be read as {}", column.column_type))
        .hint("declare the column in catalog.yaml with the type it has in the file")
}
