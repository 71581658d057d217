//! Asking a question and showing the answer: rows as they come, progress meanwhile, and what it took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use tokio::task::JoinSet;
use tokio::time::Instant as Deadline;

use super::habits::{self, Meant};
use super::interrupt::sleep_until;
use super::kept::Kept;
use super::rows::Rows;
use super::session::Answer;
use super::{Flow, Shell, command, rejects, variables};
use crate::engine::{Meter, Reading};
use crate::error::{Error, Kind, Result};
use crate::output::{Account, Format, Layout, Printer, Progress, ResultFile, Target, bytes, duration, thousands};
use crate::sql::Statement;

/// How long a person waits before progress is shown.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often progress moves.
const TICK: Duration = Duration::from_millis(100);

/// What became of a statement.
struct Told {
    account: Option<Account>,
    reading: Option<Reading>,
    elapsed: Duration,
}

impl Shell {
    /// Runs a statement, or the command that is meant by it, and shows its rows. `told` says whether a person waits for
    /// the row count.
    pub(super) fn answer(&mut self, statement: Statement, told: bool) -> BoxFuture<'_, Result<Flow>> {
        async move {
            let statement = match habits::meant(variables::filled(statement, &self.variables)) {
                Meant::Command(line) => return command::run(self, &line).await,
                Meant::Statement(statement) => statement,
            };
            let target = self.next_target(self.showing.shown_as())?;
            self.ask(&statement, Some(target), told).await?;
            self.last_statement = Some(statement);
            Ok(Flow::Continue)
        }
        .boxed()
    }

    /// Runs a statement and keeps its rows without showing them.
    pub(super) async fn keep(&mut self, statement: Statement) -> Result<()> {
        let statement = habits::completed(variables::filled(statement, &self.variables));
        self.ask(&statement, None, false).await?;
        self.last_statement = Some(statement);
        Ok(())
    }

    /// Shows rows of the shell's own.
    pub(super) fn show(&mut self, batch: &RecordBatch) -> Result<()> {
        let (target, format, layout) = self.next_target(self.showing.shown_as())?;
        let mut file = ResultFile::begin(format, batch.schema_ref(), target, &Layout { max_rows: None, ..layout })?;
        file.batch(batch)?;
        let account = file.finish()?;
        if account.is_shortened() {
            self.printer.account(&account, None);
        }
        Ok(())
    }

    /// Shows the last result again, all of it.
    pub(super) fn show_last(&mut self, format: Format) -> Result<()> {
        let (target, format, layout) = self.next_target(format)?;
        let kept = last(&mut self.last)?;
        let mut file = ResultFile::begin(format, kept.schema(), target, &Layout { max_rows: None, ..layout })?;
        for batch in kept.read()? {
            file.batch(&batch?)?;
        }
        let account = file.finish()?;
        if !self.showing.tuples_only || account.is_shortened() {
            self.printer.account(&account, None);
        }
        Ok(())
    }

    /// Where the next result goes, as what and how: what `\once` says, or else `\o`, or the screen.
    pub(super) fn next_target(&mut self, format: Format) -> Result<(Target, Format, Layout)> {
        let pager = self.surroundings.pager.as_deref().filter(|_| self.showing.pager && self.at_terminal);
        let on_screen = self.showing.layout(&self.printer, self.showing.max_rows);
        let whole = self.showing.whole();
        if let Some(name) = self.once.take() {
            let (target, format) = named(&name, format)?;
            return Ok((target, format, whole));
        }
        Ok(match &self.into {
            Some(into) => (into.target()?, into.format.unwrap_or(format), whole),
            None if format.is_for_reading() => (self.printer.screen(pager), format, on_screen),
            None => (self.printer.stdout(), format, on_screen),
        })
    }

    async fn ask(&mut self, statement: &Statement, shown: Option<(Target, Format, Layout)>, told: bool) -> Result<()> {
        let started = Instant::now();
        self.rejects = None;
        let deadline = self.showing.timeout.map(|timeout| (Deadline::now() + timeout, timeout));
        let answer = in_time(deadline, self.plan(statement)).await?;
        let Answer { schema, rows, rejects: ledger, meter } = answer;
        let mut rows = Rows::of(rows);
        let acts_only = schema.fields().is_empty();
        let mut kept = Kept::new(&schema, self.at_terminal);
        let mut file = match shown {
            Some((target, format, layout)) if !acts_only => Some(ResultFile::begin(format, &schema, target, &layout)?),
            _ => None,
        };
        let mut watch = Watch::new(&self.printer, meter.as_ref());
        let pouring = async {
            while let Some(batch) = watch.until(rows.next()).await {
                let batch = batch?;
                kept.push(&batch);
                if let Some(file) = file.as_mut().filter(|file| !file.is_full()) {
                    watch.pause();
                    file.batch(&batch)?;
                } else if let Some(file) = &mut file {
                    file.batch(&batch)?;
                }
            }
            Ok(())
        };
        in_time(deadline, pouring).await?;
        watch.pause();
        let reading = meter.as_ref().map(Meter::read);
        let account = file.map(ResultFile::finish).transpose()?;
        self.tell(&Told { account, reading, elapsed: started.elapsed() }, told);
        if !acts_only {
            self.last = Some(kept);
        }
        self.rejects = ledger.filter(|rejects| rejects.summary().count() > 0);
        if let Some(rejects) = &self.rejects {
            rejects::tell(&self.printer, rejects, |_| "`\\rejects`".to_owned());
        }
        Ok(())
    }

    /// Plans a statement in a task of its own, so that Ctrl-C is heard while the planner thinks.
    async fn plan(&self, statement: &Statement) -> Result<Answer> {
        let (session, statement) = (Arc::clone(&self.session), statement.clone());
        let parameters = self.variables.clone();
        let mut task = JoinSet::new();
        task.spawn(async move { session.answer(&statement, &parameters).await });
        match task.join_next().await {
            Some(Ok(answer)) => answer,
            Some(Err(failed)) => Err(Error::bug("the statement could not be planned").because(failed)),
            None => Err(Error::bug("the statement was not planned")),
        }
    }

    /// Says how many rows there were and what they took.
    fn tell(&self, told: &Told, to_person: bool) {
        let mut notes = Vec::new();
        if to_person && self.showing.timing {
            notes.push(duration(told.elapsed));
            if let Some(reading) = told.reading.filter(|reading| reading.bytes > 0) {
                notes.push(format!("{} read", bytes(reading.bytes)));
            }
            if let Some(reading) = told.reading.filter(|reading| reading.memory > 0) {
                notes.push(format!("{} of memory", bytes(reading.memory)));
            }
        }
        match &told.account {
            Some(account) if account.shown < account.rows => {
                notes.insert(0, "\\last shows all".to_owned());
                self.printer.account_with(account, notes);
            }
            Some(account) if (to_person && !self.showing.tuples_only) || account.is_shortened() => {
                self.printer.account_with(account, notes);
            }
            None if to_person => {
                notes.insert(0, "done".to_owned());
                self.say(notes.join(" · "));
            }
            _ => {}
        }
    }
}

