//! Telling what became of the rows of a run.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;

use super::listing::Listing;
use super::settings::program;
use crate::error::{Error, Kind, Result};
use crate::ledger::{Group, Summary};
use crate::output::{Printer, counted, thousands};
use crate::release::{DatasetAccount, ModelAccount};
use crate::run::{Accounts, Over};

/// Kinds of rejects shown where there are too many.
const SHOWN_KINDS: usize = 10;

/// Tells of each table of which rows were left out, and of all records together.
pub(super) fn tell_accounts(printer: &Printer, accounts: &Accounts) {
    for (name, account) in accounts.datasets.iter().filter(|(_, account)| account.rejected + account.replayed > 0) {
        let DatasetAccount { records, rows, rejected, replayed } = *account;
        let corrected =
            if replayed > 0 { format!(", {} of them as corrected", thousands(replayed)) } else { String::new() };
        let parts = list(&[(rejected, "rejected")]);
        let (rows, records) = (thousands(rows), thousands(records));
        let told = format!("raw.{name}: {rows} of {records} records are rows{corrected}{parts}");
        if rejected > 0 {
            printer.warn(format_args!("{told}; see `{} rejects {name}`", program()));
        } else {
            printer.done(told);
        }
    }
    for (name, account) in accounts.models.iter().filter(|(_, account)| account.left_out() > 0) {
        let ModelAccount { rows, rejected, deduplicated, filtered, .. } = account;
        let parts = [(*rejected, "rejected"), (*deduplicated, "deduplicated"), (filtered.unwrap_or(0), "filtered")];
        let of = match filtered {
            Some(_) => format!(" of {}", thousands(account.rows_in())),
            None => String::new(),
        };
        printer.done(format_args!("{name}: {}{of} rows{}", thousands(*rows), list(&parts)));
    }
    if accounts.datasets.is_empty() {
        return;
    }
    let all = accounts.datasets.values().fold(DatasetAccount::default(), |sum, account| DatasetAccount {
        records: sum.records + account.records,
        rows: sum.rows + account.rows,
        rejected: sum.rejected + account.rejected,
        replayed: sum.replayed + account.replayed,
    });
    let what = |count: u64, one: &str| format!("{} {one}{}", thousands(count), if count == 1 { "" } else { "s" });
    let mut sum = vec![what(all.rows, "row")];
    if all.rejected > 0 {
        sum.push(what(all.rejected, "reject"));
    }
    let datasets = counted(accounts.datasets.len(), "dataset");
    let records = if all.records == 1 { "record" } else { "records" };
    printer.done(format_args!("accounts: {} {records} of {datasets} = {}", thousands(all.records), sum.join(" + ")));
}

/// The counts that are not nothing, behind a colon.
fn list(parts: &[(u64, &str)]) -> String {
    let told: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", thousands(*count)))
        .collect();
    if told.is_empty() { String::new() } else { format!("; {}", told.join(", ")) }
}

/// The failure of a run with too many rejects, after telling the commonest kinds of them.
pub(super) fn too_many(printer: &Printer, over: &[Over], rejects: &Summary) -> Result<Error> {
    for Over { dataset, records, rejected, key, limit } in over {
        printer.warn(format_args!(
            "raw.{dataset}: {} of {} records rejected; `on_reject` allows {key} {limit}",
            thousands(*rejected),
            thousands(*records),
        ));
    }
    tell_kinds(printer, "", rejects)?;
    let first = over.first().map(|over| over.dataset.as_str()).unwrap_or_default();
    let keys: Vec<&str> = over.iter().map(|over| over.key).collect();
    let key = keys.first().copied().unwrap_or("max_ratio");
    let message = match over {
        [one] => format!("raw.{} has too many rejects; nothing was published", one.dataset),
        _ => format!("{} have too many rejects; nothing was published", counted(over.len(), "dataset")),
    };
    Ok(Error::new(Kind::Check, message).hint(format!(
        "correct the files, or raise `on_reject: {{ {key} }}` in catalog.yaml; `{} rejects {first} --run last` lists the rows",
        program()
    )))
}

/// Tells the commonest kinds of rejects, each with its first example, and what to do about them.
///
/// `before` is told before them.
pub(super) fn tell_kinds(printer: &Printer, before: &str, rejects: &Summary) -> Result<()> {
    let mut groups = rejects.commonest();
    let kinds = groups.len();
    groups.truncate(SHOWN_KINDS);
    let what = if kinds > SHOWN_KINDS {
        format!("{before}the {SHOWN_KINDS} commonest of {kinds} reasons")
    } else {
        format!("{before}the reasons")
    };
    printer.warn_with_whole_rows(what, &[table(&groups)?])?;
    let mut told = BTreeSet::new();
    for Group { rule, column, advice, .. } in &groups {
        let Some(advice) = advice else { continue };
        if told.insert((column, advice)) {
            printer.hint(format_args!("{}: {advice}", column.as_ref().unwrap_or(rule)));
        }
    }
    Ok(())
}

/// Kinds of rejects as a table.
fn table(groups: &[Group]) -> Result<RecordBatch> {
    let each = || groups.iter();
    Listing::default()
        .texts("origin", each().map(|group| Some(group.origin.to_string())))
        .texts("rule", each().map(|group| Some(group.rule.as_str())))
        .texts("column", each().map(|group| group.column.as_deref()))
        .counts("rows", each().map(|group| Some(group.count)))
        .texts("example", each().map(|group| Some(group.place.as_str())))
        .texts("value", each().map(|group| Some(group.value.as_str())))
        .texts("message", each().map(|group| Some(group.message.as_str())))
        .rows()
}
