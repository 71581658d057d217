//! What a run leaves in the tables of schema `system`, whether or not it publishes a release.
//!
//! Rejects and what checks measured are appended before the release is published, and belong to it once it is. The accounts are appended after
//! it, because they say which release came of the run; they stand in its manifest too, so that the next run can add what
//! one could not write that was stopped at that moment.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream, StreamExt};

use super::Run;
use super::account::Accounts;
use crate::check::Outcome;
use crate::engine::{Engine, Relation};
use crate::error::{Error, Result};
use crate::ledger::{Ledger, SystemTable, instant, rejects_of_run};
use crate::name::{Layer, TableName};
use crate::release::{DatasetAccount, Manifest};
use crate::table::stage_rows;

/// Which run, what it published and when it ended.
#[derive(Debug, Clone, Copy)]
struct Ended<'a> {
    run: &'a str,
    release: Option<u64>,
    at: DateTime<Utc>,
}

/// Appends the rejects of the run that were not appended before.
pub(super) async fn record_rejects(run: Run<'_>, ledger: &Ledger) -> Result<()> {
    let (id, at) = (run.id.to_owned(), run.clock.now());
    let rejects = ledger.drain()?.map(move |entries| rejects_of_run(&entries?, &id, at)).boxed();
    append(run, SystemTable::Rejects, rejects).await
}

/// Appends what the checks of the run measured.
pub(super) async fn record_checks(run: Run<'_>, outcomes: &[Outcome]) -> Result<()> {
    let rows = checks(outcomes, run.id, run.clock.now());
    append(run, SystemTable::Checks, stream::once(async move { rows }).boxed()).await
}

/// Appends the accounts of the run; `release` is what it published.
pub(super) async fn record_accounts(run: Run<'_>, accounts: &Accounts, release: Option<u64>) -> Result<()> {
    append_accounts(run, accounts, Ended { run: run.id, release, at: run.clock.now() }).await
}

/// Appends the accounts of the last release if the run that published it could not.
pub(super) async fn catch_up(run: Run<'_>, engine: &Engine) -> Result<()> {
    let Some(last) = run.last else { return Ok(()) };
    if last.restores.is_some() {
        return Ok(());
    }
    let table = SystemTable::Runs;
    engine.relations().define(table.name(), Relation::System { table, location: run.lake.table(&table.name()) });
    let sql = format!("SELECT run FROM system.runs WHERE run = '{}' LIMIT 1", last.run.replace('\'', "''"));
    let known = engine.rows(&sql).await?;
    if known.iter().any(|batch| batch.num_rows() > 0) {
        return Ok(());
    }
    let at = DateTime::parse_from_rfc3339(&last.published_at).map_or_else(|_| run.clock.now(), |at| at.to_utc());
    append_accounts(run, &accounts_of(last), Ended { run: &last.run, release: Some(last.release), at }).await
}

fn accounts_of(release: &Manifest) -> Accounts {
    // What the run left as it was belongs to an earlier one; a release of before runs were told apart is of one.
    let own = |run: &str| run.is_empty() || run == release.run;
    let datasets = release.datasets.iter().filter(|(_, dataset)| own(&dataset.run));
    let datasets = datasets.filter_map(|(name, dataset)| Some((name.clone(), dataset.account?)));
    let models = release.models.iter().filter(|(_, model)| own(&model.run));
    let models = models.filter_map(|(name, model)| Some((name.clone(), model.account.clone()?)));
    Accounts { datasets: datasets.collect(), models: models.collect(), ..Accounts::default() }
}

async fn append_accounts(run: Run<'_>, accounts: &Accounts, ended: Ended<'_>) -> Result<()> {
    let rows = runs(accounts, ended);
    append(run, SystemTable::Runs, stream::once(async move { rows }).boxed()).await
}

