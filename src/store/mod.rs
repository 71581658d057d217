//! Stores: opening one from a URL, listing inputs, the log of releases. There is no second way to open one.
//!
//! A [`Location`] says where something is; [`Stores`] opens the store of a location once and hands the same object to
//! everybody, the SQL engine included, so that later rooms (meter, budget) can wrap it in one place.

mod definitions;
mod failure;
mod lake;
mod listing;
mod location;
mod once;
mod releases;
mod shelf;
mod stores;

pub use definitions::Definitions;
pub use failure::{store_cause, store_error, store_error_of};
pub use lake::Lake;
pub use listing::InputFile;
pub use location::Location;
pub use once::remove;
pub use releases::ReleaseLog;
pub use shelf::{Shelf, Shelved};
pub use stores::Stores;
