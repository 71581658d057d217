//! What the readers of text use of DataFusion, under its own paths: a fuzzer built of this compiles in minutes, without
//! the planner, the formats and Delta.

pub use datafusion_common::error;

pub mod common {
    pub use datafusion_common::*;
    pub use datafusion_common_runtime as runtime;
}

pub mod physical_plan {
    pub use datafusion_physical_expr_common::metrics;
}
