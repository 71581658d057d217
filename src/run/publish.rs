//! Publishing: the staged tables are committed, and the manifest that names their versions is created if nobody was first.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};

use super::Run;
use super::account::Accounts;
use super::build::Built;
use crate::check::Outcome;
use crate::error::{Error, Kind, Result};
use crate::model::Model;
use crate::name::TableName;
use crate::plan::{Action, Plan, Step};
use crate::release::{
    CAUCE, Kept, Manifest, ReleasedCheck, ReleasedColumn, ReleasedDataset, ReleasedModel, TableVersion,
};

/// Commits the staged tables and creates the manifest that names their versions.
pub(super) async fn publish(
    run: Run<'_>,
    plan: &Plan,
    built: &BTreeMap<TableName, Built>,
    outcomes: &[Outcome],
    accounts: &Accounts,
) -> Result<Manifest> {
    let log = run.lake.releases()?;
    let newest = log.numbers().await?.last().copied();
    if newest != plan.parent {
        return Err(Error::new(Kind::Refused, format!("another run published release {} first", newest.unwrap_or(0)))
            .hint("nothing of this run is visible; run again to build on the new release"));
    }
    let written = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let published_at = Manifest::time_after(run.last, run.clock.now())?;
    let mut manifest = Manifest::new(plan.release, plan.parent, &run.catalog.project, run.id, published_at);
    manifest.started_at = written(run.begun_at);
    manifest.definitions = run.last.map(|last| last.definitions.clone()).unwrap_or_default();
    for name in plan.datasets.keys() {
        manifest.datasets.insert(name.clone(), released_dataset(run, plan, name, accounts)?);
    }
    // In the order of the graph, which is the same for every run: of two runs at once, one is first at every table.
    for built in plan.builds().filter_map(|step| built.get(&step.model)) {
        let mut released = released(run, built, outcomes, accounts);
        if let (Some(staged), Kept::Table { at, .. }) = (&built.staged, &mut released.kept) {
            let before = run.last.and_then(|last| last.models.get(&built.model.name)).and_then(ReleasedModel::table);
            *at = staged.clone().commit(run.lake.stores(), run.id, before).await?;
        }
        manifest.models.insert(built.model.name.clone(), released);
    }
    for step in plan.unbuilt() {
        let before = run.last.and_then(|last| last.models.get(&step.model));
        let mut released = before.cloned().ok_or_else(|| Error::bug(format!("no release has {}", step.model)))?;
        // What is kept because it could not be built, or was not asked for, stays as it was in every respect.
        let stays = step.action == Action::Keep || !step.asked_for;
        if let Some(model) = run.models.get(&step.model).filter(|_| !stays) {
            tell_of(run, model, &mut released);
        }
        if step.action == Action::Check {
            released.checks = checks_of(&step.model, outcomes);
        }
        manifest.models.insert(step.model.clone(), released);
    }
    for (name, model) in &manifest.models {
        let highest = manifest.definitions.entry(name.clone()).or_default();
        *highest = model.definition.max(*highest);
    }
    // Known once all are: what each model that is up to date stands on.
    let stands = |step: &&Step| !matches!(step.action, Action::Keep | Action::LeaveOut | Action::Remove);
    let stand_on: Vec<_> = plan.steps.iter().filter(stands).map(|step| (step, built_from(step, &manifest))).collect();
    for (step, inputs) in stand_on {
        if let Some(model) = manifest.models.get_mut(&step.model) {
            model.built_from = inputs;
        }
    }
    for step in plan.checks() {
        let read = run.models.get(&step.model).map(|model| model.check_inputs.as_slice()).unwrap_or_default();
        let checked_from = contents(read, &manifest);
        if let Some(model) = manifest.models.get_mut(&step.model) {
            model.checked_from = checked_from;
        }
    }
    log.publish(&manifest).await?;
    Ok(manifest)
}

/// What the release says of a model that was built; the version of its table is known once that is committed.
pub(super) fn released(run: Run<'_>, built: &Built, outcomes: &[Outcome], accounts: &Accounts) -> ReleasedModel {
    let columns = built.schema.fields().iter().map(|field| ReleasedColumn {
        name: field.name().clone(),
        data_type: field.data_type().to_string(),
        description: String::new(),
    });
    let kept = match &built.staged {
        None => Kept::View,
        Some(staged) => Kept::Table { at: TableVersion::default(), rows: staged.rows(), bytes: staged.bytes() },
    };
    let mut released = ReleasedModel {
        run: built.run.clone(),
        cauce: CAUCE.to_owned(),
        key: run.key.to_owned(),
        millis: u64::try_from(built.elapsed.as_millis()).unwrap_or(u64::MAX),
        columns: columns.collect(),
        kept,
        checks: checks_of(&built.model.name, outcomes),
        account: accounts.models.get(&built.model.name).cloned(),
        followed: built.made.as_ref().map(|made| made.followed.clone()),
        ..ReleasedModel::default()
    };
    tell_of(run, &built.model, &mut released);
    released
}

/// What the model of `step` stands on in `release`: of each input a mark that differs where its content may.
pub(super) fn built_from(step: &Step, release: &Manifest) -> BTreeMap<TableName, String> {
    contents(&step.inputs, release)
}

fn contents(tables: &[TableName], release: &Manifest) -> BTreeMap<TableName, String> {
    tables.iter().filter_map(|table| Some((table.clone(), release.content(table)?))).collect()
}

/// What the release says of a dataset: what this run read, or what the last release says if this run had no need to.
pub(super) fn released_dataset(run: Run<'_>, plan: &Plan, name: &str, accounts: &Accounts) -> Result<ReleasedDataset> {
    let before = run.last.and_then(|last| last.datasets.get(name));
    let quarantined = plan.quarantined.get(name).cloned().unwrap_or_default();
    let read = accounts.datasets.get(name).copied();
    if let (None, Some(before)) = (read, before) {
        return Ok(ReleasedDataset { quarantined, ..before.clone() });
    }
    let dataset = run.catalog.datasets.get(name).ok_or_else(|| Error::bug(format!("no dataset {name}")))?;
    Ok(ReleasedDataset {
        files: plan.datasets.get(name).cloned().unwrap_or_default(),
        declaration: dataset.declaration(),
        corrections: run.corrections.get(name).cloned().unwrap_or_default(),
        run: run.id.to_owned(),
        account: read,
        readings: accounts.readings.get(name).cloned().unwrap_or_default(),
        quarantined,
    })
}

/// Says of a released model what its file says now.
fn tell_of(run: Run<'_>, model: &Model, released: &mut ReleasedModel) {
    released.definition = run.last.map_or(1, |last| last.next_definition(&model.name, &model.fingerprint));
    model.header.description.clone_into(&mut released.description);
    model.fingerprint.clone_into(&mut released.fingerprint);
    released.meaning = run.meanings.get(&model.name).cloned();
    // Not as it is shown to the person who runs it, from wherever that is.
    released.file = model.name.model_file();
    model.text.clone_into(&mut released.sql);
    model.header.grain.clone_into(&mut released.grain);
    model.inputs.clone_into(&mut released.inputs);
    for column in &mut released.columns {
        column.description = model.header.columns.get(&column.name).cloned().unwrap_or_default();
    }
}

fn checks_of(model: &TableName, outcomes: &[Outcome]) -> Vec<ReleasedCheck> {
    let of_model = outcomes.iter().filter(|outcome| outcome.model == *model);
    let released = of_model.map(|outcome| ReleasedCheck {
        name: outcome.check.clone(),
        passed: outcome.passed,
        failing: outcome.failing,
        rows: outcome.rows,
    });
    released.collect()
}
