//! The one integration test binary: each module tests one command, promise or rule from outside.

mod support;

mod delta;
mod kpis;
mod publishing;
mod reading;
mod s3;
mod shell;
mod slt;
mod tidy;
mod wrong_input;
