//! Writing a trial from live rows: a beginning that a person goes on from.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::json::ArrayWriter;
use serde_json::Value;

use super::carry::Stage;
use super::file::{Row, Trial, Written};
use crate::catalog::{Catalog, Pii};
use crate::document::scalar;
use crate::engine::{Engine, quoted, sql_name};
use crate::error::{Error, Place, Result};
use crate::model::Model;
use crate::name::{Layer, TableName};

/// The text of a file with one trial of `model`: some rows of what it reads in `live`, `limit` of each, and what the model
/// makes of them. Personal data is not written: pseudonyms stand in its place, or nothing.
///
/// # Errors
/// A store that cannot be read, or a model that fails.
pub async fn record(
    stage: &Stage<'_>,
    live: &Engine,
    catalog: &Catalog,
    model: &Model,
    limit: usize,
) -> Result<String> {
    let mut given = BTreeMap::new();
    for input in &model.inputs {
        let rows = live.rows(&some_rows(live, catalog, model, input, limit).await?).await?;
        given.insert(input.clone(), written(&rows)?);
    }
    let place = Place { file: String::new(), line: 1, column: 1, width: 0, text: String::new() };
    let name = "grabada".to_owned();
    let mut trial = Trial { model: model.name.clone(), name, place, step: None, given, expect: Written::default() };
    trial.expect = written(&stage.rows(&trial).await?.rows)?;
    Ok(text(&trial))
}

/// The query of some rows of an input: the columns that the model's text names, all of them if it says `*`.
async fn some_rows(live: &Engine, catalog: &Catalog, model: &Model, input: &TableName, limit: usize) -> Result<String> {
    let table = sql_name(input);
    let schema = live.schema(&format!("SELECT * FROM {table}")).await?;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<&str> = model.text.split(|c: char| !is_word(c)).collect();
    let all = model.text.contains('*');
    let dataset = (input.layer == Layer::Raw).then(|| catalog.datasets.get(&input.name)).flatten();
    let mut columns = Vec::new();
    for field in schema.fields() {
        let name = field.name();
        if !all && !words.contains(&name.as_str()) {
            continue;
        }
        let declared = dataset.and_then(|dataset| dataset.columns.iter().find(|column| column.name == *name));
        match declared.and_then(|column| column.pii) {
            Some(Pii::Pseudonym) => columns.push(format!("pseudonym({0}) AS {0}", quoted(name))),
            Some(_) => {}
            None => columns.push(quoted(name)),
        }
    }
    let columns = if columns.is_empty() { "*".to_owned() } else { columns.join(", ") };
    Ok(format!("SELECT {columns} FROM {table} LIMIT {limit}"))
}

fn written(batches: &[RecordBatch]) -> Result<Written> {
    let failed = |failure: arrow::error::ArrowError| Error::bug(failure.to_string());
    let mut writer = ArrayWriter::new(Vec::new());
    writer.write_batches(&batches.iter().collect::<Vec<_>>()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    let json = writer.into_inner();
    let rows: Vec<Row> = if json.is_empty() {
        Vec::new()
    } else {
        serde_json::from_slice(&json).map_err(|failure| Error::bug(failure.to_string()))?
    };
    Ok(Written { rows, ..Written::default() })
}

fn text(trial: &Trial) -> String {
    let mut yaml = format!("model: {}\ntests:\n  {}:\n    given:\n", trial.model, trial.name);
    for (table, written) in &trial.given {
        yaml.push_str(&format!("      {table}:{}\n", if written.rows.is_empty() { " []" } else { "" }));
        written.rows.iter().for_each(|row| yaml.push_str(&format!("        - {}\n", flow(row))));
    }
    yaml.push_str(if trial.expect.rows.is_empty() { "    expect: []\n" } else { "    expect:\n" });
    trial.expect.rows.iter().for_each(|row| yaml.push_str(&format!("      - {}\n", flow(row))));
    yaml
}

fn flow(row: &Row) -> String {
    let cells: Vec<String> =
        row.iter().map(|(column, value)| format!("{}: {}", scalar(column), in_yaml(value))).collect();
    format!("{{ {} }}", cells.join(", "))
}

fn in_yaml(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(in_yaml).collect::<Vec<_>>().join(", ")),
        Value::Object(row) => flow(row),
        other => other.to_string(),
    }
}
