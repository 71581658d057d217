//! Where the declared columns stand in a file: by name, every name once, nothing missing and nothing unknown.

use std::collections::HashSet;

use crate::catalog::Dataset;
use crate::error::{Error, Finding, Kind, Result};
use crate::name::closest;

/// The position in `names`, the column names of `file`, of each column of `dataset`.
///
/// All differences between the two are reported in one error.
pub(super) fn positions(dataset: &Dataset, file: &str, names: &[impl AsRef<str>]) -> Result<Vec<usize>> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let declared: Vec<&str> = dataset.columns.iter().map(|column| column.name.as_str()).collect();
    let missing: Vec<&str> = declared.iter().copied().filter(|name| !names.contains(name)).collect();
    let unknown: Vec<&str> = names.iter().copied().filter(|name| !declared.contains(name)).collect();

    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for name in &names {
        if !seen.insert(*name) {
            findings.push(Finding::new(format!("column `{name}` stands there twice")).hint("rename one of the two"));
        }
    }
    for name in &missing {
        // A name that the catalog knows is not what was meant by another one.
        let hint = match closest(name, unknown.iter().copied()) {
            Some(near) => format!("the file has `{near}`: write that in catalog.yaml, or rename it in the file"),
            None => format!("add it to the file, or take it from datasets.{}.columns in catalog.yaml", dataset.name),
        };
        findings.push(Finding::new(format!("column `{name}` is missing")).hint(hint));
    }
    for name in unknown.iter().copied().filter(|name| closest(name, missing.iter().copied()).is_none()) {
        let hint = format!(
            "add it to datasets.{}.columns in catalog.yaml: `- {{ name: {}, type: string }}`",
            dataset.name,
            yaml_scalar(name)
        );
        findings.push(Finding::new(format!("column `{name}` is not declared")).hint(hint));
    }

    if findings.is_empty() {
        return Ok(declared.iter().filter_map(|name| names.iter().position(|other| other == name)).collect());
    }
    let summary = match findings.as_slice() {
        [only] => format!("{file}: {}", only.message),
        all => format!("{file}: {} of its columns do not fit dataset {}", all.len(), dataset.name),
    };
    Err(Error::new(Kind::Usage, summary).findings(findings))
}

/// `name` as YAML reads it back: in quotes unless it is a plain word.
fn yaml_scalar(name: &str) -> String {
    let plain =
        name.chars().all(|c| c.is_alphanumeric() || c == '_') && name.chars().next().is_some_and(char::is_alphabetic);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")) }
}
