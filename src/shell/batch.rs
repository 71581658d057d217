//! Statements without a person: run in order, stopped at the first that fails, results to stdout or a file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;

use super::interrupt::interrupted;
use super::rejects;
use super::rows::Rows;
use super::session::Session;
use crate::engine::Parameters;
use crate::error::{Error, Kind, Result};
use crate::output::{Format, Layout, Printer, ResultFile, Target};
use crate::sql::{Source, Statement};

/// Runs SQL texts over one session.
pub struct Batch {
    session: Arc<dyn Session>,
    printer: Printer,
    /// Where the one result goes, if not to stdout.
    file: Option<PathBuf>,
    format: Option<Format>,
    max_rows: Option<usize>,
    /// Waits for the next Ctrl-C.
    interrupt: fn() -> BoxFuture<'static, ()>,
}

impl Batch {
    /// A batch that asks `session` and writes through `printer`.
    #[must_use]
    pub fn new(session: Arc<dyn Session>, printer: Printer) -> Self {
        let max_rows = printer.default_max_rows();
        Self { session, printer, file: None, format: None, max_rows, interrupt: interrupted }
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

    /// Runs the statements of `sql`, the text that messages call `file`. The first failure ends it and is returned,
    /// untold.
    pub async fn run(&self, file: &str, sql: &str) -> Result<()> {
        let format = self.format()?;
        let statements = Source::new(file, sql).statements();
        let stopped = (self.interrupt)();
        tokio::select! {
            biased;
            () = stopped => Err(Error::new(Kind::Interrupted, "stopped")),
            done = self.run_all(format, &statements) => done,
        }
    }

    async fn run_all(&self, format: Format, statements: &[Statement]) -> Result<()> {
        if statements.is_empty() {
            return Err(Error::usage("there is no statement to run").hint("cauce query \"SELECT * FROM kpi_resumen\""));
        }
        // A file, and a format that is a file by itself, hold one result.
        let one_result = self.file.is_some() || format.is_binary();
        let mut kept: Option<(ResultFile, Instant)> = None;
        for statement in statements {
            let started = Instant::now();
            let answer = self.session.answer(statement, &Parameters::new()).await?;
            let mut rows = Rows::of(answer.rows);
            if answer.schema.fields().is_empty() {
                rows.exhaust().await?;
                continue;
            }
            if kept.is_some() {
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
            rows.pour_into(&mut result).await?;
            if let Some(rejects) = &answer.rejects {
                rejects::tell(&self.printer, rejects, |name| format!("`cauce rejects {name} --scan`"));
            }
            if one_result {
                kept = Some((result, started));
            } else {
                self.finish(result, started)?;
            }
        }
        kept.map_or(Ok(()), |(result, started)| self.finish(result, started))
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
