//! Delta tables: staging files, committing them, reading a version.
