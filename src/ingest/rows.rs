//! The records of a piece on their way into batches, whatever the format of the text.
//!
//! A format gives the texts of a column for some records at a time, and says where in a record a value stands when it
//! turns out to be wrong. All else is the same for all formats and is done here: columns that a path says instead of
//! the file, columns nobody asked for, the file and line of a row, leaving rejected records out, and the account.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;

use super::cells::{CellFault, Cells, Texts};
use super::constants::Constants;
use super::fault::{Account, Reason, Reject};
use super::header::Source;
use super::piece::{Lines, Origin, Piece, Place};
use super::reader::Scan;
use super::rules::ColumnRules;
use crate::error::Result;

/// What is the same for all pieces of a file.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) origin: Origin,
    pub(super) scan: Arc<Scan>,
    /// Where the values of each declared column come from.
    pub(super) sources: Vec<Source>,
    constants: Constants,
    /// The rules of each declared column that has any.
    rules: Vec<Option<ColumnRules>>,
}

impl Layout {
    /// The layout of the file `origin` whose columns come from `sources`.
    pub(super) fn new(origin: Origin, scan: Arc<Scan>, sources: Vec<Source>) -> Result<Self> {
        let constants = Constants::new(&origin.file, &scan, &sources)?;
        let rules = scan.dataset.columns.iter().map(ColumnRules::new).collect::<Result<_>>()?;
        Ok(Self { origin, scan, sources, constants, rules })
    }

    fn has_rules(&self, column: usize) -> bool {
        self.rules.get(column).is_some_and(Option::is_some)
    }

    /// The field of a record from which each declared column comes, if it comes from one.
    pub(super) fn fields(&self) -> impl Iterator<Item = Option<usize>> {
        self.sources.iter().map(|source| if let Source::Field(field) = source { Some(*field) } else { None })
    }

    /// What becomes of a piece that is one record that is not accepted.
    pub(super) fn broken(&self, piece: &Piece) -> Option<Made> {
        let reject = self.origin.broken(piece)?;
        Some(Made::of_reject(reject, 0..piece.text.len()))
    }
}

/// What a piece was made into.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) batches: Vec<RecordBatch>,
    pub(super) rejects: Vec<Reject>,
    /// Where each of the rejects stands in the text of the piece.
    pub(super) rejected: Vec<Range<usize>>,
    pub(super) account: Account,
}

impl Made {
    /// One record, at `place` in the text of its piece, that is a reject.
    pub(super) fn of_reject(reject: Reject, place: Range<usize>) -> Self {
        let account = Account { records: 1, rejected: 1, ..Account::default() };
        Self { batches: Vec::new(), rejects: vec![reject], rejected: Vec::from_iter([place]), account }
    }

    /// Adds what a following piece was made into.
    pub(super) fn append(&mut self, mut other: Self) {
        self.batches.append(&mut other.batches);
        self.rejects.append(&mut other.rejects);
        self.rejected.append(&mut other.rejected);
        self.account.add(other.account);
    }
}

/// A record that cannot be read as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Its bytes in the text.
    pub(super) record: Range<usize>,
    /// Where in the text it goes wrong.
    pub(super) at: usize,
    /// Why.
    pub(super) reason: Reason,
}

/// A batch in the making.
pub(super) struct Rows<'l> {
    layout: &'l Layout,
    piece: &'l Piece,
    /// The physical line at a byte before all records of the batch.
    lines: Lines<'l>,
    /// The values of each declared column that come from the file.
    cells: Vec<Option<Cells>>,
    /// The bytes of each row in the text.
    pub(super) records: Vec<Range<usize>>,
    /// The records that are no rows.
    pub(super) malformed: Vec<Malformed>,
    faults: Vec<RowFault>,
    found: Vec<CellFault>,
}

struct RowFault {
    row: usize,
    /// Position in the declared columns.
    column: usize,
    reason: Reason,
}

/// Where values stand in a record and what they say: for each of the declared columns asked for, in their order.
pub(super) type Find<'f> = &'f dyn Fn(&Range<usize>, &[usize]) -> Vec<(usize, Option<String>)>;

