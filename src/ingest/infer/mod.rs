//! What to declare a dataset as, found in its files: all of them, from the first record to the last.
//!
//! A sample would be quicker and wrong: integers become floats on row 90,000, and a column may be empty for 95 % of the
//! rows. Text is looked through piece by piece, side by side, and what the pieces showed is added up ([`evidence`]), so
//! that memory does not depend on the size of a file. Files that know their types are asked for them ([`stored`]).
//!
//! `required: true` is proposed for a column with a value in every record, if there are enough records for that to mean
//! something.

mod dates;
mod evidence;
mod objects;
mod sniff;
mod stored;
mod survey;
mod text;

use std::collections::BTreeMap;

use encoding_rs::{UTF_8, WINDOWS_1252};
use futures::stream::{self, StreamExt, TryStreamExt};

use self::evidence::{Doubt, NULL_TEXTS, Verdict};
use self::sniff::{Kind, sniff};
pub(super) use self::stored::StoredColumn;
use self::stored::StoredColumns;
use self::survey::Survey;
use super::header::other_delimiter;
use super::{arrow_file, parquet, partition};
use crate::catalog::{Column, ColumnType, CsvOptions, Dataset, Format, Limit, OnDrift, Rules, wrong_column_name};
use crate::error::{Error, Result};
use crate::store::InputFile;

/// A column without a NULL is proposed as `required` if there are at least so many records.
const ENOUGH_RECORDS: u64 = 100;
/// Files looked at side by side.
const FILES_AT_ONCE: usize = 4;

/// What the files of a dataset showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    /// The columns, those of the path last.
    pub columns: Vec<Column>,
    /// Records looked at.
    pub records: u64,
    /// How many of them have no value in a column, where that is known.
    pub without_value: BTreeMap<String, u64>,
    /// Records that cannot be cut into fields; their values are not among those that decided.
    pub rejected: u64,
    /// What a person should know or decide.
    pub notes: Vec<String>,
    /// Whether files have columns that cannot be declared.
    pub undeclarable: bool,
}

/// A dataset to add to a catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The dataset.
    pub dataset: Dataset,
    /// What its files showed.
    pub inferred: Inferred,
}

/// The columns in `files` of `dataset`, whose text is written as its options say.
///
/// Files that do not fit, such as an empty one, show nothing; the report on drift names them. Nor does one that is damaged,
/// of which there is a note.
///
/// # Errors
/// Files that cannot be read, or none with a column.
pub async fn infer(dataset: &Dataset, files: &[InputFile]) -> Result<Inferred> {
    let inferred = match &dataset.format {
        Format::Csv(options) => of_text(&survey(files, options).await?, &path_columns(files), false).0,
        Format::Json | Format::JsonLines => of_objects(&dataset.format, files).await?,
        Format::Parquet | Format::Arrow => of_stored(&dataset.format, files).await?,
    };
    if inferred.columns.is_empty() {
        return Err(Error::query(format!("dataset {}: none of its files has columns that can be read", dataset.name))
            .hint("`cauce catalog check` says for each file why"));
    }
    Ok(inferred)
}

/// `dataset`, which declares no columns, with those of its `files`.
///
/// # Errors
/// As [`infer`].
pub async fn with_found_columns(dataset: &Dataset, files: &[InputFile]) -> Result<Dataset> {
    let inferred =
        infer(dataset, files).await.map_err(|error| error.while_doing(format_args!("raw.{}", dataset.name)))?;
    let on_drift = match dataset.on_drift {
        OnDrift::QuarantineFile if inferred.undeclarable => OnDrift::AcceptNewColumns,
        declared => declared,
    };
    Ok(Dataset { columns: inferred.columns, on_drift, ..dataset.clone() })
}

