//! Which files of a dataset a query reads: those that a run would read.

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::catalog::{Dataset, Difference, Verdict};
use crate::error::{Error, Finding, Result};
use crate::ingest::differences;
use crate::ledger::{Ledger, LeftOut};
use crate::store::InputFile;

/// Files whose beginnings are read at a time.
const FILES_AT_ONCE: usize = 16;

/// The `files` that fit `dataset`, or differ in what its `on_drift` lets pass. `ledger` is told of the others.
///
/// # Errors
/// A file that does not fit where the dataset says `on_drift: fail`, or none that fits.
pub(super) async fn fitting(dataset: &Dataset, files: Vec<InputFile>, ledger: &Ledger) -> Result<Vec<InputFile>> {
    let compared = stream::iter(files)
        .map(|file| async move {
            let differences = differences(dataset, &file).await?;
            Ok::<_, Error>((file, differences))
        })
        .buffered(FILES_AT_ONCE);
    let compared: Vec<(InputFile, Vec<Difference>)> = compared.try_collect().await?;
    let mut fitting = Vec::with_capacity(compared.len());
    let mut findings = Vec::new();
    for (file, mut differences) in compared {
        differences.retain(|difference| difference.verdict(dataset.on_drift) >= Verdict::LeaveOut);
        if differences.is_empty() {
            fitting.push(file);
            continue;
        }
        let name = &file.name;
        findings.extend(
            differences
                .iter()
                .map(|difference| Finding::new(format!("{name}: {difference}")).hint(difference.remedy(dataset))),
        );
        let reason = differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        ledger.leave_out(LeftOut { dataset: dataset.name.clone(), file: file.name, reason });
        let stop = differences.iter().any(|difference| difference.verdict(dataset.on_drift) == Verdict::Stop);
        if stop {
            return Err(Error::query(format!(
                "a file of raw.{} does not fit, and it says `on_drift: fail`",
                dataset.name
            ))
            .findings(findings));
        }
    }
    if fitting.is_empty() && !findings.is_empty() {
        return Err(Error::query(format!("no file of raw.{} fits what catalog.yaml says of it", dataset.name))
            .findings(findings));
    }
    Ok(fitting)
}
