//! The tables of schema `system`: what cauce writes about its own work, for everybody to read.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};

use super::entry::Entry;
use crate::error::{Error, Result};
use crate::name::{Layer, TableName};

/// A table that runs append to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemTable {
    /// Rows that were not accepted.
    Rejects,
    /// What became of the rows of each table in each run.
    Runs,
    /// What every check of every run measured.
    Checks,
    /// Texts that take the place of rejected records.
    Corrections,
}

impl SystemTable {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rejects, Self::Runs, Self::Checks, Self::Corrections];

    /// Its name in SQL.
    #[must_use]
    pub fn name(self) -> TableName {
        TableName::new(
            Layer::System,
            match self {
                Self::Rejects => "rejects",
                Self::Runs => "runs",
                Self::Checks => "checks",
                Self::Corrections => "corrections",
            },
        )
    }

    /// The table of that name.
    #[must_use]
    pub fn of_name(name: &TableName) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == *name)
    }

    /// What a row is.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Rejects => "Rows that were not accepted, one row each: where, why and as they were written.",
            Self::Runs => "What became of the rows of each table in each run; one row for a run that computed none.",
            Self::Checks => "What every check of every run measured, one row each.",
            Self::Corrections => {
                "Texts that readers take instead of rejected records, as `cauce rejects replay` kept them."
            }
        }
    }

    /// Its columns.
    #[must_use]
    pub fn schema(self) -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let number = |name: &str| Field::new(name, DataType::Int64, true);
        let instant = |name: &str| Field::new(name, instants(), true);
        let fields = match self {
            Self::Rejects => {
                let own = Entry::schema();
                let own = own.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
                own.chain([text("run"), number("release"), instant("seen_at"), text("corrected")]).collect()
            }
            Self::Runs => vec![
                text("run"),
                number("release"),
                instant("ended_at"),
                text("table_name"),
                text("inputs"),
                number("rows_in"),
                number("rows_out"),
                number("rejected"),
                number("deduplicated"),
                number("filtered"),
                number("replayed"),
            ],
            Self::Checks => vec![
                text("run"),
                number("release"),
                instant("checked_at"),
                text("model"),
                text("check_name"),
                text("rule"),
                text("severity"),
                Field::new("passed", DataType::Boolean, true),
                Field::new("value", DataType::Float64, true),
                text("allowed"),
                number("failing"),
                number("rows"),
                text("failing_rows"),
            ],
            Self::Corrections => vec![
                text("origin"),
                text("file"),
                number("line"),
                number("byte_offset"),
                text("rejected"),
                text("corrected"),
                instant("corrected_at"),
            ],
        };
        Arc::new(Schema::new(fields))
    }

    /// The columns that its files have. Which release a reject or a check belongs to follows from its run: it is written
    /// before anybody can know whether that run will publish one. Whether a reject was corrected since follows from the
    /// corrections.
    #[must_use]
    pub fn stored(self) -> SchemaRef {
        let schema = self.schema();
        let looked_up = match self {
            Self::Rejects => ["release", "corrected"].as_slice(),
            Self::Checks => &["release"],
            Self::Runs | Self::Corrections => &[],
        };
        let fields = schema.fields().iter().filter(|field| !looked_up.contains(&field.name().as_str()));
        Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
    }

    /// What a column means.
    #[must_use]
    pub fn meaning(self, column: &str) -> &'static str {
        match (self, column) {
            (Self::Rejects, "origin") => "The dataset or model that did not accept the row.",
            (Self::Rejects, "rule") => "The rule it breaks; the first, if there are several.",
            (_, "file") => "The file it stands in.",
            (_, "line") => "Its physical line in the file, from 1.",
            (_, "byte_offset") => "Its first byte in the file, from 0.",
            (_, "byte_length") => "Its bytes in the file.",
            (Self::Rejects, "column") => "The column that is wrong, if one is.",
            (Self::Rejects, "value") => "The value that is wrong.",
            (_, "raw") => "The row as it is written, or as JSON.",
            (Self::Rejects, "message") => "All that is wrong with it.",
            (Self::Rejects, "run") => "The run that saw it.",
            (_, "run") => "The run.",
            (_, "release") => "The release that the run published; NULL if it published none.",
            (Self::Rejects, "seen_at") => "When the run ended.",
            (Self::Rejects, "corrected") => "The text that later runs read in its place; NULL if nobody corrected it.",
            (Self::Corrections, "origin") => "The dataset.",
            (Self::Corrections, "rejected") => "The record as it is written in the file.",
            (Self::Corrections, "corrected") => "The text that is read in its place; NULL takes an earlier one back.",
            (Self::Corrections, "corrected_at") => "When it was kept; the last one of a record counts.",
            (Self::Runs, "ended_at") => "When it ended.",
            (Self::Runs, "table_name") => {
                "The dataset or model; NULL of a run that computed no rows: it checked, or changed views."
            }
            (Self::Runs, "inputs") => "The tables it reads, each with its rows, as JSON.",
            (Self::Runs, "rows_in") => "Records of the files, or rows of all inputs.",
            (Self::Runs, "rows_out") => "Rows of the table.",
            (Self::Runs, "rejected") => "Rows that broke a rule.",
            (Self::Runs, "deduplicated") => "Rows left out because another one has their key.",
            (Self::Runs, "filtered") => "Rows its SELECT left out; NULL where a row out is not a row in.",
            (Self::Runs, "replayed") => {
                "Rows of a dataset that are as somebody corrected them; NULL of a model, and in runs of before this was counted."
            }
            (Self::Checks, "checked_at") => "When it was measured.",
            (Self::Checks, "model") => "The model.",
            (Self::Checks, "check_name") => "The check's name, unique in its model.",
            (Self::Checks, "rule") => "Its rule, as headers call it.",
            (Self::Checks, "severity") => "`error` keeps a release back, `warn` does not.",
            (Self::Checks, "passed") => "Whether it held.",
            (Self::Checks, "value") => {
                "What it measured: rows that fail, a share, a number of rows, an age in seconds or a difference."
            }
            (Self::Checks, "allowed") => "What the value may be.",
            (Self::Checks, "failing") => "The rows that fail, or those that the rule counts.",
            (Self::Checks, "rows") => "The rows of the model.",
            (Self::Checks, "failing_rows") => "Some of the rows that fail, at most 100, as JSON.",
            _ => "",
        }
    }
}

fn instants() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// An instant, `rows` times.
#[must_use]
pub fn instant(at: DateTime<Utc>, rows: usize) -> ArrayRef {
    let instants_of_rows = TimestampMicrosecondArray::from(vec![at.timestamp_micros(); rows]);
    Arc::new(instants_of_rows.with_data_type(instants()))
}

/// Rows of [`Entry`] as the run `run` keeps them in `system.rejects`.
///
/// # Errors
/// Rows of another shape, which is a bug.
pub fn rejects_of_run(entries: &RecordBatch, run: &str, at: DateTime<Utc>) -> Result<RecordBatch> {
    let rows = entries.num_rows();
    let mut columns = entries.columns().to_vec();
    columns.extend([Arc::new(StringArray::from(vec![run; rows])) as ArrayRef, instant(at, rows)]);
    RecordBatch::try_new(SystemTable::Rejects.stored(), columns).map_err(|failure| Error::bug(failure.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_explained() {
        for table in SystemTable::ALL {
            assert_eq!(SystemTable::of_name(&table.name()), Some(table));
            for field in table.schema().fields() {
                assert!(!table.meaning(field.name()).is_empty(), "{}.{}", table.name(), field.name());
            }
        }
    }
}