impl<'l> Rows<'l> {
    /// No rows of `piece` yet, and room for `room`.
    pub(super) fn new(layout: &'l Layout, piece: &'l Piece, room: usize) -> Self {
        let columns = layout.scan.dataset.columns.iter().zip(&layout.sources).enumerate();
        let cells = columns.map(|(index, (column, source))| match source {
            // A rule is about values, so there must be some, whether anybody asked for them or not.
            Source::Field(_) if layout.scan.projection.contains(&index) || layout.has_rules(index) => {
                Some(Cells::new(column, room))
            }
            Source::Field(_) => Some(Cells::checking(column)),
            Source::Path(_) | Source::Absent => None,
        });
        Self {
            cells: cells.collect(),
            layout,
            piece,
            lines: Lines::of(piece),
            records: Vec::new(),
            malformed: Vec::new(),
            faults: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Adds values to the declared column `column`.
    pub(super) fn extend(&mut self, column: usize, texts: &impl Texts) {
        if let Some(Some(cells)) = self.cells.get_mut(column) {
            cells.extend(texts, &mut self.found);
        }
        self.note(column);
    }

    /// Ends the batch and adds it and its rejects to `made`.
    pub(super) fn finish(&mut self, find: Find<'_>, made: &mut Made) -> Result<()> {
        let scan = &self.layout.scan;
        let mut arrays: Vec<Option<ArrayRef>> = Vec::with_capacity(self.cells.len());
        for column in 0..self.cells.len() {
            let cells = self.cells.get_mut(column).and_then(Option::as_mut);
            let array = cells.map(|cells| cells.finish(&mut self.found));
            if let (Some(array), Some(Some(rules))) = (&array, self.layout.rules.get(column)) {
                rules.check(array, &mut self.found);
            }
            arrays.push(array);
            self.note(column);
        }
        let rows = self.records.len();
        let mut lines = self.lines;
        let line = |row: usize| lines.at(self.records[row].start);
        let columns = self.layout.constants.complete(scan, arrays, rows, line)?;
        let batch = scan.batch(columns, rows, self.faults.iter().map(|fault| fault.row))?;
        let records = rows + self.malformed.len();
        made.account.records += records as u64;
        made.account.rows += batch.num_rows() as u64;
        made.account.rejected += (records - batch.num_rows()) as u64;
        if batch.num_rows() < records {
            self.reject(find, made);
        }
        if batch.num_rows() > 0 {
            made.batches.push(batch);
        }
        self.records.clear();
        Ok(())
    }

    fn note(&mut self, column: usize) {
        let fault = |fault: CellFault| RowFault { row: fault.row, column, reason: fault.reason };
        self.faults.extend(self.found.drain(..).map(fault));
    }

    /// Adds the rejects of the batch to `made`, in the order of the file.
    fn reject(&mut self, find: Find<'_>, made: &mut Made) {
        let names = &self.layout.scan.dataset.columns;
        let mut rejected: Vec<(Range<usize>, Vec<Place>)> = Vec::new();
        for Malformed { record, at, reason } in self.malformed.drain(..) {
            rejected.push((record, vec![Place { at, column: None, value: None, reason }]));
        }
        self.faults.sort_by_key(|fault| fault.row);
        for faults in self.faults.chunk_by(|a, b| a.row == b.row) {
            let record = self.records[faults[0].row].clone();
            let columns: Vec<usize> = faults.iter().map(|fault| fault.column).collect();
            let found = find(&record, &columns).into_iter().zip(faults);
            let place = |((at, value), fault): ((usize, Option<String>), &RowFault)| Place {
                at,
                column: names.get(fault.column).map(|column| column.name.clone()),
                value,
                reason: fault.reason.clone(),
            };
            let mut places: Vec<Place> = found.map(place).collect();
            places.sort_by_key(|place| place.at);
            rejected.push((record, places));
        }
        self.faults.clear();
        rejected.sort_by_key(|(record, _)| record.start);
        for (record, places) in rejected {
            let line = self.lines.at(record.start);
            made.rejected.push(record.clone());
            made.rejects.push(self.layout.origin.reject(self.piece, record, line, &places));
        }
    }
}
