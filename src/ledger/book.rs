//! The ledger itself: takes rejects of many readers at once, each record once, and knows the account of every file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::stream::BoxStream;

use super::correction::Corrections;
use super::entry::Entry;
use super::pile::Pile;
use super::reading::{Found, Reading};
use super::summary::Summary;
use crate::error::{Error, Result};
use crate::ingest::{Account, Faults, Reason, Reject};
use crate::name::{Layer, TableName};

/// The rejects of one run or query, and the accounts of the files it read.
///
/// A file that several scans read gives the same rejects in the same order to each of them. The ledger remembers how
/// far the foremost one came and takes nothing a second time.
#[derive(Debug)]
pub struct Ledger {
    env: Arc<RuntimeEnv>,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    found: Found,
    left_out: BTreeSet<LeftOut>,
    /// The files that are damaged; none if the first of them ends the reading.
    damaged: Option<BTreeSet<LeftOut>>,
    datasets: BTreeMap<String, BTreeMap<String, File>>,
}

/// What is known of one file.
#[derive(Debug, Default)]
struct File {
    /// The position of the last reject that was taken, of those by the record itself, of those by other rows, and of those
    /// by other rows whose correction is no row either: each sort comes in its order, but later than those before it.
    last: [Option<u64>; 3],
    rejected: u64,
    account: Option<Account>,
}

/// A file that was not read, or not to its end, because it does not fit its dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The dataset.
    pub dataset: String,
    /// The file.
    pub file: String,
    /// How it differs from what the catalog says, or is damaged.
    pub reason: String,
}

/// What became of the records of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// Records in all files.
    pub records: u64,
    /// Those that are rows of the table.
    pub rows: u64,
    /// Those that are rejects.
    pub rejected: u64,
    /// Rows made of a correction; they are among `rows`.
    pub replayed: u64,
}

impl Ledger {
    /// An empty ledger that puts what does not fit in memory where `env` has its temporary files.
    #[must_use]
    pub fn new(env: Arc<RuntimeEnv>) -> Self {
        let (found, left_out, datasets) = (Found::new(&env), BTreeSet::new(), BTreeMap::new());
        let book = Book { found, left_out, damaged: None, datasets };
        Self { env, book: Mutex::new(book) }
    }

    /// Takes the rejects of the readers of `dataset` that are not among `corrections`, and lets them go on.
    #[must_use]
    pub fn faults(self: &Arc<Self>, dataset: &str, corrections: &Arc<Corrections>) -> Arc<dyn Faults> {
        let (ledger, corrections) = (Arc::clone(self), Arc::clone(corrections));
        Arc::new(OfDataset { ledger, dataset: dataset.to_owned(), corrections })
    }

    /// A reading of the input of the model `origin`.
    #[must_use]
    pub fn reading(&self, origin: TableName) -> Arc<Reading> {
        Arc::new(Reading::new(origin, &self.env))
    }

    /// Takes what a reading that came to its end has rejected.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn absorb(&self, reading: &Reading) -> Result<()> {
        reading.with_found(|found| self.book().found.append(found))
    }

    /// What became of the records in `files` of a dataset; `None` if one of them was not read to its end.
    #[must_use]
    pub fn taken<'a>(&self, dataset: &str, files: impl IntoIterator<Item = &'a str>) -> Option<Taken> {
        let book = self.book();
        let known = book.datasets.get(dataset);
        files.into_iter().try_fold(Taken::default(), |sum, name| {
            let file = known.and_then(|files| files.get(name))?;
            let Account { records, rows, rejected, replayed } = file.account?;
            Some(Taken {
                records: sum.records + records,
                rows: sum.rows + rows,
                rejected: sum.rejected + rejected,
                replayed: sum.replayed + replayed,
            })
        })
    }

    /// Notes a file that was not read.
    pub fn leave_out(&self, file: LeftOut) {
        self.book().left_out.insert(file);
    }

    /// The files that were not read.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut> {
        self.book().left_out.iter().cloned().collect()
    }

    /// From now on a damaged file does not end the reading: readers go on with the next file, and who reads asks for
    /// [`damaged`](Self::damaged) files before anything is made of the rows.
    pub fn read_past_damage(&self) {
        self.book().damaged.get_or_insert_default();
    }

    /// The files that could not be read to their end, although rows of them may have been.
    #[must_use]
    pub fn damaged(&self) -> Vec<LeftOut> {
        self.book().damaged.iter().flatten().cloned().collect()
    }

    /// How many rejects there are of each kind.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.book().found.summary.clone()
    }

    /// All rejects as rows.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub fn rows(&self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        self.book().found.pile.rows()
    }

    /// All rejects as rows that were not handed out so before, and are not after this.
    ///
    /// # Errors
    /// A temporary file that cannot be read.
    pub fn drain(&self) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let pile = std::mem::replace(&mut self.book().found.pile, Pile::new(&self.env));
        pile.rows()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, dataset: &str, reject: Reject) -> Result<()> {
        let mut book = self.book();
        let position = reject.offset.unwrap_or(reject.line);
        let files = book.datasets.entry(dataset.to_owned()).or_default();
        let file = files.entry(reject.file.to_string()).or_default();
        let by_other_rows = reject.faults.iter().any(|fault| fault.reason == Reason::Repeated);
        let still_wrong = reject.faults.iter().any(|fault| matches!(fault.reason, Reason::StillWrong(_)));
        let last = &mut file.last[usize::from(by_other_rows) + usize::from(by_other_rows && still_wrong)];
        if last.is_some_and(|last| position <= last) {
            return Ok(());
        }
        *last = Some(position);
        file.rejected += 1;
        book.found.push(Entry::of_record(TableName::new(Layer::Raw, dataset), reject))
    }

    fn note_damage(&self, dataset: &str, file: &str, failure: Error) -> Result<()> {
        let mut book = self.book();
        let Some(damaged) = &mut book.damaged else { return Err(failure) };
        let message = failure.message();
        let reason = message.strip_prefix(file).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message).to_owned();
        damaged.insert(LeftOut { dataset: dataset.to_owned(), file: file.to_owned(), reason });
        Ok(())
    }

    fn finished(&self, dataset: &str, name: &str, account: Account) -> Result<()> {
        let mut book = self.book();
        let file = book.datasets.entry(dataset.to_owned()).or_default().entry(name.to_owned()).or_default();
        let Account { records, rows, rejected, .. } = account;
        if records != rows + rejected || rejected != file.rejected {
            return Err(Error::bug(format!(
                "{name}: of {records} records {rows} are rows and {rejected} are not, and {} rejects were taken",
                file.rejected
            )));
        }
        file.account = Some(account);
        Ok(())
    }
}

