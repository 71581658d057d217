//! Sharing the rows of a large plan out among writers.

use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::error::Result;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, Partitioning};

/// A plan that reads less than this is written by one writer: its table stays one file.
const LARGE: usize = 128 << 20;

/// `plan` in `writers` partitions, if it has one that is large and in no order. Encoding takes longer than reading, and
/// one writer would keep the others waiting.
pub(super) fn spread(plan: Arc<dyn ExecutionPlan>, writers: usize) -> Result<Arc<dyn ExecutionPlan>> {
    if plan.output_partitioning().partition_count() > 1 || writers < 2 || plan.output_ordering().is_some() {
        return Ok(plan);
    }
    let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
    match statistics.total_byte_size {
        Precision::Exact(bytes) | Precision::Inexact(bytes) if bytes >= LARGE => {
            Ok(Arc::new(RepartitionExec::try_new(plan, Partitioning::RoundRobinBatch(writers))?))
        }
        _ => Ok(plan),
    }
}
