//! Where data goes: stdout or a file, buffered, with failures that name it.
//!
//! A file is written beside its final name and takes it when it is complete, so that a failed query leaves the old
//! file as it was. A write that fails is a [`Kind::Store`](crate::error::Kind::Store) error; a reader that went away
//! (`| head`) is one too, and [`is_broken_pipe`] tells it from the others so that the process ends quietly.

use std::error::Error as StdError;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::pipe::Piped;
use crate::error::{Error, Result};

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Somewhere to write data to. Call [`finish`](Self::finish) when it is complete.
pub struct Target {
    name: String,
    out: Option<Box<dyn Write + Send>>,
    staged: Option<Staged>,
    /// The first failure of the medium, kept because encoders pass on only its text.
    fault: Option<Fault>,
}

impl Target {
    /// The process's stdout.
    #[must_use]
    pub fn stdout() -> Self {
        Self::over("standard output", io::stdout())
    }

    /// The file at `path`. What stands there stays until [`finish`](Self::finish); a device or a named pipe is written
    /// straight away.
    pub fn file(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let cannot =
            |error: io::Error| Error::store(format!("cannot write `{name}`: {}", reason(&error))).because(error);
        let special = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        if special {
            return Ok(Self::over(&format!("`{name}`"), File::create(path).map_err(cannot)?));
        }
        if path.is_dir() {
            return Err(Error::usage(format!("`{name}` is a folder")).hint("give the name of a file"));
        }
        let staged = Staged::beside(path);
        let file = File::create(&staged.temporary).map_err(cannot)?;
        let mut target = Self::over(&format!("`{name}`"), file);
        target.staged = Some(staged);
        Ok(target)
    }

    /// The standard input of `command`, which the system's shell starts. [`finish`](Self::finish) waits for its end.
    pub fn program(command: &str) -> Result<Self> {
        let cannot = |error: io::Error| Error::store(format!("cannot start `{command}`: {}", reason(&error)));
        Ok(Self::over(&format!("`{command}`"), Piped::start(command).map_err(cannot)?))
    }

    /// Anything that can be written to, called `name` in messages.
    pub fn over(name: &str, out: impl Write + Send + 'static) -> Self {
        Self {
            name: name.to_owned(),
            out: Some(Box::new(BufWriter::with_capacity(BUFFER, out))),
            staged: None,
            fault: None,
        }
    }

    /// Writes `text`, naming the target if that fails.
    pub fn text(&mut self, text: &str) -> Result<()> {
        self.write_all(text.as_bytes()).map_err(|error| self.failure(error))
    }

    /// Writes out what is gathered and gives a file its final name.
    pub fn finish(mut self) -> Result<()> {
        self.flush().map_err(|error| self.failure(error))?;
        // The file is closed before it is renamed.
        self.out = None;
        if let Some(staged) = self.staged.take() {
            let done = staged.publish();
            self.note(done).map_err(|error| self.failure(error))?;
        }
        Ok(())
    }

    /// The error of a write that failed; a failure of the medium itself is told before `error`, which may only
    /// describe it.
    pub(super) fn failure(&self, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        match self.fault {
            Some(fault) => {
                let medium = fault.to_io();
                let failed = Error::store(format!("cannot write {}: {}", self.name, reason(&medium)));
                match medium.kind() {
                    io::ErrorKind::StorageFull => failed.hint("free some space or write somewhere else"),
                    _ => failed,
                }
                .because(medium)
            }
            None => {
                let error = error.into();
                Error::store(format!("cannot write {}: {error}", self.name)).because(error)
            }
        }
    }

