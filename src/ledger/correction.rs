//! Corrections: the texts that take the place of rejected records.
//!
//! A correction belongs to one record as it was rejected: its file, its line and what stood there. If the file is written
//! anew and another text stands there, the correction is for nobody. A later correction of the same record replaces an
//! earlier one; one without a text takes it back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};

use super::system::{SystemTable, instant};
use crate::error::{Error, Result};
use crate::ingest::Reject;
use crate::name::{Layer, TableName};

/// The text that takes the place of one rejected record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The dataset.
    pub origin: TableName,
    /// The file of the record.
    pub file: String,
    /// Its physical line, from 1.
    pub line: u64,
    /// Its first byte in the file; none if it was not rejected as a text.
    pub offset: Option<u64>,
    /// What stands there.
    pub rejected: String,
    /// What is read instead; nothing if an earlier correction is taken back.
    pub corrected: Option<String>,
}

/// The corrections that readers know of.
#[derive(Debug, Default)]
pub struct Corrections {
    by_place: HashMap<(String, u64), Vec<Known>>,
}

#[derive(Debug)]
struct Known {
    correction: Correction,
    text: Option<Arc<str>>,
    /// Whether a reader came to the record.
    met: AtomicBool,
}

impl Corrections {
    /// These corrections, of which later ones replace earlier ones of the same record.
    #[must_use]
    pub fn new(corrections: impl IntoIterator<Item = Correction>) -> Self {
        Self::default().and(corrections)
    }

    /// These, and later ones.
    #[must_use]
    pub fn and(mut self, later: impl IntoIterator<Item = Correction>) -> Self {
        for correction in later {
            let known = self.by_place.entry((correction.file.clone(), correction.line)).or_default();
            known.retain(|other| !other.correction.is_of_the_record_of(&correction));
            let text = correction.corrected.as_deref().map(Arc::from);
            known.push(Known { correction, text, met: AtomicBool::new(false) });
        }
        self
    }

    /// The corrections in the rows of `system.corrections`, in any order.
    ///
    /// # Errors
    /// Rows of other columns.
    pub fn of_rows(batches: &[RecordBatch]) -> Result<Self> {
        let mut dated = Vec::new();
        for batch in batches {
            read(batch, &mut dated).map_err(|failure| {
                Error::store(format!("{} cannot be read: {failure}", SystemTable::Corrections.name()))
            })?;
        }
        dated.sort_by_key(|(at, _)| *at);
        Ok(Self::new(dated.into_iter().map(|(_, correction)| correction)))
    }

    /// The text in the place of `reject`, a record of `dataset`.
    pub(super) fn find(&self, dataset: &str, reject: &Reject) -> Option<Arc<str>> {
        if self.by_place.is_empty() {
            return None;
        }
        let known = self.by_place.get(&(reject.file.to_string(), reject.line))?;
        let known = known.iter().find(|known| {
            let Correction { origin, offset, rejected, .. } = &known.correction;
            origin.name == dataset && reject.offset == *offset && *rejected == reject.raw
        })?;
        known.met.store(true, Ordering::Relaxed);
        known.text.clone()
    }

    /// The corrections whose record no reader has come to.
    pub fn not_met(&self) -> impl Iterator<Item = &Correction> {
        let all = self.by_place.values().flatten();
        all.filter(|known| !known.met.load(Ordering::Relaxed)).map(|known| &known.correction)
    }
}

impl Correction {
    fn is_of_the_record_of(&self, other: &Self) -> bool {
        let place = |one: &Self| (one.origin.clone(), one.file.clone(), one.line, one.offset);
        place(self) == place(other) && self.rejected == other.rejected
    }

    /// Corrections as rows of `system.corrections`, made at `at`.
    ///
    /// # Errors
    /// A broken schema, which is a bug.
    pub fn rows(corrections: &[Self], at: DateTime<Utc>) -> Result<RecordBatch> {
        let texts = |text: fn(&Self) -> Option<&str>| -> ArrayRef {
            Arc::new(corrections.iter().map(text).collect::<StringArray>())
        };
        let numbers = |number: fn(&Self) -> Option<u64>| -> ArrayRef {
            let numbers = corrections.iter().map(|one| number(one).and_then(|number| i64::try_from(number).ok()));
            Arc::new(numbers.collect::<Int64Array>())
        };
        let origins: StringArray = corrections.iter().map(|one| Some(one.origin.to_string())).collect();
        let columns = vec![
            Arc::new(origins) as ArrayRef,
            texts(|one| Some(&one.file)),
            numbers(|one| Some(one.line)),
            numbers(|one| one.offset),
            texts(|one| Some(&one.rejected)),
            texts(|one| one.corrected.as_deref()),
            instant(at, corrections.len()),
        ];
        RecordBatch::try_new(SystemTable::Corrections.schema(), columns)
            .map_err(|failure| Error::bug(failure.to_string()))
    }
}

