//! Building the models of a plan: each as soon as its inputs are built, independent ones side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use tokio::task::JoinSet;

use super::account::Accepting;
use super::follow::{Follow, Made};
use super::shelve::Shelving;
use super::{Event, Run};
use crate::engine::{Engine, ModelPlan, Relation};
use crate::error::{Error, Result};
use crate::model::{Incremental, Materialized, Model};
use crate::name::{Layer, TableName};
use crate::plan::{self, Action, Plan};
use crate::release::{Kept, ModelAccount};
use crate::sql::Source;
use crate::store::{InputFile, Lake};
use crate::table::{ParquetTable, Staged, stage};

/// A model as the run built it.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) model: Model,
    /// Its columns.
    pub(super) schema: SchemaRef,
    /// Its files; none for a view.
    pub(super) staged: Option<Staged>,
    /// The plan that made them.
    pub(super) plan: Option<ModelPlan>,
    /// What it accepts of an input, if its header says so.
    pub(super) accepting: Option<Accepting>,
    /// What came of the files that it follows, if it is incremental; its rows are staged above.
    pub(super) made: Option<Made>,
    /// The run that built it.
    pub(super) run: String,
    /// What became of the rows it read, once that is drawn up.
    pub(super) account: Option<ModelAccount>,
    /// How long it took.
    pub(super) elapsed: Duration,
}

/// Builds the plan's models and gives each its meaning in `engine`; returns them in the order of the plan. Models that
/// are kept mean what the last release says. If one fails, those that are built are put on the shelf.
pub(super) async fn build_all(
    run: Run<'_>,
    plan: &Plan,
    engine: &Engine,
    listed: &BTreeMap<String, Vec<InputFile>>,
    shelving: &mut Shelving<'_>,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<BTreeMap<TableName, Built>> {
    let mut finished = shelving.take_up(engine).await?;
    let work = build_rest(run, plan, engine, listed, shelving, &mut finished, watch).await;
    if let Err(failure) = work {
        // That is what must be told; what cannot be kept is built again.
        shelving.put(&mut finished).await.ok();
        return Err(failure);
    }
    views_still_stand(plan, engine).await?;
    if plan.builds().all(|step| finished.contains_key(&step.model)) {
        Ok(finished)
    } else {
        Err(Error::bug("the plan holds a model that could not be started"))
    }
}

