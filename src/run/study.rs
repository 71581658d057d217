//! What the models mean: from the last release where nothing that matters changed, from their plans elsewhere.
//!
//! Planning a SELECT costs a few milliseconds, so a project of which nothing changed is not planned at all. Nothing is read:
//! a model that others read stands there as its columns alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::catalog::{Catalog, Dataset};
use crate::engine::{Engine, Relation, Relations, Settings};
use crate::error::{Error, Result};
use crate::ledger::SystemTable;
use crate::mark::mark;
use crate::model::{Materialized, Meaning, Model, Models};
use crate::name::{Layer, TableName};
use crate::release::{CAUCE, Manifest, ReleasedColumn, ReleasedModel};
use crate::store::Lake;
use crate::table::{open_newest, storable_schema};

/// What each model means, by name.
///
/// # Errors
/// A model with a mistake, such as a column that is not there or one that lets personal data out.
pub async fn study(
    lake: &Lake,
    catalog: &Catalog,
    models: &Models,
    last: Option<&Manifest>,
    settings: &Settings,
) -> Result<BTreeMap<TableName, Meaning>> {
    let mut study = Study { lake, catalog, models, last, settings, engine: None, columns: BTreeMap::new() };
    let mut meanings = BTreeMap::new();
    for model in models.iter() {
        let meaning = match study.known(model) {
            Some(meaning) => meaning,
            None => study.read(model).await?,
        };
        meanings.insert(model.name.clone(), meaning);
    }
    Ok(meanings)
}

/// Stands for the corrections of each dataset that has some: a mark that differs where they do.
///
/// # Errors
/// A lake that cannot be read.
pub async fn corrections(lake: &Lake, settings: &Settings) -> Result<BTreeMap<String, String>> {
    let table = SystemTable::Corrections;
    let location = lake.table(&table.name());
    if open_newest(lake.stores(), &location).await?.is_none() {
        return Ok(BTreeMap::new());
    }
    let relations = Arc::new(Relations::new(lake));
    relations.define(table.name(), Relation::System { table, location });
    let engine = Engine::new(lake.stores(), relations, settings)?;
    let sql =
        "SELECT origin, count(*) || ' until ' || max(corrected_at) AS mark FROM system.corrections GROUP BY origin";
    let mut marks = BTreeMap::new();
    for batch in engine.rows(sql).await? {
        let text = |column: usize| cast(batch.column(column), &DataType::Utf8);
        let read = text(0).and_then(|origins| Ok((origins, text(1)?)));
        let (origins, said) = read.map_err(|failure| Error::bug(failure.to_string()))?;
        for (origin, mark) in origins.as_string::<i32>().iter().zip(said.as_string::<i32>()) {
            let origin: Option<TableName> = origin.and_then(|origin| origin.parse().ok());
            marks.extend(origin.map(|origin| origin.name).zip(mark.map(str::to_owned)));
        }
    }
    Ok(marks)
}

/// Counts the ways in which this cauce reads meanings out of plans: one more with each change of that.
const READING: u32 = 2;

struct Study<'a> {
    lake: &'a Lake,
    catalog: &'a Catalog,
    models: &'a Models,
    last: Option<&'a Manifest>,
    settings: &'a Settings,
    /// Opened for the first model that must be planned.
    engine: Option<Engine>,
    /// The columns of the models that were planned.
    columns: BTreeMap<TableName, SchemaRef>,
}

impl Study<'_> {
    fn released(&self, name: &TableName) -> Option<&ReleasedModel> {
        self.last?.models.get(name)
    }

    /// What the last release says a model means, if that still holds: the model says the same, and so do the columns of
    /// what it reads.
    fn known(&self, model: &Model) -> Option<Meaning> {
        let before = self.released(&model.name)?;
        let meaning = before.meaning.as_ref()?;
        let stands = before.fingerprint == model.fingerprint && meaning.read_with == self.read_with(model);
        stands.then(|| meaning.clone())
    }

    /// Stands for what the meaning of a model depends on besides its text.
    fn read_with(&self, model: &Model) -> String {
        let mut parts = vec![CAUCE.to_owned(), READING.to_string()];
        for input in &model.inputs {
            parts.push(input.to_string());
            if input.layer == Layer::Raw {
                let dataset = self.catalog.datasets.get(&input.name);
                parts.extend(dataset.map(Dataset::declaration));
                // Without declared columns it has those of its files.
                if dataset.is_some_and(|dataset| dataset.columns.is_empty()) {
                    parts.extend(self.last.and_then(|last| last.content(input)));
                }
            } else if let Some(now) = self.columns.get(input) {
                parts.extend(
                    now.fields().iter().flat_map(|field| [field.name().clone(), field.data_type().to_string()]),
                );
            } else if let Some(before) = self.released(input) {
                parts.extend(before.columns.iter().flat_map(|column| [column.name.clone(), column.data_type.clone()]));
            }
        }
        mark(&parts)
    }

    /// Plans a model.
    async fn read(&mut self, model: &Model) -> Result<Meaning> {
        let engine = match &mut self.engine {
            Some(engine) => engine,
            unopened => {
                // A model that is not in the project any more is read by nobody, and hides none of the same name.
                let mut last = self.last.cloned();
                if let Some(last) = &mut last {
                    last.models.retain(|name, _| self.models.get(name).is_some());
                }
                let relations = Arc::new(Relations::of_release(self.lake, self.catalog, last.as_ref())?);
                unopened.insert(Engine::new(self.lake.stores(), relations, self.settings)?)
            }
        };
        for input in model.inputs.iter().filter(|input| input.layer != Layer::Raw) {
            let columns = self.columns.get(input).cloned();
            // A release whose types cannot be read back gives the table itself.
            let released = || self.last?.models.get(input).and_then(columns_of);
            if let Some(columns) = columns.or_else(released) {
                engine.relations().define(input.clone(), Relation::columns_alone(columns));
            }
        }
        let (mut meaning, planned) = engine.meaning(model).await?;
        meaning.read_with = self.read_with(model);
        let columns = match model.header.materialized {
            Materialized::Table | Materialized::Incremental => storable_schema(&planned)?,
            Materialized::View => planned,
        };
        self.columns.insert(model.name.clone(), columns);
        Ok(meaning)
    }
}

/// The columns of a released model.
fn columns_of(model: &ReleasedModel) -> Option<SchemaRef> {
    let field = |column: &ReleasedColumn| Some(Field::new(&column.name, column.read_type()?, true));
    let fields: Option<Vec<Field>> = model.columns.iter().map(field).collect();
    Some(Arc::new(Schema::new(fields?)))
}
