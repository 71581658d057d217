//! Building the models of a plan: each as soon as its inputs are built, independent ones side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use tokio::task::JoinSet;

use super::{Event, Run};
use crate::engine::{Engine, Relation};
use crate::error::{Error, Result};
use crate::model::{Materialized, Model};
use crate::name::TableName;
use crate::plan::Plan;
use crate::sql::Source;
use crate::store::Lake;
use crate::table::{ParquetTable, Staged, stage};

/// A model as the run built it.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) model: Model,
    /// Its columns.
    pub(super) schema: SchemaRef,
    /// Its files; none for a view.
    pub(super) staged: Option<Staged>,
}

/// Builds the plan's models and gives each its meaning in `engine`; returns them in the order of the plan.
pub(super) async fn build_all(
    run: Run<'_>,
    plan: &Plan,
    engine: &Engine,
    watch: &(dyn Fn(Event) + Sync),
) -> Result<Vec<Built>> {
    let planned: Vec<&TableName> = plan.builds().map(|step| &step.model).collect();
    let (mut started, mut done) = (BTreeSet::new(), BTreeSet::new());
    let mut finished = BTreeMap::new();
    let mut working: JoinSet<Result<(Built, Duration)>> = JoinSet::new();
    loop {
        let free = run.settings.threads.max(1).saturating_sub(working.len());
        let ready: Vec<Model> = run.models.ready(&done, &started).take(free).cloned().collect();
        for model in ready {
            started.insert(model.name.clone());
            watch(Event::Building(model.name.clone()));
            working.spawn(build(model, engine.clone(), run.lake.clone()));
        }
        let Some(next) = working.join_next().await else { break };
        let (built, elapsed) = next.map_err(|panic| Error::bug(format!("a model's build died: {panic}")))??;
        let name = built.model.name.clone();
        let size = built.staged.as_ref().map(|staged| (staged.rows(), staged.bytes()));
        watch(Event::Built { model: name.clone(), size, elapsed });
        done.insert(name.clone());
        finished.insert(name, built);
    }
    let in_order: Vec<Built> = planned.iter().filter_map(|name| finished.remove(*name)).collect();
    if in_order.len() == planned.len() {
        Ok(in_order)
    } else {
        Err(Error::bug("the plan holds a model that could not be started"))
    }
}

/// Builds one model and defines its name.
async fn build(model: Model, engine: Engine, lake: Lake) -> Result<(Built, Duration)> {
    let begun = Instant::now();
    let source = Source::new(&model.file, &model.text);
    let in_model = |error: Error| error.while_doing(format_args!("model {}", model.name));
    let (relation, schema, staged) = match model.header.materialized {
        Materialized::View => {
            let schema = engine.model_schema(&source).await.map_err(in_model)?;
            (Relation::View(source), schema, None)
        }
        Materialized::Table => {
            let rows = engine.model_plan(&source).await.map_err(in_model)?;
            let place = lake.table(&model.name);
            let partition_by = &model.header.partition_by;
            let staged = stage(rows, engine.task(), lake.stores(), &place, partition_by).await.map_err(in_model)?;
            let table = ParquetTable::staged(&staged)?;
            (Relation::Staged(Arc::new(table)), Arc::clone(staged.schema()), Some(staged))
        }
    };
    engine.relations().define(model.name.clone(), relation);
    Ok((Built { model, schema, staged }, begun.elapsed()))
}
