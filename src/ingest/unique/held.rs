//! The accounts of files, held back until it is known which of their rows repeat a value.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::ingest::fault::{Account, Faults, Reject};

/// The policy of the reader below: rejects go on, accounts wait until the rows of their files have been looked at.
#[derive(Debug)]
pub(in crate::ingest) struct HeldAccounts {
    faults: Arc<dyn Faults>,
    held: Mutex<BTreeMap<String, Account>>,
}

impl HeldAccounts {
    /// Holds back the accounts for `faults`.
    pub(in crate::ingest) fn new(faults: Arc<dyn Faults>) -> Self {
        Self { faults, held: Mutex::default() }
    }

    /// Gives away all accounts; `repeated` rows of each file are rejects after all, and `replayed` ones are as somebody
    /// corrected them.
    pub(super) fn release(&self, repeated: &BTreeMap<String, u64>, replayed: &BTreeMap<String, u64>) -> Result<()> {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        held.into_iter().try_for_each(|(file, account)| {
            let repeated = repeated.get(&file).copied().unwrap_or(0);
            let Account { records, rows, rejected, replayed: before } = account;
            let replayed = before + replayed.get(&file).copied().unwrap_or(0);
            let account = Account { records, rows: rows - repeated, rejected: rejected + repeated, replayed };
            self.faults.finished(&file, account)
        })
    }
}

impl Faults for HeldAccounts {
    fn take(&self, reject: Reject) -> Result<()> {
        self.faults.take(reject)
    }

    fn correction(&self, reject: &Reject) -> Option<Arc<str>> {
        self.faults.correction(reject)
    }

    fn finished(&self, file: &str, account: Account) -> Result<()> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), account);
        Ok(())
    }

    fn damaged(&self, file: &str, failure: Error) -> Result<()> {
        self.faults.damaged(file, failure)
    }
}