/// A dataset `name` at `path` whose files are `files`: how they are written is found out, too.
///
/// # Errors
/// Files that cannot be read, or whose format is not one of ours.
pub async fn propose(name: &str, path: &str, files: &[InputFile]) -> Result<Proposal> {
    let first = files.first().ok_or_else(|| Error::bug("a dataset without files"))?;
    let (format, inferred) = match sniff(first).await? {
        Kind::Text(mut options) => {
            let survey = survey(files, &options).await?;
            let (good, bad) = survey.foreign;
            if bad > good && options.encoding == UTF_8 {
                options.encoding = WINDOWS_1252;
            }
            let (inferred, nulls) = of_text(&survey, &path_columns(files), true);
            options.null.extend(nulls);
            (Format::Csv(options), inferred)
        }
        Kind::Stored(format) => {
            let inferred = of_stored(&format, files).await?;
            (format, inferred)
        }
        Kind::Objects(format) => {
            let inferred = of_objects(&format, files).await?;
            (format, inferred)
        }
        Kind::Other(what) => {
            return Err(Error::usage(format!("{}: {what} cannot be read as a dataset", first.name))
                .hint("convert it to csv, json or parquet"));
        }
    };
    if inferred.columns.is_empty() {
        return Err(Error::query(format!("{path} holds no columns that can be declared"))
            .hint("a dataset's file begins with the names of its columns"));
    }
    let on_drift = if inferred.undeclarable { OnDrift::AcceptNewColumns } else { OnDrift::default() };
    let dataset = Dataset {
        name: name.to_owned(),
        description: String::new(),
        path: path.to_owned(),
        format,
        on_reject: Limit::default(),
        on_drift,
        columns: inferred.columns.clone(),
        metadata: Vec::new(),
    };
    Ok(Proposal { dataset, inferred })
}

/// What all `files` of delimited text showed.
async fn survey(files: &[InputFile], options: &CsvOptions) -> Result<Survey> {
    let threads = threads();
    let surveys = stream::iter(files.iter().cloned())
        .map(|file| async move {
            let looked = text::survey(&file, options, threads).await;
            Survey::of_file(looked.map(Option::unwrap_or_default))
        })
        .buffered(FILES_AT_ONCE);
    let mut whole = Survey::default();
    let mut surveys = std::pin::pin!(surveys);
    while let Some(survey) = surveys.try_next().await? {
        let names: Vec<String> = survey.columns.iter().map(|(name, _)| name.clone()).collect();
        // A file with another delimiter has one column, whose name is the whole header.
        if other_delimiter(&names).is_none() {
            whole.add(survey);
        }
    }
    Ok(whole)
}

/// What all `files` of JSON objects showed.
async fn of_objects(format: &Format, files: &[InputFile]) -> Result<Inferred> {
    let lines = *format == Format::JsonLines;
    let surveys = stream::iter(files.iter().cloned())
        .map(|file| async move { Survey::of_file(objects::survey(&file, lines, threads()).await) })
        .buffered(FILES_AT_ONCE);
    let mut whole = Survey::default();
    let mut surveys = std::pin::pin!(surveys);
    while let Some(survey) = surveys.try_next().await? {
        whole.add(survey);
    }
    Ok(of_text(&whole, &path_columns(files), false).0)
}

/// As many parts of a file are looked at side by side.
fn threads() -> usize {
    tokio::runtime::Handle::current().metrics().num_workers().max(1)
}

/// The columns that `survey` shows and those of paths, and the texts to take for NULL. `may_be_null` says whether texts
/// such as `NA` may be.
fn of_text(survey: &Survey, of_path: &Survey, may_be_null: bool) -> (Inferred, Vec<String>) {
    let mut inferred = Inferred {
        columns: Vec::new(),
        records: survey.records + survey.broken,
        without_value: BTreeMap::new(),
        rejected: survey.broken,
        notes: survey.damage.clone(),
        undeclarable: false,
    };
    let in_path = of_path.columns.iter().filter(|(name, _)| !survey.columns.iter().any(|(known, _)| known == name));
    let all: Vec<_> = survey.columns.iter().chain(in_path).collect();
    let verdicts: Vec<Verdict> = all.iter().map(|(_, evidence)| evidence.verdict(may_be_null)).collect();
    let mut nulls: Vec<usize> = verdicts.iter().flat_map(|verdict| verdict.null_texts.clone()).collect();
    nulls.sort_unstable();
    nulls.dedup();
    for ((name, evidence), verdict) in all.into_iter().zip(verdicts) {
        inferred.doubt(name, &verdict);
        let swallowed = if verdict.column_type == ColumnType::String { evidence.null_texts_among(&nulls) } else { 0 };
        if swallowed > 0 {
            inferred.notes.push(format!("column `{name}` has {swallowed} texts that are taken for NULL, too"));
        }
        let nulls = verdict.nulls + swallowed;
        // A value in a path is one of a file.
        if survey.columns.iter().any(|(known, _)| known == name) {
            inferred.without_value(name, nulls);
        }
        let required = nulls == 0 && inferred.records >= ENOUGH_RECORDS;
        inferred.column(name, verdict.column_type, verdict.formats, required);
    }
    let nulls: Vec<String> = nulls.into_iter().map(|text| NULL_TEXTS[text].to_owned()).collect();
    if !nulls.is_empty() {
        inferred.notes.push(format!("taken for NULL: {}", nulls.join(", ")));
    }
    (inferred, nulls)
}

