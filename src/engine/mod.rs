//! The SQL engine: sessions, name resolution, functions, statements and their answers.
//!
//! An [`Engine`] is one DataFusion session over a set of [`Relations`]. What a name means is decided there and nowhere
//! else: the relations of a release for a reader, the staged tables of a run for the run itself.

mod accept;
mod additive;
mod corrections;
mod described;
mod diagnose;
mod fitting;
mod functions;
mod guard;
mod incremental;
mod inventory;
mod meaning;
mod meter;
mod parameters;
mod past;
mod pii;
mod relations;
mod schemas;
mod session;
mod shape;
#[cfg(test)]
pub(crate) mod testing;
mod yielding;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::datasource::MemTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SQLOptions, SessionContext};

pub use accept::AcceptedTable;
pub use described::FunctionEntry;
pub use inventory::Inventory;
pub use meter::{Meter, Reading};
pub use parameters::Parameters;
pub use relations::{Input, Relation, Relations};
pub use session::Settings;
pub use shape::{ModelPlan, Passage};

use self::past::Past;
use crate::catalog::Catalog;
use crate::error::{Error, Finding, Kind, Result, engine_error};
use crate::ledger::Ledger;
use crate::model::{Meaning, Model, Strategy};
use crate::name::TableName;
use crate::release::Manifest;
use crate::sql::{Source, Statement};
use crate::store::{Lake, Stores};
use crate::table::storable_schema;

/// A SQL session over a set of relations.
#[derive(Clone)]
pub struct Engine {
    context: SessionContext,
    relations: Arc<Relations>,
    settings: Settings,
    ledger: Arc<Ledger>,
}

/// The answer to a statement: rows that come while they are read. Dropping it stops the work.
pub struct Answer {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows.
    pub stream: SendableRecordBatchStream,
    /// The plan that makes them.
    pub plan: Arc<dyn ExecutionPlan>,
    /// What making them takes.
    pub meter: Meter,
    /// The rows of raw files that are not among those it was made from.
    pub ledger: Arc<Ledger>,
}

impl Engine {
    /// A session in which names mean what `relations` say.
    ///
    /// # Errors
    /// Settings the engine does not accept, such as a folder for spilling that cannot be made.
    pub fn new(stores: &Arc<Stores>, relations: Arc<Relations>, settings: &Settings) -> Result<Self> {
        Self::open(stores, relations, settings, None)
    }

    /// A session for readers of a release, or of the datasets alone where there is none. `table_at` reaches the others.
    ///
    /// # Errors
    /// As [`Self::new`], and a dataset whose `path:` is no place.
    pub fn of_release(lake: &Lake, catalog: &Catalog, release: Option<&Manifest>, settings: &Settings) -> Result<Self> {
        let relations = Arc::new(Relations::of_release(lake, catalog, release)?);
        let past = Arc::new(Past::new(lake, catalog, settings));
        Self::open(lake.stores(), relations, settings, Some(past))
    }

    fn open(
        stores: &Arc<Stores>,
        relations: Arc<Relations>,
        settings: &Settings,
        past: Option<Arc<Past>>,
    ) -> Result<Self> {
        let runtime = session::runtime(stores, settings)?;
        let ledger = Arc::new(Ledger::new(Arc::clone(&runtime)));
        let context = session::open(runtime, &relations, settings, &ledger, past)?;
        Ok(Self { context, relations, settings: settings.clone(), ledger })
    }

    /// The same engine, in which names mean what `relations` say.
    fn with_relations(&self, relations: Arc<Relations>) -> Result<Self> {
        let (settings, ledger) = (self.settings.clone(), Arc::clone(&self.ledger));
        let context = session::open(self.context.runtime_env(), &relations, &settings, &ledger, None)?;
        Ok(Self { context, relations, settings, ledger })
    }

    /// Where the rejects of models and of cauce's own statements go. An [`Answer`] has a ledger of its own.
    #[must_use]
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What names mean here.
    #[must_use]
    pub fn relations(&self) -> &Arc<Relations> {
        &self.relations
    }

    /// Plans a statement and starts it.
    ///
    /// # Errors
    /// A statement that is wrong (with its place), or that would change something: readers read.
    pub async fn answer(&self, statement: &Statement) -> Result<Answer> {
        self.answer_given(statement, &Parameters::new()).await
    }

    /// As [`Self::answer`], with values for the `$names` in the statement.
    ///
    /// # Errors
    /// As there, and a parameter without a value, or with one that is not of the type its place needs.
    pub async fn answer_given(&self, statement: &Statement, parameters: &Parameters) -> Result<Answer> {
        let ledger = Arc::new(Ledger::new(self.context.runtime_env()));
        self.answer_with(statement, parameters, ledger).await
    }

