//! Checks: compiling a rule to SQL, measuring it on staged data, showing the rows that fail.
//!
//! Rules about single rows (`not_null`, `accepted_values`, `range`, `expression`) and about counts (`null_share`,
//! `row_count`) of one model are measured together in one scan; each of the others is a query of its own.

mod compile;
mod measure;

pub use measure::{Outcome, measure};
