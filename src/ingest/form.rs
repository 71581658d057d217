//! How the records of one file are written: cut into the columns of their dataset, and put together again.
//!
//! Rejected records are shown to people so, each value in a cell of its own, and taken back with some of the cells
//! corrected. What nobody changed is put together as it was written. Records that are rejected are often no proper
//! records, so cutting is lenient: nothing of the text is lost, and what is damaged is shown with its damage.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::chunks::chunks;
use super::csv::Csv;
use super::header::{self, Source};
use super::object::Object;
use super::split::{Records, Splitter};
use super::text_file;
use crate::catalog::{Dataset, Format, OnDrift};
use crate::error::Result;
use crate::store::InputFile;

/// How the records of one file are written.
#[derive(Debug, Clone)]
pub struct Form {
    dataset: Arc<Dataset>,
    writing: Writing,
}

#[derive(Debug, Clone)]
enum Writing {
    /// Fields in the order of a header.
    Delimited {
        delimiter: u8,
        /// Fields of the header.
        width: usize,
        /// Where the values of each column stand.
        sources: Vec<Source>,
        /// What stands where there is no value.
        null: String,
    },
    /// Objects.
    Json,
}

/// Why a record cannot be written with these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoField {
    /// The column that the file does not have.
    pub column: String,
}

impl Form {
    /// How rows of `dataset` are written that are no text in their file, or were rejected after their text had been read: as
    /// objects.
    #[must_use]
    pub fn of_objects(dataset: &Arc<Dataset>) -> Self {
        Self { dataset: Arc::clone(dataset), writing: Writing::Json }
    }

    /// How the records of `file` are written.
    ///
    /// # Errors
    /// A file that cannot be read, or whose header does not fit the dataset.
    pub async fn of(dataset: &Arc<Dataset>, file: &InputFile) -> Result<Self> {
        let writing = match &dataset.format {
            Format::Parquet | Format::Arrow | Format::Json | Format::JsonLines => Writing::Json,
            Format::Csv(options) => {
                let format = Csv::new(options.clone());
                let stored = chunks(file.clone(), 0..file.meta.size);
                let (origin, mut pieces) = text_file::open(&format, file.name.as_str().into(), stored).await?;
                let names = match pieces.next().await? {
                    Some(mut first) => format.take_header(&origin, &mut first)?.unwrap_or_default(),
                    None => Vec::new(),
                };
                Writing::Delimited {
                    delimiter: options.delimiter,
                    width: names.len(),
                    sources: header::sources(dataset, &file.name, &names)?,
                    null: options.null.first().cloned().unwrap_or_default(),
                }
            }
        };
        Ok(Self { dataset: Arc::clone(dataset), writing })
    }

    /// The values of a record, one for each column of the dataset, as they are written; nothing for a column that the
    /// record does not have.
    #[must_use]
    pub fn values(&self, record: &str) -> Vec<Option<String>> {
        match &self.writing {
            Writing::Delimited { delimiter, width, sources, .. } => {
                let fields = fields(record, *delimiter, *width);
                sources.iter().map(|source| of_source(source, &fields).map(ToOwned::to_owned)).collect()
            }
            Writing::Json => {
                let entries = Object::parse(record).map(|object| object.entries).unwrap_or_default();
                let value = |name: &str| {
                    let entry = entries.iter().find(|entry| entry.key == name)?;
                    entry.text.as_deref().map(str::to_owned)
                };
                self.dataset.columns.iter().map(|column| value(&column.name)).collect()
            }
        }
    }

