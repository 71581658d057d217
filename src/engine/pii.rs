//! Personal data: which output columns of a plan show a protected column of the raw layer as it is.
//!
//! The flow of values is followed from each output column down to the scans. A value stops being personal when it
//! passes `pseudonym()`, when it is only compared or counted, or when only its length is taken; any other function of
//! it (a part, a concatenation, an unkeyed hash) still is, and so is whatever this file does not know.

use std::collections::BTreeSet;
use std::fmt;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, TableReference};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{Distinct, Expr, ExprSchemable, JoinType, LogicalPlan};

use super::functions::Pseudonym;
use super::relations::Relations;
use crate::name::{CATALOG, TableName};

/// A protected column of the raw layer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Protected {
    pub(super) table: TableName,
    pub(super) column: String,
}

impl fmt::Display for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}

/// An output column that shows a protected one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Leak {
    pub(super) output: String,
    pub(super) source: Protected,
}

/// The leaks of a plan, in the order of its columns.
pub(super) fn leaks(plan: &LogicalPlan, relations: &Relations) -> Vec<Leak> {
    let scope = Scope { relations, outer: None };
    let outputs = plan.schema().fields().iter().enumerate();
    outputs
        .flat_map(|(index, field)| {
            let output = field.name().clone();
            shown(plan, index, scope).into_iter().map(move |source| Leak { output: output.clone(), source })
        })
        .collect()
}

type Shown = BTreeSet<Protected>;

/// What the names in a plan refer to.
#[derive(Clone, Copy)]
struct Scope<'a> {
    relations: &'a Relations,
    /// The input around a subquery, whose columns it may name, and the scope of that input.
    outer: Option<(&'a LogicalPlan, &'a Self)>,
}

impl Scope<'_> {
    /// The protected columns that a column of the query around a subquery shows.
    fn shown_outside(&self, column: &Column) -> Shown {
        let Some((input, scope)) = self.outer else { return Shown::new() };
        match input.schema().index_of_column(column) {
            Ok(index) => shown(input, index, *scope),
            Err(_) => scope.shown_outside(column),
        }
    }
}

/// The protected columns that column `index` of `plan` shows.
fn shown(plan: &LogicalPlan, index: usize, scope: Scope<'_>) -> Shown {
    let same_of = |input: &LogicalPlan| shown(input, index, scope);
    match plan {
        LogicalPlan::TableScan(scan) => {
            let column = scan.projected_schema.field(index).name();
            let protected = full_name(&scan.table_name, scope.relations)
                .filter(|table| scope.relations.pii(table, column).is_some())
                .map(|table| Protected { table, column: column.clone() });
            protected.into_iter().collect()
        }
        LogicalPlan::Projection(projection) => shown_by(&projection.expr[index], &projection.input, scope),
        LogicalPlan::Aggregate(aggregate) => {
            // Grouping sets put their own columns first; there the grouped column is found by its name.
            let grouped = aggregate.schema.fields().len().saturating_sub(aggregate.aggr_expr.len());
            if index >= grouped {
                shown_by(&aggregate.aggr_expr[index - grouped], &aggregate.input, scope)
            } else if grouped == aggregate.group_expr.len() {
                shown_by(&aggregate.group_expr[index], &aggregate.input, scope)
            } else {
                let field = aggregate.schema.field(index).name();
                let columns = aggregate.group_expr.iter().flat_map(Expr::column_refs);
                let column = columns.into_iter().find(|column| column.name() == field);
                column.map(|column| shown_by_column(column, &aggregate.input, scope)).unwrap_or_default()
            }
        }
        LogicalPlan::Window(window) => {
            let inputs = window.input.schema().fields().len();
            match index.checked_sub(inputs) {
                None => same_of(&window.input),
                Some(own) => shown_by(&window.window_expr[own], &window.input, scope),
            }
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => same_of(&join.right),
                _ if index < left => same_of(&join.left),
                JoinType::LeftMark => Shown::new(),
                // A LATERAL subquery on the right may name columns of the left.
                _ => shown(&join.right, index - left, Scope { outer: Some((&join.left, &scope)), ..scope }),
            }
        }
        LogicalPlan::Union(union) => union.inputs.iter().flat_map(|input| same_of(input)).collect(),
        LogicalPlan::Distinct(Distinct::On(distinct)) => shown_by(&distinct.select_expr[index], &distinct.input, scope),
        LogicalPlan::Unnest(unnest) => {
            let input = unnest.dependency_indices.get(index).copied().unwrap_or(index);
            shown(&unnest.input, input, scope)
        }
        LogicalPlan::RecursiveQuery(query) => {
            let mut both = same_of(&query.static_term);
            both.extend(same_of(&query.recursive_term));
            both
        }
        LogicalPlan::Subquery(subquery) => same_of(&subquery.subquery),
        // Filters, sorts, limits, aliases: one input whose columns pass through as they are. Of any other step each
        // column may show each column of its inputs.
        other => match other.inputs().as_slice() {
            [input] if input.schema().fields().len() == other.schema().fields().len() => same_of(input),
            inputs => {
                let all = inputs.iter().flat_map(|input| (0..input.schema().fields().len()).map(move |at| (input, at)));
                all.flat_map(|(input, at)| shown(input, at, scope)).collect()
            }
        },
    }
}

