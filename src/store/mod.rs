//! Stores: opening one from a URL, listing inputs, the log of releases. There is no second way to open one.

use std::sync::Arc;

use object_store::{ObjectMeta, ObjectStore};

/// One input file, ready to be read.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// The file as a person would write it (`data/raw/tickets.csv`, `s3://bucket/raw/tickets.csv`), for messages.
    pub name: String,
    /// The store that holds it.
    pub store: Arc<dyn ObjectStore>,
    /// Its path in the store, size, time of change and etag.
    pub meta: ObjectMeta,
}
