//! Readers of raw input: bytes to typed batches, every fault with its file, line and column.
//!
//! A [`DatasetTable`] makes the files of one dataset a table. Planned, it becomes an [`IngestExec`], which opens each
//! file with the [`Reader`] of its format, in `csv` or `parquet`. Both readers keep the same promises:
//!
//! - columns are found by name in every file, never by position across files (`header`);
//! - what comes out has exactly the declared schema; no value is changed to make it fit, and one that does not fit
//!   is a [`Fault`];
//! - a fault goes to [`Faults`], which decides whether reading stops there or leaves the row out and goes on.
//!
//! Only the columns that a query asks for are converted and checked. A model that reads all columns (as the processed
//! models do) therefore checks the whole file, while an ad-hoc query over two columns is fast. The number of fields
//! of every record is always checked.

mod cells;
mod chunks;
mod conform;
mod csv;
mod exec;
mod fault;
mod header;
mod list;
mod parquet;
mod reader;
mod split;
mod table;
#[cfg(test)]
mod testing;
mod text;

pub use exec::IngestExec;
pub use fault::{Fault, Faults, Position, Reason, StopAtFirst};
pub use reader::{Reader, Scan};
pub use table::DatasetTable;
