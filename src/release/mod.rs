//! The release manifest as a value: an immutable, numbered, complete set of versions.
