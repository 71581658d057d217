//! How a file differs from what the catalog says of its dataset, what that means, and what to write.

use std::fmt;

use serde::Serialize;

use super::Dataset;
use crate::document::scalar;

/// What happens when a file of a dataset does not fit its declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnDrift {
    /// The run stops before anything is read.
    Fail,
    /// The file is left out, and everybody is told.
    #[default]
    QuarantineFile,
    /// Columns that are not declared are passed over; for the rest as [`Self::QuarantineFile`].
    AcceptNewColumns,
}

/// One difference between a file and the declaration of its dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A declared column is not there, and another one is that was most likely meant.
    Renamed {
        /// The name in the catalog.
        declared: String,
        /// The name in the file.
        found: String,
    },
    /// A declared column is not there.
    Missing {
        /// Its name.
        name: String,
        /// Whether it is `required`.
        required: bool,
    },
    /// A column is not declared.
    Unknown(String),
    /// Two columns have this name.
    Twice(String),
    /// The columns stand in another order.
    OtherOrder,
    /// The text is encoded in another way; the label that `options.encoding` takes.
    OtherEncoding(&'static str),
    /// Another character stands between the fields.
    OtherDelimiter(char),
    /// It is something else than the dataset's `format`, in words.
    OtherFormat(&'static str),
    /// It is something of which no rows can be read, in words.
    NoTable(&'static str),
    /// Its first line, which is this, names none of the columns.
    NoHeader(String),
    /// The type in which a column is stored cannot become the declared one.
    OtherType {
        /// The column.
        name: String,
        /// The declared type.
        declared: String,
        /// The type in the file.
        found: String,
    },
    /// The file cannot be taken apart, and why.
    Damaged(String),
    /// The file cannot be read to its end, which is seen only by who reads it, and why.
    DamagedWithin(String),
    /// There is not even a header.
    Empty,
}

/// What becomes of a file that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is read, and nobody need know.
    Harmless,
    /// It is read, and the difference is told.
    Read,
    /// It is left out.
    LeaveOut,
    /// Nothing is read.
    Stop,
}

impl Difference {
    /// What it means for the file under the dataset's `on_drift`.
    #[must_use]
    pub fn verdict(&self, policy: OnDrift) -> Verdict {
        match (self, policy) {
            (Self::OtherOrder, _) => Verdict::Harmless,
            (Self::Missing { required: false, .. }, _) | (Self::Unknown(_), OnDrift::AcceptNewColumns) => Verdict::Read,
            (_, OnDrift::Fail) => Verdict::Stop,
            (_, OnDrift::QuarantineFile | OnDrift::AcceptNewColumns) => Verdict::LeaveOut,
        }
    }

    /// What to do about it: what to write into `catalog.yaml`, or what to do with the file.
    #[must_use]
    pub fn remedy(&self, dataset: &Dataset) -> String {
        let columns = format!("datasets.{}.columns", dataset.name);
        match self {
            Self::Renamed { found, .. } => {
                format!("write `name: {}` in {columns}, or rename it in the file", scalar(found))
            }
            Self::Missing { required: true, .. } => {
                "add it to the file, or take `required: true` from the column".to_owned()
            }
            Self::Missing { .. } => format!("take it from {columns} if it is gone for good"),
            Self::Unknown(name) => format!(
                "write `- {{ name: {}, type: string }}` in {columns}, or `on_drift: accept_new_columns`",
                scalar(name)
            ),
            Self::Twice(_) => "rename one of the two in the file".to_owned(),
            Self::OtherOrder => "nothing: columns are found by name".to_owned(),
            Self::OtherEncoding(label) => format!("write `options: {{ encoding: {label} }}`"),
            Self::OtherDelimiter(delimiter) => {
                format!("write `options: {{ delimiter: \"{}\" }}`", delimiter.escape_default())
            }
            Self::OtherFormat(_) => "write the `format:` it has, or move it to a dataset of its own".to_owned(),
            Self::NoTable(_) => "save its table as csv or parquet".to_owned(),
            Self::NoHeader(_) => {
                let names: Vec<&str> = dataset.columns.iter().map(|column| column.name.as_str()).collect();
                format!("put the names of the columns in a first line: {}", names.join(","))
            }
            Self::OtherType { .. } => format!("write the type it has in the file in {columns}"),
            Self::Damaged(_) | Self::DamagedWithin(_) => "copy the file again, or write it again".to_owned(),
            Self::Empty => "write the file again, or take it away".to_owned(),
        }
    }
}

/// What is different, in words.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed { declared, found } => {
                write!(f, "column `{declared}` is missing; did you mean `{found}`?")
            }
            Self::Missing { name, required: true } => write!(f, "required column `{name}` is missing"),
            Self::Missing { name, .. } => write!(f, "column `{name}` is missing: all NULL"),
            Self::Unknown(name) => write!(f, "column `{name}` is not declared"),
            Self::Twice(name) => write!(f, "column `{name}` stands there twice"),
            Self::OtherOrder => f.write_str("its columns stand in another order"),
            Self::OtherEncoding(label) => write!(f, "its text is encoded in {label}"),
            Self::OtherDelimiter('\t') => f.write_str("a tab stands between its fields"),
            Self::OtherDelimiter(delimiter) => write!(f, "`{delimiter}` stands between its fields"),
            Self::OtherFormat(what) | Self::NoTable(what) => write!(f, "it is {what}"),
            Self::NoHeader(line) => write!(f, "its first line `{line}` names none of the columns"),
            Self::OtherType { name, declared, found } => {
                write!(f, "column `{name}` holds {found}, which cannot be read as {declared}")
            }
            Self::Damaged(why) | Self::DamagedWithin(why) => f.write_str(why),
            Self::Empty => f.write_str("it is empty"),
        }
    }
}
