//! Releases beside one another: how their rows differ, and going back to an earlier one.
//!
//! What manifests alone can tell is [`crate::release::Comparison`]; here the tables themselves are read.

mod differ;
mod pair;
mod roll_back;

pub use differ::{RowChanges, ValueChange, row_changes, value_changes};
pub use roll_back::roll_back;
