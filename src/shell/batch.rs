//! Statements without a person: run in order, results to stdout or a file, and the truth about each in the exit code.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde::Serialize;
use tokio::time::Instant as Deadline;

use super::answer::in_time;
use super::habits;
use super::interrupt::interrupted;
use super::rejects;
use super::rows::Rows;
use super::session::Session;
use crate::engine::{Meter, Parameters};
use crate::error::{Error, Kind, Result};
use crate::output::{Format, Layout, Printer, ResultFile, Target, is_broken_pipe};
use crate::sql::{Source, Statement};

/// What happens after a statement that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnError {
    /// Nothing more is run.
    #[default]
    Stop,
    /// The failure is told and the next statement runs.
    Continue,
}

/// Runs SQL texts over one session.
pub struct Batch {
    session: Arc<dyn Session>,
    printer: Printer,
    /// Where the one result goes, if not to stdout.
    file: Option<PathBuf>,
    format: Option<Format>,
    max_rows: Option<usize>,
    parameters: Parameters,
    on_error: OnError,
    timeout: Option<Duration>,
    /// Whether what each statement took is told as JSON.
    stats: bool,
    /// Waits for the next Ctrl-C.
    interrupt: fn() -> BoxFuture<'static, ()>,
}

/// What a statement took, as one line of JSON.
#[derive(Debug, Serialize)]
struct Stats {
    /// The text it stands in, and its line.
    file: String,
    line: usize,
    /// Rows of its result; none where it failed.
    rows: Option<u64>,
    rows_shown: Option<u64>,
    milliseconds: u64,
    bytes_read: u64,
    memory_bytes: u64,
    /// Rows of raw files that it did not see.
    rejects: u64,
    /// What went wrong, and the exit code that it asks for.
    error: Option<String>,
    exit_code: u8,
}

/// A result that is written when all statements have succeeded.
type Waiting = Option<(ResultFile, Instant)>;

/// What was measured of a statement before it ended.
#[derive(Default)]
struct Measured {
    rows: Option<(u64, u64)>,
    meter: Option<Meter>,
    rejects: u64,
}

impl Batch {
    /// A batch that asks `session` and writes through `printer`.
    #[must_use]
    pub fn new(session: Arc<dyn Session>, printer: Printer) -> Self {
        let max_rows = printer.default_max_rows();
        Self {
            session,
            printer,
            file: None,
            format: None,
            max_rows,
            parameters: Parameters::new(),
            on_error: OnError::Stop,
            timeout: None,
            stats: false,
            interrupt: interrupted,
        }
    }

    /// Writes results as `format`; otherwise the ending of the file says how, and stdout has its own default.
    #[must_use]
    pub fn with_format(mut self, format: Option<Format>) -> Self {
        self.format = format;
        self
    }

    /// Writes the result to a file, which appears when all statements have succeeded.
    #[must_use]
    pub fn into_file(mut self, file: Option<PathBuf>) -> Self {
        if file.is_some() {
            self.max_rows = None;
        }
        self.file = file;
        self
    }

    /// Shows at most `rows` rows in formats for reading, or all.
    #[must_use]
    pub fn with_max_rows(mut self, rows: Option<usize>) -> Self {
        self.max_rows = rows;
        self
    }

