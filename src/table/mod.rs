//! Delta tables: staging files, committing them, reading a version.
//!
//! A table is written in two moves. [`stage()`] writes Parquet files that no log names, so nobody sees them but the run
//! that made them; [`Staged::commit`] makes them the table's newest version in one conditional put, and
//! [`Staged::append`] adds them to what the newest version holds. Until then they can be written down for a later run
//! ([`Staged::to_json`]). A version may have files of an earlier one ([`carry()`]).
//! Reading goes through [`ParquetTable`], which plans to DataFusion's own Parquet scan for staged files and committed
//! versions alike.
//!
//! Deliberately absent: deletion vectors, column mapping and change feeds, which cauce neither writes nor needs.

mod append;
mod carry;
mod columns;
mod commit;
mod keep;
mod log;
mod read;
mod spread;
mod stage;
mod storable;
mod sweep;
mod upload;
mod whole;

pub use carry::{Carried, carry};
pub use read::{ParquetTable, newest, open_newest, open_version};
pub use stage::{Staged, data_path, stage, stage_rows};
pub use storable::storable_schema;
pub use sweep::{PARTS, data_files, remove_files};

#[cfg(test)]
mod tests;
