//! Telling how input files differ from what the catalog says of them.

use arrow::array::RecordBatch;

use super::listing::Listing;
use crate::catalog::Verdict;
use crate::error::{Error, Kind, Result};
use crate::output::{Printer, counted};
use crate::plan::{Action, Drift, Plan};

/// Tells the differences from `least` on, in one table.
pub(super) fn tell(printer: &Printer, drift: &[Drift], least: Verdict) -> Result<()> {
    let told: Vec<&Drift> = drift.iter().filter(|difference| difference.verdict >= least).collect();
    if told.is_empty() {
        return Ok(());
    }
    let left_out = files(told.iter().copied().filter(|difference| difference.verdict == Verdict::LeaveOut));
    let message = match (left_out, files(told.iter().copied())) {
        (0, differ) => format!("{} from the catalog", differing(differ)),
        (left_out, differ) if left_out == differ => {
            format!("{} not fit and {} left out", counted(left_out, "file") + does(left_out), are(left_out))
        }
        (left_out, differ) => format!("{} from the catalog; {left_out} {} left out", differing(differ), are(left_out)),
    };
    printer.warn_with_whole_rows(message, &[table(&told)?])
}

/// The failure of a run that an `on_drift: fail` keeps from starting.
pub(super) fn stopped(plan: &Plan) -> Option<Error> {
    let stopping = files(plan.drift.iter().filter(|difference| difference.verdict == Verdict::Stop));
    (stopping > 0).then(|| {
        let message =
            format!("{} not fit and the dataset says `on_drift: fail`", counted(stopping, "file") + does(stopping));
        Error::query(message)
            .hint("nothing was published; correct the files or catalog.yaml, or choose `quarantine_file`")
    })
}

/// The failure that ends a run with a release in which some models are older or missing.
pub(super) fn not_whole(plan: &Plan) -> Option<Error> {
    let mut sentences = Vec::new();
    for (action, what) in [(Action::Keep, "kept as they were"), (Action::LeaveOut, "left out")] {
        let names: Vec<String> =
            plan.blocked().filter(|step| step.action == action).map(|step| step.model.to_string()).collect();
        if !names.is_empty() {
            sentences.push(format!("{what}: {}", names.join(", ")));
        }
    }
    (!sentences.is_empty()).then(|| {
        Error::new(Kind::Check, format!("release {} is not whole; {}", plan.release, sentences.join("; ")))
            .hint("`cauce plan` says why; correct the files or catalog.yaml and run again")
    })
}

/// The differences as rows.
pub(super) fn table(drift: &[&Drift]) -> Result<RecordBatch> {
    let each = || drift.iter();
    Listing::default()
        .texts("dataset", each().map(|difference| Some(difference.dataset.as_str())))
        .texts("file", each().map(|difference| Some(difference.file.as_str())))
        .texts("what", each().map(|difference| Some(difference.what.as_str())))
        .texts("then", each().map(|difference| Some(then(difference.verdict))))
        .texts("what to do", each().map(|difference| Some(difference.remedy.as_str())))
        .rows()
}

/// What becomes of the file, in words.
fn then(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Harmless | Verdict::Read => "read",
        Verdict::LeaveOut => "left out",
        Verdict::Stop => "stop",
    }
}

/// How many files the differences are of.
pub(super) fn files<'a>(drift: impl Iterator<Item = &'a Drift>) -> usize {
    drift.map(|difference| (&difference.dataset, &difference.file)).collect::<std::collections::BTreeSet<_>>().len()
}

fn differing(files: usize) -> String {
    format!("{} differ{}", counted(files, "file"), if files == 1 { "s" } else { "" })
}

pub(super) fn does(files: usize) -> &'static str {
    if files == 1 { " does" } else { " do" }
}

fn are(files: usize) -> &'static str {
    if files == 1 { "is" } else { "are" }
}