    async fn answer_with(&self, statement: &Statement, parameters: &Parameters, ledger: Arc<Ledger>) -> Result<Answer> {
        let logical = parameters::bind(self.read_only_plan(statement).await?, parameters, statement)?;
        let plan = self.physical_plan(logical, &ledger).await?;
        let meter = Meter::new(&plan, &self.context.runtime_env().memory_pool);
        let stream = execute_stream(Arc::clone(&plan), self.task()).map_err(engine_error)?;
        Ok(Answer { schema: plan.schema(), stream, plan, meter, ledger })
    }

    /// The plan of a model's SELECT, ready to be staged.
    ///
    /// # Errors
    /// SQL that is wrong, or that lets personal data out of the raw layer.
    pub async fn model_plan(&self, source: &Source) -> Result<ModelPlan> {
        let logical = self.model_logical_plan(source).await?;
        let rows_of = shape::rows_of(&logical, &self.relations);
        Ok(ModelPlan { plan: self.physical_plan(logical, &self.ledger).await?, rows_of })
    }

    /// What a model means and which columns it has, without running it. The tables it reads need only have columns.
    ///
    /// # Errors
    /// As [`Self::model_plan`].
    pub async fn meaning(&self, model: &Model) -> Result<(Meaning, SchemaRef)> {
        let in_model = |error: Error| error.while_doing(format_args!("model {}", model.name));
        let plan = self.model_logical_plan(&Source::new(&model.file, &model.text)).await.map_err(in_model)?;
        if let Some(incremental) = &model.header.incremental {
            self.can_follow(model, incremental, &plan).await?;
        }
        let schema = Arc::clone(plan.schema().inner());
        let beside = self.header_plans(model, &schema).await?;
        Ok((meaning::meaning(model, &plan, &beside, &self.relations), schema))
    }

    /// What the header of a model computes beside its SELECT, which has the columns `schema`. What does not fit is left out
    /// here: it is said where it is used.
    async fn header_plans(&self, model: &Model, schema: &SchemaRef) -> Result<Vec<LogicalPlan>> {
        let mut plans = match &model.header.accept {
            Some(accept) => self.accept_plans(accept).await,
            None => Vec::new(),
        };
        let strategy = model.header.incremental.as_ref().map(|incremental| &incremental.strategy);
        if let Some(Strategy::Merge { latest, deleted, .. }) = strategy {
            let merged = self.meaning_by(&model.name, Relation::columns_alone(storable_schema(schema)?))?;
            plans.extend(merged.rows_by(&model.name, latest).await);
            if let Some(deleted) = deleted {
                plans.extend(merged.rows_where(&model.name, deleted).await);
            }
        }
        Ok(plans)
    }

    /// Checks a model's SELECT without running it: everything [`Self::model_plan`] would find.
    ///
    /// # Errors
    /// As [`Self::model_plan`].
    pub async fn model_schema(&self, source: &Source) -> Result<SchemaRef> {
        Ok(Arc::clone(self.model_logical_plan(source).await?.schema().inner()))
    }

    /// The rows of a model, collected, and its columns: those of its SELECT, and of a model that merges the newest of each
    /// key.
    ///
    /// # Errors
    /// As [`Self::model_plan`] and [`Self::newest_rows`], or the failure while it ran.
    pub async fn model_rows(&self, model: &Model) -> Result<(SchemaRef, Vec<arrow::array::RecordBatch>)> {
        let plan = self.model_plan(&Source::new(&model.file, &model.text)).await?.plan;
        let schema = plan.schema();
        let rows = self.collect(plan).await?;
        let Some(strategy @ Strategy::Merge { .. }) = model.header.incremental.as_ref().map(|how| &how.strategy) else {
            return Ok((schema, rows));
        };
        let all = arrow::compute::concat_batches(&schema, &rows).map_err(|failure| engine_error(failure.into()))?;
        let merging = self.meaning_by(&model.name, Relation::of_rows(all)?)?;
        let plan = merging.newest_rows(model, strategy).await?.plan;
        Ok((schema, merging.collect(plan).await?))
    }

