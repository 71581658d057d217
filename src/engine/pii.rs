//! Personal data: which output columns of a plan show a protected column of the raw layer as it is.
//!
//! The flow of values is followed from each output column down to the scans. A value stops being personal when it
//! passes `pseudonym()`, when it is only compared or counted, or when only its length is taken; any other function of
//! it (a part, a concatenation, an unkeyed hash) still is.

use std::collections::BTreeSet;
use std::fmt;

use datafusion::arrow::datatypes::DataType;
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
    let outputs = plan.schema().fields().iter().enumerate();
    outputs
        .flat_map(|(index, field)| {
            let output = field.name().clone();
            shown(plan, index, relations).into_iter().map(move |source| Leak { output: output.clone(), source })
        })
        .collect()
}

type Shown = BTreeSet<Protected>;

/// The protected columns that column `index` of `plan` shows.
fn shown(plan: &LogicalPlan, index: usize, relations: &Relations) -> Shown {
    let same_of = |input: &LogicalPlan| shown(input, index, relations);
    match plan {
        LogicalPlan::TableScan(scan) => {
            let column = scan.projected_schema.field(index).name();
            let protected = full_name(&scan.table_name, relations)
                .filter(|table| relations.pii(table, column).is_some())
                .map(|table| Protected { table, column: column.clone() });
            protected.into_iter().collect()
        }
        LogicalPlan::Projection(projection) => shown_by(&projection.expr[index], &projection.input, relations),
        LogicalPlan::Aggregate(aggregate) => {
            // Grouping sets put their own columns first; there every grouped column counts.
            let grouped = aggregate.schema.fields().len().saturating_sub(aggregate.aggr_expr.len());
            if index >= grouped {
                shown_by(&aggregate.aggr_expr[index - grouped], &aggregate.input, relations)
            } else if let (true, Some(expr)) = (grouped == aggregate.group_expr.len(), aggregate.group_expr.get(index))
            {
                shown_by(expr, &aggregate.input, relations)
            } else {
                let columns = aggregate.group_expr.iter().flat_map(Expr::column_refs);
                let field = aggregate.schema.field(index).name();
                let column = columns.into_iter().find(|column| column.name() == field);
                column.map(|column| shown_by_column(column, &aggregate.input, relations)).unwrap_or_default()
            }
        }
        LogicalPlan::Window(window) => {
            let inputs = window.input.schema().fields().len();
            match index.checked_sub(inputs) {
                None => same_of(&window.input),
                Some(own) => shown_by(&window.window_expr[own], &window.input, relations),
            }
        }
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => same_of(&join.right),
                _ if index < left => same_of(&join.left),
                JoinType::LeftMark => Shown::new(),
                _ => shown(&join.right, index - left, relations),
            }
        }
        LogicalPlan::Union(union) => union.inputs.iter().flat_map(|input| same_of(input)).collect(),
        LogicalPlan::Distinct(Distinct::On(distinct)) => {
            shown_by(&distinct.select_expr[index], &distinct.input, relations)
        }
        LogicalPlan::Unnest(unnest) => {
            let input = unnest.dependency_indices.get(index).copied().unwrap_or(index);
            shown(&unnest.input, input, relations)
        }
        LogicalPlan::RecursiveQuery(query) => {
            let mut both = same_of(&query.static_term);
            both.extend(same_of(&query.recursive_term));
            both
        }
        // Filters, sorts, limits, aliases: one input whose columns pass through as they are.
        other => match other.inputs().as_slice() {
            [input] if input.schema().fields().len() == other.schema().fields().len() => same_of(input),
            _ => Shown::new(),
        },
    }
}

/// The protected columns that the value of an expression over `input` shows.
fn shown_by(expr: &Expr, input: &LogicalPlan, relations: &Relations) -> Shown {
    let of = |expr: &Expr| shown_by(expr, input, relations);
    if matches!(expr.get_type(input.schema()), Ok(DataType::Boolean)) && !matches!(expr, Expr::Column(_)) {
        return Shown::new();
    }
    match expr {
        Expr::Column(column) => shown_by_column(column, input, relations),
        Expr::Alias(alias) => of(&alias.expr),
        Expr::Cast(cast) => of(&cast.expr),
        Expr::TryCast(cast) => of(&cast.expr),
        Expr::Negative(inner) => of(inner),
        // Comparisons are Boolean and did not come this far.
        Expr::BinaryExpr(binary) => {
            let mut both = of(&binary.left);
            both.extend(of(&binary.right));
            both
        }
        Expr::Case(case) => {
            let results = case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref());
            results.flat_map(of).collect()
        }
        Expr::ScalarFunction(call) => match call.name() {
            Pseudonym::NAME | "length" | "char_length" | "character_length" | "octet_length" | "bit_length" => {
                Shown::new()
            }
            _ => call.args.iter().flat_map(of).collect(),
        },
        Expr::AggregateFunction(AggregateFunction { func, params }) if hands_on(func.name()) => {
            params.args.iter().flat_map(of).collect()
        }
        Expr::WindowFunction(window) => {
            let WindowFunction { fun, params } = window.as_ref();
            if hands_on(fun.name()) { params.args.iter().flat_map(of).collect() } else { Shown::new() }
        }
        Expr::ScalarSubquery(subquery) => shown(&subquery.subquery, 0, relations),
        _ => Shown::new(),
    }
}

fn shown_by_column(column: &Column, input: &LogicalPlan, relations: &Relations) -> Shown {
    input.schema().index_of_column(column).map(|index| shown(input, index, relations)).unwrap_or_default()
}

/// Whether an aggregate or window function gives back values it was given, rather than a number about them.
fn hands_on(function: &str) -> bool {
    matches!(
        function,
        "min"
            | "max"
            | "array_agg"
            | "string_agg"
            | "first_value"
            | "last_value"
            | "nth_value"
            | "lag"
            | "lead"
            | "mode"
    )
}

/// The full name of a scanned table.
fn full_name(table: &TableReference, relations: &Relations) -> Option<TableName> {
    match table {
        TableReference::Bare { table } => relations.find(table),
        TableReference::Partial { schema, table } => Some(TableName::new(schema.parse().ok()?, table.as_ref())),
        TableReference::Full { catalog, schema, table } if catalog.as_ref() == CATALOG => {
            schema.parse().map_or_else(|()| relations.find(table), |layer| Some(TableName::new(layer, table.as_ref())))
        }
        TableReference::Full { .. } => None,
    }
}