async fn append(run: Run<'_>, table: SystemTable, rows: BoxStream<'static, Result<RecordBatch>>) -> Result<()> {
    let (stores, place) = (run.lake.stores(), run.lake.table(&table.name()));
    let staged = stage_rows(vec![rows], &table.stored(), stores, &place, &[]).await?;
    if staged.rows() > 0 {
        staged.append(stores, run.id).await?;
    }
    Ok(())
}

/// One line of `system.runs`.
#[derive(Default)]
struct Line {
    /// None of a run that computed no rows.
    table: Option<String>,
    inputs: Option<String>,
    /// In, out, rejected, deduplicated, filtered, replayed.
    rows: [Option<u64>; 6],
}

fn runs(accounts: &Accounts, ended: Ended<'_>) -> Result<RecordBatch> {
    let datasets = accounts.datasets.iter().map(|(name, account)| {
        let DatasetAccount { records, rows, rejected, replayed } = *account;
        let table = Some(TableName::new(Layer::Raw, name).to_string());
        Line { table, inputs: None, rows: [Some(records), Some(rows), Some(rejected), None, None, Some(replayed)] }
    });
    let models = accounts.models.iter().map(|(name, account)| Line {
        table: Some(name.to_string()),
        inputs: serde_json::to_string(&account.inputs).ok(),
        rows: [
            Some(account.rows_in()),
            Some(account.rows),
            Some(account.rejected),
            Some(account.deduplicated),
            account.filtered,
            None,
        ],
    });
    let mut lines: Vec<Line> = datasets.chain(models).collect();
    if lines.is_empty() {
        lines.push(Line::default());
    }
    let number = |at: usize| -> ArrayRef {
        let numbers = lines.iter().map(|line| line.rows[at].and_then(|rows| i64::try_from(rows).ok()));
        Arc::new(numbers.collect::<Int64Array>())
    };
    let release = ended.release.and_then(|release| i64::try_from(release).ok());
    let tables: StringArray = lines.iter().map(|line| line.table.as_deref()).collect();
    let inputs: StringArray = lines.iter().map(|line| line.inputs.as_deref()).collect();
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![ended.run; lines.len()])),
        Arc::new(Int64Array::from(vec![release; lines.len()])),
        instant(ended.at, lines.len()),
        Arc::new(tables),
        Arc::new(inputs),
    ];
    columns.extend((0..6).map(number));
    RecordBatch::try_new(SystemTable::Runs.schema(), columns).map_err(|failure| Error::bug(failure.to_string()))
}

fn checks(outcomes: &[Outcome], run: &str, at: DateTime<Utc>) -> Result<RecordBatch> {
    let text = |of: &dyn Fn(&Outcome) -> String| -> ArrayRef {
        Arc::new(outcomes.iter().map(|outcome| Some(of(outcome))).collect::<StringArray>())
    };
    let number = |of: &dyn Fn(&Outcome) -> u64| -> ArrayRef {
        Arc::new(outcomes.iter().map(|outcome| i64::try_from(of(outcome)).ok()).collect::<Int64Array>())
    };
    let failing: Vec<Option<String>> = outcomes.iter().map(Outcome::rows_as_json).collect::<Result<_>>()?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![run; outcomes.len()])),
        instant(at, outcomes.len()),
        text(&|outcome| outcome.model.to_string()),
        text(&|outcome| outcome.check.clone()),
        text(&|outcome| outcome.rule.to_owned()),
        text(&|outcome| outcome.severity.as_str().to_owned()),
        Arc::new(outcomes.iter().map(|outcome| Some(outcome.passed)).collect::<BooleanArray>()),
        Arc::new(outcomes.iter().map(|outcome| outcome.value).collect::<Float64Array>()),
        text(&|outcome| outcome.allowed.to_string()),
        number(&|outcome| outcome.failing),
        number(&|outcome| outcome.rows),
        Arc::new(StringArray::from(failing)),
    ];
    RecordBatch::try_new(SystemTable::Checks.stored(), columns).map_err(|failure| Error::bug(failure.to_string()))
}
