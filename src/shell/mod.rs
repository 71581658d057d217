//! The interactive SQL shell.
//!
//! A loop over [inputs](input): commands of its own and SQL statements, which a [`Session`] answers. The same loop reads
//! a person's keys and a pipe. A statement that fails is told and the loop goes on; Ctrl-C stops the statement that
//! runs, not the shell. A [`Batch`] runs the statements of a text instead and stops at the first that fails.

mod answer;
mod batch;
mod command;
mod completion;
mod crosstab;
mod draft;
mod editor;
mod habits;
mod highlight;
mod input;
mod interrupt;
mod kept;
mod lookout;
mod outlet;
mod plot;
mod profile;
mod rejects;
mod rows;
mod secrets;
mod session;
mod showing;
mod surroundings;
mod variables;
mod vocabulary;
mod workers;

use std::fmt::Display;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant as Deadline, timeout};

pub use batch::{Batch, OnError};
pub use command::{CommandHelp, command_help};
pub use habits::completed;
pub use interrupt::interrupted;
pub use rejects::OF_LAST_RUN;
pub use session::{Answer, ColumnEntry, Relationship, Session, TableEntry, TableKind};
pub use showing::seconds;
pub use surroundings::Surroundings;

use self::completion::{Names, Wanted};
use self::editor::{Editor, Entry, SharedNames};
use self::input::{Input, Reader, inputs};
use self::kept::Kept;
use self::lookout::Lookout;
use self::outlet::Outlet;
use self::showing::Showing;
use self::workers::{Workers, begun_on};
use crate::engine::Parameters;
use crate::error::{Error, Kind, Result};
use crate::ledger::Ledger;
use crate::output::{Format, Printer, is_broken_pipe};
use crate::sql::Statement;

/// The longest that the list of a folder is waited for.
const FOLDER_WAIT: Duration = Duration::from_secs(3);

/// The time that something has to end by itself after Ctrl-C.
const MOMENT: Duration = Duration::from_millis(20);

/// A shell over one session.
pub struct Shell {
    session: Arc<dyn Session>,
    printer: Printer,
    surroundings: Surroundings,
    showing: Showing,
    variables: Parameters,
    /// The last result, once there is one.
    last: Option<Kept>,
    last_statement: Option<Statement>,
    /// What the last query did not see, if there was something.
    rejects: Option<Arc<Ledger>>,
    /// Where results go until further notice, if not to the screen.
    into: Option<Outlet>,
    /// Where the next result goes.
    once: Option<String>,
    /// The line editor, where there is a person.
    editor: Option<Editor>,
    /// What stands on the line that is edited next.
    prepared: Option<String>,
    /// The names that completion knows.
    names: SharedNames,
    /// The files that are being read, the innermost last.
    files: Vec<PathBuf>,
    at_terminal: bool,
    /// Whether what commands say is left out, as while the rc file is read.
    hushed: bool,
    /// The threads that work for statements and commands.
    workers: Workers,
    /// Waits for the next Ctrl-C.
    interrupt: fn() -> BoxFuture<'static, ()>,
}

impl Shell {
    /// A shell that asks `session` and writes through `printer`.
    #[must_use]
    pub fn new(session: Arc<dyn Session>, printer: Printer, surroundings: Surroundings) -> Self {
        let showing = Showing::of(&printer);
        Self {
            session,
            printer,
            surroundings,
            showing,
            variables: Parameters::new(),
            last: None,
            last_statement: None,
            rejects: None,
            into: None,
            once: None,
            editor: None,
            prepared: None,
            names: SharedNames::default(),
            files: Vec::new(),
            at_terminal: false,
            hushed: false,
            workers: Workers::default(),
            interrupt: interrupted,
        }
    }

