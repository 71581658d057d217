//! The Python that plays the part of the world: object stores, and foreign readers of our tables.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::project::repository;

/// A call of one of the scripts in `tests/support`.
///
/// # Panics
///
/// Where the virtual environment is missing: `scripts/test` makes it.
pub(crate) fn script(name: &str) -> Command {
    let python: PathBuf = repository("tests/.venv/bin/python");
    assert!(python.exists(), "{} is missing: run scripts/test once, or scripts/setup-python", python.display());
    let mut command = Command::new(python);
    command.arg("-I").arg(repository("tests/support").join(name)).stdin(Stdio::null());
    command
}
