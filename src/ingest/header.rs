//! Where the values of the declared columns come from in one file: by name, from its fields or from its path.
//!
//! The reader of a file and the report on files that do not fit compare columns here, so that they never disagree.

use std::borrow::Cow;
use std::collections::HashSet;

use super::partition;
use crate::catalog::{Dataset, Difference, Verdict};
use crate::error::{Error, Finding, Kind, Result};
use crate::name::closest;

/// Where the values of a declared column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// From this field of the file, from 0.
    Field(usize),
    /// The file's path gives one value for all rows; `None` is NULL.
    Path(Option<String>),
    /// The file does not have them: NULL in all rows.
    Absent,
}

/// The source in `file`, whose columns are `names`, of each column of `dataset`, and all differences between the two.
pub(super) fn compare(dataset: &Dataset, file: &str, names: &[impl AsRef<str>]) -> (Vec<Source>, Vec<Difference>) {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let source = |name: &str| match names.iter().position(|other| *other == name) {
        Some(field) => Source::Field(field),
        None => {
            partition::find(file, name).map_or(Source::Absent, |(_, value)| Source::Path(value.map(Cow::into_owned)))
        }
    };
    let sources: Vec<Source> = dataset.columns.iter().map(|column| source(&column.name)).collect();
    let absent: Vec<_> = dataset
        .columns
        .iter()
        .zip(&sources)
        .filter(|(_, source)| **source == Source::Absent)
        .map(|(column, _)| column)
        .collect();
    let declared = |name: &str| dataset.columns.iter().any(|column| column.name == name);
    let mut unknown: Vec<&str> = Vec::new();
    let mut differences = Vec::new();
    let mut seen = HashSet::new();
    for name in names.iter().copied() {
        if !seen.insert(name) {
            differences.push(Difference::Twice(name.to_owned()));
        } else if !declared(name) {
            unknown.push(name);
        }
    }
    for column in absent {
        // A name that the catalog knows is not what was meant by another one.
        match closest(&column.name, unknown.iter().copied()) {
            Some(found) => {
                let found = found.to_owned();
                unknown.retain(|name| *name != found);
                differences.push(Difference::Renamed { declared: column.name.clone(), found });
            }
            None => {
                differences.push(Difference::Missing { name: column.name.clone(), required: column.required });
            }
        }
    }
    differences.extend(unknown.into_iter().map(|name| Difference::Unknown(name.to_owned())));
    let fields = sources.iter().filter_map(|source| if let Source::Field(field) = source { Some(field) } else { None });
    if !fields.is_sorted() {
        differences.push(Difference::OtherOrder);
    }
    (sources, differences)
}

/// The source in `file`, whose columns are `names`, of each column of `dataset`.
///
/// All differences that the dataset does not let pass are reported in one error.
pub(super) fn sources(dataset: &Dataset, file: &str, names: &[impl AsRef<str>]) -> Result<Vec<Source>> {
    let (sources, mut differences) = compare(dataset, file, names);
    differences.retain(|difference| difference.verdict(dataset.on_drift) >= Verdict::LeaveOut);
    if differences.is_empty() {
        return Ok(sources);
    }
    let finding = |difference: &Difference| Finding::new(difference.to_string()).hint(difference.remedy(dataset));
    let summary = match differences.as_slice() {
        [only] => format!("{file}: {only}"),
        all => format!("{file}: {} of its columns do not fit dataset {}", all.len(), dataset.name),
    };
    Err(Error::new(Kind::Usage, summary).findings(differences.iter().map(finding)))
}

/// The delimiter that a header of one field most likely has instead of the declared one.
pub(super) fn other_delimiter(names: &[String]) -> Option<char> {
    let [only] = names else { return None };
    [';', '\t', '|', ','].into_iter().find(|delimiter| only.contains(*delimiter))
}
