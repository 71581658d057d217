//! The tables of schema `system` that say what a release holds: its models, columns and lineage, which releases there are,
//! and what models ever said. Nothing of them is stored: they are made from manifests when a query reads them.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use chrono::DateTime;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result as EngineResult};
use datafusion::datasource::{MemTable, TableType};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::model::{Materialized, Place};
use crate::name::{Layer, TableName};
use crate::release::{Definition, Kept, Manifest, ReleasedModel};
use crate::store::Lake;

/// A table about releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inventory {
    /// The models of the release.
    Models,
    /// The columns of its datasets and models.
    Columns,
    /// What each column, and the rows of each model, are made from.
    Lineage,
    /// All releases.
    Releases,
    /// What models ever said.
    Definitions,
}

impl Inventory {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Models, Self::Columns, Self::Lineage, Self::Releases, Self::Definitions];

    /// Its name in SQL.
    #[must_use]
    pub fn name(self) -> TableName {
        let name = match self {
            Self::Models => "models",
            Self::Columns => "columns",
            Self::Lineage => "lineage",
            Self::Releases => "releases",
            Self::Definitions => "definitions",
        };
        TableName::new(Layer::System, name)
    }

    /// What a row is.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Models => "The models of the release, one row each.",
            Self::Columns => "The columns of datasets and of the models of the release, one row each.",
            Self::Lineage => {
                "What the models of the release are made from: a row for each column, or the rows of a model (column NULL), \
                 and each column it is made from, or the rows of a table (from_column NULL)."
            }
            Self::Releases => "All releases, one row each.",
            Self::Definitions => "The definitions that models ever had, one row each, also of releases that are gone.",
        }
    }

    fn schema(self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let number = |name: &str| Field::new(name, DataType::Int64, true);
        let instant = |name: &str| Field::new(name, instants(), true);
        Arc::new(Schema::new(match self {
            Self::Models => vec![
                text("table_name"),
                text("materialized"),
                text("description"),
                text("grain"),
                number("definition"),
                text("file"),
                text("sql"),
                text("run"),
                number("millis"),
                number("rows"),
                number("bytes"),
                number("version"),
                number("columns"),
                number("checks"),
                number("failing_checks"),
            ],
            Self::Columns => vec![
                text("table_name"),
                text("column_name"),
                number("position"),
                text("data_type"),
                text("description"),
            ],
            Self::Lineage => vec![text("table_name"), text("column_name"), text("from_table"), text("from_column")],
            Self::Releases => vec![
                number("release"),
                number("parent"),
                number("restores"),
                text("run"),
                instant("started_at"),
                instant("published_at"),
                number("millis"),
                number("tables"),
                number("views"),
                number("rows"),
                number("checks"),
                number("failing_checks"),
                text("cauce"),
            ],
            Self::Definitions => vec![
                text("table_name"),
                number("definition"),
                number("first_release"),
                number("last_release"),
                instant("published_at"),
                text("file"),
                text("sql"),
            ],
        }))
    }
}

fn instants() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// What a session knows of its release.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) lake: Lake,
    pub(super) catalog: Arc<Catalog>,
    /// The number of the release, which is read when it is asked for; none where nothing was published yet.
    pub(super) release: Option<u64>,
}

/// One such table, made when it is read.
pub(super) struct InventoryTable {
    inventory: Inventory,
    known: Arc<Known>,
}

impl InventoryTable {
    pub(super) const fn new(inventory: Inventory, known: Arc<Known>) -> Self {
        Self { inventory, known }
    }

    async fn rows(&self) -> Result<RecordBatch> {
        let Known { lake, catalog, release } = self.known.as_ref();
        let log = lake.releases()?;
        let release = match release {
            Some(number) => Some(log.read(*number).await?),
            None => None,
        };
        let columns = match self.inventory {
            Inventory::Models => models(release.as_ref()),
            Inventory::Columns => columns(catalog, release.as_ref()),
            Inventory::Lineage => lineage(release.as_ref()),
            Inventory::Releases => releases(&log.all().await?),
            Inventory::Definitions => definitions(&lake.definitions()?.all().await?),
        };
        RecordBatch::try_new(self.inventory.schema(), columns).map_err(|failure| Error::bug(failure.to_string()))
    }
}

impl fmt::Debug for InventoryTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InventoryTable").field(&self.inventory).finish()
    }
}

#[async_trait]
impl TableProvider for InventoryTable {
    fn schema(&self) -> SchemaRef {
        self.inventory.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let rows = self.rows().await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        MemTable::try_new(rows.schema(), vec![vec![rows]])?.scan(state, projection, filters, limit).await
    }
}

fn models(release: Option<&Manifest>) -> Vec<ArrayRef> {
    let models: Vec<(&TableName, &ReleasedModel)> = release.iter().flat_map(|release| &release.models).collect();
    let text = |of: &dyn Fn(&TableName, &ReleasedModel) -> Option<String>| {
        texts(models.iter().map(|(name, model)| of(name, model)))
    };
    let number = |of: &dyn Fn(&ReleasedModel) -> Option<u64>| numbers(models.iter().map(|(_, model)| of(model)));
    vec![
        text(&|name, _| Some(name.to_string())),
        text(&|_, model| {
            let kept = match (&model.kept, &model.followed) {
                (Kept::View, _) => Materialized::View,
                (Kept::Table { .. }, Some(_)) => Materialized::Incremental,
                (Kept::Table { .. }, None) => Materialized::Table,
            };
            Some(kept.as_str().to_owned())
        }),
        text(&|_, model| said(&model.description)),
        text(&|_, model| said(&model.grain.join(", "))),
        number(&|model| Some(model.definition)),
        text(&|_, model| said(&model.file)),
        text(&|_, model| said(&model.sql)),
        text(&|_, model| said(&model.run)),
        number(&|model| Some(model.millis)),
        number(&|model| table_facts(model).map(|(rows, ..)| rows)),
        number(&|model| table_facts(model).map(|(_, bytes, _)| bytes)),
        number(&|model| table_facts(model).map(|(.., version)| version)),
        number(&|model| Some(model.columns.len() as u64)),
        number(&|model| Some(model.checks.len() as u64)),
        number(&|model| Some(model.checks.iter().filter(|check| !check.passed).count() as u64)),
    ]
}