/// The policy of the readers of one dataset.
#[derive(Debug)]
struct OfDataset {
    ledger: Arc<Ledger>,
    dataset: String,
    corrections: Arc<Corrections>,
}

impl Faults for OfDataset {
    fn take(&self, reject: Reject) -> Result<()> {
        self.ledger.take(&self.dataset, reject)
    }

    fn correction(&self, reject: &Reject) -> Option<Arc<str>> {
        self.corrections.find(&self.dataset, reject)
    }

    fn finished(&self, file: &str, account: Account) -> Result<()> {
        self.ledger.finished(&self.dataset, file, account)
    }

    fn damaged(&self, file: &str, failure: Error) -> Result<()> {
        self.ledger.note_damage(&self.dataset, file, failure)
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::ingest::Fault;

    fn reject(file: &str, line: u64) -> Reject {
        let fault = Fault { column: None, value: None, line, at: 1, reason: Reason::TextAfterQuote };
        Reject {
            file: Arc::from(file),
            offset: Some(line * 10),
            length: Some(5),
            line,
            raw: format!("línea {line}"),
            faults: vec![fault],
        }
    }

    fn ledger() -> Arc<Ledger> {
        Arc::new(Ledger::new(Arc::new(RuntimeEnv::default())))
    }

    async fn rows(ledger: &Ledger) -> usize {
        let batches: Vec<RecordBatch> = ledger.rows().unwrap().try_collect().await.unwrap();
        batches.iter().map(RecordBatch::num_rows).sum()
    }

    #[tokio::test]
    async fn what_several_scans_read_is_taken_once() {
        let (ledger, none) = (ledger(), Arc::default());
        let (first, second) = (ledger.faults("d", &none), ledger.faults("d", &none));
        for line in [2, 5] {
            first.take(reject("a.csv", line)).unwrap();
        }
        // The second scan stops early, the third is the first to reach the end.
        second.take(reject("a.csv", 2)).unwrap();
        assert_eq!(ledger.taken("d", ["a.csv"]), None);
        let third = ledger.faults("d", &none);
        for line in [2, 5, 9] {
            third.take(reject("a.csv", line)).unwrap();
        }
        third.finished("a.csv", Account { records: 10, rows: 7, rejected: 3, replayed: 1 }).unwrap();
        first.take(reject("a.csv", 9)).unwrap();
        first.finished("a.csv", Account { records: 10, rows: 7, rejected: 3, replayed: 1 }).unwrap();
        let taken = Taken { records: 10, rows: 7, rejected: 3, replayed: 1 };
        assert_eq!((ledger.taken("d", ["a.csv"]), ledger.summary().count(), rows(&ledger).await), (Some(taken), 3, 3));
        assert_eq!(ledger.taken("d", ["a.csv", "b.csv"]), None, "nobody read b.csv");
        let wrong = third.finished("a.csv", Account { records: 10, rows: 8, rejected: 2, replayed: 1 }).unwrap_err();
        assert_eq!(wrong.kind(), crate::error::Kind::Bug);
    }

    #[test]
    fn damage_ends_the_reading_unless_somebody_asks_for_it_later() {
        let (ledger, none) = (ledger(), Arc::default());
        let faults = ledger.faults("d", &none);
        let damage = || Error::damaged("a.gz", "it ends too early");
        assert_eq!(faults.damaged("a.gz", damage()).unwrap_err().message(), "a.gz: it ends too early");
        ledger.read_past_damage();
        faults.damaged("a.gz", damage()).unwrap();
        faults.damaged("a.gz", damage()).unwrap();
        let (dataset, file, reason) = ("d".to_owned(), "a.gz".to_owned(), "it ends too early".to_owned());
        assert_eq!(ledger.damaged(), [LeftOut { dataset, file, reason }]);
    }

    #[tokio::test]
    async fn a_reading_counts_when_it_is_absorbed() {
        let ledger = ledger();
        let origin = TableName::new(Layer::Processed, "t");
        let reading = ledger.reading(origin.clone());
        reading.begins(2);
        reading.came_in(4);
        reading.reject(vec![Entry::of_record(origin, reject("a.csv", 1))]).unwrap();
        reading.ended();
        assert!(!reading.is_complete());
        reading.ended();
        assert!(reading.is_complete());
        assert_eq!(ledger.summary().count(), 0);
        ledger.absorb(&reading).unwrap();
        assert_eq!((ledger.summary().count(), rows(&ledger).await, reading.rejected()), (1, 1, 1));
    }
}
