//! The printer: everything cauce says to a person, on stderr, in one voice.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arrow::array::RecordBatch;
use indicatif::MultiProgress;

use super::format::{Account, Format, Layout, ResultFile};
use super::pager::Paged;
use super::progress::Progress;
use super::report::{self, DEFAULT_WIDTH, Palette};
use super::target::Target;
use super::text;
use crate::error::{Error, Result};

/// The rows of a result shown on a terminal unless a person asks for more.
const MAX_ROWS: usize = 1_000;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    /// Errors, warnings and notices of missing rows only.
    Quiet,
    /// What is done and how it went.
    #[default]
    Normal,
}

/// What the two outputs of the process are connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terminal {
    /// Whether stdout is a terminal, so that results are laid out for reading.
    pub stdout: bool,
    /// Whether stderr is a terminal, so that progress is shown.
    pub stderr: bool,
    /// Whether colour is wanted; it is sent to terminals only.
    pub colour: bool,
    /// Columns, where they are fixed; otherwise the terminal is asked at each use, because it can be resized.
    pub width: Option<usize>,
}

impl Terminal {
    /// Looks at the process's outputs. `colour` is false where the person does not want any (`NO_COLOR`).
    #[must_use]
    pub fn detect(colour: bool) -> Self {
        Self { stdout: io::stdout().is_terminal(), stderr: io::stderr().is_terminal(), colour, width: None }
    }
}

/// Says things to a person, and opens stdout for data. A clone speaks through the same door.
#[derive(Debug, Clone)]
pub struct Printer {
    verbosity: Verbosity,
    terminal: Terminal,
    bars: MultiProgress,
    capture: Option<Capture>,
}

impl Printer {
    /// The printer of this process.
    #[must_use]
    pub fn new(verbosity: Verbosity, terminal: Terminal) -> Self {
        Self { verbosity, terminal, bars: MultiProgress::new(), capture: None }
    }

    /// A printer that keeps what it is told instead of showing it, for tests.
    #[must_use]
    pub fn captured(verbosity: Verbosity, terminal: Terminal) -> (Self, Capture) {
        let capture = Capture::default();
        (Self { verbosity, terminal, bars: MultiProgress::new(), capture: Some(capture.clone()) }, capture)
    }

    /// Tells how work goes on.
    pub fn say(&self, message: impl Display) {
        if self.verbosity == Verbosity::Normal {
            self.write(&format!("{}\n", text::visible_lines(&message.to_string())));
        }
    }

    /// Begins a part of the work, in bold.
    pub fn title(&self, message: impl Display) {
        if self.verbosity == Verbosity::Normal {
            let Palette { bold, off, .. } = self.palette();
            self.write(&format!("{bold}{}{off}\n", text::visible_lines(&message.to_string())));
        }
    }

    /// Tells that a step is done.
    pub fn done(&self, message: impl Display) {
        if self.verbosity == Verbosity::Normal {
            let Palette { good, off, .. } = self.palette();
            self.write(&format!("{good}✓{off} {}\n", text::visible_lines(&message.to_string())));
        }
    }

    /// Tells what may be wrong, also when quiet.
    pub fn warn(&self, message: impl Display) {
        let Palette { warning, off, .. } = self.palette();
        self.write(&format!("{warning}warning:{off} {}\n", text::visible_lines(&message.to_string())));
    }

    /// Tells what to do next.
    pub fn hint(&self, message: impl Display) {
        if self.verbosity == Verbosity::Normal {
            let Palette { hint, off, .. } = self.palette();
            self.write(&format!("{hint}hint:{off} {}\n", text::visible_lines(&message.to_string())));
        }
    }

    /// Tells a failure whole: what, where, why, and what to do next.
    pub fn report(&self, error: &Error) {
        self.write(&report::render(error, self.stderr_colour(), self.stderr_width()));
    }

    /// Tells how many rows a result had, and the time if given: `6 rows · 12 ms`. What was left out is told also when
    /// quiet.
    pub fn account(&self, account: &Account, elapsed: Option<Duration>) {
        self.account_with(account, elapsed.map(text::duration));
    }

    /// Writes a line that programs read, also when quiet.
    pub fn record(&self, line: &str) {
        self.write(&format!("{line}\n"));
    }

