//! Writing a trial from live rows: a beginning that a person goes on from.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::json::ArrayWriter;
use serde_json::Value;

use super::carry::Stage;
use super::file::{Row, Trial, Written};
use crate::catalog::{Catalog, Pii};
use crate::document::scalar;
use crate::engine::{Engine, quoted, sql_name};
use crate::error::{Error, Place, Result};
use crate::model::{Meaning, Model};
use crate::name::{Layer, TableName};

/// Decimal digits that every floating-point number of 64 bits keeps.
const DIGITS_OF_FLOATS: u8 = 15;

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
    let (meaning, _) = live.meaning(model).await?;
    for input in &model.inputs {
        let rows = live.rows(&some_rows(live, catalog, &meaning, input, limit).await?).await?;
        given.insert(input.clone(), written(&rows)?);
    }
    let place = Place { file: String::new(), line: 1, column: 1, width: 0, text: String::new() };
    let name = "grabada".to_owned();
    let mut trial = Trial { model: model.name.clone(), name, place, step: None, given, expect: Written::default() };
    trial.expect = written(&stage.rows(&trial).await?.rows)?;
    Ok(text(&trial))
}

/// The query of some rows of an input: the columns that the model reads, all of them where that is not known.
async fn some_rows(
    live: &Engine,
    catalog: &Catalog,
    meaning: &Meaning,
    input: &TableName,
    limit: usize,
) -> Result<String> {
    let table = sql_name(input);
    let schema = live.schema(&format!("SELECT * FROM {table}")).await?;
    let read = meaning.reads(input);
    let dataset = (input.layer == Layer::Raw).then(|| catalog.datasets.get(&input.name)).flatten();
    let mut columns = Vec::new();
    for name in schema.fields().iter().map(|field| field.name()) {
        if read.as_ref().is_some_and(|read| !read.contains(name.as_str())) {
            continue;
        }
        let declared = dataset.and_then(|dataset| dataset.columns.iter().find(|column| column.name == *name));
        match declared.and_then(|column| column.pii) {
            Some(Pii::Pseudonym) => columns.push(format!("pseudonym({0}) AS {0}", quoted(name))),
            Some(_) => {}
            None => columns.push(quoted(name)),
        }
    }
    if let (true, Some(first)) = (columns.is_empty(), schema.fields().first()) {
        // A model that only counts rows: there are so many, and nothing is said of them.
        columns.push(format!("NULL AS {}", quoted(first.name())));
    }
    Ok(format!("SELECT {} FROM {table} LIMIT {limit}", columns.join(", ")))
}

fn written(batches: &[RecordBatch]) -> Result<Written> {
    let failed = |failure: arrow::error::ArrowError| Error::bug(failure.to_string());
    let exact: Vec<RecordBatch> = batches.iter().map(exact).collect::<Result<_, _>>().map_err(failed)?;
    let mut writer = ArrayWriter::new(Vec::new());
    writer.write_batches(&exact.iter().collect::<Vec<_>>()).map_err(failed)?;
    writer.finish().map_err(failed)?;
    let json = writer.into_inner();
    let rows: Vec<Row> = if json.is_empty() {
        Vec::new()
    } else {
        serde_json::from_slice(&json).map_err(|failure| Error::bug(failure.to_string()))?
    };
    Ok(Written { rows, ..Written::default() })
}

/// The same rows, in which decimals are texts that as floating-point numbers would lose digits.
fn exact(batch: &RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::Decimal128(precision, _) if *precision > DIGITS_OF_FLOATS => cast(column, &DataType::Utf8),
        _ => Ok(Arc::clone(column)),
    };
    let columns = batch.columns().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let fields = batch.schema();
    let names = fields.fields().iter().map(|field| field.name().as_str());
    RecordBatch::try_from_iter_with_nullable(names.zip(columns).map(|(name, column)| (name, column, true)))
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
