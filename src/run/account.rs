//! The accounts of a run: what became of every record and every row, measured and held against each other.
//!
//! The readers count records, the ledger rejects, the operators of `accept` what they leave behind, filters what they do
//! not pass on, and the writer the rows of each table. Where each row out is a row of the one input, these numbers must
//! add up; if they do not, cauce itself is wrong and says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Run;
use super::build::Built;
use crate::engine::{AcceptedTable, Engine, sql_name};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, Reading, Taken};
use crate::name::{Layer, TableName};
use crate::release::{DatasetAccount, Kept, Manifest, ModelAccount};

/// The names of the files of each dataset.
pub(super) type Files = BTreeMap<String, Vec<String>>;

/// What became of the rows of each dataset and model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The datasets that were read to their end.
    pub datasets: BTreeMap<String, DatasetAccount>,
    /// The models that are tables.
    pub models: BTreeMap<TableName, ModelAccount>,
}

/// A dataset with more rejects than its `on_reject` allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// The dataset.
    pub dataset: String,
    /// Records in its files.
    pub records: u64,
    /// Those that are rejects.
    pub rejected: u64,
    /// The key of `on_reject` that is exceeded.
    pub key: &'static str,
    /// What it says.
    pub limit: String,
}

impl Accounts {
    /// What is known of the datasets so far: those that were read to their end.
    pub(super) fn of_datasets(ledger: &Ledger, files: &Files) -> Self {
        let known = files.iter().filter_map(|(name, files)| {
            Some((name.clone(), dataset_account(ledger.taken(name, files.iter().map(String::as_str))?)))
        });
        Self { datasets: known.collect(), models: BTreeMap::new() }
    }

    /// The datasets that have more rejects than they may.
    pub(super) fn over(&self, run: Run<'_>) -> Vec<Over> {
        let over = self.datasets.iter().filter_map(|(name, account)| {
            let DatasetAccount { records, rejected, .. } = *account;
            let (key, limit) = run.catalog.datasets.get(name)?.on_reject.exceeded(rejected, records)?;
            Some(Over { dataset: name.clone(), records, rejected, key, limit })
        });
        over.collect()
    }

    fn rows_of(&self, table: &TableName, last: Option<&Manifest>) -> Option<u64> {
        if table.layer == Layer::Raw {
            let unread = || last?.datasets.get(&table.name)?.account;
            return self.datasets.get(&table.name).copied().or_else(unread).map(|account| account.rows);
        }
        // A table that the run keeps as it is has the rows of the last release.
        let kept = || match last?.models.get(table)?.kept {
            Kept::Table { rows, .. } => Some(rows),
            Kept::View => None,
        };
        self.models.get(table).map(|account| account.rows).or_else(kept)
    }
}

/// Draws up the accounts of all datasets and of all models that are tables. What no model read to its end is read now.
pub(super) async fn draw_up(run: Run<'_>, files: &Files, engine: &Engine, built: &[Built]) -> Result<Accounts> {
    let ledger = engine.ledger();
    for (name, files) in files {
        if ledger.taken(name, files.iter().map(String::as_str)).is_none() {
            engine.rows(&count(&TableName::new(Layer::Raw, name))).await?;
        }
    }
    let mut accounts = Accounts::of_datasets(ledger, files);
    for (name, account) in files.keys().map(|name| (name, accounts.datasets.get(name))) {
        match account {
            Some(account) if account.adds_up() => {}
            Some(DatasetAccount { records, rows, rejected, .. }) => {
                let told = format!("{records} records are {rows} rows and {rejected} rejects");
                return Err(Error::bug(format!("the account of raw.{name} does not add up: {told}")));
            }
            None => return Err(Error::bug(format!("raw.{name} was read, and its readers did not say how far"))),
        }
    }
    for model in built {
        let Some(staged) = &model.staged else { continue };
        let account = model_account(run, model, staged.rows(), &accounts).await?;
        if !account.adds_up() {
            let ModelAccount { rows, rejected, deduplicated, filtered, .. } = &account;
            let (came_in, filtered) = (account.rows_in(), filtered.unwrap_or(0));
            let told = format!(
                "{came_in} rows are {rows}, {rejected} rejected, {deduplicated} deduplicated, {filtered} filtered"
            );
            return Err(Error::bug(format!("the account of {} does not add up: {told}", model.model.name)));
        }
        accounts.models.insert(model.model.name.clone(), account);
    }
    Ok(accounts)
}

async fn model_account(run: Run<'_>, built: &Built, rows: u64, accounts: &Accounts) -> Result<ModelAccount> {
    let model = &built.model;
    let known = model.inputs.iter().filter_map(|input| Some((input.clone(), accounts.rows_of(input, run.last)?)));
    let mut account = ModelAccount { inputs: known.collect(), rows, ..ModelAccount::default() };
    if let (Some(accept), Some(accepting)) = (&model.header.accept, &built.accepting) {
        let reading = accepting.reading().await?;
        let came_in = *account.inputs.entry(accept.from.clone()).or_insert_with(|| reading.rows_in());
        if came_in != reading.rows_in() {
            let told = format!("{} read {} rows of {}", model.name, reading.rows_in(), accept.from);
            return Err(Error::bug(format!("{told}, which has {came_in}")));
        }
        (account.rejected, account.deduplicated) = (reading.rejected(), reading.deduplicated());
        accepting.engine.ledger().absorb(&reading)?;
    }
    let Some(plan) = &built.plan else { return Ok(account) };
    if let [input] = model.inputs.as_slice()
        && plan.rows_of.as_ref() == Some(input)
        && account.inputs.contains_key(input)
    {
        let passage = plan.passage();
        account.filtered = Some(passage.filtered);
        // The scan of a table leaves out parts in which no row passes the filter.
        if passage.may_skip && built.accepting.is_none() && !account.adds_up() {
            let scanned = passage.scanned.unwrap_or(account.rows + passage.filtered);
            account.filtered = Some(passage.filtered + account.rows_in().saturating_sub(scanned));
        }
    }
    Ok(account)
}

/// What a model accepts of its input, while it is built.
#[derive(Debug)]
pub(super) struct Accepting {
    /// The engine in which the input means the accepted rows.
    pub(super) engine: Engine,
    pub(super) table: Arc<AcceptedTable>,
    pub(super) from: TableName,
}

impl Accepting {
    /// A reading of the input that came to its end: one of the model's own, or one of now.
    async fn reading(&self) -> Result<Arc<Reading>> {
        if let Some(reading) = self.table.complete_reading() {
            return Ok(reading);
        }
        self.engine.rows(&count(&self.from)).await?;
        let bug = || Error::bug(format!("{} was read, and no reading came to its end", self.from));
        self.table.complete_reading().ok_or_else(bug)
    }
}

fn count(table: &TableName) -> String {
    format!("SELECT count(*) FROM {}", sql_name(table))
}

fn dataset_account(taken: Taken) -> DatasetAccount {
    let Taken { records, rows, rejected, replayed } = taken;
    DatasetAccount { records, rows, rejected, replayed }
}
