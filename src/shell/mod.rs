//! The interactive SQL shell.
//!
//! A loop over [inputs](input): commands of its own and SQL statements, which a [`Session`] answers. The same loop reads
//! a person's keys and a pipe. A statement that fails is told and the loop goes on; Ctrl-C stops the statement that
//! runs, not the shell. A [`Batch`] runs the statements of a text instead and stops at the first that fails.

mod batch;
mod command;
mod completion;
mod editor;
mod highlight;
mod input;
mod interrupt;
mod rejects;
mod rows;
mod session;
mod vocabulary;

use std::io::BufRead;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use batch::Batch;
pub use interrupt::interrupted;
pub use session::{Answer, ColumnEntry, Session, TableEntry, TableKind};

use self::completion::Names;
use self::editor::{Editor, Entry, SharedNames};
use self::input::{Input, Reader, inputs};
use self::rows::Rows;
use crate::error::{Error, Kind, Result};
use crate::ledger::Ledger;
use crate::output::{Format, Printer, ResultFile, duration, is_broken_pipe};
use crate::sql::Statement;

/// A shell over one session.
pub struct Shell {
    session: Arc<dyn Session>,
    printer: Printer,
    format: Format,
    /// One line a column, whatever the format.
    expanded: bool,
    max_rows: Option<usize>,
    /// What the last query did not see, if there was something.
    rejects: Option<Arc<Ledger>>,
    /// Waits for the next Ctrl-C.
    interrupt: fn() -> BoxFuture<'static, ()>,
}

impl Shell {
    /// A shell that asks `session` and writes through `printer`.
    #[must_use]
    pub fn new(session: Arc<dyn Session>, printer: Printer) -> Self {
        let (format, max_rows) = (printer.default_format(), printer.default_max_rows());
        Self { session, printer, format, expanded: false, max_rows, rejects: None, interrupt: interrupted }
    }

    /// Writes results as `format`.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Talks with the person at the terminal until they leave, remembering what they enter in the file `history`.
    pub async fn interact(mut self, history: Option<&Path>) -> Result<()> {
        let names = SharedNames::default();
        let mut background = JoinSet::new();
        background.spawn(read_names(Arc::clone(&self.session), Arc::clone(&names)));

        let layout = self.printer.layout(None);
        let mut editor = Editor::open(names, history, self.printer.stderr_colour(), layout.width.is_some())?;
        self.printer.say("SQL ends with a semicolon; \\? lists the commands, \\q leaves.");
        for number in 1.. {
            let title = self.session.title();
            let (returned, entry) = blocking(move || {
                let entry = editor.read(&title);
                (editor, entry)
            })
            .await?;
            editor = returned;
            let text = match entry? {
                Entry::Text(text) => text,
                Entry::Dropped => continue,
                Entry::End => return Ok(()),
            };
            if text.trim().is_empty() {
                continue;
            }
            if let Err(error) = editor.remember(&text) {
                self.printer.warn(error);
                editor.forget_file();
            }
            for input in inputs(&format!("statement {number}"), &text) {
                match self.run(input, true).await {
                    Ok(Flow::Continue) => {}
                    Ok(Flow::Quit) => return Ok(()),
                    Err(error) if is_broken_pipe(&error) => return Ok(()),
                    Err(error) if error.kind() == Kind::Interrupted => {
                        self.printer.warn(error);
                        break;
                    }
                    Err(error) => self.printer.report(&error),
                }
            }
        }
        Ok(())
    }

    /// Runs what is read from `text`, such as a pipe, to its end. A failure is told and the next statement runs; the
    /// kind of the first one is returned, so that the process can end with its exit code.
    pub async fn read(mut self, text: impl BufRead + Send + 'static) -> Result<Option<Kind>> {
        let mut lines = lines_of(text);
        let mut reader = Reader::new("stdin");
        let mut first_failure = None;
        loop {
            let line = tokio::select! {
                biased;
                () = (self.interrupt)() => return Ok(first_failure.or(Some(Kind::Interrupted))),
                line = lines.recv() => line.transpose()?,
            };
            let ended = line.is_none();
            let found = match line {
                Some(line) => reader.line(&line),
                None => reader.end().into_iter().collect(),
            };
            for input in found {
                match self.run(input, false).await {
                    Ok(Flow::Continue) => {}
                    Ok(Flow::Quit) => return Ok(first_failure),
                    Err(error) if is_broken_pipe(&error) => return Ok(first_failure),
                    Err(error) => {
                        self.printer.report(&error);
                        first_failure = first_failure.or(Some(error.kind()));
                        if error.kind() == Kind::Interrupted {
                            return Ok(first_failure);
                        }
                    }
                }
            }
            if ended {
                return Ok(first_failure);
            }
        }
    }

