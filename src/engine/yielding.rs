//! Joins that hear that they were stopped.
//!
//! A task of the engine ends where it gives its thread back, and it does so after so many batches of its scans. A join that
//! makes thousands of batches of one batch of its scans would keep its thread for minutes after nobody asks for them any
//! more, so that batches of joins are counted, too.

use std::sync::Arc;

use datafusion::common::Result as EngineResult;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;

/// Lets joins give their thread back after so many batches. It comes after the engine's own rules, which leave out the
/// scans below an operator that does so.
#[derive(Debug)]
pub(super) struct YieldingJoins;

impl PhysicalOptimizerRule for YieldingJoins {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let counted = |plan: Arc<dyn ExecutionPlan>| {
            let multiplies = plan.name().ends_with("JoinExec") || plan.name() == "UnnestExec";
            Ok(if multiplies {
                Transformed::yes(Arc::new(CooperativeExec::new(plan)) as _)
            } else {
                Transformed::no(plan)
            })
        };
        plan.transform_up(counted).map(|transformed| transformed.data)
    }

    fn name(&self) -> &'static str {
        "YieldingJoins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use datafusion::execution::session_state::SessionStateBuilder;
    use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
    use datafusion::prelude::SessionContext;

    use super::*;

    #[test]
    fn a_join_that_was_stopped_gives_its_threads_back() {
        let mut rules = PhysicalOptimizer::default().rules;
        rules.push(Arc::new(YieldingJoins));
        let state = SessionStateBuilder::new_with_default_features().with_physical_optimizer_rules(rules).build();
        let context = SessionContext::new_with_state(state);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        // Each row of one side meets each row of the other.
        let sql = "SELECT count(*) FROM generate_series(1, 600000) a JOIN generate_series(1, 600000) b \
                   ON a.value % 1 = b.value % 1";
        let join = runtime.spawn(async move { context.sql(sql).await.unwrap().collect().await });
        std::thread::sleep(Duration::from_millis(1500));
        assert!(!join.is_finished());
        join.abort();
        let begun = Instant::now();
        while runtime.metrics().num_alive_tasks() > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "the join goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