    /// As [`account`](Self::account), with more to say of the result: `6 rows · 12 ms · 3.4 MB read`.
    pub fn account_with(&self, account: &Account, notes: impl IntoIterator<Item = String>) {
        if self.verbosity == Verbosity::Normal || account.is_shortened() {
            let parts: Vec<String> = std::iter::once(account.to_string()).chain(notes).collect();
            self.write(&format!("{}\n", parts.join(" · ")));
        }
    }

    /// Warns, and shows some rows that explain it: in one text, so that they stay together and appear when quiet.
    pub fn warn_with_rows(&self, message: impl Display, batches: &[RecordBatch]) -> Result<()> {
        self.warn_with(Format::Table, message, batches)
    }

    /// Warns, and shows rows of which every word matters: long text is wrapped, not cut.
    pub fn warn_with_whole_rows(&self, message: impl Display, batches: &[RecordBatch]) -> Result<()> {
        self.warn_with(Format::Box, message, batches)
    }

    fn warn_with(&self, format: Format, message: impl Display, batches: &[RecordBatch]) -> Result<()> {
        let Some(first) = batches.first() else {
            self.warn(message);
            return Ok(());
        };
        let shown = Capture::default();
        let layout = Layout { width: self.stderr_width().or(Some(DEFAULT_WIDTH)), ..Layout::default() };
        let target = Target::over("the rows", CapturedStdout(shown.clone()));
        let mut file = ResultFile::begin(format, &first.schema(), target, &layout)?;
        for batch in batches {
            file.batch(batch)?;
        }
        file.finish()?;
        self.warn(format_args!("{message}\n{}", shown.take_stdout().trim_end()));
        Ok(())
    }

    /// stdout, for data.
    #[must_use]
    pub fn stdout(&self) -> Target {
        match &self.capture {
            Some(capture) => Target::over("standard output", CapturedStdout(capture.clone())),
            None => Target::stdout(),
        }
    }

    /// stdout for a result that a person reads: through the program `pager`, if there is one and the result is longer
    /// than the screen.
    #[must_use]
    pub fn screen(&self, pager: Option<&str>) -> Target {
        let height = console::Term::stdout().size_checked().map(|(rows, _)| usize::from(rows));
        match (pager, height) {
            (Some(pager), Some(height)) if self.terminal.stdout && self.capture.is_none() => {
                Target::over("standard output", Paged::new(pager, height))
            }
            _ => self.stdout(),
        }
    }

    /// How results are laid out on stdout: in the terminal's width and colour if it is one, at most `max_rows` rows of
    /// the formats for reading.
    #[must_use]
    pub fn layout(&self, max_rows: Option<usize>) -> Layout {
        let width = if self.terminal.stdout { self.width(&console::Term::stdout()) } else { None };
        Layout { width, max_rows, colour: self.terminal.colour && self.terminal.stdout, ..Layout::default() }
    }

    /// The format of results where none is asked for: for reading on a terminal, for programs elsewhere.
    #[must_use]
    pub fn default_format(&self) -> Format {
        if self.terminal.stdout { Format::Table } else { Format::Csv }
    }

    /// The most rows a format for reading shows where nobody says how many: all of them, unless a person would have to
    /// scroll through them.
    #[must_use]
    pub fn default_max_rows(&self) -> Option<usize> {
        self.terminal.stdout.then_some(MAX_ROWS)
    }