    /// Does one thing, or is stopped by Ctrl-C. `told` says whether a person waits for the row count.
    async fn run(&mut self, input: Input, told: bool) -> Result<Flow> {
        let interrupted = (self.interrupt)();
        let work = async {
            match &input {
                Input::Command(line) => command::run(self, line).await,
                Input::Statement(statement) => self.answer(statement, told).await.map(|()| Flow::Continue),
            }
        };
        tokio::select! {
            biased;
            () = interrupted => Err(Error::new(Kind::Interrupted, "stopped")),
            done = work => done,
        }
    }

    async fn answer(&mut self, statement: &Statement, told: bool) -> Result<()> {
        let started = Instant::now();
        self.rejects = None;
        let answer = self.session.answer(statement).await?;
        let mut rows = Rows::of(answer.rows);
        if answer.schema.fields().is_empty() {
            rows.exhaust().await?;
            if told {
                self.printer.say(format_args!("done · {}", duration(started.elapsed())));
            }
            return Ok(());
        }
        let layout = self.printer.layout(self.max_rows);
        let mut file = ResultFile::begin(self.shown_as(), &answer.schema, self.printer.stdout(), &layout)?;
        rows.pour_into(&mut file).await?;
        let account = file.finish()?;
        if told || account.is_shortened() {
            self.printer.account(&account, told.then(|| started.elapsed()));
        }
        self.rejects = answer.rejects.filter(|rejects| rejects.summary().count() > 0);
        if let Some(rejects) = &self.rejects {
            rejects::tell(&self.printer, rejects, |_| "`\\rejects`".to_owned());
        }
        Ok(())
    }

    /// Writes rows of the shell's own.
    fn show(&self, batch: &RecordBatch) -> Result<()> {
        let layout = self.printer.layout(None);
        let mut file = ResultFile::begin(self.shown_as(), batch.schema_ref(), self.printer.stdout(), &layout)?;
        file.batch(batch)?;
        let account = file.finish()?;
        if account.is_shortened() {
            self.printer.account(&account, None);
        }
        Ok(())
    }

    fn shown_as(&self) -> Format {
        if self.expanded { Format::Vertical } else { self.format }
    }
}

/// Whether the loop goes on.
#[derive(Debug, PartialEq, Eq)]
enum Flow {
    Continue,
    Quit,
}

/// A table of texts.
fn records<const N: usize>(names: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<RecordBatch> {
    let mut columns: [Vec<String>; N] = [const { Vec::new() }; N];
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    let schema = Schema::new(names.map(|name| Field::new(name, DataType::Utf8, false)).to_vec());
    let columns = columns.map(|values| Arc::new(StringArray::from(values)) as ArrayRef).to_vec();
    RecordBatch::try_new(Arc::new(schema), columns).map_err(|error| Error::bug(error.to_string()))
}

/// The lines of `text`, read by a thread of their own: nobody can stop a read that waits for a pipe.
fn lines_of(text: impl BufRead + Send + 'static) -> mpsc::Receiver<Result<String>> {
    let (sender, lines) = mpsc::channel(64);
    std::thread::spawn(move || {
        for line in text.lines() {
            let line = line.map_err(|error| Error::store(format!("cannot read stdin: {error}")).because(error));
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                return;
            }
        }
    });
    lines
}

async fn read_names(session: Arc<dyn Session>, names: SharedNames) {
    // Without names there is less to complete, which is no reason to disturb a person.
    if let Ok(found) = Names::of(session.as_ref()).await {
        *names.write().unwrap_or_else(PoisonError::into_inner) = found;
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::bug("the line editor failed").because(error))
}

#[cfg(test)]
mod tests;
