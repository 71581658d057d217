//! The readers of text, from bytes to typed batches, compiled without the rest of cauce.
//!
//! The sources are those of the crate; only what a store gives is made here. A file that names a module which is missing
//! below says so when it is compiled: add it, or leave the new dependency out of the readers.

#![allow(dead_code, unused_imports, unreachable_pub)]

#[path = "../../src/catalog/mod.rs"]
mod catalog;
#[path = "../../src/document/mod.rs"]
mod document;
#[path = "../../src/error/mod.rs"]
mod error;
#[path = "../../src/mark.rs"]
mod mark;
#[path = "../../src/name.rs"]
mod name;

mod ingest;

/// As the crate has it.
mod store {
    use std::sync::Arc;

    use object_store::{ObjectMeta, ObjectStore};

    #[derive(Debug, Clone)]
    pub struct InputFile {
        pub name: String,
        pub store: Arc<dyn ObjectStore>,
        pub meta: ObjectMeta,
    }
}

pub use ingest::check;
