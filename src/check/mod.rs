//! Checks: compiling a rule to SQL, measuring it, the rows that fail.
//!
//! What a rule asks of single rows (`not_null`, `accepted_values`, `range`, `pattern`, `expression`), of counts
//! (`null_share`, `row_count`), sums and newest values of one model is measured in one scan; `unique`, `relationship`, `sql`
//! and the other side of a `sum` are queries of their own.

mod compile;
mod measure;
mod number;
mod outcome;

pub use measure::{Against, KEPT_ROWS, measure};
pub use outcome::{Allowed, Compared, Outcome};
