//! YAML documents with places: reading one into a type, and saying everything that is wrong with it at once.
//!
//! A type that derives `Deserialize` and `JsonSchema` is the only description of a document: serde reads a correct
//! text and nothing else is done. Only when that fails, or when the meaning turns out wrong, is the text read a second
//! time as a [`tree`] of nodes that know where they stand; the tree is held against the type's schema
//! ([`shape`]), and what could not be read is replaced by something neutral so that the meaning of the rest
//! can be examined too. A person then gets all mistakes of a file in one go.
//!
//! An [`Outline`] finds the places where something can be written into a document that people keep by hand.

mod notes;
mod outline;
mod scalar;
mod shape;
mod text;
mod tree;

pub use notes::{Notes, Path, Step};
pub use outline::Outline;
pub use scalar::scalar;
pub use shape::Unknown;
pub use text::Text;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::error::{Error, Finding};

/// Reads `text` as a `T`.
///
/// Mistakes stand in the returned notes, where the caller adds those of meaning. The value is complete even if there
/// are mistakes of shape: what was wrong is left out or replaced, and a later note on such a place is dropped as a
/// consequence. There is no value only if the text is not YAML at all.
///
/// `unknown` may say more about a key or value that the type does not have than that it is unknown.
pub fn read<T: DeserializeOwned + JsonSchema>(text: Text<'_>, unknown: Unknown) -> (Option<T>, Notes<'_>) {
    let failure = match tree::deserialize::<T>(text.yaml()) {
        Ok(value) => return (Some(value), Notes::new(text)),
        Err(failure) => failure,
    };
    let tree = match tree::parse(&text) {
        Ok(tree) => tree,
        Err(finding) => return (None, Notes::failed(text, finding)),
    };
    let repaired = shape::hold(&tree, &schema::<T>(), unknown, &text);
    let value = serde_json::from_value(repaired.value).ok();
    let mut findings = repaired.findings;
    // Nothing wrong and a value: the reader stumbled over spelling alone, such as the bare key `null`.
    if findings.is_empty() && value.is_none() {
        findings.push(tree::finding(&text, &failure));
    }
    (value, Notes::with(text, tree, findings, repaired.paths))
}

/// The JSON Schema of `T`, draft 2020-12: what editors complete and validate with.
pub fn schema<T: JsonSchema>() -> serde_json::Value {
    schemars::SchemaGenerator::default().into_root_schema_for::<T>().to_value()
}

/// The default for `unknown` of [`read`]: an unknown key is just that.
pub fn just_unknown(_key: &str, _value: Option<&str>) -> Option<Finding> {
    None
}

/// The error for a file with mistakes.
pub fn mistakes(file: &str, findings: Vec<Finding>) -> Error {
    let message = match findings.len() {
        1 => format!("{file} has a mistake"),
        n => format!("{file} has {n} mistakes"),
    };
    Error::usage(message).findings(findings)
}

/// Findings as lines `file:line:column+width message (hint)`, for tests.
#[cfg(test)]
pub(crate) fn render(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let place = finding.place.as_ref().map(|place| format!("{place}+{} ", place.width)).unwrap_or_default();
        let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{place}{}{hint}\n", finding.message)
    };
    findings.iter().map(line).collect()
}
