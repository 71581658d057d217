//! Putting on the shelf what a run has built, in case it ends without a release, and taking it from there.
//!
//! A long run does so as it goes, so that one that is killed loses little; every run does when it fails. What is on the shelf
//! is complete: what a model was built from stands in the last release or lies beside it, the accounts of its inputs are
//! known, and its rejects are in `system.rejects` under the run that built it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::SecondsFormat;

use super::Run;
use super::account::{Accounts, Reads};
use super::build::Built;
use super::follow::Made;
use super::publish::{built_from, released, released_dataset};
use super::record::record_rejects;
use crate::engine::{Engine, Relation};
use crate::error::{Error, Kind, Result};
use crate::ledger::Ledger;
use crate::model::Model;
use crate::name::{Layer, TableName};
use crate::plan::{Plan, Step};
use crate::release::{Manifest, ReleasedDataset, Unpublished};
use crate::store::{Lake, Shelf, Shelved};
use crate::table::{ParquetTable, Staged};

/// What the last run put on the shelf, as far as it can still be published after `last`.
///
/// # Errors
/// A store that cannot be read.
pub async fn unpublished(lake: &Lake, last: Option<&Manifest>) -> Result<Option<(String, Unpublished)>> {
    let Some(Shelved { name, built: Some(mut built), .. }) = lake.shelf()?.last().await? else { return Ok(None) };
    if !built.stands_on(last) {
        return Ok(None);
    }
    for (model, files) in built.staged.clone() {
        if !Staged::from_json(&lake.table(&model), &files)?.is_there(lake.stores()).await? {
            built.forget(&model);
        }
    }
    Ok(Some((name, built)))
}

/// Puts on the shelf what a run has built.
pub(super) struct Shelving<'a> {
    run: Run<'a>,
    plan: &'a Plan,
    reads: &'a Reads,
    ledger: Arc<Ledger>,
    shelf: Shelf,
    /// What this run found or has put there, which goes when there is something newer.
    before: Vec<String>,
    count: u32,
    last: Instant,
}

impl<'a> Shelving<'a> {
    pub(super) fn new(run: Run<'a>, plan: &'a Plan, reads: &'a Reads, engine: &Engine) -> Result<Self> {
        let ledger = Arc::clone(engine.ledger());
        let shelf = run.lake.shelf()?;
        let before = run.unpublished.map(|(name, _)| name.clone()).into_iter().collect();
        Ok(Self { run, plan, reads, ledger, shelf, before, count: 0, last: Instant::now() })
    }

    /// Takes up what the plan says; nobody cleans it away from now on.
    pub(super) async fn take_up(&mut self, engine: &Engine) -> Result<BTreeMap<TableName, Built>> {
        let mut taken = BTreeMap::new();
        let Some((name, unpublished)) = self.run.unpublished else { return Ok(taken) };
        for step in self.plan.builds().filter(|step| step.resumes.is_some()) {
            taken.insert(step.model.clone(), taken_up(self.run, step, unpublished, engine)?);
        }
        if taken.is_empty() {
            return Ok(taken);
        }
        let mine = self.add(&mut taken).await?;
        if !self.shelf.has(name).await? {
            let gone = "what an earlier run had built was cleaned away, or taken up by another run";
            return Err(Error::new(Kind::Refused, gone).hint("nothing of this run is visible; run again"));
        }
        self.clear().await?;
        self.before.extend(mine);
        Ok(taken)
    }

    /// Puts on the shelf what is built by now, if that is due.
    pub(super) async fn put_if_due(&mut self, built: &mut BTreeMap<TableName, Built>) -> Result<()> {
        if self.last.elapsed() < self.run.tuning.shelved_every {
            return Ok(());
        }
        self.put(built).await
    }

    /// Puts on the shelf what is built by now, in the place of what was there of this run.
    pub(super) async fn put(&mut self, built: &mut BTreeMap<TableName, Built>) -> Result<()> {
        if let Some(name) = self.add(built).await? {
            self.clear().await?;
            self.before.push(name);
        }
        Ok(())
    }