/// The protected columns that the value of an expression over `input` shows.
fn shown_by(expr: &Expr, input: &LogicalPlan, scope: Scope<'_>) -> Shown {
    let of = |expr: &Expr| shown_by(expr, input, scope);
    if matches!(expr.get_type(input.schema()), Ok(DataType::Boolean)) && !is_column(expr) {
        return Shown::new();
    }
    match expr {
        Expr::Column(column) => shown_by_column(column, input, scope),
        Expr::OuterReferenceColumn(_, column) => scope.shown_outside(column),
        Expr::Alias(alias) => of(&alias.expr),
        Expr::Cast(cast) => of(&cast.expr),
        Expr::TryCast(cast) => of(&cast.expr),
        // Comparisons are Boolean and did not come this far.
        Expr::BinaryExpr(binary) => [&binary.left, &binary.right].into_iter().flat_map(|side| of(side)).collect(),
        Expr::Case(case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref());
            results.flat_map(of).collect()
        }
        Expr::ScalarFunction(call) => match call.name() {
            Pseudonym::NAME | "character_length" | "octet_length" | "bit_length" => Shown::new(),
            _ => call.args.iter().flat_map(of).collect(),
        },
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            if is_about(func.name()) {
                Shown::new()
            } else {
                params.args.iter().flat_map(of).collect()
            }
        }
        Expr::WindowFunction(window) => {
            let WindowFunction { fun, params } = window.as_ref();
            if is_about(fun.name()) { Shown::new() } else { params.args.iter().flat_map(of).collect() }
        }
        Expr::ScalarSubquery(subquery) => shown(&subquery.subquery, 0, Scope { outer: Some((input, &scope)), ..scope }),
        // Lambdas, `-x`, what later versions of the engine bring: each column inside counts.
        other => {
            let mut all = Shown::new();
            let walk = other.apply(|inner| {
                match inner {
                    Expr::Column(column) => all.extend(shown_by_column(column, input, scope)),
                    Expr::OuterReferenceColumn(_, column) => all.extend(scope.shown_outside(column)),
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            });
            // Nothing in it can fail.
            drop(walk);
            all
        }
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr, Expr::Column(_) | Expr::OuterReferenceColumn(..))
}

fn shown_by_column(column: &Column, input: &LogicalPlan, scope: Scope<'_>) -> Shown {
    input.schema().index_of_column(column).map(|index| shown(input, index, scope)).unwrap_or_default()
}

/// Whether an aggregate or window function gives a number about many values, rather than values it was given.
fn is_about(function: &str) -> bool {
    matches!(
        function,
        "count"
            | "approx_distinct"
            | "sum"
            | "avg"
            | "stddev"
            | "stddev_pop"
            | "var"
            | "var_pop"
            | "corr"
            | "covar_samp"
            | "covar_pop"
            | "grouping"
            | "row_number"
            | "rank"
            | "dense_rank"
            | "percent_rank"
            | "cume_dist"
            | "ntile"
    )
}

