//! The accounts of a run: what became of every record and every row, measured and held against each other.
//!
//! The readers count records, the ledger rejects, the operators of `accept` what they leave behind, filters what they do
//! not pass on, and the writer the rows of each table. Where each row out is a row of the one input, these numbers must
//! add up; if they do not, cauce itself is wrong and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Run;
use super::build::Built;
use super::follow::Made;
use crate::engine::{AcceptedTable, Engine, ModelPlan, sql_name};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, Reading, Taken};
use crate::model::Model;
use crate::name::{Layer, TableName};
use crate::plan::Plan;
use crate::release::{DatasetAccount, FileReading, Kept, Manifest, ModelAccount, ReleasedDataset, ReleasedFile};

/// What a run reads of datasets.
#[derive(Debug, Clone, Default)]
pub(super) struct Reads {
    /// The files of each dataset that something reads.
    pub(super) files: BTreeMap<String, Vec<ReleasedFile>>,
    /// The datasets of which only files that changed are read.
    pub(super) partly: BTreeSet<String>,
    /// The datasets that an earlier run read for what is taken up of it.
    pub(super) taken_up: BTreeMap<String, ReleasedDataset>,
}

/// What became of the rows of each dataset and model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The datasets of which every file was read to its end, by this run or an earlier one.
    pub datasets: BTreeMap<String, DatasetAccount>,
    /// How each of their files was read.
    pub readings: BTreeMap<String, BTreeMap<String, FileReading>>,
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
    /// What is known of the datasets so far: those of which every file was read to its end, and files that this run has no
    /// need to read as an earlier one read them.
    pub(super) fn of_datasets(run: Run<'_>, ledger: &Ledger, reads: &Reads) -> Self {
        let mut accounts = Self::default();
        for (name, files) in &reads.files {
            let before = run.last.and_then(|last| last.datasets.get(name)).filter(|_| reads.partly.contains(name));
            let reading = |file: &ReleasedFile| {
                if let Some(taken) = ledger.taken(name, [file.path.as_str()]) {
                    return Some(FileReading { run: run.id.to_owned(), account: dataset_account(taken) });
                }
                let before = before.filter(|before| before.files.contains(file))?;
                before.readings.get(&file.path).cloned()
            };
            let readings = files.iter().map(|file| Some((file.path.clone(), reading(file)?)));
            if let Some(readings) = readings.collect::<Option<BTreeMap<_, _>>>() {
                let account = readings.values().fold(DatasetAccount::default(), |sum, file| sum.and(file.account));
                accounts.datasets.insert(name.clone(), account);
                accounts.readings.insert(name.clone(), readings);
            }
        }
        for (name, dataset) in &reads.taken_up {
            accounts.datasets.extend(dataset.account.map(|account| (name.clone(), account)));
            accounts.readings.insert(name.clone(), dataset.readings.clone());
        }
        accounts
    }

    /// Adds the account of a model that is a table, as far as those of its inputs are known. It is drawn up once.
    pub(super) async fn add(&mut self, run: Run<'_>, built: &mut Built) -> Result<()> {
        let Some(staged) = &built.staged else { return Ok(()) };
        let model = &built.model;
        let account = match built.account.take() {
            Some(account) => account,
            None => {
                let known = model.inputs.iter();
                let known = known.filter_map(|input| Some((input.clone(), self.rows_of(input, run.last)?)));
                let (inputs, rows) = (known.collect(), staged.rows());
                match &built.made {
                    Some(followed) => account_of_followed(model, followed, rows, inputs)?,
                    None => account_of(model, built.plan.as_ref(), built.accepting.as_ref(), rows, inputs).await?,
                }
            }
        };
        built.account = Some(account.clone());
        self.models.insert(model.name.clone(), account);
        Ok(())
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
pub(super) async fn draw_up(
    run: Run<'_>,
    plan: &Plan,
    reads: &Reads,
    engine: &Engine,
    built: &mut BTreeMap<TableName, Built>,
) -> Result<Accounts> {
    let ledger = engine.ledger();
    let known = Accounts::of_datasets(run, ledger, reads);
    for name in reads.files.keys().filter(|name| !known.datasets.contains_key(*name)) {
        engine.rows(&count(&TableName::new(Layer::Raw, name))).await?;
    }
    let mut accounts = Accounts::of_datasets(run, ledger, reads);
    for (name, account) in reads.files.keys().map(|name| (name, accounts.datasets.get(name))) {
        match account {
            Some(account) if account.adds_up() => {}
            Some(DatasetAccount { records, rows, rejected, .. }) => {
                let told = format!("{records} records are {rows} rows and {rejected} rejects");
                return Err(Error::bug(format!("the account of raw.{name} does not add up: {told}")));
            }
            None => return Err(Error::bug(format!("raw.{name} was read, and its readers did not say how far"))),
        }
    }
    // Inputs stand before their readers.
    for step in plan.builds() {
        if let Some(built) = built.get_mut(&step.model) {
            accounts.add(run, built).await?;
        }
    }
    Ok(accounts)
}

/// The account of the `rows` that `plan` made of the rows of its inputs, of which those are given that are known.
pub(super) async fn account_of(
    model: &Model,
    plan: Option<&ModelPlan>,
    accepting: Option<&Accepting>,
    rows: u64,
    inputs: BTreeMap<TableName, u64>,
) -> Result<ModelAccount> {
    let mut account = ModelAccount { inputs, rows, ..ModelAccount::default() };
    if let (Some(accept), Some(accepting)) = (&model.header.accept, accepting) {
        let reading = accepting.reading().await?;
        let came_in = *account.inputs.entry(accept.from.clone()).or_insert_with(|| reading.rows_in());
        if came_in != reading.rows_in() {
            let told = format!("{} read {} rows of {}", model.name, reading.rows_in(), accept.from);
            return Err(Error::bug(format!("{told}, which has {came_in}")));
        }
        (account.rejected, account.deduplicated) = (reading.rejected(), reading.deduplicated());
        accepting.engine.ledger().absorb(&reading)?;
    }
    if let (Some(plan), [input]) = (plan, model.inputs.as_slice())
        && plan.rows_of.as_ref() == Some(input)
        && account.inputs.contains_key(input)
    {
        let passage = plan.passage();
        account.filtered = Some(passage.filtered);
        // The scan of a table leaves out parts in which no row passes the filter.
        if passage.may_skip && accepting.is_none() && !account.adds_up() {
            let scanned = passage.scanned.unwrap_or(account.rows + passage.filtered);
            account.filtered = Some(passage.filtered + account.rows_in().saturating_sub(scanned));
        }
    }
    must_add_up(model, account)
}

/// The account of a model that follows files: what became of the rows of each file, put together.
fn account_of_followed(
    model: &Model,
    made: &Made,
    rows: u64,
    inputs: BTreeMap<TableName, u64>,
) -> Result<ModelAccount> {
    let mut account = ModelAccount { inputs, rows, deduplicated: made.merged, ..ModelAccount::default() };
    let of_files: Option<Vec<&ModelAccount>> = made.followed.files.values().map(|file| file.account.as_ref()).collect();
    // Partitions are computed from several files.
    let Some(of_files) = of_files else { return Ok(account) };
    let came_in: u64 = of_files.iter().map(|file| file.rows_in()).sum();
    account.rejected = of_files.iter().map(|file| file.rejected).sum();
    account.filtered = of_files.iter().map(|file| file.filtered).sum();
    if let [input] = model.inputs.as_slice()
        && *account.inputs.entry(input.clone()).or_insert(came_in) != came_in
    {
        let has = account.rows_in();
        return Err(Error::bug(format!("{} was made of {came_in} rows of {input}, which has {has}", model.name)));
    }
    must_add_up(model, account)
}

fn must_add_up(model: &Model, account: ModelAccount) -> Result<ModelAccount> {
    if account.adds_up() {
        return Ok(account);
    }
    let ModelAccount { rows, rejected, deduplicated, filtered, .. } = &account;
    let (came_in, filtered) = (account.rows_in(), filtered.unwrap_or(0));
    let told =
        format!("{came_in} rows are {rows}, {rejected} rejected, {deduplicated} deduplicated, {filtered} filtered");
    Err(Error::bug(format!("the account of {} does not add up: {told}", model.name)))
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

/// How the rows of a table are counted.
pub(super) fn count(table: &TableName) -> String {
    format!("SELECT count(*) FROM {}", sql_name(table))
}

fn dataset_account(taken: Taken) -> DatasetAccount {
    let Taken { records, rows, rejected, replayed } = taken;
    DatasetAccount { records, rows, rejected, replayed }
}
