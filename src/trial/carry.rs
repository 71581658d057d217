//! Carrying out a trial.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

use super::compare::{Differences, compare};
use super::file::{Trial, Written};
use super::rows::typed;
use crate::catalog::Catalog;
use crate::engine::{Engine, Relation, Relations, Settings, sql_name};
use crate::error::{Error, Finding, Result};
use crate::model::{Model, Models, Strategy};
use crate::name::{Layer, TableName};
use crate::sql::Source;
use crate::store::Lake;

/// What the trials of a project share.
pub struct Stage<'a> {
    catalog: &'a Catalog,
    models: &'a Models,
    lake: &'a Lake,
    settings: Settings,
    /// A session in which every model is its SQL, for the columns of tables.
    columns: Engine,
}

/// How a trial ended.
#[derive(Debug)]
pub struct Verdict {
    /// How the rows differ from those expected; none if they do not.
    pub differences: Option<Differences>,
    /// Given rows that the model does not accept, or takes for repeated.
    pub left_out: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// What a model returned.
pub(super) struct Returned {
    pub(super) schema: SchemaRef,
    pub(super) rows: Vec<RecordBatch>,
    left_out: u64,
}

impl<'a> Stage<'a> {
    /// A stage for trials of `models`. Pseudonyms are made with a key of their own, so that they are the same everywhere.
    ///
    /// # Errors
    /// A dataset whose `path:` is no place.
    pub fn new(catalog: &'a Catalog, models: &'a Models, lake: &'a Lake, settings: &Settings) -> Result<Self> {
        let settings = Settings { pseudonym_key: b"cauce test".to_vec(), ..settings.clone() };
        let relations = Relations::of_release(lake, catalog, None)?;
        define_models(&relations, models);
        let columns = Engine::new(lake.stores(), Arc::new(relations), &settings)?;
        Ok(Self { catalog, models, lake, settings, columns })
    }

    /// Carries out `trial`.
    ///
    /// # Errors
    /// Given or expected rows that do not fit their tables, or a model that cannot be planned or fails.
    pub async fn carry_out(&self, trial: &Trial) -> Result<Verdict> {
        let begun = Instant::now();
        let in_trial = |error: Error| error.while_doing(format_args!("test `{}` of {}", trial.name, trial.model));
        let Returned { schema, rows, left_out } = self.rows(trial).await.map_err(in_trial)?;
        let mut columns = trial.expect.columns();
        if columns.is_empty() {
            columns = schema.fields().iter().map(|field| field.name().clone()).collect();
        }
        let expected = typed(&trial.expect, &schema, &trial.what());
        let expected = expected.map_err(|findings| in_trial(misfit(findings)))?;
        let grain = self.models.get(&trial.model).map(|model| model.header.grain.clone()).unwrap_or_default();
        let grain = if trial.step.is_some() { Vec::new() } else { grain };
        let differences = compare(&trial.expect, &expected, &rows, &columns, &grain)?;
        Ok(Verdict { differences, left_out, elapsed: begun.elapsed() })
    }

    /// What the model, or the step, returns for the given rows.
    pub(super) async fn rows(&self, trial: &Trial) -> Result<Returned> {
        let model = self.models.get(&trial.model);
        let model = model.ok_or_else(|| Error::bug(format!("there is no model {}", trial.model)))?;
        let mut engine = self.engine(trial, model).await?;
        let mut accepted = None;
        if let Some(accept) = &model.header.accept {
            let (accepting, table) = engine.accepting(model, accept).await?;
            engine = accepting;
            accepted = Some(table);
        }
        let (schema, rows) = match &trial.step {
            None => engine.model_rows(model).await?,
            Some(step) => (engine.schema(step).await?, engine.rows(step).await?),
        };
        let reading = accepted.and_then(|table| table.complete_reading());
        let left_out = reading.map_or(0, |reading| reading.rejected() + reading.deduplicated());
        Ok(Returned { schema, rows, left_out })
    }

    /// A session in which tables hold what is given.
    async fn engine(&self, trial: &Trial, model: &Model) -> Result<Engine> {
        let relations = Relations::new(self.lake);
        define_models(&relations, self.models);
        for name in self.catalog.datasets.keys() {
            let name = TableName::new(Layer::Raw, name);
            let none = Written::default();
            let written = trial.given.get(&name).unwrap_or(&none);
            // Only what is read needs its columns, which may have to be found in its files.
            if trial.given.contains_key(&name) || self.reads(model, &name) {
                relations.define(name.clone(), self.dataset(&name, written).await?);
            }
        }
        for (name, written) in trial.given.iter().filter(|(name, _)| name.layer != Layer::Raw) {
            let rows = self.given(name, written).await?;
            relations.define(name.clone(), Relation::of_rows(rows)?);
        }
        let engine = Engine::new(self.lake.stores(), Arc::new(relations), &self.settings)?;
        // The rows that a merge leaves are not those of its SELECT.
        let merges = |below: &&Model| {
            let incremental = below.header.incremental.as_ref();
            incremental.is_some_and(|how| matches!(how.strategy, Strategy::Merge { .. }))
        };
        for below in self.models.iter().filter(merges) {
            let is_read = below.name != model.name && self.models.descendants(&below.name).contains(&model.name);
            if is_read && !trial.given.contains_key(&below.name) {
                let (schema, rows) = engine.model_rows(below).await?;
                let all = concat_batches(&schema, &rows).map_err(|failure| Error::bug(failure.to_string()))?;
                engine.relations().define(below.name.clone(), Relation::of_rows(all)?);
            }
        }
        Ok(engine)
    }

    fn reads(&self, model: &Model, dataset: &TableName) -> bool {
        let mut left = vec![model];
        while let Some(model) = left.pop() {
            if model.inputs.contains(dataset) {
                return true;
            }
            left.extend(model.inputs.iter().filter_map(|input| self.models.get(input)));
        }
        false
    }

    async fn given(&self, name: &TableName, written: &Written) -> Result<RecordBatch> {
        let schema = self.columns.schema(&format!("SELECT * FROM {}", sql_name(name))).await?;
        typed(written, &schema, &name.to_string()).map_err(misfit)
    }

    async fn dataset(&self, name: &TableName, written: &Written) -> Result<Relation> {
        let rows = self.given(name, written).await?;
        // Asked for afterwards: a dataset that declares no columns has them by now.
        match self.columns.relations().get(name) {
            Some(Relation::Dataset { dataset, location, .. }) => Relation::of_dataset_rows(&dataset, location, &rows),
            _ => Err(Error::bug(format!("{name} is no dataset"))),
        }
    }
}

impl Trial {
    /// What is looked at, in words.
    fn what(&self) -> String {
        match &self.step {
            None => self.model.to_string(),
            Some(_) => format!("the step of {}", self.model),
        }
    }
}

fn define_models(relations: &Relations, models: &Models) {
    for model in models.iter() {
        relations.define(model.name.clone(), Relation::View(Source::new(&model.file, &model.text)));
    }
}

fn misfit(findings: Vec<Finding>) -> Error {
    Error::usage("the rows do not fit the tables").findings(findings)
}
