//! What table names mean in a session.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, DataFusionError, Result as EngineResult};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::{MemTable, TableType, ViewTable, provider_as_source};
use datafusion::functions_aggregate::first_last::last_value;
use datafusion::logical_expr::{Expr, JoinType, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::OnceCell;

use super::accept::AcceptedTable;
use super::corrections::KeptCorrections;
use super::fitting::fitting;
use super::inventory::{Inventory, InventoryTable, Known};
use crate::catalog::{Catalog, Dataset, Metadata, Pii};
use crate::error::{Error, Result, engine_error};
use crate::ingest::{DatasetTable, with_found_columns};
use crate::ledger::{Corrections, Ledger, SystemTable};
use crate::name::{Layer, TableName};
use crate::release::{Kept, Manifest, TableVersion};
use crate::sql::Source;
use crate::store::{InputFile, Lake, Location, Stores};
use crate::table::{ParquetTable, open_newest, open_version};

/// One thing a name can mean.
#[derive(Debug, Clone)]
pub enum Relation {
    /// A dataset read from its files: those given, or those found when a query needs them.
    Dataset {
        /// The declaration.
        dataset: Arc<Dataset>,
        /// Where its files are.
        location: Location,
        /// How far its files have been read.
        input: Input,
    },
    /// A version of a Delta table; its log is read when a query needs it, once.
    Version {
        /// The table's folder.
        location: Location,
        /// The version.
        version: TableVersion,
        /// The opened table.
        opened: Arc<OnceCell<Arc<ParquetTable>>>,
    },
    /// The staged files of a table, which only the run that wrote them sees.
    Staged(Arc<ParquetTable>),
    /// A SELECT, planned afresh by every query.
    View(Source),
    /// Rows that somebody handed in.
    Rows(Arc<dyn TableProvider>),
    /// The rows that a model accepts from a table, while that model is planned.
    Accepted(Arc<AcceptedTable>),
    /// A table that runs append to, at its newest version.
    System {
        /// Which one.
        table: SystemTable,
        /// Its folder.
        location: Location,
    },
}

/// How far the files of a dataset have been read.
#[derive(Debug, Clone)]
pub enum Input {
    /// They are looked for by each query that reads them.
    Unlisted,
    /// A run found them while it planned; they are read by each model that needs them.
    Files(Vec<InputFile>),
    /// A run has read them, once for all its models.
    Rows(Arc<dyn TableProvider>),
}

impl Relation {
    /// A table of which only the columns matter, since nothing is read from it.
    #[must_use]
    pub fn columns_alone(schema: SchemaRef) -> Self {
        Self::Rows(Arc::new(EmptyTable::new(schema)))
    }

    /// A version of the Delta table at `location`.
    #[must_use]
    pub fn version(location: Location, version: TableVersion) -> Self {
        Self::Version { location, version, opened: Arc::default() }
    }

    /// Rows that are handed in.
    ///
    /// # Errors
    /// Rows that are no table, which is a bug.
    pub fn of_rows(rows: RecordBatch) -> Result<Self> {
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).map_err(engine_error)?;
        Ok(Self::Rows(Arc::new(table)))
    }

    /// Rows that are handed in as those of a dataset: no file is read, the place of a row is its number, and every value
    /// may be missing.
    ///
    /// # Errors
    /// Rows that do not have the dataset's columns, which is a bug.
    pub fn of_dataset_rows(dataset: &Dataset, location: Location, rows: &RecordBatch) -> Result<Self> {
        let mut dataset = dataset.clone();
        dataset.columns.iter_mut().for_each(|column| column.required = false);
        let numbers = 1..=i64::try_from(rows.num_rows()).unwrap_or(i64::MAX);
        let mut columns = rows.columns().to_vec();
        let missing = [Metadata::File, Metadata::Line].into_iter().filter(|place| !dataset.metadata.contains(place));
        for place in missing {
            columns.push(match place {
                Metadata::File => Arc::new(StringArray::from(vec!["given"; rows.num_rows()])) as ArrayRef,
                Metadata::Line => Arc::new(numbers.clone().collect::<Int64Array>()),
            });
        }
        let schema = dataset.with_place().schema();
        let placed = RecordBatch::try_new(Arc::clone(&schema), columns);
        let placed = placed.map_err(|failure| Error::bug(failure.to_string()))?;
        let table = MemTable::try_new(schema, vec![vec![placed]]).map_err(engine_error)?;
        Ok(Self::Dataset { dataset: Arc::new(dataset), location, input: Input::Rows(Arc::new(table)) })
    }
}

