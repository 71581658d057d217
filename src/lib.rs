//! cauce takes an organisation's customer-experience data from raw files to KPIs people can trust, in plain SQL.
//!
//! The modules stand in the order of their dependence, words first; `docs/architecture.md` is the map and
//! `tests/it/tidy.rs` holds its arrows.

// Words: pure, synchronous, no I/O, no engine session.
pub mod catalog;
pub mod clock;
pub mod document;
pub mod error;
pub mod mark;
pub mod model;
pub mod name;
pub mod plan;
pub mod release;
pub mod sql;

// Machinery: the only code that holds engine, Delta or object-store objects.
pub mod engine;
pub mod ingest;
pub mod ledger;
pub mod store;
pub mod table;

// Acts.
pub mod check;
pub mod clean;
pub mod history;
pub mod run;
pub mod simulate;
pub mod trial;

// Faces: translate, never decide.
pub mod cli;
pub mod output;
pub mod shell;
