//! Putting corrected texts in the place of rejected records.
//!
//! A correction is tried before it is kept: the files are read with it as the next run would read them. What is a row then
//! is appended to `system.corrections`, all at once; from there every reader takes it. Nothing else changes: the files
//! stay as they are, and so do the rejects that earlier runs kept.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};

use super::corrected::{self, Corrected, Text};
use super::inputs::{complete, list_datasets};
use crate::catalog::{Catalog, Dataset};
use crate::clock::Clock;
use crate::engine::{Engine, Input, Relation, Relations, Settings, sql_name};
use crate::error::{Error, Finding, Result, engine_error};
use crate::ingest::{Form, NoField, STILL_WRONG};
use crate::ledger::{Correction, Corrections, SystemTable};
use crate::name::{Layer, TableName};
use crate::sql::Source;
use crate::store::{InputFile, Lake};
use crate::table::stage_rows;

/// What replaying rejects works with.
#[derive(Debug, Clone, Copy)]
pub struct Replay<'a> {
    /// A name for the act, unique among runs.
    pub id: &'a str,
    /// The project's catalog.
    pub catalog: &'a Catalog,
    /// Where everything is.
    pub lake: &'a Lake,
    /// What the engine may use.
    pub settings: &'a Settings,
    /// Tells when the corrections were kept.
    pub clock: &'a dyn Clock,
}

/// What became of the records in a file of corrections.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Corrections that were kept.
    pub kept: usize,
    /// Corrections that were kept before.
    pub known: usize,
    /// Earlier corrections that were taken back, since the text is the rejected one again.
    pub taken_back: usize,
    /// Records whose text is the rejected one, or was taken away.
    pub unchanged: usize,
    /// Corrections that are no rows either, in the order of the file; they were not kept.
    pub wrong: Vec<Wrong>,
    /// Rejects that do not stand in their files any more, as `file:line`.
    pub gone: Vec<String>,
}

/// A correction that is no row either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The file and line of the rejected record.
    pub place: String,
    /// The correction.
    pub text: String,
    /// What is wrong with it.
    pub message: String,
}

/// A record as it was rejected: its file, line and first byte, if it was rejected as a text.
type Place = (String, u64, Option<u64>);

/// Keeps the corrections of rejects of `dataset` that stand in `file`.
///
/// # Errors
/// A file that is none of corrections, records that are no rejects (all of them in one error), or a store that cannot be
/// read or written. Nothing is kept then.
pub async fn replay(replay: Replay<'_>, dataset: &str, file: InputFile) -> Result<Replayed> {
    let Replay { catalog, lake, settings, .. } = replay;
    let relations = Arc::new(Relations::of_release(lake, catalog, None)?);
    let engine = Engine::new(lake.stores(), relations, settings)?;
    let shown = file.name.clone();
    let origin = TableName::new(Layer::Raw, dataset);
    let mut inputs = list_datasets(lake, catalog, BTreeSet::from([origin.name.clone()])).await?;
    let (catalog, _) = complete(catalog, &inputs).await?;
    let dataset = catalog.datasets.get(&origin.name).ok_or_else(|| Error::bug(format!("no dataset {origin}")))?;
    let dataset = Arc::new(dataset.clone());
    let files = inputs.files.remove(&origin.name).unwrap_or_default();
    let corrected = corrected::read(file, &dataset, &engine).await?;
    let rejects = rejects(&engine, &origin, &corrected).await?;
    let forms = Forms::of(&dataset, &files, &corrected).await?;
    let matched = Matched::new(&origin, &shown, corrected, &rejects, &forms)?;
    let Matched { new, taken_back, known, unchanged } = matched;
    let mut replayed = Replayed { known, unchanged, taken_back: taken_back.len(), ..Replayed::default() };
    let mut kept = taken_back;
    if !new.is_empty() {
        let before = Corrections::of_rows(&engine.rows("SELECT * FROM system.corrections").await?)?;
        let tried = try_out(replay, dataset, files, &new, before).await?;
        for correction in new {
            let place = place_of(&correction);
            let told = format!("{}:{}", correction.file, correction.line);
            if let Some(message) = tried.wrong.get(&place) {
                let text = correction.corrected.unwrap_or_default();
                replayed.wrong.push(Wrong { place: told, text, message: message.clone() });
            } else if tried.gone.contains(&place) {
                replayed.gone.push(told);
            } else {
                replayed.kept += 1;
                kept.push(correction);
            }
        }
    }
    if !kept.is_empty() {
        keep(replay, &kept).await?;
    }
    Ok(replayed)
}

/// A reject as the ledger has it.
struct Known {
    raw: String,
    corrected: Option<String>,
    seen_at: i64,
}