/// The meaning of every table name in a session.
#[derive(Debug)]
pub struct Relations {
    stores: Arc<Stores>,
    corrections: Arc<KeptCorrections>,
    known: RwLock<BTreeMap<TableName, Relation>>,
    /// Datasets whose columns were found in their files, since they declare none.
    inferred: RwLock<Vec<TableName>>,
}

impl Relations {
    /// No names yet; raw files are read with the corrections of `lake`.
    #[must_use]
    pub fn new(lake: &Lake) -> Self {
        let stores = Arc::clone(lake.stores());
        let kept = KeptCorrections::new(&stores, lake.table(&SystemTable::Corrections.name()));
        Self { stores, corrections: Arc::new(kept), known: RwLock::default(), inferred: RwLock::default() }
    }

    /// The same names, but raw files are read with `corrections` instead of those of the lake.
    #[must_use]
    pub fn with_corrections(mut self, corrections: Arc<Corrections>) -> Self {
        self.corrections = Arc::new(self.corrections.only(corrections));
        self
    }

    /// The names of a release: its tables at their versions, its views, and the datasets of `catalog` as their files are
    /// now. Without a release there are the datasets alone.
    ///
    /// # Errors
    /// A dataset whose `path:` is no place.
    pub fn of_release(lake: &Lake, catalog: &Catalog, release: Option<&Manifest>) -> Result<Self> {
        let relations = Self::new(lake);
        for (name, dataset) in &catalog.datasets {
            let location = lake.input(dataset)?;
            let relation = Relation::Dataset { dataset: Arc::new(dataset.clone()), location, input: Input::Unlisted };
            relations.define(TableName::new(Layer::Raw, name), relation);
        }
        for (name, model) in release.iter().flat_map(|release| &release.models) {
            let relation = match &model.kept {
                Kept::Table { at, .. } => Relation::version(lake.table(name), at.clone()),
                Kept::View => Relation::View(Source::new(&model.file, &model.sql)),
            };
            relations.define(name.clone(), relation);
        }
        for table in SystemTable::ALL {
            let location = lake.table(&table.name());
            relations.define(table.name(), Relation::System { table, location });
        }
        let (catalog, release) = (Arc::new(catalog.clone()), release.map(|release| release.release));
        let known = Arc::new(Known { lake: lake.clone(), catalog, release });
        for inventory in Inventory::ALL {
            let table = InventoryTable::new(inventory, Arc::clone(&known));
            relations.define(inventory.name(), Relation::Rows(Arc::new(table)));
        }
        Ok(relations)
    }

    /// The same names, of which `name` means something else.
    #[must_use]
    pub(super) fn scoped(&self, name: TableName, relation: Relation) -> Self {
        let mut known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        known.insert(name, relation);
        let (stores, corrections) = (Arc::clone(&self.stores), Arc::clone(&self.corrections));
        Self { stores, corrections, known: RwLock::new(known), inferred: RwLock::default() }
    }

