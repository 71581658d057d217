//! Trials: models tried on given rows, in memory, and held against the rows that are expected of them.
//!
//! A trial needs no release and no files: what it gives stands in the place of datasets and models, datasets that it does
//! not give have no rows, and models that it does not give are computed by their own SQL. So a KPI may be tried on rows of
//! the tables below it, and a calendar that is made of nothing need not be written down.

mod carry;
mod compare;
mod file;
mod record;
mod rows;

pub use carry::{Stage, Verdict};
pub use compare::{Difference, Differences};
pub use file::{Trial, read_trials};
pub use record::record;

/// The JSON Schema of a file of trials, for editors.
#[must_use]
pub fn file_schema() -> serde_json::Value {
    crate::document::schema::<file::TrialsFile>()
}