/// The rejects of `origin` on the lines that `corrected` names, each as it was seen last, by file and line and then by
/// their first byte.
async fn rejects(
    engine: &Engine,
    origin: &TableName,
    corrected: &[Corrected],
) -> Result<BTreeMap<(String, u64), BTreeMap<Option<u64>, Known>>> {
    let wanted: HashSet<(&str, u64)> = corrected.iter().map(|one| (one.file.as_str(), one.line)).collect();
    let sql = format!(
        "SELECT file, line, byte_offset, raw, corrected, CAST(seen_at AS BIGINT) AS seen_at \
         FROM system.rejects WHERE origin = '{}'",
        origin.to_string().replace('\'', "''")
    );
    let answer = engine.answer(&Source::new("rejects", &sql).only_statement()?).await?;
    let mut rows = answer.stream;
    let mut found: BTreeMap<(String, u64), BTreeMap<Option<u64>, Known>> = BTreeMap::new();
    while let Some(batch) = rows.try_next().await.map_err(engine_error)? {
        let batch = Columns::of(&batch)?;
        for row in 0..batch.rows {
            let (Some(file), Some(line)) = (batch.text("file", row), batch.number("line", row)) else { continue };
            if !wanted.contains(&(file, line)) {
                continue;
            }
            let seen_at = batch.number("seen_at", row).and_then(|at| i64::try_from(at).ok()).unwrap_or_default();
            let of_line = found.entry((file.to_owned(), line)).or_default();
            let offset = batch.number("byte_offset", row);
            if of_line.get(&offset).is_none_or(|known| known.seen_at <= seen_at) {
                let raw = batch.text("raw", row).unwrap_or_default().to_owned();
                let corrected = batch.text("corrected", row).map(str::to_owned);
                of_line.insert(offset, Known { raw, corrected, seen_at });
            }
        }
    }
    Ok(found)
}

/// How the records are written of which values were corrected.
struct Forms {
    /// Those of each file that holds such records.
    texts: BTreeMap<String, Form>,
    /// Those that were not rejected as texts.
    objects: Form,
}

impl Forms {
    async fn of(dataset: &Arc<Dataset>, files: &[InputFile], corrected: &[Corrected]) -> Result<Self> {
        let by_values = |one: &&Corrected| matches!(one.text, Text::Values { .. });
        let concerned: BTreeSet<&str> = corrected.iter().filter(by_values).map(|one| one.file.as_str()).collect();
        let mut texts = BTreeMap::new();
        for file in files.iter().filter(|file| concerned.contains(file.name.as_str())) {
            texts.insert(file.name.clone(), Form::of(dataset, file).await?);
        }
        Ok(Self { texts, objects: Form::of_objects(dataset) })
    }

    /// The form of a record of `file`; none if the dataset does not have the file any more.
    fn get(&self, file: &str, is_text: bool) -> Option<&Form> {
        self.texts.get(file).map(|form| if is_text { form } else { &self.objects })
    }
}

/// Corrected records beside the rejects they belong to.
struct Matched {
    /// Corrections that nobody made before.
    new: Vec<Correction>,
    /// Corrections that take an earlier one back.
    taken_back: Vec<Correction>,
    known: usize,
    unchanged: usize,
}

impl Matched {
    fn new(
        origin: &TableName,
        shown: &str,
        corrected: Vec<Corrected>,
        rejects: &BTreeMap<(String, u64), BTreeMap<Option<u64>, Known>>,
        forms: &Forms,
    ) -> Result<Self> {
        let mut matched = Self { new: Vec::new(), taken_back: Vec::new(), known: 0, unchanged: 0 };
        let mut findings = Vec::new();
        let mut seen = BTreeSet::new();
        for Corrected { at, file, line, offset, text } in corrected {
            let mut wrong =
                |what: &str| findings.push(Finding::new(format!("{shown}: line {at}: {file}:{line} {what}")));
            let on_line = rejects.get(&(file.clone(), line));
            let stands_there = |(at, _): &(&Option<u64>, &Known)| offset.is_none() || **at == offset;
            let mut candidates: Vec<(&Option<u64>, &Known)> =
                on_line.into_iter().flatten().filter(stands_there).collect();
            if candidates.iter().any(|(_, known)| known.corrected.is_none()) {
                // A record may have been rejected for its text, corrected, and then for other rows: the latter is meant.
                candidates.retain(|(_, known)| known.corrected.is_none());
            }
            let (offset, known) = match candidates.as_slice() {
                [] => {
                    wrong(&format!("is no reject of {origin}"));
                    continue;
                }
                [_, _, ..] => {
                    wrong("is the line of several rejects: add the column `byte_offset` of system.rejects");
                    continue;
                }
                [(None, known)] if known.raw.is_empty() => {
                    wrong(
                        "was rejected by an earlier cauce, which did not keep the row: run, and export the rejects again",
                    );
                    continue;
                }
                [(offset, known)] => (**offset, *known),
            };
            if !seen.insert((file.clone(), line, offset)) {
                wrong("stands there twice");
                continue;
            }
            let text = match text {
                Text::Whole(text) => text,
                Text::Values { values, as_shown } => match forms.get(&file, offset.is_some()) {
                    Some(form) => match form.corrected(&known.raw, &values, as_shown) {
                        Ok(text) => text,
                        Err(NoField { column }) => {
                            wrong(&format!("cannot have a value of `{column}`: its file has no such column"));
                            continue;
                        }
                    },
                    None => {
                        wrong(&format!("stands in a file that {origin} does not have any more"));
                        continue;
                    }
                },
            };
            let rejected = known.raw.clone();
            let correction = Correction { origin: origin.clone(), file, line, offset, rejected, corrected: None };
            match (text, &known.corrected) {
                (Some(text), Some(before)) if text == *before => matched.known += 1,
                (Some(text), Some(_)) if text == known.raw => matched.taken_back.push(correction),
                (Some(text), _) if text != known.raw => {
                    matched.new.push(Correction { corrected: Some(text), ..correction });
                }
                _ => matched.unchanged += 1,
            }
        }
        if findings.is_empty() {
            return Ok(matched);
        }
        Err(Error::usage(format!("{shown} names records that cannot be corrected here; nothing was kept"))
            .findings(findings)
            .hint(format!("`cauce rejects {}` lists the rejects, and --all those of earlier runs", origin.name)))
    }
}

