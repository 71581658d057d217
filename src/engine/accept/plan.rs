//! From what a header says to rules that can be held against rows.

use std::sync::Arc;

use arrow::compute::SortOptions;
use arrow::datatypes::Schema;
use datafusion::common::{DFSchema, TableReference};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;

use super::table::{AcceptedTable, Order, Rule};
use crate::engine::{Engine, Relation, sql_name};
use crate::error::{Error, Kind, Result, engine_error};
use crate::model::{Accept, Deduplicate, Model};
use crate::name::{TableName, did_you_mean};
use crate::sql::Source;

impl Engine {
    /// The engine for planning `model`: the name of the table it accepts rows from means the accepted rows.
    ///
    /// # Errors
    /// A rule or order that does not fit the table's columns.
    pub async fn accepting(&self, model: &Model, accept: &Accept) -> Result<(Self, Arc<AcceptedTable>)> {
        let Accept { from, rules, deduplicate } = accept;
        let relation = self.relations.get(from).ok_or_else(|| Error::bug(format!("{from} is not there")))?;
        let name = TableReference::partial(from.layer.as_str(), from.name.as_str());
        let seen = self.context.table_provider(name).await.map_err(engine_error)?;
        let columns = seen.schema().fields().len();
        let (input, dataset) = match relation {
            Relation::Dataset { dataset, location, input } => {
                (self.relations.placed(&dataset, &location, &input), Some(dataset))
            }
            _ => (seen, None),
        };
        let mut planned = Vec::with_capacity(rules.len());
        for (name, sql) in rules {
            let condition = self.condition(from, sql).await;
            let condition = condition.map_err(|error| wrong(model, &format!("rule `{name}`"), plain(error)))?;
            planned.push(Rule { name: name.clone(), sql: sql.clone(), condition });
        }
        let order = match deduplicate {
            None => None,
            Some(Deduplicate { key, keep }) => {
                let schema = input.schema().project(&(0..columns).collect::<Vec<_>>());
                let schema = schema.map_err(|failure| Error::bug(failure.to_string()))?;
                let key = key.iter().map(|column| position(column, &schema, from)).collect::<Result<Vec<usize>>>();
                let key = key.map_err(|error| wrong(model, "the key of `deduplicate`", error))?;
                let keep = match keep {
                    None => Vec::new(),
                    Some(keep) => {
                        let keep = self.order(from, keep).await;
                        keep.map_err(|error| wrong(model, "`keep` of `deduplicate`", error))?
                    }
                };
                Some(Order { key, keep })
            }
        };
        let ledger = Arc::clone(&self.ledger);
        let table = AcceptedTable::new(model.name.clone(), input, columns, dataset, planned, order, ledger);
        let table = Arc::new(table);
        let relations = self.relations.scoped(from.clone(), Relation::Accepted(Arc::clone(&table)));
        Ok((self.with_relations(Arc::new(relations))?, table))
    }

    /// The rules and the order of `accept` as steps over the rows they are held against, as far as they fit those.
    pub(in crate::engine) async fn accept_plans(&self, accept: &Accept) -> Vec<LogicalPlan> {
        let mut plans = Vec::new();
        for rule in accept.rules.values() {
            plans.extend(self.rows_where(&accept.from, rule).await);
        }
        if let Some(keep) = accept.deduplicate.as_ref().and_then(|deduplicate| deduplicate.keep.as_ref()) {
            plans.extend(self.rows_by(&accept.from, keep).await);
        }
        plans
    }

    /// The plan of the rows of `from` for which `condition` holds.
    pub(in crate::engine) async fn rows_where(&self, from: &TableName, condition: &str) -> Result<LogicalPlan> {
        self.plan_over(&format!("SELECT * FROM {} WHERE (\n{condition}\n)", sql_name(from))).await
    }

    /// The plan of the rows of `from` in this order.
    pub(in crate::engine) async fn rows_by(&self, from: &TableName, order: &str) -> Result<LogicalPlan> {
        self.plan_over(&format!("SELECT * FROM {} ORDER BY {order}", sql_name(from))).await
    }

    /// A condition over the columns of `from`.
    async fn condition(&self, from: &TableName, sql: &str) -> Result<Arc<dyn PhysicalExpr>> {
        let plan = self.rows_where(from, sql).await?;
        let mut step = &plan;
        loop {
            if let LogicalPlan::Filter(filter) = step {
                return self.computed(&filter.predicate, filter.input.schema());
            }
            step = single_input(step).ok_or_else(|| Error::bug(format!("no condition in the plan of {sql}")))?;
        }
    }

    /// What rows of `from` are ordered by.
    async fn order(&self, from: &TableName, sql: &str) -> Result<Vec<(Arc<dyn PhysicalExpr>, SortOptions)>> {
        let plan = self.rows_by(from, sql).await?;
        let mut step = &plan;
        loop {
            if let LogicalPlan::Sort(sort) = step {
                let compared = sort.expr.iter().map(|by| {
                    let options = SortOptions { descending: !by.asc, nulls_first: by.nulls_first };
                    Ok((self.computed(&by.expr, sort.input.schema())?, options))
                });
                return compared.collect();
            }
            step = single_input(step).ok_or_else(|| Error::bug(format!("no order in the plan of {sql}")))?;
        }
    }

    /// How `expr` is computed from rows of `schema`, in which `now()` is now.
    fn computed(&self, expr: &Expr, schema: &DFSchema) -> Result<Arc<dyn PhysicalExpr>> {
        let mut state = self.context.state();
        let options = Arc::clone(state.config_options());
        state.execution_props_mut().mark_start_execution(Arc::clone(&options));
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(schema.clone()))
            .with_config_options(options)
            .with_query_execution_start_time(state.execution_props().query_execution_start_time)
            .build();
        let simplifier = ExprSimplifier::new(context);
        let simple = simplifier.coerce(expr.clone(), schema).and_then(|expr| simplifier.simplify(expr));
        simple.and_then(|expr| state.create_physical_expr(expr, schema)).map_err(engine_error)
    }

    async fn plan_over(&self, sql: &str) -> Result<LogicalPlan> {
        self.logical_plan(&Source::new("header", sql).only_statement()?).await
    }
}

fn single_input(plan: &LogicalPlan) -> Option<&LogicalPlan> {
    match plan.inputs().as_slice() {
        [input] => Some(input),
        _ => None,
    }
}

fn position(column: &str, schema: &Schema, from: &TableName) -> Result<usize> {
    schema.index_of(column).map_err(|_| {
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let error = Error::query(format!("{from} has no column `{column}`"));
        error.hint(did_you_mean(
            column,
            names.clone(),
            format!("its columns are {}", names.collect::<Vec<_>>().join(", ")),
        ))
    })
}

/// What the engine says of the condition that a rule became, said of the rule.
fn plain(error: Error) -> Error {
    let said = error.message();
    if said.contains("non-boolean predicate") {
        return Error::query("it gives a value that is neither true nor false").hint("compare the value: x > 0");
    }
    if said.contains("not allowed in the WHERE clause") || said.contains("window function") {
        return Error::query("a rule sees one row, and cannot count or rank others")
            .hint("write a check, or compute it in the SELECT");
    }
    error
}

/// A rule that does not fit its table is a mistake in the model file.
fn wrong(model: &Model, what: &str, error: Error) -> Error {
    if error.kind() != Kind::Query {
        return error;
    }
    // The place would be one in the SQL that cauce made of the rule, which nobody wrote.
    let wrong = Error::usage(format!("{}: {what}: {}", model.file, error.message()));
    match error.next_step() {
        Some(hint) => wrong.hint(hint),
        None => wrong,
    }
}