    async fn collect(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Vec<arrow::array::RecordBatch>> {
        datafusion::physical_plan::collect(plan, self.task()).await.map_err(engine_error)
    }

    /// Runs a SELECT made by cauce itself and collects its rows.
    ///
    /// # Errors
    /// SQL that is wrong, or the failure while it ran.
    pub async fn rows(&self, sql: &str) -> Result<Vec<arrow::array::RecordBatch>> {
        let statement = Source::new("query", sql).only_statement()?;
        let answer = self.answer_with(&statement, &Parameters::new(), Arc::clone(&self.ledger)).await?;
        datafusion::physical_plan::common::collect(answer.stream).await.map_err(engine_error)
    }

    /// Reads a dataset once into memory, where every later scan in this session finds its rows; `placed` if somebody will
    /// ask where they stand in their files.
    ///
    /// # Errors
    /// A row that cannot be read, or a name that is no dataset.
    pub async fn hold_in_memory(&self, name: &TableName, placed: bool) -> Result<()> {
        let Some(Relation::Dataset { dataset, location, input }) = self.relations.get(name) else {
            return Err(Error::bug(format!("{name} is no dataset")));
        };
        let (schema, batches) = if placed {
            let table = self.relations.placed(&dataset, &location, &input);
            let frame = self.context.read_table(Arc::clone(&table)).map_err(engine_error)?;
            (table.schema(), frame.collect().await.map_err(engine_error)?)
        } else {
            (dataset.schema(), self.rows(&format!("SELECT * FROM {}", sql_name(name))).await?)
        };
        let count = batches.len().clamp(1, self.context.copied_config().target_partitions());
        let mut partitions = vec![Vec::new(); count];
        for (index, batch) in batches.into_iter().enumerate() {
            partitions[index % count].push(batch);
        }
        let rows = MemTable::try_new(schema, partitions).map_err(engine_error)?;
        self.relations
            .define(name.clone(), Relation::Dataset { dataset, location, input: Input::Rows(Arc::new(rows)) });
        Ok(())
    }

    /// The columns of a SELECT made by cauce itself.
    ///
    /// # Errors
    /// SQL that is wrong.
    pub async fn schema(&self, sql: &str) -> Result<SchemaRef> {
        let statement = Source::new("query", sql).only_statement()?;
        Ok(Arc::clone(self.logical_plan(&statement).await?.schema().inner()))
    }

    /// What running a plan needs: memory, folders for spilling, stores.
    #[must_use]
    pub fn task(&self) -> Arc<TaskContext> {
        self.context.task_ctx()
    }

    /// All SQL functions with how they are called, by name.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionEntry> {
        described::functions(&self.context)
    }

    async fn model_logical_plan(&self, source: &Source) -> Result<LogicalPlan> {
        // A wrong statement in a model is a wrong file.
        let wrong = |error: Error| if error.kind() == Kind::Query { error.of_kind(Kind::Usage) } else { error };
        let statement = source.only_statement().map_err(wrong)?;
        let plan = self.logical_plan(&statement).await.map_err(wrong)?;
        let leaks = pii::leaks(&plan, &self.relations);
        if leaks.is_empty() {
            return Ok(plan);
        }
        let findings = leaks.into_iter().map(|leak| {
            Finding::new(format!("column `{}` shows {} as it is", leak.output, leak.source))
                .hint(format!("write pseudonym({}) or leave it out", leak.source.column))
        });
        Err(Error::new(Kind::Usage, format!("{} lets personal data out of the raw layer", source.name()))
            .findings(findings)
            .hint("catalog.yaml says `pii:` of these columns; what a model makes is read by everybody"))
    }

    async fn read_only_plan(&self, statement: &Statement) -> Result<LogicalPlan> {
        // Told before planning: whether the rest of such a statement is right does not matter.
        if CHANGES.contains(&statement.first_word().to_uppercase().as_str()) {
            return Err(refused(statement));
        }
        let plan = self.logical_plan(statement).await?;
        let reads_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(true);
        if reads_only.verify_plan(&plan).is_err() {
            return Err(refused(statement));
        }
        Ok(plan)
    }

    async fn logical_plan(&self, statement: &Statement) -> Result<LogicalPlan> {
        let planned = self.context.state().statement_to_plan(statement.parse()?).await;
        planned.map_err(|failure| diagnose::explain(failure, statement, &self.relations))
    }

    async fn physical_plan(&self, plan: LogicalPlan, ledger: &Arc<Ledger>) -> Result<Arc<dyn ExecutionPlan>> {
        // `SET` and its like act while they are "executed"; everything else only plans.
        let frame = self.context.execute_logical_plan(plan).await.map_err(engine_error)?;
        let (mut state, plan) = frame.into_parts();
        state.config_mut().set_extension(Arc::clone(ledger));
        state.create_physical_plan(&plan).await.map_err(engine_error)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("relations", &self.relations).finish_non_exhaustive()
    }
}

/// The first words of statements that change something.
const CHANGES: [&str; 9] = ["INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "CREATE", "ALTER", "DROP", "COPY"];

fn refused(statement: &Statement) -> Error {
    let what = statement.first_word().to_uppercase();
    Error::new(Kind::Refused, format!("{what} would change something; here statements only read"))
        .at(statement.place())
        .hint("write a model in sql/ and `cauce run` it; to keep a result use `cauce query -o FILE`")
}

/// `layer.name` as SQL, quoted where it must be.
#[must_use]
pub fn sql_name(name: &TableName) -> String {
    format!("{}.{}", name.layer, quoted(&name.name))
}

/// An identifier as SQL, quoted so that its letters stay as they are.
#[must_use]
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
