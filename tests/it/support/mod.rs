//! What the tests stand on: a project in a folder of its own, and real parts to talk to.

pub(crate) mod delta;
pub(crate) mod library;
pub(crate) mod project;
pub(crate) mod python;
pub(crate) mod s3_server;
pub(crate) mod terminal;
