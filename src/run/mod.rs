//! A run: carries out a plan, ends in a release or in nothing.
//!
//! Models are built as soon as their inputs are, into files that no log names; then every check is measured on what was
//! staged; then the Delta logs are committed and, last, the release manifest is created if nobody else created it.
//! Wherever a run stops before that last act, readers see the release they saw before.
//!
//! Rows that were not accepted and the accounts of all tables are appended to the tables of schema `system`, also by a run
//! that publishes nothing.

mod account;
mod build;
mod corrected;
mod follow;
mod gather;
mod inputs;
mod publish;
mod read;
mod record;
mod replay;
mod shelve;
mod side_by_side;
mod study;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use account::{Accounts, Over};
pub use corrected::{MESSAGE_COLUMN, PLACE_COLUMNS};
pub use inputs::{Inputs, compare_inputs, complete, list_datasets, list_inputs};
pub use replay::{Replay, Replayed, Wrong, replay};
pub use shelve::unpublished;
pub use study::{corrections, study};

use self::account::{Reads, draw_up};
use self::build::build_all;
use self::publish::publish;
use self::read::read_inputs;
use self::record::{catch_up, record_accounts, record_checks, record_rejects};
use self::shelve::{Shelving, datasets_taken_up};
use self::side_by_side::side_by_side;
use crate::catalog::Catalog;
use crate::check::{Against, Outcome, measure};
use crate::clock::Clock;
use crate::engine::{Engine, Relations, Settings};
use crate::error::{Error, Kind, Result};
use crate::ledger::{Ledger, LeftOut, Summary};
use crate::model::{Meaning, Models};
use crate::name::TableName;
use crate::plan::Plan;
use crate::release::{Manifest, Unpublished};
use crate::store::Lake;

/// What a run works with.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The name of the run, unique among runs.
    pub id: &'a str,
    /// The project's catalog.
    pub catalog: &'a Catalog,
    /// The project's models.
    pub models: &'a Models,
    /// What each of them means.
    pub meanings: &'a BTreeMap<TableName, Meaning>,
    /// Stands for the corrections of each dataset that has some.
    pub corrections: &'a BTreeMap<String, String>,
    /// Stands for the key of `pseudonym()`.
    pub key: &'a str,
    /// The release that the plan starts from.
    pub last: Option<&'a Manifest>,
    /// What a run has built on that release and not published, by the name that it has on the shelf.
    pub unpublished: Option<&'a (String, Unpublished)>,
    /// Where everything is.
    pub lake: &'a Lake,
    /// What the engine may use.
    pub settings: &'a Settings,
    /// Tells when the release was published.
    pub clock: &'a dyn Clock,
    /// When the work on it began; it may take several runs until one goes through.
    pub begun_at: DateTime<Utc>,
    /// When it is worth while to do some things.
    pub tuning: Tuning,
}

/// When it is worth while to do some things; no result depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// How often what is built is put on the shelf.
    pub shelved_every: Duration,
    /// From how many small data files on those of an incremental model are gathered into few.
    pub gathered_from: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self { shelved_every: Duration::from_secs(10), gathered_from: 64 }
    }
}

/// What happens while a run works, for whoever shows it.
#[derive(Debug, Clone)]
pub enum Event {
    /// A model is being built.
    Building(TableName),
    /// A model is built.
    Built {
        /// The model.
        model: TableName,
        /// Rows and bytes of its staged files; none for a view.
        size: Option<(u64, u64)>,
        /// How many of the files were read that it follows, and how many these are, if it is incremental.
        read: Option<(usize, usize)>,
        /// How long it took.
        elapsed: Duration,
    },
    /// A model was built by an earlier run that published nothing, and is taken up.
    TakenUp {
        /// The model.
        model: TableName,
        /// Its rows.
        rows: u64,
    },
    /// The checks of a model have been measured.
    Checked {
        /// The model.
        model: TableName,
        /// How many checks it has.
        checks: usize,
    },
    /// The release is being published.
    Publishing(u64),
}

/// How a run ended, where nothing went wrong with the run itself.
#[derive(Debug, Clone)]
pub enum Ending {
    /// All checks of severity `error` held, and this release is what readers see.
    Published {
        /// The release.
        manifest: Box<Manifest>,
        /// All that was measured.
        outcomes: Vec<Outcome>,
        /// What became of all rows.
        accounts: Accounts,
        /// Why `system.runs` lacks the accounts of this run or the one before, if it does: the next run adds them.
        unrecorded: Option<Error>,
    },
    /// A check of severity `error` failed; nothing was published.
    Blocked {
        /// All that was measured.
        outcomes: Vec<Outcome>,
        /// What became of all rows.
        accounts: Accounts,
    },
    /// Files could not be read to their end; nothing was published, and the plan must do without them.
    Damaged {
        /// Those files, each with how it is damaged.
        files: Vec<LeftOut>,
    },
    /// Datasets have more rejects than they may; nothing was published.
    Rejected {
        /// Those datasets.
        over: Vec<Over>,
        /// All rejects.
        rejects: Summary,
    },
}

