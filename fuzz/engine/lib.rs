//! What the readers of text use of DataFusion, under its own paths: a fuzzer built of this takes two minutes to compile,
//! of the whole engine an hour.

pub use datafusion_common::error;

pub mod common {
    pub use datafusion_common::*;
    pub use datafusion_common_runtime as runtime;
}

pub mod physical_plan {
    pub use datafusion_physical_expr_common::metrics;
}
