//! What a check measured, and how it is told.

use std::fmt;

use arrow::array::RecordBatch;
use arrow::json::writer::{JsonArray, WriterBuilder};

use super::compile::Measure;
use crate::error::{Error, Result};
use crate::model::{Amount, Check, Severity, age};
use crate::name::TableName;

/// Rows shown of those that fail a check.
const SHOWN_ROWS: usize = 5;

/// What a check measured.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The model.
    pub model: TableName,
    /// The check's name.
    pub check: String,
    /// Its rule, as headers call it.
    pub rule: &'static str,
    /// What happens if it fails.
    pub severity: Severity,
    /// Whether it held.
    pub passed: bool,
    /// What it measured: the rows that fail, a share, a number of rows, an age in seconds or a difference; none where
    /// there was nothing to measure, such as the age of no value.
    pub value: Option<f64>,
    /// What the value may be.
    pub allowed: Allowed,
    /// The rows that fail, or those that the rule counts.
    pub failing: u64,
    /// The rows of the model.
    pub rows: u64,
    /// Some of the rows that fail, at most [`KEPT_ROWS`](super::KEPT_ROWS).
    pub examples: Vec<RecordBatch>,
}

/// What a measured value may be, in words that people read.
#[derive(Debug, Clone, PartialEq)]
pub enum Allowed {
    /// So many rows may fail.
    Rows(Amount),
    /// So large a share of the rows may be NULL.
    Nulls(f64),
    /// The number of rows lies between these, and not farther than that from what it was before.
    Count {
        /// The least number.
        min: Option<u64>,
        /// The greatest number.
        max: Option<u64>,
        /// The greatest difference, and the number of before.
        change: Option<(Amount, u64)>,
    },
    /// The newest value is so old, in seconds.
    Age(f64),
    /// The difference of two numbers.
    Difference(Amount, Compared),
}

/// Two numbers that should be the same.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Compared {
    /// The model's own.
    pub own: f64,
    /// The other.
    pub other: f64,
    /// Whether both are whole numbers or decimals, so that their difference is what it is.
    pub is_exact: bool,
}

impl Allowed {
    /// What `check` allows, measured as `measure`, where the model had `rows_before` rows in the release before and the
    /// numbers that it compares are `compared`.
    pub(super) fn new(check: &Check, measure: &Measure, rows_before: Option<u64>, compared: Compared) -> Self {
        match measure {
            Measure::Rows { .. } | Measure::Query { .. } => Self::Rows(check.at_most),
            Measure::Share { max, .. } => Self::Nulls(*max),
            Measure::Count { min, max, change } => {
                Self::Count { min: *min, max: *max, change: change.zip(rows_before) }
            }
            Measure::Newest { within, .. } => Self::Age(within.as_secs_f64()),
            Measure::Equal { .. } => Self::Difference(check.at_most, compared),
        }
    }

    /// Whether a model of `rows` rows may have `value`.
    pub(super) fn holds(&self, value: Option<f64>, rows: u64) -> bool {
        // What has no value is not as it should be: a table without rows is not fresh.
        let Some(value) = value else { return false };
        match self {
            Self::Rows(at_most) => value <= at_most.of(rows as f64),
            Self::Nulls(share) => value <= *share,
            Self::Count { min, max, change } => {
                min.is_none_or(|min| value >= min as f64)
                    && max.is_none_or(|max| value <= max as f64)
                    && change.is_none_or(|(most, before)| (value - before as f64).abs() <= most.of(before as f64))
            }
            Self::Age(seconds) => value <= *seconds,
            Self::Difference(at_most, Compared { other, is_exact, .. }) => {
                // Floating-point sums depend on the order of the rows: a billionth is no difference.
                let slack = if *is_exact { 0.0 } else { other.abs() * 1e-9 };
                value.abs() <= at_most.of(other.abs()) + slack
            }
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(Amount::Number(0.0)) => f.write_str("none"),
            Self::Rows(at_most) => write!(f, "at most {at_most}"),
            Self::Nulls(share) => write!(f, "at most {}", Amount::Share(*share)),
            Self::Count { min, max, change } => {
                let mut told: Vec<String> = match (min, max) {
                    (Some(min), Some(max)) => vec![format!("{min} to {max}")],
                    (Some(min), None) => vec![format!("at least {min}")],
                    (None, Some(max)) => vec![format!("at most {max}")],
                    (None, None) => Vec::new(),
                };
                told.extend(change.map(|(most, before)| format!("at most {most} away from {before}")));
                f.write_str(&if told.is_empty() { "any number".to_owned() } else { told.join(", ") })
            }
            Self::Age(seconds) => write!(f, "at most {}", age(*seconds)),
            Self::Difference(Amount::Number(0.0), Compared { other, .. }) => write!(f, "equal to {other}"),
            Self::Difference(at_most, Compared { other, .. }) => write!(f, "at most {at_most} away from {other}"),
        }
    }
}

impl Outcome {
    /// Whether it keeps a release from being published.
    #[must_use]
    pub fn blocks(&self) -> bool {
        !self.passed && self.severity == Severity::Error
    }

    /// What was measured, as a person reads it: `12`, `3.5 days`, `12.5 %`.
    #[must_use]
    pub fn measured(&self) -> String {
        match (self.value, &self.allowed) {
            (None, _) => "no value".to_owned(),
            (Some(share), Allowed::Nulls(_)) => Amount::Share(share).to_string(),
            (Some(seconds), Allowed::Age(_)) => age(seconds),
            (Some(_), Allowed::Difference(_, compared)) => Amount::Number(compared.own).to_string(),
            (Some(number), _) => Amount::Number(number).to_string(),
        }
    }

    /// A few of the rows that fail, for a person.
    #[must_use]
    pub fn shown(&self) -> Vec<RecordBatch> {
        let mut left = SHOWN_ROWS;
        let mut shown = Vec::new();
        for batch in &self.examples {
            let rows = batch.num_rows().min(left);
            shown.push(batch.slice(0, rows));
            left -= rows;
        }
        shown.retain(|batch| batch.num_rows() > 0);
        shown
    }

    /// The rows that fail as a JSON list of objects; none if there are none.
    ///
    /// # Errors
    /// A type that JSON cannot hold.
    pub fn rows_as_json(&self) -> Result<Option<String>> {
        if self.examples.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(None);
        }
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
        let failed = |failure: arrow::error::ArrowError| {
            Error::bug(format!("rows that fail {} of {} cannot be kept: {failure}", self.check, self.model))
        };
        writer.write_batches(&self.examples.iter().collect::<Vec<_>>()).map_err(failed)?;
        writer.finish().map_err(failed)?;
        String::from_utf8(writer.into_inner()).map(Some).map_err(|failure| Error::bug(failure.to_string()))
    }
}