/// The corrections of some rows, each with the instant it was made at.
fn read(batch: &RecordBatch, into: &mut Vec<(i64, Correction)>) -> Result<(), arrow::error::ArrowError> {
    let column = |name: &str, data_type: &DataType| {
        let index = batch.schema().index_of(name)?;
        cast(batch.column(index), data_type)
    };
    let texts = |name: &str| column(name, &DataType::Utf8);
    let (origins, files, rejected) = (texts("origin")?, texts("file")?, texts("rejected")?);
    let corrected = texts("corrected")?;
    let (lines, offsets) = (column("line", &DataType::Int64)?, column("byte_offset", &DataType::Int64)?);
    let schema = SystemTable::Corrections.schema();
    let made_at = column("corrected_at", schema.field_with_name("corrected_at")?.data_type())?;
    let text =
        |array: &ArrayRef, row: usize| array.is_valid(row).then(|| array.as_string::<i32>().value(row).to_owned());
    let number = |array: &ArrayRef, row: usize| {
        let value = array.is_valid(row).then(|| array.as_primitive::<Int64Type>().value(row));
        value.and_then(|value| u64::try_from(value).ok())
    };
    for row in 0..batch.num_rows() {
        let origin = text(&origins, row).unwrap_or_default();
        let correction = Correction {
            origin: TableName::new(Layer::Raw, origin.strip_prefix("raw.").unwrap_or(&origin)),
            file: text(&files, row).unwrap_or_default(),
            line: number(&lines, row).unwrap_or_default(),
            offset: number(&offsets, row),
            rejected: text(&rejected, row).unwrap_or_default(),
            corrected: text(&corrected, row),
        };
        into.push((made_at.as_primitive::<TimestampMicrosecondType>().value(row), correction));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::{Fault, Reason};

    fn correction(rejected: &str, corrected: Option<&str>) -> Correction {
        Correction {
            origin: TableName::new(Layer::Raw, "ventas"),
            file: "ventas.csv".to_owned(),
            line: 7,
            offset: Some(70),
            rejected: rejected.to_owned(),
            corrected: corrected.map(str::to_owned),
        }
    }

    fn reject(raw: &str) -> Reject {
        let fault = Fault { column: None, value: None, line: 7, at: 1, reason: Reason::TextAfterQuote };
        let length = Some(raw.len() as u64);
        Reject {
            file: "ventas.csv".into(),
            offset: Some(70),
            length,
            line: 7,
            raw: raw.to_owned(),
            faults: vec![fault],
        }
    }

    #[test]
    fn a_correction_is_for_the_text_that_was_rejected_and_the_last_one_counts() {
        let at = |second| DateTime::from_timestamp(second, 0).unwrap();
        let rows = |corrections: &[Correction], second| Correction::rows(corrections, at(second)).unwrap();
        let first = rows(&[correction("a,x", Some("a,1")), correction("b,x", Some("b,1"))], 1);
        let second = rows(&[correction("a,x", Some("a,2")), correction("b,x", None)], 2);
        for batches in [[first.clone(), second.clone()], [second, first]] {
            let corrections = Corrections::of_rows(&batches).unwrap();
            assert_eq!(corrections.find("ventas", &reject("a,x")).as_deref(), Some("a,2"));
            assert_eq!(corrections.find("ventas", &reject("b,x")), None, "it was taken back");
            assert_eq!(corrections.find("ventas", &reject("c,x")), None, "another text stands there now");
            assert_eq!(corrections.find("otras", &reject("a,x")), None);
            assert_eq!(corrections.not_met().count(), 0);
        }
        assert_eq!(Corrections::new([correction("a,x", None)]).not_met().count(), 1);
    }
}
