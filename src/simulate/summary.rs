//! What was written, measured on the very batches that went into the files: `resumen_generacion.json`.
//!
//! Nothing here is asserted: every figure is a count, a sum or a quotient of what was seen.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::{Array, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::calendar;
use crate::error::{Error, Result};

/// The name of the summary's file.
pub const FILE_NAME: &str = "resumen_generacion.json";

/// What a simulation wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The seed that gives the same rows again.
    pub seed: u64,
    /// The size relative to 171,031 rows.
    pub scale: f64,
    /// The datasets in the order in which they were written.
    pub datasets: Vec<DatasetSummary>,
}

/// What a simulation wrote of one dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetSummary {
    /// The dataset's name.
    pub name: &'static str,
    /// The files that hold it, one a format.
    pub files: Vec<WrittenFile>,
    measures: Measures,
    measured: Measured,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// Its path, inside of the directory that was asked for.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

impl Summary {
    /// The rows of all datasets.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.datasets.iter().map(DatasetSummary::rows).sum()
    }

    /// The bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.datasets.iter().flat_map(|dataset| &dataset.files).map(|file| file.bytes).sum()
    }

    /// The average satisfaction of all tickets, 1 to 5.
    #[must_use]
    pub fn satisfaccion_promedio(&self) -> Option<f64> {
        self.mean("tickets_soporte", "satisfaccion_cliente")
    }

    /// The net promoter score: (promoters − detractors) / surveys × 100.
    #[must_use]
    pub fn nps(&self) -> Option<f64> {
        let answers = self.counts("encuestas_post_atencion", "nps")?;
        let sum = |wanted: fn(i64) -> bool| -> u64 {
            let numbers = answers.iter().filter(|(key, _)| matches!(key, Key::Int(number) if wanted(*number)));
            numbers.map(|(_, count)| count).sum()
        };
        let (promoters, detractors, all) = (sum(|n| n >= 9), sum(|n| n <= 6), sum(|_| true));
        Some(percent(promoters, all)? - percent(detractors, all)?)
    }

    /// The share of tickets in state `resuelto`, in percent.
    #[must_use]
    pub fn tasa_resolucion(&self) -> Option<f64> {
        let states = self.counts("tickets_soporte", "estado")?;
        let resolved = states.get(&Key::Text("resuelto".to_owned())).copied().unwrap_or_default();
        percent(resolved, states.values().sum())
    }

    /// The average time to the first response, in minutes.
    #[must_use]
    pub fn tiempo_respuesta_min(&self) -> Option<f64> {
        self.mean("tickets_soporte", "tiempo_respuesta_min")
    }

    /// The content of `resumen_generacion.json`. It says nothing of the time or place of its making, so that it is the
    /// same for the same seed.
    #[must_use]
    pub fn json(&self) -> Value {
        let datasets: Map<String, Value> =
            self.datasets.iter().map(|dataset| (dataset.name.to_owned(), dataset.json())).collect();
        let first = self.datasets.iter().filter_map(DatasetSummary::first_day).min();
        let last = self.datasets.iter().filter_map(DatasetSummary::last_day).max();
        let (nulls, cells) = self
            .datasets
            .iter()
            .fold((0, 0), |(nulls, cells), dataset| (nulls + dataset.measured.nulls, cells + dataset.measured.cells));
        json!({
            "generation_metadata": {
                "simulator_version": env!("CARGO_PKG_VERSION"),
                "seed": self.seed,
                "scale": self.scale,
                "total_records": self.rows(),
                "total_bytes": self.bytes(),
            },
            "date_range": { "start": first, "end": last },
            "business_metrics": {
                "avg_satisfaction_score": rounded(self.satisfaccion_promedio()),
                "nps": rounded(self.nps()),
                "resolution_rate_percent": rounded(self.tasa_resolucion()),
                "avg_response_minutes": rounded(self.tiempo_respuesta_min()),
            },
            "data_quality": {
                "cells": cells,
                "null_cells": nulls,
                "completeness_percent": rounded(percent(cells - nulls, cells)),
            },
            "datasets": datasets,
        })
    }

    fn mean(&self, dataset: &str, column: &str) -> Option<f64> {
        let dataset = self.datasets.iter().find(|summary| summary.name == dataset)?;
        let index = dataset.measures.means.iter().position(|name| *name == column)?;
        dataset.measured.means.get(index)?.value()
    }

    fn counts(&self, dataset: &str, column: &str) -> Option<&BTreeMap<Key, u64>> {
        let dataset = self.datasets.iter().find(|summary| summary.name == dataset)?;
        let index = dataset.measures.counts.iter().position(|name| *name == column)?;
        dataset.measured.counts.get(index)
    }
}

impl DatasetSummary {
    pub(super) fn new(name: &'static str, measures: Measures, found: Measured, files: Vec<WrittenFile>) -> Self {
        Self { name, files, measures, measured: found }
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.measured.rows
    }

