//! Telling a person, or continuous integration, how checks went.

use crate::check::{Allowed, Outcome};
use crate::error::Result;
use crate::model::{Amount, Severity};
use crate::output::{Case, Ended, Printer, thousands};

/// Warns of a check that failed, and shows some of the rows that fail it.
///
/// # Errors
/// An output that cannot be written.
pub(super) fn tell_failure(printer: &Printer, outcome: &Outcome) -> Result<()> {
    printer.warn_with_rows(sentence(outcome), &outcome.shown())
}

/// The failure of a check in a sentence.
pub(super) fn sentence(outcome: &Outcome) -> String {
    let Outcome { model, check, failing, rows, allowed, .. } = outcome;
    let (measured, rows) = (outcome.measured(), thousands(*rows));
    let what = match allowed {
        Allowed::Rows(Amount::Number(0.0)) => format!(" for {} of {rows} rows", thousands(*failing)),
        Allowed::Rows(_) => format!(" for {} of {rows} rows; {allowed} may", thousands(*failing)),
        Allowed::Nulls(_) => format!(": {measured} of {rows} rows have no value; {allowed} may"),
        Allowed::Count { .. } => format!(": there are {rows} rows; there should be {allowed}"),
        Allowed::Age(_) if outcome.value.is_none() => format!(": there is no value; it should be {allowed} old"),
        Allowed::Age(_) => format!(": the newest value is {measured} old; it should be {allowed} old"),
        Allowed::Difference(..) => format!(": the sum is {measured}; it should be {allowed}"),
    };
    let severity = match outcome.severity {
        Severity::Error => "",
        Severity::Warn => " (warns only)",
    };
    format!("{model}: check `{check}` fails{what}{severity}")
}

/// The checks as cases of a report.
///
/// # Errors
/// A row that cannot be written as JSON.
pub(super) fn cases(outcomes: &[Outcome]) -> Result<Vec<Case>> {
    let case = |outcome: &Outcome| {
        let ended = match (outcome.passed, outcome.blocks()) {
            (true, _) => Ended::Passed,
            (false, true) => Ended::Failed(sentence(outcome), outcome.rows_as_json()?.unwrap_or_default()),
            (false, false) => Ended::Tolerated(sentence(outcome)),
        };
        Ok(Case { class: outcome.model.to_string(), name: outcome.check.clone(), seconds: None, ended })
    };
    outcomes.iter().map(case).collect()
}
