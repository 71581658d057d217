//! Another program as a target: a pager, or what a person wrote behind `|`.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A program that reads what is written. Dropped, its input ends and it is waited for.
pub(super) struct Piped {
    child: Child,
    /// None once the program has stopped reading.
    input: Option<ChildStdin>,
}

impl Piped {
    /// Starts `command` as the system's shell understands it.
    pub(super) fn start(command: &str) -> io::Result<Self> {
        let mut child = Command::new("sh").arg("-c").arg(command).stdin(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }
}

impl Write for Piped {
    /// A program that has read enough (`head`, a pager that was left) is no failure: the rest is dropped.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(input) = &mut self.input else { return Ok(bytes.len()) };
        match input.write(bytes) {
            Err(failure) if failure.kind() == io::ErrorKind::BrokenPipe => {
                self.input = None;
                Ok(bytes.len())
            }
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.input.as_mut().map_or(Ok(()), Write::flush) {
            Err(failure) if failure.kind() == io::ErrorKind::BrokenPipe => {
                self.input = None;
                Ok(())
            }
            flushed => flushed,
        }
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        self.input = None;
        // How it ended is its own affair: it has told on the terminal.
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_reads_what_is_written_and_may_stop_early() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("salida");
        let mut pipe = Piped::start(&format!("head -n 1 > '{}'", path.display())).unwrap();
        for _ in 0..10_000 {
            pipe.write_all(b"una fila de unos cuantos bytes\n").unwrap();
        }
        pipe.flush().unwrap();
        drop(pipe);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "una fila de unos cuantos bytes\n");
    }
}
