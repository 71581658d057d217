//! How many records of a dataset may be rejects: `on_reject`.

use super::file::OnRejectFile;
use crate::document::{Notes, Path};
use crate::error::Finding;

/// The share of records that may be rejects where the catalog says nothing.
const MAX_RATIO: f64 = 0.01;

/// How many records of a dataset may be rejects in a run that publishes a release.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The greatest share of the records, from 0 to 1.
    pub max_ratio: f64,
    /// The greatest number.
    pub max_rows: Option<u64>,
}

impl Default for Limit {
    fn default() -> Self {
        Self { max_ratio: MAX_RATIO, max_rows: None }
    }
}

impl Limit {
    /// The key that `rejected` of `records` exceed, and what it says.
    #[must_use]
    pub fn exceeded(&self, rejected: u64, records: u64) -> Option<(&'static str, String)> {
        if rejected as f64 > self.max_ratio * records as f64 {
            return Some(("max_ratio", self.max_ratio.to_string()));
        }
        self.max_rows.filter(|most| rejected > *most).map(|most| ("max_rows", most.to_string()))
    }
}

/// What `on_reject` means.
pub(super) fn limit(file: Option<&OnRejectFile>, here: &Path, notes: &mut Notes<'_>) -> Limit {
    let Some(&OnRejectFile { max_ratio, max_rows }) = file else { return Limit::default() };
    if let Some(ratio) = max_ratio.filter(|ratio| !(0.0..=1.0).contains(ratio)) {
        let finding = Finding::new(format!("a share lies between 0 and 1, this is {ratio}"));
        notes.value(&here.then("max_ratio"), finding.hint("write 0.01 for one per cent"));
    }
    if max_ratio.is_none() && max_rows.is_none() {
        notes.value(here, Finding::new("`on_reject` has no limit").hint("write `max_ratio:` or `max_rows:`"));
    }
    // Who gives a number alone means that number, whatever share it is.
    let usual = if max_rows.is_some() { 1.0 } else { MAX_RATIO };
    Limit { max_ratio: max_ratio.unwrap_or(usual), max_rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_reached_without_being_exceeded() {
        let usual = Limit::default();
        assert_eq!(usual.exceeded(1, 100), None);
        assert_eq!(usual.exceeded(2, 100), Some(("max_ratio", "0.01".to_owned())));
        assert_eq!(usual.exceeded(0, 0), None);
        let rows = Limit { max_ratio: 1.0, max_rows: Some(3) };
        assert_eq!((rows.exceeded(3, 3), rows.exceeded(4, 4)), (None, Some(("max_rows", "3".to_owned()))));
        assert!(Limit { max_ratio: 0.0, max_rows: None }.exceeded(1, 1_000_000).is_some());
    }
}
