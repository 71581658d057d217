//! Telling what happens while a run works.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::name::TableName;
use crate::output::{Printer, Progress, counted, duration, thousands};
use crate::plan::Plan;
use crate::run::Event;

/// What a run has a line for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Each table, as soon as it is built.
    Models,
    /// Each layer.
    Layers,
}

/// Tells the events of a run: a bar on a terminal, and a line for each table where each has one.
pub(super) struct Teller<'a> {
    printer: &'a Printer,
    bar: Progress,
    detail: Detail,
    progress: Mutex<Told>,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    /// The models that are being built.
    building: Vec<String>,
    /// The models that had their line, in this run or in one that began again.
    built: BTreeSet<TableName>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(printer: &'a Printer, plan: &Plan, detail: Detail, built: BTreeSet<TableName>) -> Self {
        // A step a model for building it, and one for its checks.
        let steps = plan.builds().count() + plan.checks().count();
        let bar = printer.bar(format_args!("release {}", plan.release), steps as u64);
        let progress = Mutex::new(Told { building: Vec::new(), built });
        Self { printer, bar, detail, progress }
    }

    /// The models that had their line.
    pub(super) fn end(self) -> BTreeSet<TableName> {
        self.progress.into_inner().unwrap_or_else(PoisonError::into_inner).built
    }

    /// Tells of `event`.
    pub(super) fn tell(&self, event: Event) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let Told { building, built } = &mut *progress;
        match event {
            Event::Building(model) => {
                building.push(model.to_string());
                self.bar.message(&building.join(", "));
            }
            Event::Built { model, size, read, elapsed } => {
                built.insert(model.clone());
                let model = model.to_string();
                building.retain(|name| *name != model);
                self.bar.advance(1);
                if let (Detail::Models, Some((rows, _))) = (self.detail, size) {
                    let of_files = read.map(|(read, files)| format!("  {read} of {} read", counted(files, "file")));
                    self.printer.done(format_args!(
                        "{model:<34} {:>10} rows  {:>8}{}",
                        thousands(rows),
                        duration(elapsed),
                        of_files.unwrap_or_default(),
                    ));
                }
            }
            Event::TakenUp { model, rows } => {
                self.bar.advance(1);
                if built.insert(model.clone()) && self.detail == Detail::Models {
                    let model = model.to_string();
                    self.printer.done(format_args!("{model:<34} {:>10} rows  taken up", thousands(rows)));
                }
            }
            Event::Checked { .. } => {
                self.bar.message("checks");
                self.bar.advance(1);
            }
            Event::Publishing(release) => self.bar.message(&format!("publishing release {release}")),
        }
    }
}
