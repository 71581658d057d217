//! Planning incremental models: whether they can follow files, their rows in some partitions, and the newest rows of keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::physical_plan::collect;

use super::additive::{Obstacle, obstacle, without_late_filters};
use super::{Engine, ModelPlan, Relation, quoted, shape, sql_name};
use crate::error::{Error, Kind, Result, engine_error};
use crate::model::{Incremental, Model, Strategy};
use crate::name::{TableName, did_you_mean};
use crate::release::Partition;
use crate::sql::Source;
use crate::table::storable_schema;

/// The number of a row among those of its key.
const RANK: &str = "cauce_rank";

impl Engine {
    /// The same engine, in which `name` means something else.
    ///
    /// # Errors
    /// Settings the engine does not accept.
    pub fn meaning_by(&self, name: &TableName, relation: Relation) -> Result<Self> {
        self.with_relations(Arc::new(self.relations.scoped(name.clone(), relation)))
    }

    /// Finds out whether an incremental model, of which this is the plan, can follow files.
    pub(super) async fn can_follow(&self, model: &Model, incremental: &Incremental, plan: &LogicalPlan) -> Result<()> {
        let partition_by = &model.header.partition_by;
        let is_float = |name: &&String| {
            plan.schema().field_with_unqualified_name(name).is_ok_and(|field| field.data_type().is_floating())
        };
        if let Some(column) = partition_by.iter().find(is_float) {
            let wrong =
                format!("{}: `{column}` of `partition_by` is a float, of which 0 and -0 are two texts", model.file);
            return Err(Error::usage(wrong).hint("round it to an int, or cast it to a decimal"));
        }
        if let Some(Obstacle { what, hint }) = obstacle(plan, incremental, partition_by, &self.relations) {
            let strategy = incremental.strategy.as_str();
            let wrong = format!("{}: the model cannot follow files by `{strategy}`: {what}", model.file);
            return Err(Error::usage(wrong).hint(hint));
        }
        if matches!(incremental.strategy, Strategy::Merge { .. }) {
            let columns = storable_schema(plan.schema().inner())?;
            let engine = self.meaning_by(&model.name, Relation::columns_alone(columns))?;
            engine.newest_rows(model, &incremental.strategy).await?;
        }
        Ok(())
    }

    /// The partitions that the rows of a model's SELECT are in, and those of rows that a filter of groups of `from` leaves
    /// out.
    ///
    /// # Errors
    /// As [`Self::model_plan`], or the failure while it ran.
    pub async fn partitions(
        &self,
        source: &Source,
        from: &TableName,
        partition_by: &[String],
    ) -> Result<BTreeSet<Partition>> {
        let plan = without_late_filters(self.model_logical_plan(source).await?, from, &self.relations)?;
        let texts = partition_by.iter().map(|column| cast(named(column), DataType::Utf8).alias(column));
        let plan = LogicalPlanBuilder::from(plan).project(texts).and_then(LogicalPlanBuilder::distinct);
        let plan = plan.and_then(LogicalPlanBuilder::build).map_err(engine_error)?;
        let plan = self.physical_plan(plan, &self.ledger).await?;
        let mut partitions = BTreeSet::new();
        for batch in collect(plan, self.task()).await.map_err(engine_error)? {
            for row in 0..batch.num_rows() {
                let text = |column: &Arc<dyn Array>| {
                    let texts = column.as_string::<i32>();
                    texts.is_valid(row).then(|| texts.value(row).to_owned()).filter(|text| !text.is_empty())
                };
                partitions.insert(batch.columns().iter().map(text).collect());
            }
        }
        Ok(partitions)
    }

    /// The plan of those rows of a model's SELECT that are in `partitions`.
    ///
    /// # Errors
    /// As [`Self::model_plan`].
    pub async fn model_plan_in(
        &self,
        source: &Source,
        partition_by: &[String],
        partitions: &BTreeSet<Partition>,
    ) -> Result<ModelPlan> {
        let logical = self.model_logical_plan(source).await?;
        let is_in = |partition: &Partition| {
            let same = partition_by.iter().zip(partition).map(|(column, value)| {
                let text = cast(named(column), DataType::Utf8);
                match value {
                    Some(value) => text.eq(lit(value.clone())),
                    None => text.clone().is_null().or(text.eq(lit(""))),
                }
            });
            same.reduce(Expr::and).unwrap_or_else(|| lit(true))
        };
        let wanted = partitions.iter().map(is_in).reduce(Expr::or).unwrap_or_else(|| lit(false));
        let rows_of = shape::rows_of(&logical, &self.relations);
        let plan = LogicalPlanBuilder::from(logical).filter(wanted).and_then(LogicalPlanBuilder::build);
        Ok(ModelPlan { plan: self.physical_plan(plan.map_err(engine_error)?, &self.ledger).await?, rows_of })
    }

    /// The plan of the newest row of each key among those that the model's own name means here, without keys that are
    /// gone. A row without a value in its key has no other like it.
    ///
    /// # Errors
    /// A key, order or condition that does not fit the model's columns.
    pub async fn newest_rows(&self, model: &Model, strategy: &Strategy) -> Result<ModelPlan> {
        let Strategy::Merge { unique_key, latest, deleted } = strategy else {
            return Err(Error::bug(format!("{} merges nothing", model.name)));
        };
        let wrong = |what: &str, error: Error| {
            if error.kind() != Kind::Query {
                return error;
            }
            // The place would be one in SQL that nobody wrote.
            let wrong = Error::usage(format!("{}: `{what}` of `incremental`: {}", model.file, error.message()));
            error.next_step().map_or_else(|| wrong.clone(), |hint| wrong.clone().hint(hint))
        };
        let table = sql_name(&model.name);
        let columns = self.schema(&format!("SELECT * FROM {table}")).await?;
        let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
        if let Some(unknown) = unique_key.iter().find(|key| !names.contains(&key.as_str())) {
            let otherwise = format!("its columns are {}", names.join(", "));
            let hint = did_you_mean(unknown, names.iter().copied(), otherwise);
            return Err(wrong("unique_key", Error::query(format!("the model has no column `{unknown}`")).hint(hint)));
        }
        self.schema(&format!("SELECT * FROM {table} ORDER BY {latest}"))
            .await
            .map_err(|error| wrong("latest", error))?;
        let stays = match deleted {
            None => "true".to_owned(),
            Some(deleted) => {
                let gone = self.schema(&format!("SELECT * FROM {table} WHERE (\n{deleted}\n)")).await;
                gone.map_err(|error| wrong("deleted", error))?;
                format!("(\n{deleted}\n) IS NOT TRUE")
            }
        };
        let all: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let key: Vec<String> = unique_key.iter().map(|column| quoted(column)).collect();
        let (all, key) = (all.join(", "), key);
        let without: Vec<String> = key.iter().map(|column| format!("{column} IS NULL")).collect();
        // Where the order does not decide, all columns do, so that the order of files does not.
        let sql = format!(
            "SELECT {all} FROM (SELECT *, row_number() OVER (PARTITION BY {} ORDER BY {latest}, {all}) AS {RANK} FROM {table}) \
             WHERE ({RANK} = 1 OR {}) AND {stays}",
            key.join(", "),
            without.join(" OR "),
        );
        self.model_plan(&Source::new("incremental", &sql)).await
    }
}

/// The column of exactly this name.
fn named(column: &str) -> Expr {
    Expr::Column(Column::from_name(column))
}
