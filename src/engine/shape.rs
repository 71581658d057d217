//! Whether each row that a model gives is a row of one of its inputs, and how many its filters left out.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::metrics::MetricValue;

use super::pii::full_name;
use super::relations::Relations;
use crate::name::TableName;

/// The plan of a model.
#[derive(Debug, Clone)]
pub struct ModelPlan {
    /// The plan.
    pub plan: Arc<dyn ExecutionPlan>,
    /// The table of which each row out is a row, where nothing stands above it that makes, joins or merges rows.
    pub rows_of: Option<TableName>,
}

/// What the steps of a plan that was carried out counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passage {
    /// Rows that filters left out.
    pub filtered: u64,
    /// Rows that the scan gave, if it counts them.
    pub scanned: Option<u64>,
    /// Whether the scan may leave out rows that no filter could pass.
    pub may_skip: bool,
}

impl ModelPlan {
    /// What its steps counted. Only of use where `rows_of` is known and the plan was carried out.
    #[must_use]
    pub fn passage(&self) -> Passage {
        let mut passage = Passage::default();
        walk(&self.plan, &mut passage);
        passage
    }
}

fn walk(plan: &Arc<dyn ExecutionPlan>, passage: &mut Passage) {
    if plan.downcast_ref::<FilterExec>().is_some() {
        passage.filtered += left_out(plan);
        passage.may_skip = true;
    }
    let children = plan.children();
    if children.is_empty() {
        let counted = plan.metrics().and_then(|metrics| metrics.output_rows());
        passage.scanned = counted.map(|rows| rows as u64);
        // An optimizer that sees that no row can pass leaves nothing of the scan.
        passage.may_skip |= plan.name() == "EmptyExec";
    }
    for child in children {
        walk(child, passage);
    }
}

/// The rows that a filter was given and did not pass on.
fn left_out(filter: &Arc<dyn ExecutionPlan>) -> u64 {
    let metrics = filter.metrics().unwrap_or_default();
    let of_metric = |value: &MetricValue| match value {
        MetricValue::Ratio { name, ratio_metrics } if name == "selectivity" => {
            ratio_metrics.total().saturating_sub(ratio_metrics.part()) as u64
        }
        _ => 0,
    };
    metrics.iter().map(|metric| of_metric(metric.value())).sum()
}

/// The table of which each row of `plan` is a row: there is one scan, and above it only steps that choose, order and
/// compute columns.
pub(super) fn rows_of(plan: &LogicalPlan, relations: &Relations) -> Option<TableName> {
    if has_subquery(plan) {
        return None;
    }
    match plan {
        LogicalPlan::TableScan(scan) if scan.fetch.is_none() => full_name(&scan.table_name, relations),
        LogicalPlan::Projection(step) => rows_of(&step.input, relations),
        LogicalPlan::Filter(step) => rows_of(&step.input, relations),
        LogicalPlan::Window(step) => rows_of(&step.input, relations),
        LogicalPlan::SubqueryAlias(step) => rows_of(&step.input, relations),
        LogicalPlan::Sort(step) if step.fetch.is_none() => rows_of(&step.input, relations),
        _ => None,
    }
}

/// Whether an expression of this step reads another query.
fn has_subquery(plan: &LogicalPlan) -> bool {
    let is_query = |expr: &Expr| {
        matches!(expr, Expr::Exists(_) | Expr::InSubquery(_) | Expr::ScalarSubquery(_) | Expr::SetComparison(_))
    };
    let mut found = false;
    let walk = plan.apply_expressions(|expr| {
        found |= expr.exists(|inner| Ok(is_query(inner)))?;
        Ok(TreeNodeRecursion::Continue)
    });
    found || walk.is_err()
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestEngine;
    use crate::sql::Source;

    #[tokio::test]
    async fn a_row_out_is_a_row_in_below_projections_filters_and_windows() {
        let test = TestEngine::new().with_view("processed.todas", "SELECT canal, nota FROM raw.visitas");
        for (sql, expected) in [
            ("SELECT canal FROM raw.visitas WHERE nota > 1", Some("raw.visitas")),
            (
                "WITH v AS (SELECT *, nota + 1 AS mas FROM raw.visitas) SELECT v.* FROM v ORDER BY nota",
                Some("raw.visitas"),
            ),
            (
                "SELECT canal FROM raw.visitas QUALIFY row_number() OVER (PARTITION BY canal ORDER BY nota) = 1",
                Some("raw.visitas"),
            ),
            ("SELECT canal FROM processed.todas", Some("raw.visitas")),
            ("SELECT canal, count(*) AS n FROM raw.visitas GROUP BY canal", None),
            ("SELECT DISTINCT canal FROM raw.visitas", None),
            ("SELECT canal FROM raw.visitas LIMIT 1", None),
            ("SELECT canal FROM raw.visitas UNION ALL SELECT 'x' AS canal", None),
            ("SELECT v.canal FROM raw.visitas v JOIN raw.clientes c ON c.cliente_id = v.cliente_id", None),
            ("SELECT canal FROM raw.visitas WHERE cliente_id IN (SELECT cliente_id FROM raw.clientes)", None),
            ("SELECT canal, (SELECT max(edad) FROM raw.clientes) AS m FROM raw.visitas", None),
            ("SELECT 1 AS uno", None),
        ] {
            let found = test.engine.model_plan(&Source::new("m", sql)).await.unwrap().rows_of;
            assert_eq!(found.map(|name| name.to_string()).as_deref(), expected, "{sql}");
        }
    }
}