/// How corrections fare when the files are read with them.
struct Tried {
    wrong: BTreeMap<Place, String>,
    gone: BTreeSet<Place>,
}

/// Reads those of the `files` of `dataset` that `corrections` are about, with these corrections beside those of `before`.
async fn try_out(
    replay: Replay<'_>,
    dataset: Arc<Dataset>,
    mut files: Vec<InputFile>,
    corrections: &[Correction],
    before: Corrections,
) -> Result<Tried> {
    let Replay { lake, settings, .. } = replay;
    let origin = TableName::new(Layer::Raw, dataset.name.as_str());
    let concerned: BTreeSet<&str> = corrections.iter().map(|correction| correction.file.as_str()).collect();
    // Whether a value is repeated is seen in all files only.
    files.retain(|file| concerned.contains(file.name.as_str()) || !dataset.unique_columns().is_empty());
    let tried = Arc::new(before.and(corrections.iter().cloned()));
    let relations = Relations::new(lake).with_corrections(Arc::clone(&tried));
    let location = lake.input(&dataset)?;
    relations.define(origin.clone(), Relation::Dataset { dataset, location, input: Input::Files(files) });
    let engine = Engine::new(lake.stores(), Arc::new(relations), settings)?;
    engine.rows(&format!("SELECT count(*) FROM {}", sql_name(&origin))).await?;

    let wanted: BTreeSet<Place> = corrections.iter().map(place_of).collect();
    let mut wrong = BTreeMap::new();
    let mut rejects = engine.ledger().rows()?;
    while let Some(batch) = rejects.try_next().await? {
        let batch = Columns::of(&batch)?;
        for row in 0..batch.rows {
            let (Some(file), Some(line)) = (batch.text("file", row), batch.number("line", row)) else { continue };
            let offset = batch.number("byte_offset", row);
            let of_line = wanted.range((file.to_owned(), line, None)..=(file.to_owned(), line, Some(u64::MAX)));
            // What is rejected because of other rows says no offset.
            let place = of_line.into_iter().find(|place| offset.is_none() || offset == place.2);
            if let Some(place) = place.cloned() {
                let message = batch.text("message", row).unwrap_or_default();
                let of_correction = message.split_once(STILL_WRONG).map_or(message, |(_, why)| why);
                wrong.insert(place, of_correction.to_owned());
            }
        }
    }
    let gone: BTreeSet<Place> = tried.not_met().filter(|known| corrections.contains(known)).map(place_of).collect();
    wrong.retain(|place, _| !gone.contains(place));
    Ok(Tried { wrong, gone })
}

fn place_of(correction: &Correction) -> Place {
    (correction.file.clone(), correction.line, correction.offset)
}

/// Appends corrections to those of the lake.
async fn keep(replay: Replay<'_>, corrections: &[Correction]) -> Result<()> {
    let table = SystemTable::Corrections;
    let (stores, place) = (replay.lake.stores(), replay.lake.table(&table.name()));
    let rows = Correction::rows(corrections, replay.clock.now());
    let rows = stream::once(async move { rows }).boxed();
    stage_rows(vec![rows], &table.stored(), stores, &place, &[]).await?.append(stores, replay.id).await?;
    Ok(())
}

/// The columns of a batch of rejects, each in one type whatever the scan made of it.
struct Columns {
    rows: usize,
    texts: BTreeMap<String, ArrayRef>,
    numbers: BTreeMap<String, ArrayRef>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let (mut texts, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            let is_number = *field.data_type() == DataType::Int64;
            let data_type = if is_number { DataType::Int64 } else { DataType::Utf8 };
            let column = cast(column, &data_type).map_err(|failure| Error::bug(failure.to_string()))?;
            let columns = if is_number { &mut numbers } else { &mut texts };
            columns.insert(field.name().clone(), column);
        }
        Ok(Self { rows: batch.num_rows(), texts, numbers })
    }

    fn text(&self, name: &str, row: usize) -> Option<&str> {
        let column = self.texts.get(name)?;
        column.is_valid(row).then(|| column.as_string::<i32>().value(row))
    }

    fn number(&self, name: &str, row: usize) -> Option<u64> {
        let column = self.numbers.get(name)?;
        column.is_valid(row).then(|| column.as_primitive::<Int64Type>().value(row)).and_then(|n| u64::try_from(n).ok())
    }
}