/// Rows, bytes and version of a model that is kept as a table.
fn table_facts(model: &ReleasedModel) -> Option<(u64, u64, u64)> {
    match model.kept {
        Kept::Table { ref at, rows, bytes } => Some((rows, bytes, at.version)),
        Kept::View => None,
    }
}

fn columns(catalog: &Catalog, release: Option<&Manifest>) -> Vec<ArrayRef> {
    let of_datasets = catalog.datasets.values().flat_map(|dataset| {
        let table = TableName::new(Layer::Raw, &dataset.name).to_string();
        let schema = dataset.schema();
        let column = |(at, field): (usize, &Arc<Field>)| {
            let declared = dataset.columns.iter().find(|column| column.name == *field.name());
            let description = declared.map(|column| column.description.clone()).unwrap_or_default();
            (table.clone(), at, field.name().clone(), field.data_type().to_string(), description)
        };
        schema.fields().iter().enumerate().map(column).collect::<Vec<_>>()
    });
    let of_models = release.into_iter().flat_map(|release| &release.models).flat_map(|(name, model)| {
        let column = move |(at, column): (usize, &crate::release::ReleasedColumn)| {
            (name.to_string(), at, column.name.clone(), column.data_type.clone(), column.description.clone())
        };
        model.columns.iter().enumerate().map(column)
    });
    let lines: Vec<_> = of_datasets.chain(of_models).collect();
    vec![
        texts(lines.iter().map(|(table, ..)| Some(table.clone()))),
        texts(lines.iter().map(|(_, _, name, ..)| Some(name.clone()))),
        numbers(lines.iter().map(|(_, at, ..)| Some(*at as u64 + 1))),
        texts(lines.iter().map(|(_, _, _, data_type, _)| Some(data_type.clone()))),
        texts(lines.iter().map(|(.., description)| said(description))),
    ]
}

fn lineage(release: Option<&Manifest>) -> Vec<ArrayRef> {
    let mut lines: Vec<[Option<String>; 4]> = Vec::new();
    for (name, model) in release.into_iter().flat_map(|release| &release.models) {
        let Some(meaning) = &model.meaning else { continue };
        let columns = meaning.columns.iter().map(|column| (Some(column.name.clone()), &column.trace));
        for (column, trace) in [(None, &meaning.rows)].into_iter().chain(columns) {
            let line =
                |from: Place| [Some(name.to_string()), column.clone(), Some(from.table.to_string()), from.column];
            lines.extend(trace.places().into_iter().map(line));
        }
    }
    (0..4).map(|at| texts(lines.iter().map(|line| line[at].clone()))).collect()
}

fn releases(manifests: &[Manifest]) -> Vec<ArrayRef> {
    let number = |of: &dyn Fn(&Manifest) -> Option<u64>| numbers(manifests.iter().map(of));
    let instant = |of: &dyn Fn(&Manifest) -> &str| times(manifests.iter().map(of));
    let checks = |manifest: &Manifest, counts: &dyn Fn(bool) -> bool| {
        let checks = manifest.models.values().flat_map(|model| &model.checks);
        Some(checks.filter(|check| counts(check.passed)).count() as u64)
    };
    vec![
        number(&|manifest| Some(manifest.release)),
        number(&|manifest| manifest.parent),
        number(&|manifest| manifest.restores),
        texts(manifests.iter().map(|manifest| Some(manifest.run.clone()))),
        instant(&|manifest| &manifest.started_at),
        instant(&|manifest| &manifest.published_at),
        number(&|manifest| manifest.duration().and_then(|took| u64::try_from(took.as_millis()).ok())),
        number(&|manifest| Some(manifest.extent(|_| true).0 as u64)),
        number(&|manifest| Some(manifest.extent(|_| true).2 as u64)),
        number(&|manifest| Some(manifest.extent(|_| true).1)),
        number(&|manifest| checks(manifest, &|_| true)),
        number(&|manifest| checks(manifest, &|passed| !passed)),
        texts(manifests.iter().map(|manifest| Some(manifest.cauce.clone()))),
    ]
}

fn definitions(definitions: &[Definition]) -> Vec<ArrayRef> {
    let text = |of: &dyn Fn(&Definition) -> String| texts(definitions.iter().map(|definition| Some(of(definition))));
    let number = |of: &dyn Fn(&Definition) -> u64| numbers(definitions.iter().map(|definition| Some(of(definition))));
    vec![
        text(&|definition| definition.model.to_string()),
        number(&|definition| definition.number),
        number(&|definition| definition.first_release),
        number(&|definition| definition.last_release),
        times(definitions.iter().map(|definition| definition.published_at.as_str())),
        text(&|definition| definition.file.clone()),
        text(&|definition| definition.sql.clone()),
    ]
}

/// A text, where there is one.
fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn texts(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

/// Instants as manifests write them.
fn times<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    let micros = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_micros());
    Arc::new(values.map(micros).collect::<TimestampMicrosecondArray>().with_data_type(instants()))
}

fn numbers(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(values.map(|value| value.and_then(|value| i64::try_from(value).ok())).collect::<Int64Array>())
}