/// The full name of a scanned table.
pub(super) fn full_name(table: &TableReference, relations: &Relations) -> Option<TableName> {
    match table {
        TableReference::Bare { table } => relations.find(table),
        TableReference::Partial { schema, table } => {
            schema.parse().map_or_else(|()| relations.find(table), |layer| Some(TableName::new(layer, table.as_ref())))
        }
        // A schema that is no layer is the one in which unqualified names are looked up.
        TableReference::Full { catalog, schema, table } if catalog.as_ref() == CATALOG => {
            schema.parse().map_or_else(|()| relations.find(table), |layer| Some(TableName::new(layer, table.as_ref())))
        }
        TableReference::Full { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestEngine;
    use crate::sql::Source;

    /// The columns of a query that show protected ones: `output < source`.
    async fn leaks(test: &TestEngine, sql: &str) -> String {
        let statement = Source::new("q", sql).only_statement().unwrap();
        let plan = test.engine.logical_plan(&statement).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let leaks = super::leaks(&plan, test.engine.relations());
        let told = leaks.iter().map(|leak| format!("{} < {}", leak.output, leak.source.column));
        told.collect::<Vec<_>>().join(", ")
    }

    #[tokio::test]
    async fn values_are_followed_to_their_columns() {
        let test = TestEngine::new();
        for (sql, expected) in [
            // As they are.
            ("SELECT * FROM raw.clientes", "cliente_id < cliente_id, nombre < nombre, dni < dni"),
            ("SELECT nombre AS n FROM clientes", "n < nombre"),
            ("SELECT n FROM (SELECT nombre AS n FROM cauce.raw.clientes ORDER BY 1 LIMIT 1) AS t", "n < nombre"),
            (
                "WITH c AS (SELECT * FROM public.clientes) SELECT DISTINCT nombre FROM c WHERE edad > 1",
                "nombre < nombre",
            ),
            ("SELECT DISTINCT ON (edad) nombre, edad FROM clientes", "nombre < nombre"),
            ("SELECT v.canal, c.nombre FROM visitas v LEFT JOIN clientes c USING (cliente_id)", "nombre < nombre"),
            ("SELECT canal FROM visitas UNION ALL SELECT nombre FROM clientes", "canal < nombre"),
            ("SELECT x FROM (SELECT unnest([nombre, 'a']) AS x FROM clientes) AS t", "x < nombre"),
            // Functions of them.
            ("SELECT upper(nombre) || '!' AS x FROM clientes", "x < nombre"),
            (
                "SELECT CASE WHEN edad > 1 THEN nombre ELSE canal END AS x FROM clientes JOIN visitas USING (cliente_id)",
                "x < nombre",
            ),
            ("SELECT md5(nombre) AS x, dni::text AS y, -dni AS z FROM clientes", "x < nombre, y < dni, z < dni"),
            ("SELECT named_struct('a', nombre) AS x, [nombre][1] AS y FROM clientes", "x < nombre, y < nombre"),
            ("SELECT pseudonym(nombre) || nombre AS x FROM clientes", "x < nombre"),
            (
                "SELECT max(nombre) AS x, array_agg(nombre) AS y, median(dni) AS z FROM clientes",
                "x < nombre, y < nombre, z < dni",
            ),
            ("SELECT lag(nombre) OVER (ORDER BY edad) AS x FROM clientes", "x < nombre"),
            ("SELECT nombre, count(*) AS n FROM clientes GROUP BY nombre", "nombre < nombre"),
            ("SELECT nombre, edad, count(*) AS n FROM clientes GROUP BY ROLLUP (nombre, edad)", "nombre < nombre"),
            // Through subqueries.
            ("SELECT (SELECT max(nombre) FROM clientes) AS x", "x < nombre"),
            ("SELECT (SELECT c.nombre) AS x FROM clientes c", "x < nombre"),
            ("SELECT l.x FROM clientes c CROSS JOIN LATERAL (SELECT c.nombre AS x) l", "x < nombre"),
            // What tells nothing of the value itself.
            ("SELECT pseudonym(cliente_id) AS cliente_id, edad FROM clientes", ""),
            ("SELECT length(nombre) AS a, nombre IS NULL AS b, nombre = 'Ana' AS c FROM clientes", ""),
            ("SELECT count(nombre) AS a, count(DISTINCT nombre) AS b, avg(dni) AS c FROM clientes", ""),
            ("SELECT row_number() OVER (PARTITION BY dni ORDER BY nombre) AS n FROM clientes", ""),
            ("SELECT canal FROM visitas v WHERE cliente_id IN (SELECT cliente_id FROM clientes)", ""),
            ("SELECT (SELECT count(*) FROM visitas v WHERE v.cliente_id = c.cliente_id) AS n FROM clientes c", ""),
            ("SELECT cliente_id FROM visitas", ""),
        ] {
            assert_eq!(leaks(&test, sql).await, expected, "{sql}");
        }
    }

    #[tokio::test]
    async fn a_model_that_leaks_is_refused_with_each_column() {
        let test = TestEngine::new();
        let error =
            test.engine.model_schema(&Source::new("sql/processed/c.sql", "SELECT nombre, edad FROM clientes")).await;
        let error = error.unwrap_err();
        assert_eq!(error.message(), "sql/processed/c.sql lets personal data out of the raw layer");
        assert_eq!(error.all_findings()[0].message, "column `nombre` shows raw.clientes.nombre as it is");
    }
}