    /// The record with other values in some columns, each given by its position in the dataset; nothing if they are those
    /// of the record, unless it is right `as_shown`: cut like this and put together properly. An empty text and no value are the same here, for a table that a person had in hands cannot tell
    /// them apart.
    ///
    /// # Errors
    /// A value for a column that the file does not have.
    pub fn corrected(
        &self,
        record: &str,
        values: &[(usize, Option<String>)],
        as_shown: bool,
    ) -> Result<Option<String>, NoField> {
        let before = self.values(record);
        let is_new = |(column, new): &&(usize, Option<String>)| {
            before.get(*column).is_some_and(|old| old.as_deref().unwrap_or("") != new.as_deref().unwrap_or(""))
        };
        let mut changes = values.iter().filter(is_new).peekable();
        if changes.peek().is_none() && !as_shown {
            return Ok(None);
        }
        match &self.writing {
            Writing::Delimited { delimiter, width, sources, null } => {
                let mut fields = fields(record, *delimiter, *width);
                for (column, new) in changes {
                    let Source::Field(field) = sources[*column] else {
                        return Err(NoField { column: self.dataset.columns[*column].name.clone() });
                    };
                    fields[field] = new.clone().unwrap_or_else(|| null.clone()).into();
                }
                let written: Vec<Cow<'_, str>> = fields.iter().map(|field| written(field, *delimiter)).collect();
                Ok(Some(written.join(&char::from(*delimiter).to_string())))
            }
            Writing::Json => {
                let mut entries: Vec<(String, String)> = Vec::new();
                for entry in Object::parse(record).map(|object| object.entries).unwrap_or_default() {
                    let declared = self.dataset.columns.iter().any(|column| column.name == entry.key);
                    let is_new = entries.iter().all(|(key, _)| *key != entry.key);
                    if is_new && (declared || self.dataset.on_drift == OnDrift::AcceptNewColumns) {
                        entries.push((entry.key.into_owned(), entry.value.to_owned()));
                    }
                }
                for (column, new) in changes {
                    let key = &self.dataset.columns[*column].name;
                    let value = Value::from(new.as_deref()).to_string();
                    match entries.iter_mut().find(|(known, _)| known == key) {
                        Some((_, old)) => *old = value,
                        None => entries.push((key.clone(), value)),
                    }
                }
                let written = entries.iter().map(|(key, value)| format!("{}: {value}", Value::from(key.as_str())));
                Ok(Some(format!("{{{}}}", written.collect::<Vec<_>>().join(", "))))
            }
        }
    }
}

fn of_source<'f>(source: &Source, fields: &'f [Cow<'_, str>]) -> Option<&'f str> {
    match source {
        Source::Field(field) => fields.get(*field).map(AsRef::as_ref),
        Source::Path(_) | Source::Absent => None,
    }
}

/// The fields of a record, as many as `width`: what it has more stands in the last one.
fn fields(record: &str, delimiter: u8, width: usize) -> Vec<Cow<'_, str>> {
    let mut found = Records::default();
    Splitter::new(delimiter, None).split(record.as_bytes(), 1, &mut found);
    let mut fields: Vec<Cow<'_, str>> = if found.malformed.is_empty() {
        let mut scratch = Vec::new();
        // With the quote that opens it, if one does.
        let rest = |field: usize| {
            let start = found.fields[field].range().start;
            &record[start - usize::from(record[..start].ends_with('"'))..]
        };
        let mut fields: Vec<Cow<'_, str>> = Vec::with_capacity(width);
        for (index, field) in found.fields.iter().enumerate() {
            if index + 1 == width && found.fields.len() > width {
                fields.push(rest(index).into());
                break;
            }
            fields.push(String::from_utf8_lossy(field.text(record.as_bytes(), &mut scratch)).into_owned().into());
        }
        fields
    } else {
        record.splitn(width.max(1), char::from(delimiter)).map(Cow::Borrowed).collect()
    };
    fields.resize(width, Cow::Borrowed(""));
    fields
}