/// The columns of `files` that know their types, and those of their paths.
async fn of_stored(format: &Format, files: &[InputFile]) -> Result<Inferred> {
    let opened = |file: InputFile| async move {
        match format {
            Format::Arrow => arrow_file::columns(&file).await,
            _ => parquet::columns(&file).await,
        }
    };
    let mut columns = StoredColumns::default();
    let mut opened = std::pin::pin!(stream::iter(files.iter().cloned()).map(opened).buffered(16));
    while let Some(file) = opened.try_next().await? {
        if let Some((file, records)) = file {
            columns.add(file, records);
        }
    }
    let (mut inferred, _) = of_text(&Survey::default(), &path_columns(files), false);
    let of_path = std::mem::take(&mut inferred.columns);
    inferred.records = columns.records;
    for column in columns.columns {
        let Some(column_type) = column.column_type else {
            inferred.undeclarable = true;
            inferred.notes.push(format!("column `{}` has a type that no column can be declared as", column.name));
            continue;
        };
        if column.disputed {
            inferred.notes.push(format!("column `{}` has types in the files that no one type holds", column.name));
        }
        inferred.without_value(&column.name, column.nulls.unwrap_or_default());
        let required = column.nulls == Some(0) && columns.records >= ENOUGH_RECORDS;
        inferred.column(&column.name, column_type, Vec::new(), required);
    }
    for column in of_path {
        inferred.column(&column.name, column.column_type, column.rules.formats, false);
    }
    Ok(inferred)
}

/// The columns whose values stand in the paths of `files`.
fn path_columns(files: &[InputFile]) -> Survey {
    let mut survey = Survey::default();
    for file in files {
        let mut one = Survey { records: 1, ..Survey::default() };
        for (name, value) in partition::values(&file.name) {
            let mut evidence = evidence::Evidence::default();
            // `month=04` is the fourth month wherever paths are written by programs.
            let number = value.as_deref().filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
            let number = number.and_then(|value| value.parse::<i64>().ok()).map(|number| number.to_string());
            evidence.add(number.as_deref().or(value.as_deref()).map(str::as_bytes));
            one.columns.retain(|(known, _)| *known != name);
            one.columns.push((name.into_owned(), evidence));
        }
        survey.add(one);
    }
    survey
}

impl Inferred {
    /// Adds a column, if it can be declared.
    fn column(&mut self, name: &str, column_type: ColumnType, formats: Vec<String>, required: bool) {
        let lower = name.to_lowercase();
        let wrong = match self.columns.iter().find(|known| known.name.to_lowercase() == lower) {
            Some(known) => Some(format!("the names `{}` and `{name}` differ in case alone", known.name)),
            None => wrong_column_name(name),
        };
        if let Some(wrong) = wrong {
            self.undeclarable = true;
            self.notes.push(format!("a column is left out: {wrong}"));
            return;
        }
        self.columns.push(Column {
            name: name.to_owned(),
            column_type,
            required,
            description: String::new(),
            pii: None,
            rules: Rules { formats, ..Rules::default() },
        });
    }

    /// Notes that `records` have no value in a column.
    fn without_value(&mut self, name: &str, records: u64) {
        if records > 0 {
            self.without_value.insert(name.to_owned(), records);
        }
    }

    /// Tells what may be wrong with a verdict.
    fn doubt(&mut self, name: &str, verdict: &Verdict) {
        let note = match verdict.doubt {
            None => return,
            Some(Doubt::Empty) => "has no value in any row; it is taken for string".to_owned(),
            Some(Doubt::DayOrMonthFirst) => {
                format!("can be read with the day or with the month first; {} is a guess", verdict.formats.join(", "))
            }
            Some(Doubt::DayAndMonthFirst) => {
                "has dates with the day first and others with the month first; it is taken for string".to_owned()
            }
            Some(Doubt::Structures) => {
                "has objects, or lists of other things than texts; it is taken for string, which holds them as JSON"
                    .to_owned()
            }
            Some(Doubt::LeadingZeros) => "has numbers with leading zeros; it is taken for string".to_owned(),
        };
        self.notes.push(format!("column `{name}` {note}"));
    }
}