    /// Writes results as `format`.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.showing.format = format;
        self
    }

    /// Talks with the person at the terminal until they leave.
    pub async fn interact(mut self) -> Result<()> {
        self.at_terminal = true;
        let mut background = JoinSet::new();
        let (wishes, wanted) = mpsc::unbounded_channel();
        background.spawn(read_names(Arc::clone(&self.session), Arc::clone(&self.names)));
        background.spawn(read_wanted(Arc::clone(&self.session), Arc::clone(&self.names), wanted));
        if self.read_rc().await? == Flow::Quit {
            return Ok(());
        }
        let on_stdout = self.printer.layout(None).width.is_some();
        let names = Arc::clone(&self.names);
        let history = self.surroundings.history.as_deref();
        self.editor = Some(Editor::open(names, wishes, history, self.printer.stderr_colour(), on_stdout)?);
        self.printer.say("SQL ends with a semicolon; \\? lists the commands, \\q leaves.");
        let mut lookout = Lookout::default();
        for number in 1.. {
            if let Some(release) = lookout.look(&self.session).await {
                self.printer.say(format_args!("release {release} is out; \\asof newest reads it"));
            }
            // Ctrl-C may be pressed as soon as the editor lets go of the keys.
            let mut interrupt = (self.interrupt)();
            let text = match self.read_entry().await? {
                Entry::Text(text) => text,
                Entry::Dropped => continue,
                Entry::End => return Ok(()),
            };
            if text.trim().is_empty() {
                continue;
            }
            if let Some(editor) = &mut self.editor
                && let Err(error) = editor.remember(&text)
            {
                self.printer.warn(error);
                editor.forget_file();
            }
            let session = Arc::as_ptr(&self.session).cast::<()>();
            for input in inputs(&format!("statement {number}"), &text) {
                let next = (self.interrupt)();
                match self.run_until(input, true, std::mem::replace(&mut interrupt, next)).await {
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
            if Arc::as_ptr(&self.session).cast::<()>() != session {
                background.spawn(read_names(Arc::clone(&self.session), Arc::clone(&self.names)));
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
        let interrupt = (self.interrupt)();
        self.run_until(input, told, interrupt).await
    }

    /// Does one thing, or is stopped by `interrupt`.
    async fn run_until(&mut self, input: Input, told: bool, interrupt: BoxFuture<'static, ()>) -> Result<Flow> {
        // What hears Ctrl-C itself, as a run does, says best what became of it: it has a moment for that.
        let interrupted = async {
            interrupt.await;
            interrupt::sleep_until(Deadline::now() + MOMENT).await;
        };
        tokio::select! {
            biased;
            done = self.act(input, told) => done,
            () = interrupted => {
                self.files.clear();
                Err(Error::new(Kind::Interrupted, "stopped"))
            }
        }
    }

    /// Does one thing; the tasks that it begins are done by threads that nothing else keeps busy.
    async fn act(&mut self, input: Input, told: bool) -> Result<Flow> {
        let workers = self.workers.ready()?;
        let flow = begun_on(&workers, self.carry_out(input, told)).await?;
        self.workers.done();
        Ok(flow)
    }

    async fn carry_out(&mut self, input: Input, told: bool) -> Result<Flow> {
        match input {
            Input::Command(line) => command::run(self, &line).await,
            Input::Statement(statement) => self.answer(statement, told).await,
            Input::Handed(statement, line) => {
                if command::shows_rows(&line) {
                    self.answer(statement, told).await?;
                } else {
                    self.keep(statement).await?;
                }
                command::run(self, &line).await
            }
        }
    }

    /// Lets the person enter something.
    async fn read_entry(&mut self) -> Result<Entry> {
        let Some(mut editor) = self.editor.take() else { return Ok(Entry::End) };
        let (title, vi, prepared) = (self.session.title(), self.showing.vi, self.prepared.take());
        let (editor, entry) = blocking(move || {
            let entry = editor.read(&title, vi, prepared.as_deref());
            (editor, entry)
        })
        .await?;
        self.editor = Some(editor);
        entry
    }

    /// Runs the person's rc file, if there is one. What fails in it is told and does not keep the shell from starting.
    async fn read_rc(&mut self) -> Result<Flow> {
        let Some(rc) = self.surroundings.rc.clone().filter(|rc| rc.is_file()) else { return Ok(Flow::Continue) };
        self.hushed = true;
        let interrupted = (self.interrupt)();
        let read = tokio::select! {
            biased;
            read = self.read_file(&rc) => read,
            () = interrupted => Err(Error::new(Kind::Interrupted, format!("stopped reading {}", rc.display()))),
        };
        self.files.clear();
        self.hushed = false;
        match read {
            Err(error) if !is_broken_pipe(&error) => {
                self.printer.report(&error);
                Ok(Flow::Continue)
            }
            read => read,
        }
    }

    /// Says what a command did.
    fn say(&self, message: impl Display) {
        if !self.hushed {
            self.printer.say(message);
        }
    }
}

/// Whether the loop goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
        names.write().unwrap_or_else(PoisonError::into_inner).renew(found);
    }
}

/// Reads what completion is about to want: values of columns, folders of stores.
async fn read_wanted(session: Arc<dyn Session>, names: SharedNames, mut wishes: mpsc::UnboundedReceiver<Wanted>) {
    let known = || names.write().unwrap_or_else(PoisonError::into_inner);
    while let Some(wanted) = wishes.recv().await {
        match wanted {
            Wanted::Values(table, column) => {
                let asked = known().ask_for(&table, &column);
                if asked && let Ok(values) = completion::read_values(session.as_ref(), &table, &column).await {
                    known().learn(table, column, values);
                }
            }
            Wanted::Folder(folder) => {
                let asked = known().ask_for_folder(&folder);
                if asked {
                    let listed = timeout(FOLDER_WAIT, session.list(&folder)).await;
                    known().learn_folder(&folder, listed.ok().and_then(Result::ok));
                }
            }
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::bug("the line editor failed").because(error))
}

#[cfg(test)]
mod tests;