    /// Gives a name its meaning, in place of what it meant before.
    pub fn define(&self, name: TableName, relation: Relation) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name, relation);
    }

    /// All names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<TableName> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// What a name means.
    #[must_use]
    pub fn get(&self, name: &TableName) -> Option<Relation> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The full name of an unqualified one: the first layer of the search order that has it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<TableName> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Layer::SEARCH_ORDER.into_iter().map(|layer| TableName::new(layer, name)).find(|name| known.contains_key(name))
    }

    /// The columns of a table, as far as they are known without reading anything.
    pub(super) fn columns(&self, name: &TableName) -> Vec<String> {
        let schema = match self.get(name) {
            Some(Relation::Dataset { dataset, .. }) => dataset.schema(),
            Some(Relation::Rows(rows)) => rows.schema(),
            _ => return Vec::new(),
        };
        schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// What must happen to a column of the raw layer before it leaves it.
    #[must_use]
    pub fn pii(&self, table: &TableName, column: &str) -> Option<Pii> {
        let dataset = match self.get(table)? {
            Relation::Dataset { dataset, .. } => dataset,
            Relation::Accepted(accepted) => Arc::clone(accepted.dataset()?),
            _ => return None,
        };
        dataset.columns.iter().find(|c| c.name == column)?.pii
    }

    /// The rows of a dataset with, behind its own columns, those that say where each stands in its file.
    pub(super) fn placed(&self, dataset: &Dataset, location: &Location, input: &Input) -> Arc<dyn TableProvider> {
        let (dataset, location) = (Arc::new(dataset.with_place()), location.clone());
        match input {
            Input::Rows(rows) => Arc::clone(rows),
            Input::Files(files) => Arc::new(self.raw_table(dataset, location, Some(files.clone()))),
            Input::Unlisted => Arc::new(self.raw_table(dataset, location, None)),
        }
    }

    /// The table of a dataset in `files`, or in those that are there when it is read.
    fn raw_table(&self, dataset: Arc<Dataset>, location: Location, files: Option<Vec<InputFile>>) -> RawTable {
        let stores = files.is_none().then(|| Arc::clone(&self.stores));
        let corrections = Arc::clone(&self.corrections);
        RawTable { stores, dataset, location, files: files.unwrap_or_default(), corrections }
    }

    /// The newest version of a table that runs append to; without rows if there is none yet.
    async fn newest(&self, table: SystemTable, location: &Location) -> Result<Arc<dyn TableProvider>> {
        Ok(match open_newest(&self.stores, location).await? {
            // What an earlier cauce wrote may lack columns.
            Some(newest) => Arc::new(newest.with_columns(&table.stored())),
            None => Arc::new(MemTable::try_new(table.stored(), vec![Vec::new()]).map_err(engine_error)?),
        })
    }

    /// The newest version of another such table.
    async fn newest_of(&self, table: SystemTable) -> Result<Arc<dyn TableProvider>> {
        match self.get(&table.name()) {
            Some(Relation::System { table, location }) => self.newest(table, &location).await,
            _ => Err(Error::bug(format!("{} is not there", table.name()))),
        }
    }

    /// The datasets whose columns were found in their files since the last call.
    pub fn take_inferred(&self) -> Vec<TableName> {
        std::mem::take(&mut *self.inferred.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Finds the columns of a dataset that declares none: once, from then on it has them.
    async fn find_columns(&self, dataset: &Dataset, location: &Location) -> Result<Arc<Dataset>> {
        let files = self.stores.list(location, dataset.format.ending()).await?;
        let dataset = Arc::new(with_found_columns(dataset, &files).await?);
        let name = TableName::new(Layer::Raw, &dataset.name);
        let found =
            Relation::Dataset { dataset: Arc::clone(&dataset), location: location.clone(), input: Input::Unlisted };
        self.define(name.clone(), found);
        self.inferred.write().unwrap_or_else(PoisonError::into_inner).push(name);
        Ok(dataset)
    }

    /// A table that is kept in files, as a run or a reader sees it; `None` if it is of another kind.
    ///
    /// # Errors
    /// A version that cannot be read.
    pub async fn parquet_table(&self, name: &TableName) -> Result<Option<Arc<ParquetTable>>> {
        match self.get(name) {
            Some(Relation::Staged(table)) => Ok(Some(table)),
            Some(Relation::Version { location, version, opened }) => {
                self.opened(&location, &version, &opened).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A version of a table, whose log is read once.
    async fn opened(
        &self,
        location: &Location,
        version: &TableVersion,
        opened: &OnceCell<Arc<ParquetTable>>,
    ) -> Result<Arc<ParquetTable>> {
        let open = || async { open_version(&self.stores, location, version).await.map(Arc::new) };
        opened.get_or_try_init(open).await.map(Arc::clone)
    }

    /// The table behind a relation that is not a view.
    pub(super) async fn table(&self, relation: Relation) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(match relation {
            Relation::View(_) => None,
            Relation::Staged(table) => Some(table),
            Relation::Rows(rows) => Some(rows),
            Relation::Version { location, version, opened } => Some(self.opened(&location, &version, &opened).await?),
            Relation::Dataset { dataset, location, input: Input::Unlisted } if dataset.columns.is_empty() => {
                let dataset = self.find_columns(&dataset, &location).await?;
                Some(Arc::new(self.raw_table(dataset, location, None)))
            }
            Relation::Dataset { dataset, location, input } => Some(match input {
                Input::Rows(rows) => Arc::new(FirstColumns { schema: dataset.schema(), rows }),
                Input::Files(files) => Arc::new(self.raw_table(dataset, location, Some(files))),
                Input::Unlisted => Arc::new(self.raw_table(dataset, location, None)),
            }),
            Relation::Accepted(accepted) => Some(accepted),
            Relation::System { table, location } => {
                let stored = self.newest(table, &location).await?;
                if table.stored() == table.schema() {
                    return Ok(Some(stored));
                }
                let runs = self.newest_of(SystemTable::Runs).await?;
                let corrections = match table {
                    SystemTable::Rejects => Some(self.newest_of(SystemTable::Corrections).await?),
                    _ => None,
                };
                Some(Arc::new(with_what_came(table, stored, runs, corrections).map_err(engine_error)?))
            }
        })
    }
}

/// Rows in memory, of which only the first columns are seen: those behind them say where a row stands in its file.
#[derive(Debug)]
struct FirstColumns {
    schema: SchemaRef,
    rows: Arc<dyn TableProvider>,
}

#[async_trait]
impl TableProvider for FirstColumns {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let seen = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        self.rows.scan(state, Some(&seen), &[], limit).await
    }
}

/// The rows of a table of runs with the release that the run of each published, if it published one, and rejects with
/// their corrections, if they have one.
fn with_what_came(
    table: SystemTable,
    stored: Arc<dyn TableProvider>,
    runs: Arc<dyn TableProvider>,
    corrections: Option<Arc<dyn TableProvider>>,
) -> EngineResult<ViewTable> {
    let of = |table: &str, name: &str| Expr::Column(Column::new(Some(table), name));
    let published = LogicalPlanBuilder::scan("runs", provider_as_source(runs), None)?
        .filter(of("runs", "release").is_not_null())?
        .project([of("runs", "run"), of("runs", "release")])?
        .distinct()?
        .alias("published")?
        .build()?;
    let columns_of = |table: &str, names: &[&str]| -> Vec<Column> {
        names.iter().map(|name| Column::new(Some(table), *name)).collect()
    };
    let on = (columns_of("stored", &["run"]), columns_of("published", &["run"]));
    let mut rows = LogicalPlanBuilder::scan("stored", provider_as_source(stored), None)?.join(
        published,
        JoinType::Left,
        on,
        None,
    )?;
    if let Some(corrections) = corrections {
        let record = ["origin", "file", "line", "rejected"];
        let by_time = vec![of("corrections", "corrected_at").sort(true, true)];
        let newest = last_value(of("corrections", "corrected"), by_time).alias("corrected");
        let corrected = LogicalPlanBuilder::scan("corrections", provider_as_source(corrections), None)?
            .aggregate(record.map(|name| of("corrections", name)), [newest])?
            .alias("corrected")?
            .build()?;
        let on = (columns_of("stored", &["origin", "file", "line", "raw"]), columns_of("corrected", &record));
        rows = rows.join(corrected, JoinType::Left, on, None)?;
    }
    let schema = table.schema();
    let columns = schema.fields().iter().map(|field| match field.name().as_str() {
        "release" => of("published", "release"),
        "corrected" => of("corrected", "corrected"),
        name => of("stored", name),
    });
    let plan = rows.project(columns)?.build()?;
    Ok(ViewTable::new(plan, None))
}

/// A dataset read from its files. Those that nobody listed yet are looked for when it is read, so that naming it costs
/// nothing and a missing file breaks only the queries that read it. Rejects go to the ledger of the session.
#[derive(Debug)]
struct RawTable {
    /// Where to look for files; none where they are known.
    stores: Option<Arc<Stores>>,
    dataset: Arc<Dataset>,
    location: Location,
    files: Vec<InputFile>,
    corrections: Arc<KeptCorrections>,
}

impl RawTable {
    /// The table of the files that are read.
    async fn table(&self, state: &dyn Session) -> Result<DatasetTable> {
        let Some(ledger) = state.config().get_extension::<Ledger>() else {
            return Err(Error::bug("a session without a ledger"));
        };
        let files = match &self.stores {
            // The run that found them has compared them, too.
            None => self.files.clone(),
            Some(stores) => {
                let listed = stores.list(&self.location, self.dataset.format.ending()).await?;
                fitting(&self.dataset, listed, &ledger).await?
            }
        };
        let corrections = self.corrections.get(state).await?;
        Ok(DatasetTable::new(&self.dataset, files).with_faults(ledger.faults(&self.dataset.name, &corrections)))
    }
}

#[async_trait]
impl TableProvider for RawTable {
    fn schema(&self) -> SchemaRef {
        self.dataset.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let table = self.table(state).await.map_err(|error| DataFusionError::External(Box::new(error)))?;
        table.scan(state, projection, &[], limit).await
    }
}
