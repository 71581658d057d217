//! Keeping a rule of the engine's optimizer away from plans that it gets wrong.
//!
//! The physical rules that push filters towards the scans find columns by name (DataFusion 55.2,
//! `FilterRemapper::try_remap`). Where two columns of one step have the same name, as after `a LEFT JOIN b` of tables that
//! share a column, the filter `b.x IS NULL` is applied to `a.x`: rows vanish without a word. The rules are worth having
//! (row groups are skipped, joins narrow the scans of their other side), so they run where every step's column
//! names are different, and nowhere else.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result as EngineResult;
use datafusion::common::config::ConfigOptions;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;

/// The engine's own rules in their order, those that find columns by name guarded.
pub(super) fn guarded_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let rules = PhysicalOptimizer::default().rules.into_iter();
    rules
        .map(|rule| -> Arc<dyn PhysicalOptimizerRule + Send + Sync> {
            if rule.name().starts_with("FilterPushdown") { Arc::new(OnDistinctNames(rule)) } else { rule }
        })
        .collect()
}

/// A rule for plans in which no step has two columns of one name.
#[derive(Debug)]
struct OnDistinctNames(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for OnDistinctNames {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> EngineResult<Arc<dyn ExecutionPlan>> {
        if has_distinct_names(&plan) { self.0.optimize(plan, config) } else { Ok(plan) }
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

fn has_distinct_names(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = plan.schema();
    let mut seen = HashSet::new();
    schema.fields().iter().all(|field| seen.insert(field.name())) && plan.children().into_iter().all(has_distinct_names)
}
