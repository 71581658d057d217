//! Batches of whatever types a file has become rows of a dataset: what all formats of arrays share.

use std::fmt;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;

use super::conform::{Way, conform, shown};
use super::constants::Constants;
use super::fault::{Account, Fault, Reason, Reject};
use super::header::{self, Source};
use super::reader::Scan;
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
    /// ascending order: batches hold these and no others.
    pub(super) fn new(file: &Arc<str>, scan: Arc<Scan>, schema: &Schema) -> Result<(Self, Vec<usize>)> {
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
            if scan.projection.contains(&index) || rules.is_some() || !never_wrong {
                columns.push(Checked { index, position, way, rules });
            }
        }
        let mut read: Vec<usize> = columns.iter().map(|column| column.position).collect();
        read.sort_unstable();
        for column in &mut columns {
            column.position = read.partition_point(|other| *other < column.position);
        }
        let constants = Constants::new(file, &scan, &sources)?;
        let file = Arc::clone(file);
        Ok((Self { file, scan, columns, constants, account: Account::default() }, read))
    }

    /// The wanted columns of a batch as it was read; its rejects go to the policy.
    pub(super) fn rows(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let _busy = self.scan.busy.timer();
        let mut arrays: Vec<Option<ArrayRef>> = vec![None; self.scan.dataset.columns.len()];
        let mut faults: Vec<(usize, usize, &Column, Reason)> = Vec::new();
        for Checked { index, position, way, rules } in &self.columns {
            let column = &self.scan.dataset.columns[*index];
            let (array, mut found) = conform(batch.column(*position), column, *way)?;
            if let Some(rules) = rules {
                rules.check(&array, &mut found);
            }
            arrays[*index] = Some(array);
            faults.extend(found.into_iter().map(|fault| (fault.row, *position, column, fault.reason)));
        }
        faults.sort_by_key(|(row, position, ..)| (*row, *position));
        let row_number = |row: usize| self.account.records + row as u64 + 1;
        for faults in faults.chunk_by(|(a, ..), (b, ..)| a == b) {
            let line = row_number(faults[0].0);
            let fault = |(row, position, column, reason): &(usize, usize, &Column, Reason)| Fault {
                column: Some(column.name.clone()),
                value: Some(shown(batch.column(*position), *row)),
                line,
                at: 1,
                reason: reason.clone(),
            };
            self.scan.faults.take(Reject {
                file: Arc::clone(&self.file),
                offset: None,
                length: None,
                line,
                raw: String::new(),
                faults: faults.iter().map(fault).collect(),
            })?;
        }
        let wanted = self.constants.complete(&self.scan, arrays, batch.num_rows(), row_number)?;
        let rows = self.scan.batch(wanted, batch.num_rows(), faults.iter().map(|(row, ..)| *row))?;
        self.account.records += batch.num_rows() as u64;
        self.account.rows += rows.num_rows() as u64;
        self.account.rejected += (batch.num_rows() - rows.num_rows()) as u64;
        Ok(rows)
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