/// The last result, which there must be.
pub(super) fn last(kept: &mut Option<Kept>) -> Result<&mut Kept> {
    kept.as_mut().ok_or_else(|| Error::usage("there is no result yet").hint("run a query first"))
}

/// The target that a person calls `name`: a file, or a program behind `|`.
pub(super) fn named(name: &str, format: Format) -> Result<(Target, Format)> {
    match name.strip_prefix('|') {
        Some(command) => Ok((Target::program(command.trim())?, format)),
        None => {
            let path = std::path::Path::new(name);
            Ok((Target::file(path)?, Format::of_file(path).unwrap_or(format)))
        }
    }
}

/// Waits for `work`, but not beyond the deadline.
pub(super) async fn in_time<T>(
    deadline: Option<(Deadline, Duration)>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let over = async {
        match deadline {
            Some((deadline, _)) => sleep_until(deadline).await,
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        () = over => {
            let limit = deadline.map(|(_, limit)| duration(limit)).unwrap_or_default();
            Err(Error::new(Kind::Limit, format!("stopped: the statement took longer than {limit}"))
                .hint("\\pset timeout off, or --timeout of `cauce query`, allows more"))
        }
        done = work => done,
    }
}

/// Shows progress while something is waited for.
struct Watch<'a> {
    printer: &'a Printer,
    meter: Option<&'a Meter>,
    since: Instant,
    /// When progress moved last.
    moved: Instant,
    bar: Option<Progress>,
}

impl<'a> Watch<'a> {
    fn new(printer: &'a Printer, meter: Option<&'a Meter>) -> Self {
        Self { printer, meter, since: Instant::now(), moved: Instant::now(), bar: None }
    }

    /// Waits for `next`; progress is shown when that takes long.
    async fn until<T>(&mut self, next: impl Future<Output = T>) -> T {
        let Some(meter) = self.meter else { return next.await };
        let mut next = std::pin::pin!(next);
        loop {
            tokio::select! {
                biased;
                done = &mut next => return done,
                () = sleep_until(self.next_tick()) => self.move_on(meter),
            }
        }
    }

    /// When progress moves next: soon where a bar is shown, and otherwise once patience is over.
    fn next_tick(&self) -> Deadline {
        let patience = if self.bar.is_some() { self.moved + TICK } else { self.since + PATIENCE };
        Deadline::from_std(patience)
    }

    fn move_on(&mut self, meter: &Meter) {
        self.moved = Instant::now();
        let Reading { rows, bytes: read, done, total, .. } = meter.read();
        let message = format!("{} rows, {}", thousands(rows), bytes(read));
        self.bar.get_or_insert_with(|| self.printer.query_bar()).at(done, total, &message);
    }

    /// Clears the way for rows on the screen.
    fn pause(&mut self) {
        if self.bar.take().is_some() {
            self.since = Instant::now();
        }
    }
}
