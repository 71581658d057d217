//! One reading of a model's input against its rules: what it rejects counts if it comes to its end.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use datafusion::execution::runtime_env::RuntimeEnv;

use super::entry::Entry;
use super::pile::Pile;
use super::summary::Summary;
use crate::error::Result;
use crate::name::TableName;

/// One reading of a model's input. Operators write to it from several threads.
#[derive(Debug)]
pub struct Reading {
    origin: TableName,
    found: Mutex<Found>,
    rows_in: AtomicU64,
    rejected: AtomicU64,
    deduplicated: AtomicU64,
    /// The parts that end each by itself, once that is known, and how many have ended.
    parts: OnceLock<usize>,
    ended: AtomicUsize,
}

/// What was rejected so far.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) pile: Pile,
    pub(super) summary: Summary,
}

impl Found {
    pub(super) fn new(env: &Arc<RuntimeEnv>) -> Self {
        Self { pile: Pile::new(env), summary: Summary::default() }
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<()> {
        self.summary.add(&entry);
        self.pile.push(entry)
    }

    /// Moves all that another one holds into this one.
    pub(super) fn append(&mut self, other: &mut Self) -> Result<()> {
        self.summary.append(std::mem::take(&mut other.summary));
        self.pile.append(&mut other.pile)
    }
}

impl Reading {
    /// A reading for the model `origin` that has not begun.
    pub(super) fn new(origin: TableName, env: &Arc<RuntimeEnv>) -> Self {
        Self {
            origin,
            found: Mutex::new(Found::new(env)),
            rows_in: AtomicU64::default(),
            rejected: AtomicU64::default(),
            deduplicated: AtomicU64::default(),
            parts: OnceLock::new(),
            ended: AtomicUsize::default(),
        }
    }

    /// The model whose input is read.
    #[must_use]
    pub fn origin(&self) -> &TableName {
        &self.origin
    }

    /// Says in how many parts it is read; the first word counts.
    pub fn begins(&self, parts: usize) {
        self.parts.get_or_init(|| parts);
    }

    /// Counts rows of the input.
    pub fn came_in(&self, rows: usize) {
        self.rows_in.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Takes rows that break a rule.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn reject(&self, entries: Vec<Entry>) -> Result<()> {
        self.rejected.fetch_add(entries.len() as u64, Ordering::Relaxed);
        self.push(entries)
    }

    /// Takes rows that agree in their key with one that stays.
    ///
    /// # Errors
    /// A temporary file that cannot be written.
    pub fn deduplicate(&self, entries: Vec<Entry>) -> Result<()> {
        self.deduplicated.fetch_add(entries.len() as u64, Ordering::Relaxed);
        self.push(entries)
    }

    /// Says that one part came to its end.
    pub fn ended(&self) {
        self.ended.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether it began and all parts came to their end.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.parts.get() == Some(&self.ended.load(Ordering::Acquire))
    }

    /// Rows that came in.
    #[must_use]
    pub fn rows_in(&self) -> u64 {
        self.rows_in.load(Ordering::Relaxed)
    }

    /// Rows that break a rule.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// Rows that agree in their key with one that stayed.
    #[must_use]
    pub fn deduplicated(&self) -> u64 {
        self.deduplicated.load(Ordering::Relaxed)
    }

    /// What was rejected, for the ledger.
    pub(super) fn with_found<T>(&self, work: impl FnOnce(&mut Found) -> T) -> T {
        work(&mut self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, entries: Vec<Entry>) -> Result<()> {
        self.with_found(|found| entries.into_iter().try_for_each(|entry| found.push(entry)))
    }
}
