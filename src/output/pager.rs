//! Results that are longer than the screen go to a pager, shorter ones straight to it.

use std::io::{self, Write};

use super::pipe::Piped;

/// stdout, or a pager in front of it as soon as there is more than a screen shows.
pub(super) struct Paged {
    command: String,
    /// Lines that the screen shows.
    height: usize,
    state: State,
}

enum State {
    /// Not yet known how long it becomes: the text and its lines so far.
    Gathering(Vec<u8>, usize),
    /// Decided.
    Through(Box<dyn Write + Send>),
}

impl Paged {
    pub(super) fn new(command: &str, height: usize) -> Self {
        Self { command: command.to_owned(), height, state: State::Gathering(Vec::new(), 0) }
    }

    /// Where the text goes from now on, with what was gathered.
    fn decide(&mut self, out: Box<dyn Write + Send>) -> io::Result<()> {
        let before = std::mem::replace(&mut self.state, State::Through(out));
        match (before, &mut self.state) {
            (State::Gathering(text, _), State::Through(out)) => out.write_all(&text),
            _ => Ok(()),
        }
    }

    fn pager(&self) -> Box<dyn Write + Send> {
        match Piped::start(&self.command) {
            Ok(pager) => Box::new(pager),
            // Without a pager the text scrolls by, which is better than none.
            Err(_) => Box::new(io::stdout()),
        }
    }
}

impl Write for Paged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Through(out) => return out.write(bytes),
            State::Gathering(text, lines) => {
                text.extend_from_slice(bytes);
                *lines += memchr::memchr_iter(b'\n', bytes).count();
                // The prompt takes a line, too.
                if *lines < self.height {
                    return Ok(bytes.len());
                }
            }
        }
        let pager = self.pager();
        self.decide(pager)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if matches!(self.state, State::Gathering(..)) {
            self.decide(Box::new(io::stdout()))?;
        }
        match &mut self.state {
            State::Through(out) => out.flush(),
            State::Gathering(..) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_longer_than_the_screen_goes_to_the_pager() {
        let folder = tempfile::tempdir().unwrap();
        let seen = |lines: usize| {
            let path = folder.path().join(format!("{lines}"));
            let mut paged = Paged::new(&format!("cat > '{}'", path.display()), 24);
            for _ in 0..lines {
                paged.write_all(b"fila\n").unwrap();
            }
            let through = matches!(paged.state, State::Through(_));
            paged.state = State::Gathering(Vec::new(), 0);
            (through, std::fs::read_to_string(path).ok().map(|text| text.lines().count()))
        };
        assert_eq!(seen(23), (false, None));
        assert_eq!(seen(24), (true, Some(24)));
        assert_eq!(seen(5_000), (true, Some(5_000)));
    }
}
