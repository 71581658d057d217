//! The rows that a model accepts from one of its inputs: what `accept:` in its header says, carried out.
//!
//! While the model is planned, the input's name means an [`AcceptedTable`]. Planned, it reads the input, holds every row
//! against the rules ([`rules`]), keeps one of the rows with equal keys ([`deduplicate`]) and hands on the rest. What
//! stays behind goes to the ledger.

mod deduplicate;
mod plan;
mod rows;
mod rules;
mod table;

pub use table::AcceptedTable;

#[cfg(test)]
mod tests;