/// Builds what is not `finished` yet.
async fn build_rest(
    run: Run<'_>,
    plan: &Plan,
    engine: &Engine,
    listed: &BTreeMap<String, Vec<InputFile>>,
    shelving: &mut Shelving<'_>,
    finished: &mut BTreeMap<TableName, Built>,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<()> {
    let (mut started, mut done) = (BTreeSet::new(), BTreeSet::new());
    for step in plan.steps.iter().filter(|step| step.action == Action::LeaveOut) {
        started.insert(step.model.clone());
    }
    for step in plan.unbuilt() {
        keep(run, &step.model, engine)?;
        started.insert(step.model.clone());
        done.insert(step.model.clone());
    }
    for (name, built) in finished.iter() {
        watch(Event::TakenUp { model: name.clone(), rows: built.staged.as_ref().map_or(0, Staged::rows) });
        started.insert(name.clone());
        done.insert(name.clone());
    }
    let mut working: JoinSet<Result<Built>> = JoinSet::new();
    loop {
        let free = run.settings.threads.max(1).saturating_sub(working.len());
        let ready: Vec<Model> = run.models.ready(&done, &started).take(free).cloned().collect();
        for model in ready {
            started.insert(model.name.clone());
            watch(Event::Building(model.name.clone()));
            let follow =
                model.header.incremental.as_ref().map(|incremental| follow(run, plan, &model, incremental, listed));
            let (follow, id) = (follow.transpose()?, run.id.to_owned());
            working.spawn(build(model, id, follow, engine.clone(), run.lake.clone()));
        }
        let Some(next) = working.join_next().await else { return Ok(()) };
        let built = next.map_err(|panic| Error::bug(format!("a model's build died: {panic}")))??;
        let name = built.model.name.clone();
        let size = built.staged.as_ref().map(|staged| (staged.rows(), staged.bytes()));
        let read = built.made.as_ref().map(|made| (made.read, made.followed.files.len()));
        watch(Event::Built { model: name.clone(), size, read, elapsed: built.elapsed });
        done.insert(name.clone());
        finished.insert(name, built);
        shelving.put_if_due(finished).await?;
    }
}

/// What it takes to build a model that follows files.
fn follow(
    run: Run<'_>,
    plan: &Plan,
    model: &Model,
    incremental: &Incremental,
    listed: &BTreeMap<String, Vec<InputFile>>,
) -> Result<Follow> {
    let from = &incremental.from;
    let step = plan.builds().find(|step| step.model == model.name);
    let step = step.ok_or_else(|| Error::bug(format!("{} is not in the plan", model.name)))?;
    let mut follow = Follow {
        model: model.clone(),
        incremental: incremental.clone(),
        before: run.last.and_then(|last| last.models.get(&model.name)).filter(|_| step.by_files).cloned(),
        files: Vec::new(),
        basis: plan::basis(from, run.catalog, run.corrections),
        anew: plan.anew.get(&model.name).cloned().unwrap_or_default(),
        run: run.id.to_owned(),
        at_once: run.settings.threads.max(1),
        gathered_from: run.tuning.gathered_from,
    };
    if from.layer == Layer::Raw {
        let facts = plan.datasets.get(&from.name).into_iter().flatten();
        let files = listed.get(&from.name).into_iter().flatten();
        // Both are sorted by path, and the files were chosen by the plan.
        follow.files = files.cloned().zip(facts.cloned()).collect();
    }
    Ok(follow)
}

/// Gives a model that is not built the meaning it has in the last release.
pub(super) fn keep(run: Run<'_>, model: &TableName, engine: &Engine) -> Result<()> {
    let before = run.last.and_then(|last| last.models.get(model));
    let before = before.ok_or_else(|| Error::bug(format!("no release has {model}")))?;
    let relation = match &before.kept {
        Kept::Table { at, .. } => Relation::version(run.lake.table(model), at.clone()),
        Kept::View => Relation::View(Source::new(&before.file, &before.sql)),
    };
    engine.relations().define(model.clone(), relation);
    Ok(())
}

/// Plans the views that stay as they were: what they read may have been built anew with other columns.
async fn views_still_stand(plan: &Plan, engine: &Engine) -> Result<()> {
    for step in plan.steps.iter().filter(|step| step.action == Action::Keep) {
        if let Some(Relation::View(source)) = engine.relations().get(&step.model) {
            let planned = engine.model_schema(&source).await;
            planned.map_err(|error| error.while_doing(format_args!("view {}, kept from before", step.model)))?;
        }
    }
    Ok(())
}

/// Builds one model and defines its name.
async fn build(model: Model, run: String, follow: Option<Follow>, engine: Engine, lake: Lake) -> Result<Built> {
    let begun = Instant::now();
    let source = Source::new(&model.file, &model.text);
    let in_model = |error: Error| error.while_doing(format_args!("model {}", model.name));
    if let Some(follow) = follow {
        let made = follow.build(&engine, &lake).await?;
        let staged = made.staged.clone();
        engine.relations().define(model.name.clone(), Relation::Staged(Arc::new(ParquetTable::staged(&staged)?)));
        let (schema, elapsed) = (Arc::clone(staged.schema()), begun.elapsed());
        let (staged, made) = (Some(staged), Some(made));
        return Ok(Built { model, schema, staged, plan: None, accepting: None, made, run, account: None, elapsed });
    }
    let mut accepting = None;
    let (relation, schema, staged, plan) = match model.header.materialized {
        Materialized::View => {
            let schema = engine.model_schema(&source).await.map_err(in_model)?;
            (Relation::View(source), schema, None, None)
        }
        Materialized::Table | Materialized::Incremental => {
            if let Some(accept) = &model.header.accept {
                let (engine, table) = engine.accepting(&model, accept).await?;
                accepting = Some(Accepting { engine, table, from: accept.from.clone() });
            }
            let planner = accepting.as_ref().map_or(&engine, |accepting| &accepting.engine);
            let plan = planner.model_plan(&source).await.map_err(in_model)?;
            let rows = Arc::clone(&plan.plan);
            let place = lake.table(&model.name);
            let partition_by = &model.header.partition_by;
            let staged = stage(rows, engine.task(), lake.stores(), &place, partition_by).await.map_err(in_model)?;
            let table = ParquetTable::staged(&staged)?;
            (Relation::Staged(Arc::new(table)), Arc::clone(staged.schema()), Some(staged), Some(plan))
        }
    };
    engine.relations().define(model.name.clone(), relation);
    let elapsed = begun.elapsed();
    Ok(Built { model, schema, staged, plan, accepting, made: None, run, account: None, elapsed })
}