    /// Whether results appear on a terminal.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.terminal.stdout
    }

    /// A spinner for work of unknown length.
    #[must_use]
    pub fn spinner(&self, message: impl Display) -> Progress {
        self.progress(|| Progress::spinner(&self.bars, &text::visible(&message.to_string())))
    }

    /// A bar for work of `total` steps.
    #[must_use]
    pub fn bar(&self, message: impl Display, total: u64) -> Progress {
        self.progress(|| Progress::bar(&self.bars, &text::visible(&message.to_string()), total, self.terminal.colour))
    }

    /// A bar for a query: how many bytes it has read of how many, once that is known.
    #[must_use]
    pub fn query_bar(&self) -> Progress {
        self.progress(|| Progress::query(&self.bars, self.terminal.colour))
    }

    /// Whether colour is sent to stderr.
    #[must_use]
    pub fn stderr_colour(&self) -> bool {
        self.terminal.colour && self.terminal.stderr
    }

    fn progress(&self, visible: impl FnOnce() -> Progress) -> Progress {
        let shown = self.terminal.stderr && self.verbosity == Verbosity::Normal && self.capture.is_none();
        if shown { visible() } else { Progress::hidden() }
    }

    fn palette(&self) -> Palette {
        Palette::new(self.stderr_colour())
    }

    fn stderr_width(&self) -> Option<usize> {
        if self.terminal.stderr { self.width(&console::Term::stderr()) } else { None }
    }

    fn width(&self, terminal: &console::Term) -> Option<usize> {
        self.terminal.width.or_else(|| terminal.size_checked().map(|(_, columns)| usize::from(columns)))
    }

    /// Writes to stderr in one piece, above the progress bars. There is nobody to tell if this fails.
    fn write(&self, text: &str) {
        match &self.capture {
            Some(capture) => capture.stderr(text),
            None => self.bars.suspend(|| drop(io::stderr().lock().write_all(text.as_bytes()))),
        }
    }
}

/// What a [captured](Printer::captured) printer was told.
#[derive(Debug, Clone, Default)]
pub struct Capture(Arc<Mutex<(Vec<u8>, String)>>);

impl Capture {
    /// Takes what was written to stdout since the last call.
    #[must_use]
    pub fn take_stdout(&self) -> String {
        let bytes = std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Takes what was said on stderr since the last call.
    #[must_use]
    pub fn take_stderr(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).1)
    }

    fn stderr(&self, text: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.push_str(text);
    }
}

struct CapturedStdout(Capture);

impl Write for CapturedStdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (self.0).0.lock().unwrap_or_else(PoisonError::into_inner).0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};

    use super::*;

    fn said(verbosity: Verbosity, terminal: Terminal) -> String {
        let (printer, capture) = Printer::captured(verbosity, terminal);
        printer.title("Run");
        printer.say("two models\n\x1b[2Jdone");
        printer.done("release 1");
        printer.warn("slow");
        printer.hint("try `cauce shell`");
        printer.account(&Account { rows: 6, shown: 6, ..Account::default() }, Some(Duration::from_millis(12)));
        printer.account(&Account { rows: 75_000, shown: 1_000, ..Account::default() }, None);
        printer.report(&Error::query("no"));
        assert_eq!(capture.take_stdout(), "", "stdout carries data only");
        capture.take_stderr()
    }

    #[test]
    fn a_person_is_told_on_stderr() {
        insta::assert_snapshot!(said(Verbosity::Normal, Terminal::default()), @"
        Run
        two models
        ␛[2Jdone
        ✓ release 1
        warning: slow
        hint: try `cauce shell`
        6 rows · 12 ms
        1,000 of 75,000 rows shown
        error: no
        ");
    }

    #[test]
    fn rows_stay_with_their_warning() {
        let (printer, capture) = Printer::captured(Verbosity::Quiet, Terminal::default());
        let canal: ArrayRef = Arc::new(StringArray::from(vec!["web", "telefono"]));
        let rows = RecordBatch::try_from_iter([("canal", canal)]).unwrap();
        printer.warn_with_rows("two rows fail", &[rows]).unwrap();
        printer.warn_with_rows("none fails", &[]).unwrap();
        assert_eq!(capture.take_stdout(), "");
        insta::assert_snapshot!(capture.take_stderr(), @"
        warning: two rows fail
        ╭──────────╮
        │ canal    │
        ├──────────┤
        │ web      │
        │ telefono │
        ╰──────────╯
        warning: none fails
        ");
    }

    #[test]
    fn quiet_keeps_what_must_not_be_missed() {
        insta::assert_snapshot!(said(Verbosity::Quiet, Terminal::default()), @"
        warning: slow
        1,000 of 75,000 rows shown
        error: no
        ");
    }

    #[test]
    fn colour_needs_a_terminal() {
        let pipe = Terminal { colour: true, ..Terminal::default() };
        assert!(!said(Verbosity::Normal, pipe).contains('\x1b'));
        assert!(said(Verbosity::Normal, Terminal { stderr: true, ..pipe }).contains("\x1b[1;32m✓\x1b[0m release 1"));
    }
}
