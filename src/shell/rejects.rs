//! Rows that a query did not see because its files' readers did not accept them.

use futures::TryStreamExt;

use super::rows::Rows;
use super::{Flow, Shell};
use crate::engine::Parameters;
use crate::error::{Error, Result};
use crate::ledger::{Ledger, LeftOut};
use crate::output::{Printer, ResultFile, thousands};
use crate::sql::Source;

/// The rejects of the last run, where there is no release.
pub const OF_LAST_RUN: &str = "run IN (SELECT run FROM system.runs ORDER BY ended_at DESC LIMIT 1)";

/// The columns of an entry that a person reads first, of those in its batches.
const SHOWN: [&str; 7] = ["origin", "rule", "file", "line", "column", "value", "message"];

/// Tells which files and how many rows are missing from an answer; `how` says how to see them, given the name of a dataset.
pub(super) fn tell(printer: &Printer, ledger: &Ledger, how: impl Fn(&str) -> String) {
    for LeftOut { dataset, file, reason } in ledger.left_out() {
        printer.warn(format_args!("raw.{dataset}: {file} does not fit and is left out: {reason}"));
    }
    for (origin, count) in ledger.summary().by_origin() {
        let rows = if count == 1 { "row" } else { "rows" };
        printer.warn(format_args!("{} {rows} of {origin} rejected; see {}", thousands(count), how(&origin.name)));
    }
}

/// Shows the rejects of the last query, or of the newest release.
pub(super) async fn show(shell: &mut Shell) -> Result<Flow> {
    let Some(ledger) = shell.rejects.clone() else {
        let wanted = shell.session.released_rejects().unwrap_or_else(|| OF_LAST_RUN.to_owned());
        let sql = format!(
            "SELECT origin, rule, file, line, \"column\", value, message FROM system.rejects WHERE {wanted} \
             ORDER BY origin, file, line"
        );
        let statement = Source::new("\\rejects", &sql).only_statement()?;
        let answer = shell.session.answer(&statement, &Parameters::new()).await?;
        let (target, format, layout) = shell.next_target(shell.showing.shown_as())?;
        let mut file = ResultFile::begin(format, &answer.schema, target, &layout)?;
        Rows::of(answer.rows).pour_into(&mut file).await?;
        shell.printer.account(&file.finish()?, None);
        return Ok(Flow::Continue);
    };
    let mut rows = ledger.rows()?;
    let mut file: Option<ResultFile> = None;
    while let Some(batch) = rows.try_next().await? {
        let columns = SHOWN.iter().filter_map(|name| batch.schema().index_of(name).ok());
        let batch = batch.project(&columns.collect::<Vec<_>>()).map_err(|failure| Error::bug(failure.to_string()))?;
        if file.is_none() {
            let (target, format, layout) = shell.next_target(shell.showing.shown_as())?;
            file = Some(ResultFile::begin(format, &batch.schema(), target, &layout)?);
        }
        if let Some(file) = &mut file {
            file.batch(&batch)?;
        }
    }
    if let Some(file) = file {
        shell.printer.account(&file.finish()?, None);
    }
    Ok(Flow::Continue)
}
