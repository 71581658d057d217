//! The ledger: every row that was not accepted, with where it stood and why, and how many rows there were in all.
//!
//! A [`Ledger`] is kept by one run, or for one ad-hoc query. The readers of raw files write to it through
//! [`Ledger::faults`], one reject a record; operators that hold rows against the rules of a model write to a
//! [`Reading`], which counts only if it came to its end. What was read twice is written once. Memory stays bounded: what
//! does not fit in a small buffer waits in a temporary file until the run is over and it is known which release the rows
//! belong to.
//!
//! The tables that readers see, `system.rejects` and their like, are described in [`SystemTable`].

mod book;
mod correction;
mod entry;
mod pile;
mod reading;
mod summary;
mod system;

pub use book::{Ledger, LeftOut, Taken};
pub use correction::{Correction, Corrections};
pub use entry::Entry;
pub use reading::Reading;
pub use summary::{Group, Summary};
pub use system::{SystemTable, instant, rejects_of_run};