    /// Puts on the shelf what is built by now; returns its name there, unless that is nothing.
    async fn add(&mut self, built: &mut BTreeMap<TableName, Built>) -> Result<Option<String>> {
        self.last = Instant::now();
        let mut accounts = Accounts::of_datasets(self.run, &self.ledger, self.reads);
        let mut manifest = self.manifest();
        let mut staged = BTreeMap::new();
        let to_build: BTreeSet<&TableName> = self.plan.builds().map(|step| &step.model).collect();
        // Inputs stand before their readers.
        for step in self.plan.builds() {
            let Some(built) = built.get_mut(&step.model) else { continue };
            let known = |input: &TableName| match input.layer {
                Layer::Raw => accounts.datasets.contains_key(&input.name),
                _ => manifest.models.contains_key(input) || !to_build.contains(input),
            };
            if !built.model.inputs.iter().all(known) {
                continue;
            }
            accounts.add(self.run, built).await?;
            manifest.models.insert(step.model.clone(), released(self.run, built, &[], &accounts));
            if let Some(files) = &built.staged {
                staged.insert(step.model.clone(), files.to_json()?);
            }
            for dataset in built.model.inputs.iter().filter(|input| input.layer == Layer::Raw) {
                let read = released_dataset(self.run, self.plan, &dataset.name, &accounts)?;
                manifest.datasets.insert(dataset.name.clone(), read);
            }
        }
        if staged.is_empty() {
            return Ok(None);
        }
        // The rejects first: who takes a table up relies on them.
        record_rejects(self.run, &self.ledger).await?;
        let mut built = Unpublished { manifest, staged };
        let all = built.after(self.run.last);
        for step in self.plan.builds() {
            if let Some(model) = built.manifest.models.get_mut(&step.model) {
                model.built_from = built_from(step, &all);
            }
        }
        let name = self.shelf.put(&built, self.count).await?;
        self.count += 1;
        Ok(Some(name))
    }

    /// Takes away what is of no use to a run after `release`, which is published.
    pub(super) async fn end(&self, release: u64) -> Result<()> {
        self.shelf.clear(release).await
    }

    /// Takes away what this run found on the shelf or has put there.
    async fn clear(&mut self) -> Result<()> {
        for name in self.before.drain(..) {
            self.shelf.remove(&name).await?;
        }
        Ok(())
    }

    fn manifest(&self) -> Manifest {
        let at = self.run.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
        Manifest::new(self.plan.release, self.plan.parent, &self.run.catalog.project, self.run.id, at)
    }
}

/// The datasets that only tables read which are taken up, as the run read them that built those.
pub(super) fn datasets_taken_up(
    run: Run<'_>,
    plan: &Plan,
    whole: &BTreeSet<String>,
    followed: &BTreeSet<String>,
) -> BTreeMap<String, ReleasedDataset> {
    let Some((_, unpublished)) = run.unpublished else { return BTreeMap::new() };
    let resumed = plan.builds().filter(|step| step.resumes.is_some()).flat_map(|step| &step.inputs);
    let datasets = resumed.filter(|input| input.layer == Layer::Raw).map(|input| &input.name);
    let unread = datasets.filter(|name| !whole.contains(*name) && !followed.contains(*name));
    unread.filter_map(|name| Some((name.clone(), unpublished.manifest.datasets.get(name)?.clone()))).collect()
}

/// A table of an earlier run, as if this one had built it.
fn taken_up(run: Run<'_>, step: &Step, unpublished: &Unpublished, engine: &Engine) -> Result<Built> {
    let name = &step.model;
    let missing = || Error::bug(format!("{name} is to be taken up and was not built"));
    let before = unpublished.manifest.models.get(name).ok_or_else(missing)?;
    let files = unpublished.staged.get(name).ok_or_else(missing)?;
    let model: Model = run.models.get(name).cloned().ok_or_else(missing)?;
    let staged = Staged::from_json(&run.lake.table(name), files)?;
    engine.relations().define(name.clone(), Relation::Staged(Arc::new(ParquetTable::staged(&staged)?)));
    let made = |followed| Made { staged: staged.clone(), followed, merged: 0, read: 0 };
    Ok(Built {
        model,
        schema: Arc::clone(staged.schema()),
        made: before.followed.clone().map(made),
        staged: Some(staged),
        plan: None,
        accepting: None,
        run: before.run.clone(),
        account: before.account.clone(),
        elapsed: Duration::from_millis(before.millis),
    })
}