    fn note<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done
            && self.fault.is_none()
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.fault = Some(Fault { kind: error.kind(), code: error.raw_os_error() });
        }
        done
    }

    fn out(&mut self) -> io::Result<&mut Box<dyn Write + Send>> {
        self.out.as_mut().ok_or_else(|| io::Error::other("already finished"))
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.out().and_then(|out| out.write(bytes));
        self.note(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out().and_then(Write::flush);
        self.note(done)
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Whether `error` only says that the reader of our output has gone, which ends a command quietly and with success.
#[must_use]
pub fn is_broken_pipe(error: &Error) -> bool {
    let mut cause = error.source();
    while let Some(source) = cause {
        if source.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = source.source();
    }
    false
}

/// A target that an encoder owns while the one who finishes it keeps a hand on it.
#[derive(Debug, Clone)]
pub(super) struct SharedTarget(Arc<Mutex<Option<Target>>>);

impl SharedTarget {
    pub(super) fn new(target: Target) -> Self {
        Self(Arc::new(Mutex::new(Some(target))))
    }

    /// See [`Target::failure`].
    pub(super) fn failure(&self, error: Box<dyn StdError + Send + Sync>) -> Error {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(target) => target.failure(error),
            None => Error::store(error.to_string()),
        }
    }

    /// See [`Target::finish`].
    pub(super) fn finish(&self) -> Result<()> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(target) => target.finish(),
            None => Ok(()),
        }
    }

    /// Sends what was gathered on its way, because the next may take a while.
    pub(super) fn send(&self) -> Result<()> {
        self.with(Target::flush).map_err(|error| self.failure(error.into()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Target) -> io::Result<T>) -> io::Result<T> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(target) => act(target),
            None => Err(io::Error::other("already finished")),
        }
    }
}

impl Write for SharedTarget {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|target| target.write(bytes))
    }

    /// Does nothing: encoders flush after every batch, the target when it is finished.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is kept of an `io::Error`, which cannot be cloned.
#[derive(Debug, Clone, Copy)]
struct Fault {
    kind: io::ErrorKind,
    code: Option<i32>,
}

impl Fault {
    fn to_io(self) -> io::Error {
        self.code.map_or_else(|| io::Error::from(self.kind), io::Error::from_raw_os_error)
    }
}

/// A file in the making; removed unless it is published.
struct Staged {
    temporary: PathBuf,
    path: PathBuf,
}

impl Staged {
    fn beside(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A link keeps pointing where it points: the file behind it is the one replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self { temporary: path.with_file_name(format!(".{name}.{}.tmp", std::process::id())), path }
    }

    fn publish(self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After a rename nothing stands here any more, and there is nobody to tell if removing fails.
        drop(fs::remove_file(&self.temporary));
    }
}

/// What an I/O error says, without the operating system's number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    /// A medium that fails with `kind` at once.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_is_an_error_of_the_store_that_names_it() {
        let mut target = Target::over("`salida.csv`", Failing(io::ErrorKind::StorageFull));
        target.text("a").unwrap();
        let error = target.finish().unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert!(error.message().starts_with("cannot write `salida.csv`: "), "{error}");
        assert!(!is_broken_pipe(&error));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_full_device_is_a_full_disk() {
        let mut target = Target::file(Path::new("/dev/full")).unwrap();
        target.text("a").unwrap();
        let error = target.finish().unwrap_err();
        assert_eq!(error.message(), "cannot write `/dev/full`: no space left on device");
    }

    #[test]
    fn a_reader_that_went_away_is_told_apart() {
        let mut target = Target::over("standard output", Failing(io::ErrorKind::BrokenPipe));
        target.text("a").unwrap();
        assert!(is_broken_pipe(&target.finish().unwrap_err()));
    }

    #[test]
    fn a_file_appears_when_it_is_complete_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("salida.csv");
        fs::write(&path, "old").unwrap();

        let mut unfinished = Target::file(&path).unwrap();
        unfinished.text("half").unwrap();
        drop(unfinished);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");

        let mut complete = Target::file(&path).unwrap();
        complete.text("new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        complete.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Target::file(&folder.path().join("no/salida.csv")).unwrap_err();
        assert_eq!(missing.kind(), Kind::Store);
        assert!(missing.message().ends_with("no/salida.csv`: no such file or directory"), "{missing}");
        assert_eq!(Target::file(folder.path()).unwrap_err().kind(), Kind::Usage);
    }
}