/// Carries out `plan` over the `inputs` it was made from. Dropping the future stops the run; nothing is visible then.
///
/// # Errors
/// A model or check that cannot be run, a store that cannot be read or written, or [`Kind::Refused`] if another run
/// published first.
pub async fn carry_out(
    run: Run<'_>,
    plan: &Plan,
    mut inputs: Inputs,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<Ending> {
    inputs.retain(plan);
    let relations = Arc::new(Relations::new(run.lake));
    let engine = Engine::new(run.lake.stores(), relations, run.settings)?;
    // What an earlier run did not write down is no reason to stop this one.
    let behind = catch_up(run, &engine).await.err();
    let ledger = Arc::clone(engine.ledger());
    ledger.read_past_damage();
    let (whole, followed) = inputs::read_by(run, plan);
    let files = plan.datasets.iter().filter(|(name, _)| whole.contains(*name) || followed.contains(*name));
    let files = files.map(|(name, files)| (name.clone(), files.clone())).collect();
    let reads = Reads {
        files,
        partly: followed.difference(&whole).cloned().collect(),
        taken_up: datasets_taken_up(run, plan, &whole, &followed),
    };
    let listed = inputs.files.iter().filter(|(name, _)| followed.contains(*name));
    let listed = listed.map(|(name, files)| (name.clone(), files.clone())).collect();
    read_inputs(run, inputs, &whole, &engine).await?;
    if let Some(damaged) = damaged(&ledger) {
        return Ok(damaged);
    }
    // Said before anything is built from them, where it is known by now.
    let accounts = Accounts::of_datasets(run, &ledger, &reads);
    let over = accounts.over(run);
    if !over.is_empty() {
        record_failed(run, &ledger, &accounts).await?;
        return Ok(Ending::Rejected { over, rejects: ledger.summary() });
    }
    let mut shelving = Shelving::new(run, plan, &reads, &engine)?;
    let built = build_all(run, plan, &engine, &listed, &mut shelving, watch).await;
    // What was made of half a file may be wrong in any way. The rest waits for the run without it.
    if let Some(damaged) = damaged(&ledger) {
        if let Ok(mut built) = built {
            shelving.put(&mut built).await?;
        }
        return Ok(damaged);
    }
    let mut built = built?;
    let accounts = draw_up(run, plan, &reads, &engine, &mut built).await;
    if let Some(damaged) = damaged(&ledger) {
        shelving.put(&mut built).await?;
        return Ok(damaged);
    }
    let accounts = accounts?;
    let over = accounts.over(run);
    if !over.is_empty() {
        shelving.put(&mut built).await?;
        record_failed(run, &ledger, &accounts).await?;
        return Ok(Ending::Rejected { over, rejects: ledger.summary() });
    }
    let outcomes = check_all(run, plan, &engine, watch).await?;
    if outcomes.iter().any(Outcome::blocks) {
        shelving.put(&mut built).await?;
        record_checks(run, &outcomes).await?;
        record_failed(run, &ledger, &accounts).await?;
        return Ok(Ending::Blocked { outcomes, accounts });
    }
    watch(Event::Publishing(plan.release));
    record_rejects(run, &ledger).await?;
    record_checks(run, &outcomes).await?;
    match publish(run, plan, &built, &outcomes, &accounts).await {
        Ok(manifest) => {
            // What stays there is cleaned later.
            shelving.end(manifest.release).await.ok();
            let unrecorded = record_accounts(run, &accounts, Some(manifest.release)).await.err().or(behind);
            Ok(Ending::Published { manifest: Box::new(manifest), outcomes, accounts, unrecorded })
        }
        // Another run was first: what this one saw is kept, and that it published nothing.
        Err(refused) if refused.kind() == Kind::Refused => {
            record_accounts(run, &accounts, None).await?;
            Err(refused)
        }
        Err(failure) => {
            // That is what must be told; what cannot be kept is built again.
            shelving.put(&mut built).await.ok();
            Err(failure)
        }
    }
}

/// How the run ends if files could not be read to their end.
fn damaged(ledger: &Ledger) -> Option<Ending> {
    let files = ledger.damaged();
    (!files.is_empty()).then_some(Ending::Damaged { files })
}

/// Keeps what a run saw that publishes nothing.
async fn record_failed(run: Run<'_>, ledger: &Ledger, accounts: &Accounts) -> Result<()> {
    record_rejects(run, ledger).await?;
    record_accounts(run, accounts, None).await
}

/// Measures the checks of all models whose checks are due, as many models at once as there are threads.
async fn check_all(run: Run<'_>, plan: &Plan, engine: &Engine, watch: &(dyn Fn(Event) + Sync)) -> Result<Vec<Outcome>> {
    let models = plan.checks().filter_map(|step| run.models.get(&step.model));
    let work = models.cloned().map(|model| {
        let engine = engine.clone();
        let rows_before = run.last.and_then(|last| last.rows(&model.name));
        let against = Against { now: run.clock.now(), rows_before };
        async move {
            let outcomes = measure(&engine, &model, against).await?;
            Ok((model.name, outcomes))
        }
    });
    let mut measured = BTreeMap::new();
    let take = |(model, outcomes): (TableName, Vec<Outcome>)| {
        watch(Event::Checked { model: model.clone(), checks: outcomes.len() });
        measured.insert(model, outcomes);
    };
    side_by_side("a check", run.settings.threads, work.collect(), take).await?;
    Ok(run.models.iter().filter_map(|model| measured.remove(&model.name)).flatten().collect())
}