/// A field as a good writer writes it.
fn written(field: &str, delimiter: u8) -> Cow<'_, str> {
    let special = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if field.bytes().any(special) { format!("\"{}\"", field.replace('"', "\"\"")).into() } else { field.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{KeepAll, dataset, decode, files};
    use super::*;
    use crate::catalog::CsvOptions;

    fn form(dataset: Dataset, text: &str) -> Form {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let files = files(&[("d.csv", text.as_bytes())]).await;
            Form::of(&Arc::new(dataset), &files[0]).await.unwrap()
        })
    }

    fn values(values: &[&str]) -> Vec<(usize, Option<String>)> {
        values.iter().map(|value| (!value.is_empty()).then(|| (*value).to_owned())).enumerate().collect()
    }

    fn shown(form: &Form, record: &str) -> Vec<String> {
        form.values(record).into_iter().map(Option::unwrap_or_default).collect()
    }

    #[test]
    fn a_record_is_cut_by_the_header_of_its_file_and_nothing_of_it_is_lost() {
        let form = form(dataset("a string; b string; c string"), "c,a,b\n");
        for (record, expected) in [
            ("1,2,3", ["2", "3", "1"]),
            ("\"1\"\"\n\",,3", ["", "3", "1\"\n"]),
            ("1", ["", "", "1"]),
            ("1,2,3,4,\"5\"", ["2", "3,4,\"5\"", "1"]),
            ("1,\"2\"x,3", ["\"2\"x", "3", "1"]),
            ("1,\"2,3\n4", ["\"2", "3\n4", "1"]),
            ("", ["", "", ""]),
        ] {
            assert_eq!(shown(&form, record), expected, "{record}");
        }
    }

    #[test]
    fn what_was_not_changed_is_written_as_it_was() {
        let form = form(dataset("a string; n int; b string"), "b,n,a\n");
        let corrected = |record, new: [&str; 3]| form.corrected(record, &values(&new), false).unwrap();
        assert_eq!(corrected("x,uno,y", ["y", "1", "x"]).as_deref(), Some("x,1,y"));
        assert_eq!(corrected("x,uno,y", ["y", "uno", "x"]), None);
        assert_eq!(corrected("x,,y,z", ["y", "1", "x"]).as_deref(), Some("x,1,y"));
        assert_eq!(form.corrected("x,uno,y", &[(1, Some("1".to_owned()))], false).unwrap().as_deref(), Some("x,1,y"));
        assert_eq!(corrected("x", ["", "", "x"]), None, "nobody said that the rest is nothing");
        assert_eq!(corrected("x", ["", "7", "x"]).as_deref(), Some("x,7,"));
        assert_eq!(corrected("x,\"1\"2,y", ["y", "12", "a,\"b\""]).as_deref(), Some("\"a,\"\"b\"\"\",12,y"));
    }

    #[test]
    fn what_is_right_as_it_is_shown_is_put_together_properly() {
        let form = form(dataset("a string; b string"), "a,b\n");
        assert_eq!(form.corrected("1,2, 3", &[], true).unwrap().as_deref(), Some("1,\"2, 3\""));
        assert_eq!(form.corrected("1", &[], true).unwrap().as_deref(), Some("1,"));
        assert_eq!(form.corrected("1", &[], false), Ok(None));
    }

    #[test]
    fn a_column_that_the_file_does_not_have_takes_no_value() {
        let form = form(dataset("a string; b string"), "a\n");
        assert_eq!(form.corrected("1", &values(&["1", "2"]), false), Err(NoField { column: "b".to_owned() }));
        assert_eq!(form.corrected("1", &values(&["1", ""]), false), Ok(None));
    }

    #[test]
    fn nothing_is_written_as_the_dataset_writes_it() {
        let mut nulls = dataset("a string; b int");
        nulls.format =
            Format::Csv(CsvOptions { delimiter: b';', null: vec!["NA".to_owned()], ..CsvOptions::default() });
        let form = form(nulls, "a;b\n");
        assert_eq!(form.corrected("x;y", &values(&["x", ""]), false).unwrap().as_deref(), Some("x;NA"));
        assert_eq!(form.corrected(";y", &values(&["", "1"]), false).unwrap().as_deref(), Some(";1"));
    }

    #[test]
    fn objects_keep_what_was_not_changed() {
        let json = Dataset { format: Format::JsonLines, ..dataset("a string; n int; e list") };
        let form = form(json, "");
        let record = r#"{"n": "uno", "otra": 1, "e": ["x"], "a": "ñ"}"#;
        assert_eq!(shown(&form, record), ["ñ", "uno", "[\"x\"]"]);
        let corrected = form.corrected(record, &values(&["ñ", "1", "[\"x\"]"]), false).unwrap();
        assert_eq!(corrected.as_deref(), Some(r#"{"n": "1", "e": ["x"], "a": "ñ"}"#));
        assert_eq!(
            form.corrected("{\"n\": 1, ", &values(&["", "1", ""]), false).unwrap().as_deref(),
            Some(r#"{"n": "1"}"#)
        );
        assert_eq!(
            form.corrected(record, &values(&["", "1", "[\"x\"]"]), false).unwrap().as_deref(),
            Some(r#"{"n": "1", "e": ["x"], "a": null}"#)
        );
    }

    proptest! {
        #[test]
        fn what_is_put_together_is_read_as_what_was_meant(
            record in "[a,\"\n\r1ñ]{0,20}", meant in prop::collection::vec("[a,\"\n\r ñ]{1,6}", 2), tab: bool,
        ) {
            let mut dataset = dataset("a string; b string");
            let delimiter = if tab { b'\t' } else { b',' };
            dataset.format = Format::Csv(CsvOptions { delimiter, ..CsvOptions::default() });
            let header = format!("b{}a\n", char::from(delimiter));
            let form = form(dataset.clone(), &header);
            let given: Vec<_> = meant.iter().cloned().map(Some).enumerate().collect();
            let Some(text) = form.corrected(&record, &given, false).unwrap() else { return Ok(()) };
            prop_assert_eq!(&shown(&form, &text), &meant);
            let file = format!("{header}{text}\n");
            let rows = decode(&dataset, file.as_bytes(), 9, (8, 1), Arc::new(KeepAll::default())).unwrap();
            prop_assert_eq!(rows.num_rows(), 1);
        }
    }
}
