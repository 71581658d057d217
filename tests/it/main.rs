//! The one integration test binary: each module tests one command, promise or rule from outside.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail like the test itself")]

mod support;

mod batch;
mod checks;
mod cleaning;
mod damage;
mod declaring;
mod delta;
mod demo;
mod dirty;
mod drift;
mod incremental;
mod init;
mod kpis;
mod lineage;
mod lost;
mod publishing;
mod reading;
mod rebuilding;
mod rejects;
mod releases;
mod replay;
mod resuming;
mod s3;
mod shell;
mod simulate;
mod slt;
mod terminal;
mod tidy;
mod trials;
mod wrong_input;
