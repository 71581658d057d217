//! Readers of raw input: bytes to typed batches, every fault with its file, line and column.
//!
//! A [`DatasetTable`] makes the files of one dataset a table. Planned, it becomes an [`IngestExec`], which opens each
//! file with the [`Reader`] of its format. All readers keep the same promises:
//!
//! - columns are found by name in every file, never by position across files (`header`);
//! - what comes out has exactly the declared schema; no value is changed to make it fit, and one that does not fit
//!   is a [`Fault`];
//! - a record with a fault is a [`Reject`]; it goes to [`Faults`], which decides whether reading stops there or leaves
//!   the record out and goes on;
//! - a dataset has one set of rows: every declared column of every record is checked, whether a query asks for it or
//!   not, so that `count(*)` and `sum(n)` speak of the same rows. What is not asked for is checked and thrown away.

mod arrays;
mod arrow_block;
mod arrow_file;
mod beginning;
mod cells;
mod chunks;
mod conform;
mod constants;
mod csv;
mod cut;
mod decode;
mod decompress;
mod drift;
mod element;
mod exec;
mod fault;
mod form;
mod header;
mod infer;
mod json;
mod list;
mod object;
mod parquet;
mod partition;
mod piece;
mod raw;
mod reader;
mod replay;
mod rewritten;
mod rows;
mod rules;
mod split;
mod survive;
mod table;
#[cfg(test)]
mod testing;
mod text_file;
mod unique;

pub use drift::differences;
pub use exec::IngestExec;
pub use fault::{Account, Fault, Faults, Reason, Reject, STILL_WRONG, StopAtFirst};
pub use form::{Form, NoField};
pub use infer::{Inferred, Proposal, infer, propose, with_found_columns};
pub use raw::json_rows;
pub use reader::{Reader, Scan};
pub use table::DatasetTable;
