//! `cauce rejects NAME --columns`: rejected records with each value in a column of its own, as a spreadsheet wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use futures::TryStreamExt;

use super::{Arguments, destination};
use crate::catalog::Dataset;
use crate::cli::session::EngineSession;
use crate::cli::settings::{Settings, program};
use crate::engine::Parameters;
use crate::error::{Error, Result};
use crate::ingest::Form;
use crate::name::{Layer, TableName};
use crate::output::{ResultFile, counted};
use crate::run::{MESSAGE_COLUMN, PLACE_COLUMNS, complete, list_datasets};
use crate::shell::Session;
use crate::sql::Source;

/// Writes the rejects of the dataset `name` that are `wanted` and were not corrected.
pub(super) async fn show(
    session: &EngineSession,
    name: &TableName,
    wanted: &str,
    arguments: &Arguments,
    settings: &Settings,
) -> Result<()> {
    if name.layer != Layer::Raw {
        return Err(Error::usage(format!("{name} is no dataset"))
            .hint("what a model rejects is corrected in the files of its datasets, or in the model's rule"));
    }
    let project = session.project();
    let mut inputs = list_datasets(&project.lake, &project.catalog, BTreeSet::from([name.name.clone()])).await?;
    let (catalog, _) = complete(&project.catalog, &inputs).await?;
    let dataset = catalog.datasets.get(&name.name).ok_or_else(|| Error::bug(format!("no dataset {name}")))?;
    let dataset = Arc::new(dataset.clone());
    let rejects = rejects(session, wanted, arguments.limit).await?;
    let concerned: BTreeSet<&str> = rejects.iter().map(|reject| reject.file.as_str()).collect();
    let mut forms = BTreeMap::new();
    for file in inputs.files.remove(&name.name).unwrap_or_default() {
        if concerned.contains(file.name.as_str()) {
            forms.insert(file.name.clone(), Form::of(&dataset, &file).await?);
        }
    }
    let (shown, others): (Vec<Reject>, Vec<Reject>) =
        rejects.into_iter().partition(|reject| !reject.raw.is_empty() && forms.contains_key(&reject.file));
    let objects = Form::of_objects(&dataset);
    let values = |reject: &Reject| match reject.offset {
        Some(_) => forms.get(&reject.file).map(|form| form.values(&reject.raw)).unwrap_or_default(),
        None => objects.values(&reject.raw),
    };
    let values: Vec<Vec<Option<String>>> = shown.iter().map(values).collect();
    let rows = rows(&dataset, &values, &shown)?;
    let (format, target) = destination(arguments, settings)?;
    let mut file = ResultFile::begin(format, &rows.schema(), target, &settings.printer.layout(arguments.limit))?;
    file.batch(&rows)?;
    file.finish()?;
    if !others.is_empty() {
        settings.printer.warn(format_args!(
            "{} not shown: their files are gone, or an earlier cauce did not keep the rows; `{} rejects {}` lists them",
            counted(others.len(), "reject"),
            program(),
            name.name
        ));
    }
    Ok(())
}

/// A reject as the ledger has it.
struct Reject {
    file: String,
    line: Option<i64>,
    offset: Option<i64>,
    raw: String,
    message: String,
}

async fn rejects(session: &EngineSession, wanted: &str, limit: Option<usize>) -> Result<Vec<Reject>> {
    let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
    let sql = format!(
        "SELECT file, raw, message, line, byte_offset FROM system.rejects WHERE {wanted} AND corrected IS NULL \
         ORDER BY file, line, byte_offset{limit}"
    );
    let answer = session.answer(&Source::new("rejects", &sql).only_statement()?, &Parameters::new()).await?;
    let mut rejects = Vec::new();
    let mut batches = answer.rows;
    while let Some(batch) = batches.try_next().await? {
        let column = |index: usize, data_type: &DataType| {
            cast(batch.column(index), data_type).map_err(|failure| Error::bug(failure.to_string()))
        };
        let texts: Vec<ArrayRef> = (0..3).map(|index| column(index, &DataType::Utf8)).collect::<Result<_>>()?;
        let numbers: Vec<ArrayRef> = (3..5).map(|index| column(index, &DataType::Int64)).collect::<Result<_>>()?;
        let text = |index: usize, row: usize| texts[index].as_string::<i32>().value(row).to_owned();
        let number = |index: usize, row: usize| {
            let numbers = numbers[index].as_primitive::<Int64Type>();
            numbers.is_valid(row).then(|| numbers.value(row))
        };
        rejects.extend((0..batch.num_rows()).map(|row| Reject {
            file: text(0, row),
            line: number(0, row),
            offset: number(1, row),
            raw: text(1, row),
            message: text(2, row),
        }));
    }
    Ok(rejects)
}

/// The records with their `values` in the columns of `dataset`, with where they stand and what is wrong.
fn rows(dataset: &Dataset, values: &[Vec<Option<String>>], rejects: &[Reject]) -> Result<RecordBatch> {
    let texts = |text: fn(&Reject) -> &str| -> ArrayRef {
        Arc::new(rejects.iter().map(|reject| Some(text(reject))).collect::<StringArray>())
    };
    let numbers = |number: fn(&Reject) -> Option<i64>| -> ArrayRef {
        Arc::new(rejects.iter().map(number).collect::<Int64Array>())
    };
    let [file, line, offset] = PLACE_COLUMNS;
    let mut columns = vec![
        (file, texts(|reject| &reject.file)),
        (line, numbers(|reject| reject.line)),
        (offset, numbers(|reject| reject.offset)),
    ];
    for (index, column) in dataset.columns.iter().enumerate() {
        let of_column: StringArray = values.iter().map(|values| values.get(index).and_then(Option::as_deref)).collect();
        columns.push((&column.name, Arc::new(of_column)));
    }
    columns.push((MESSAGE_COLUMN, texts(|reject| &reject.message)));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .map_err(|failure| Error::bug(failure.to_string()))
}