    /// Gives values for the `$names` in the statements.
    #[must_use]
    pub fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = parameters;
        self
    }

    /// Says what happens after a failure.
    #[must_use]
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.on_error = on_error;
        self
    }

    /// Stops a statement that takes longer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Tells what each statement took as a line of JSON on stderr.
    #[must_use]
    pub fn with_stats(mut self, stats: bool) -> Self {
        self.stats = stats;
        self
    }

    /// Runs the statements of `sql`, the text that messages call `file`, as [`Self::run_all`].
    pub async fn run(&self, file: &str, sql: &str) -> Result<()> {
        self.run_all(&[(file.to_owned(), sql.to_owned())]).await
    }

    /// Runs the statements of all `texts`, each with the name by which messages call it. The first failure ends it and is
    /// returned untold; or each is told, and the kind of the first is returned at the end.
    pub async fn run_all(&self, texts: &[(String, String)]) -> Result<()> {
        let format = self.format()?;
        let statements: Vec<Statement> =
            texts.iter().flat_map(|(file, sql)| Source::new(file, sql).statements()).collect();
        let stopped = (self.interrupt)();
        tokio::select! {
            biased;
            () = stopped => Err(Error::new(Kind::Interrupted, "stopped")),
            done = self.each(format, statements) => done,
        }
    }

    async fn each(&self, format: Format, statements: Vec<Statement>) -> Result<()> {
        if statements.is_empty() {
            return Err(Error::usage("there is no statement to run").hint("cauce query \"SELECT * FROM kpi_resumen\""));
        }
        let mut waiting: Waiting = None;
        let mut first_failure = None;
        for statement in statements {
            let statement = habits::completed(statement);
            let started = Instant::now();
            let mut measured = Measured::default();
            let done = self.one(format, &statement, &mut waiting, &mut measured).await;
            if self.stats {
                self.tell_stats(&statement, &measured, started.elapsed(), done.as_ref().err())?;
            }
            match done {
                Ok(()) => {}
                // Nobody reads the results any more.
                Err(error) if is_broken_pipe(&error) => return Err(error),
                Err(error) if self.on_error == OnError::Stop => return Err(error),
                Err(error) => {
                    self.printer.report(&error);
                    first_failure = first_failure.or(Some(error.kind()));
                }
            }
        }
        match (first_failure, waiting) {
            (Some(kind), _) => Err(Error::told(kind)),
            (None, Some((result, started))) => self.finish(result, started).map(drop),
            (None, None) => Ok(()),
        }
    }

    /// Runs one statement and writes its rows.
    async fn one(
        &self,
        format: Format,
        statement: &Statement,
        waiting: &mut Waiting,
        measured: &mut Measured,
    ) -> Result<()> {
        let started = Instant::now();
        let deadline = self.timeout.map(|timeout| (Deadline::now() + timeout, timeout));
        let answer = in_time(deadline, self.session.answer(statement, &self.parameters)).await?;
        measured.meter = answer.meter;
        let mut rows = Rows::of(answer.rows);
        if answer.schema.fields().is_empty() {
            return in_time(deadline, rows.exhaust()).await;
        }
        if waiting.is_some() {
            return Err(Error::usage(format!("a second result has no place in one {format} file"))
                .at(statement.place())
                .hint("run the statements one by one, each with a file of its own"));
        }
        let target = match &self.file {
            Some(path) => Target::file(path)?,
            None => self.printer.stdout(),
        };
        let layout = match &self.file {
            Some(_) => Layout { max_rows: self.max_rows, ..Default::default() },
            None => self.printer.layout(self.max_rows),
        };
        let mut result = ResultFile::begin(format, &answer.schema, target, &layout)?;
        in_time(deadline, rows.pour_into(&mut result)).await?;
        measured.rows = Some(result.rows_so_far());
        if let Some(ledger) = &answer.rejects {
            measured.rejects = ledger.summary().count();
            rejects::tell(&self.printer, ledger, |name| format!("`cauce rejects {name} --scan`"));
        }
        // A file, and a format that is a file by itself, hold one result.
        if self.file.is_some() || format.is_binary() {
            *waiting = Some((result, started));
            return Ok(());
        }
        self.finish(result, started)
    }

    fn finish(&self, result: ResultFile, started: Instant) -> Result<()> {
        let account = result.finish()?;
        // Between a pipe and a pipe nobody asks for the count; that rows are missing must be heard everywhere.
        let told = self.printer.is_terminal() || self.file.is_some();
        if told || account.is_shortened() {
            self.printer.account(&account, told.then(|| started.elapsed()));
        }
        Ok(())
    }

    fn tell_stats(
        &self,
        statement: &Statement,
        measured: &Measured,
        elapsed: Duration,
        failure: Option<&Error>,
    ) -> Result<()> {
        let place = statement.place();
        let reading = measured.meter.as_ref().map(Meter::read).unwrap_or_default();
        let rows = measured.rows.filter(|_| failure.is_none());
        let stats = Stats {
            file: place.file,
            line: place.line,
            rows: rows.map(|(rows, _)| rows),
            rows_shown: rows.map(|(_, shown)| shown),
            milliseconds: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            bytes_read: reading.bytes,
            memory_bytes: reading.memory,
            rejects: measured.rejects,
            error: failure.map(|failure| failure.message().to_owned()),
            exit_code: failure.map_or(0, |failure| failure.kind().exit_code()),
        };
        let line = serde_json::to_string(&stats).map_err(|failure| Error::bug(failure.to_string()))?;
        self.printer.record(&line);
        Ok(())
    }

    fn format(&self) -> Result<Format> {
        let format = match (self.format, &self.file) {
            (Some(format), _) => format,
            (None, Some(file)) => Format::of_file(file)?,
            (None, None) => self.printer.default_format(),
        };
        if format.is_binary() && self.file.is_none() && self.printer.is_terminal() {
            return Err(Error::usage(format!("{format} is not text: a terminal cannot show it"))
                .hint("add -o FILE, or pipe it to a program"));
        }
        Ok(format)
    }
}
