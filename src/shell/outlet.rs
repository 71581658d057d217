//! Where `\o` sends results: one file for all of them, or a program that reads each.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result, io_reason};
use crate::output::{Format, Target};

/// A file or a program that takes results one after the other.
pub(super) struct Outlet {
    name: String,
    /// Gone for a program, which is started by each result.
    file: Option<Shared>,
    /// What the ending of the file asks for.
    pub(super) format: Option<Format>,
}

impl Outlet {
    /// Opens the file `name`, whose old content goes, or notes the program behind `|`.
    pub(super) fn open(name: &str) -> Result<Self> {
        if name.starts_with('|') {
            return Ok(Self { name: name.to_owned(), file: None, format: None });
        }
        let format = Format::of_file(Path::new(name)).ok();
        if format.is_some_and(Format::is_binary) {
            return Err(Error::usage(format!("`{name}` holds one result, and \\o would write many"))
                .hint(format!("\\once {name} writes the next one, \\export {name} the last")));
        }
        let file = File::create(name)
            .map_err(|failure| Error::store(format!("cannot write `{name}`: {}", io_reason(&failure))))?;
        Ok(Self { name: name.to_owned(), file: Some(Shared(Arc::new(Mutex::new(file)))), format })
    }

    /// A target for one result.
    pub(super) fn target(&self) -> Result<Target> {
        match &self.file {
            Some(file) => Ok(Target::over(&format!("`{}`", self.name), file.clone())),
            None => Target::program(self.name.trim_start_matches('|').trim()),
        }
    }
}

/// The open file, written by one target after the other.
#[derive(Clone)]
struct Shared(Arc<Mutex<File>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
