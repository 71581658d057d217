//! What failed checks mean for the release: it is blocked, or goes without the models whose header says
//! `on_failure: keep_last_good`, and without what the run built from them.
//!
//! Such models stay as the last release has them. What the checks of other models read of them is then the table of the
//! last release, so those checks are measured again; more models may fail thereby, until nothing changes any more.

use std::collections::{BTreeMap, BTreeSet};

use super::build::{Built, keep};
use super::{Event, Run, check_all, discard};
use crate::check::Outcome;
use crate::engine::Engine;
use crate::error::Result;
use crate::model::OnFailure;
use crate::name::TableName;
use crate::plan::{Action, Plan, Step};

/// What is left of a run after its checks.
pub(super) struct Settled {
    /// What happens to each model, with those that are kept.
    pub(super) plan: Plan,
    /// The models that the release has as this run built them.
    pub(super) built: BTreeMap<TableName, Built>,
    /// All that was measured, the failures of kept models included.
    pub(super) outcomes: Vec<Outcome>,
    /// Whether nothing may be published.
    pub(super) blocked: bool,
}

/// Measures all checks and settles what becomes of the models.
pub(super) async fn settle(
    run: Run<'_>,
    plan: &Plan,
    engine: &Engine,
    mut built: BTreeMap<TableName, Built>,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<Settled> {
    let mut plan = plan.clone();
    let mut outcomes = check_all(run, &plan, engine, watch, |_| true).await?;
    let mut kept: BTreeSet<TableName> = BTreeSet::new();
    loop {
        let failed: BTreeSet<TableName> = outcomes
            .iter()
            .filter(|outcome| outcome.blocks() && !kept.contains(&outcome.model))
            .map(|outcome| outcome.model.clone())
            .collect();
        if failed.is_empty() {
            break;
        }
        let lets_go = |name: &TableName| {
            let keeps = run.models.get(name).is_some_and(|model| model.header.on_failure == OnFailure::KeepLastGood);
            keeps && run.last.is_some_and(|last| last.models.contains_key(name))
        };
        let more = without(run, &plan, &failed);
        let nothing_left = plan.builds().all(|step| more.contains(&step.model));
        if !failed.iter().all(lets_go) || nothing_left {
            return Ok(Settled { plan, built, outcomes, blocked: true });
        }
        plan.set_aside(&more, |name| run.last.is_some_and(|last| last.models.contains_key(name)), &failed);
        for step in plan.steps.iter().filter(|step| more.contains(&step.model) && step.action == Action::Keep) {
            keep(run, &step.model, engine)?;
        }
        let aside: Vec<Built> = more.iter().filter_map(|name| built.remove(name)).collect();
        discard(run, aside).await?;
        kept.extend(more);
        let again = |name: &TableName| {
            run.models.get(name).is_some_and(|model| model.check_inputs.iter().any(|input| kept.contains(input)))
        };
        let measured = check_all(run, &plan, engine, watch, again).await?;
        outcomes.retain(|outcome| kept.contains(&outcome.model) || !again(&outcome.model));
        outcomes.extend(measured);
    }
    Ok(Settled { plan, built, outcomes, blocked: false })
}

/// The models of `failed`, and those that the plan builds from them, directly or through others; also those whose checks
/// read one of these that no release has to stand in for it.
fn without(run: Run<'_>, plan: &Plan, failed: &BTreeSet<TableName>) -> BTreeSet<TableName> {
    let mut without = failed.clone();
    loop {
        let aside = |input: &TableName| without.contains(input);
        let nowhere = |input: &TableName| aside(input) && run.last.is_none_or(|last| !last.models.contains_key(input));
        let goes_along = |step: &&Step| {
            let Some(model) = run.models.get(&step.model) else { return false };
            let is_built_from = step.action == Action::Build && model.inputs.iter().any(aside);
            is_built_from || model.check_inputs.iter().any(nowhere)
        };
        let more: Vec<TableName> = plan
            .checks()
            .filter(|step| !aside(&step.model))
            .filter(goes_along)
            .map(|step| step.model.clone())
            .collect();
        if more.is_empty() {
            return without;
        }
        without.extend(more);
    }
}
