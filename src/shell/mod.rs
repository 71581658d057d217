//! The interactive SQL shell.
