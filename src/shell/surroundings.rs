//! What the shell finds around it: files and programs of the person who uses it.

use std::path::PathBuf;

/// Files and programs of a person; none of them is needed.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The file that remembers what was entered.
    pub history: Option<PathBuf>,
    /// The file of commands and statements that are run at the start.
    pub rc: Option<PathBuf>,
    /// The command that shows long results.
    pub pager: Option<String>,
    /// The command that edits a file.
    pub editor: Option<String>,
}