    /// The day of its first row in time.
    #[must_use]
    pub fn first_day(&self) -> Option<NaiveDate> {
        self.measured.days.map(|(first, _)| calendar::date(first))
    }

    /// The day of its last row in time.
    #[must_use]
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.measured.days.map(|(_, last)| calendar::date(last))
    }

    fn json(&self) -> Value {
        let measured = &self.measured;
        let files: Map<String, Value> = self
            .files
            .iter()
            .filter_map(|file| Some((file.path.file_name()?.to_string_lossy().into_owned(), json!(file.bytes))))
            .collect();
        let counts: Map<String, Value> = self
            .measures
            .counts
            .iter()
            .zip(&measured.counts)
            .map(|(name, counts)| {
                let counts: Map<String, Value> = counts.iter().map(|(key, n)| (key.to_string(), json!(n))).collect();
                ((*name).to_owned(), Value::Object(counts))
            })
            .collect();
        let mut means: Map<String, Value> = self
            .measures
            .means
            .iter()
            .zip(&measured.means)
            .map(|(name, mean)| ((*name).to_owned(), json!(rounded(mean.value()))))
            .collect();
        for ((group, name), by_group) in self.measures.means_by.iter().zip(&measured.means_by) {
            let values: Map<String, Value> =
                by_group.iter().map(|(key, mean)| (key.to_string(), json!(rounded(mean.value())))).collect();
            means.insert(format!("{name} by {group}"), Value::Object(values));
        }
        json!({
            "records": measured.rows,
            "first_day": self.first_day(),
            "last_day": self.last_day(),
            "null_cells": measured.nulls,
            "completeness_percent": rounded(percent(measured.cells - measured.nulls, measured.cells)),
            "files": files,
            "counts": counts,
            "means": means,
        })
    }
}

/// What to measure of a dataset, by column names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measures {
    /// The date or timestamp that says when a row happened.
    pub(super) day: &'static str,
    /// Columns whose values are counted.
    pub(super) counts: &'static [&'static str],
    /// Integer columns that are averaged over the rows that have a value.
    pub(super) means: &'static [&'static str],
    /// Integer columns (second) that are averaged for each value of a text column (first).
    pub(super) means_by: &'static [(&'static str, &'static str)],
}

/// What was measured; the lists go along with those of [`Measures`].
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Measured {
    rows: u64,
    cells: u64,
    nulls: u64,
    /// The first and the last day.
    days: Option<(i32, i32)>,
    counts: Vec<BTreeMap<Key, u64>>,
    means: Vec<Mean>,
    means_by: Vec<BTreeMap<Key, Mean>>,
}

/// A value that is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Int(i64),
    Text(String),
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// An average in the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Mean {
    sum: i64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: i64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }
}

impl Measured {
    /// Measures one batch.
    pub(super) fn of(measures: &Measures, batch: &RecordBatch) -> Result<Self> {
        let counts = measures.counts.iter().map(|name| count(batch, name)).collect::<Result<_>>()?;
        let means = measures.means.iter().map(|name| Ok(mean(ints(batch, name)?))).collect::<Result<_>>()?;
        let means_by = measures.means_by.iter().map(|(group, name)| mean_by(batch, group, name));
        Ok(Self {
            rows: batch.num_rows() as u64,
            cells: (batch.num_rows() * batch.num_columns()) as u64,
            nulls: batch.columns().iter().map(|column| column.null_count() as u64).sum(),
            days: days(batch, measures.day)?,
            counts,
            means,
            means_by: means_by.collect::<Result<_>>()?,
        })
    }

    /// Adds what was measured elsewhere on the same dataset.
    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.cells += other.cells;
        self.nulls += other.nulls;
        self.days = match (self.days, other.days) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        add_all(&mut self.counts, other.counts, |into, counts| {
            for (key, count) in counts {
                *into.entry(key).or_default() += count;
            }
        });
        add_all(&mut self.means, other.means, add_mean);
        add_all(&mut self.means_by, other.means_by, |into, means| {
            for (key, mean) in means {
                add_mean(into.entry(key).or_default(), mean);
            }
        });
    }
}

/// Adds each member of one list to its counterpart in the other, which is as long or still empty.
fn add_all<T: Default>(into: &mut Vec<T>, from: Vec<T>, add: impl Fn(&mut T, T)) {
    into.resize_with(from.len(), T::default);
    for (into, from) in into.iter_mut().zip(from) {
        add(into, from);
    }
}

fn add_mean(into: &mut Mean, other: Mean) {
    into.sum += other.sum;
    into.count += other.count;
}

fn count(batch: &RecordBatch, name: &str) -> Result<BTreeMap<Key, u64>> {
    let column = column(batch, name)?;
    if let Some(numbers) = column.as_any().downcast_ref::<Int64Array>() {
        let mut counts = BTreeMap::new();
        for number in numbers.iter().flatten() {
            *counts.entry(Key::Int(number)).or_default() += 1;
        }
        return Ok(counts);
    }
    // Counted by reference: categories are few and rows many.
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for text in texts(batch, name)?.iter().flatten() {
        *counts.entry(text).or_default() += 1;
    }
    Ok(counts.into_iter().map(|(text, count)| (Key::Text(text.to_owned()), count)).collect())
}

fn mean(numbers: &Int64Array) -> Mean {
    let mut mean = Mean::default();
    numbers.iter().flatten().for_each(|number| mean.add(number));
    mean
}

fn mean_by(batch: &RecordBatch, group: &str, name: &str) -> Result<BTreeMap<Key, Mean>> {
    let mut means: BTreeMap<&str, Mean> = BTreeMap::new();
    for (group, number) in texts(batch, group)?.iter().zip(ints(batch, name)?) {
        if let (Some(group), Some(number)) = (group, number) {
            means.entry(group).or_default().add(number);
        }
    }
    Ok(means.into_iter().map(|(group, mean)| (Key::Text(group.to_owned()), mean)).collect())
}

fn days(batch: &RecordBatch, name: &str) -> Result<Option<(i32, i32)>> {
    let column = column(batch, name)?;
    let days: Vec<i32> = if let Some(dates) = column.as_any().downcast_ref::<Date32Array>() {
        dates.iter().flatten().collect()
    } else if let Some(moments) = column.as_any().downcast_ref::<TimestampMicrosecondArray>() {
        moments.iter().flatten().map(calendar::day_of).collect()
    } else {
        return Err(wrong_type(name));
    };
    Ok(days.iter().min().copied().zip(days.iter().max().copied()))
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array> {
    let column = batch.column_by_name(name).map(AsRef::as_ref);
    column.ok_or_else(|| Error::bug(format!("the simulator measures `{name}`, which no column is called")))
}

fn ints<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a Int64Array> {
    column(batch, name)?.as_any().downcast_ref().ok_or_else(|| wrong_type(name))
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray> {
    column(batch, name)?.as_any().downcast_ref().ok_or_else(|| wrong_type(name))
}

fn wrong_type(name: &str) -> Error {
    Error::bug(format!("the simulator cannot measure a column of the type of `{name}`"))
}

fn percent(part: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| part as f64 * 100.0 / all as f64)
}

/// Four decimals: enough to read, and the same on every machine.
fn rounded(value: Option<f64>) -> Option<f64> {
    value.map(|value| (value * 1e4).round() / 1e4)
}

#[cfg(test)]
mod tests {
    use super::super::columns::Columns;
    use super::*;

    const MEASURES: Measures =
        Measures { day: "fecha", counts: &["canal", "nps"], means: &["nps"], means_by: &[("canal", "nps")] };

    fn measured(canal: &[Option<&str>], nps: &[i64], fecha: i32) -> Measured {
        let batch = Columns::default()
            .optional_text("canal", canal.iter().copied())
            .int("nps", nps.iter().copied())
            .date("fecha", canal.iter().map(|_| fecha))
            .batch()
            .unwrap();
        Measured::of(&MEASURES, &batch).unwrap()
    }

    fn summary(name: &'static str) -> Summary {
        let mut all = Measured::default();
        all.add(measured(&[Some("a"), None, Some("b")], &[10, 9, 0], 19_360));
        all.add(measured(&[Some("a")], &[7], 19_358));
        let dataset = DatasetSummary::new(name, MEASURES, all, Vec::new());
        Summary { seed: 1, scale: 0.5, datasets: vec![dataset] }
    }

    #[test]
    fn batches_are_measured_and_added() {
        let summary = summary("x");
        let json = summary.json();
        assert_eq!(
            json["datasets"]["x"],
            json!({
                "records": 4, "first_day": "2023-01-01", "last_day": "2023-01-03", "null_cells": 1,
                "completeness_percent": 91.6667, "files": {},
                "counts": { "canal": { "a": 2, "b": 1 }, "nps": { "0": 1, "7": 1, "9": 1, "10": 1 } },
                "means": { "nps": 6.5, "nps by canal": { "a": 8.5, "b": 0.0 } },
            })
        );
        assert_eq!(json["business_metrics"]["nps"], Value::Null, "there are no surveys");
    }

    #[test]
    fn the_nps_is_promoters_less_detractors() {
        assert_eq!(summary("encuestas_post_atencion").nps(), Some(25.0));
    }

    #[test]
    fn an_unknown_column_is_told() {
        let batch = Columns::default().int("a", [1].into_iter()).batch().unwrap();
        let error = Measured::of(&MEASURES, &batch).unwrap_err();
        assert!(error.to_string().contains('`'), "{error}");
    }
}
