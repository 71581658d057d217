//! What the tests of this room share: datasets in a line, files in memory, reading everything.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::util::pretty::pretty_format_batches;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::metrics::{Count, Time};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::stream::{self, StreamExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use super::exec;
use super::fault::{Account, Faults, Reject, StopAtFirst};
use super::reader::{Reader, Scan};
use super::table::DatasetTable;
use super::text_file;
use crate::catalog::{Column, ColumnType, CsvOptions, Dataset, Format, Limit, OnDrift, Rules};
use crate::error::{Error, Kind, Result};
use crate::store::InputFile;

/// A CSV dataset `d` from `id string!; edad int; …`, where `!` means required.
pub(super) fn dataset(columns: &str) -> Dataset {
    let declared = |text: &str| {
        let (name, type_name) = text.trim().split_once(' ').unwrap();
        let required = type_name.ends_with('!');
        let column_type = match type_name.trim_end_matches('!') {
            "string" => ColumnType::String,
            "int" => ColumnType::Int,
            "float" => ColumnType::Float,
            "decimal" => ColumnType::Decimal { precision: 10, scale: 2 },
            "bool" => ColumnType::Bool,
            "date" => ColumnType::Date,
            "timestamp" => ColumnType::Timestamp,
            "list" | "list<string>" => ColumnType::StringList,
            other => panic!("no type {other}"),
        };
        Column { name: name.to_owned(), ..column(column_type, required) }
    };
    Dataset {
        name: "d".to_owned(),
        description: String::new(),
        path: "d.csv".to_owned(),
        format: Format::Csv(CsvOptions::default()),
        on_reject: Limit::default(),
        on_drift: OnDrift::default(),
        columns: columns.split(';').map(declared).collect(),
        metadata: Vec::new(),
    }
}

/// A column `c`.
pub(super) fn column(column_type: ColumnType, required: bool) -> Column {
    let (name, description) = ("c".to_owned(), String::new());
    Column { name, column_type, required, description, pii: None, rules: Rules::default() }
}

/// Files in one store in memory.
pub(super) async fn files(contents: &[(&str, &[u8])]) -> Vec<InputFile> {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let mut files = Vec::new();
    for (name, bytes) in contents {
        let path = object_store::path::Path::from(*name);
        store.put(&path, bytes.to_vec().into()).await.unwrap();
        let meta = store.head(&path).await.unwrap();
        files.push(InputFile { name: (*name).to_owned(), store: Arc::clone(&store), meta });
    }
    files
}

/// All columns of the text `stored` in chunks of `size` bytes, in batches of so many rows and with so many tasks.
pub(super) fn decode(
    dataset: &Dataset,
    stored: &[u8],
    size: usize,
    (batch_rows, tasks): (usize, usize),
    faults: Arc<dyn Faults>,
) -> Result<RecordBatch> {
    let scan = Arc::new(scan_of(dataset, batch_rows, tasks, faults));
    let format = exec::text_format(&dataset.format).unwrap();
    let blocks: Vec<Result<Bytes>> = stored.chunks(size).map(|block| Ok(Bytes::copy_from_slice(block))).collect();
    let stored = stream::iter(blocks).boxed();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(tasks).build().unwrap();
    let batches: Vec<RecordBatch> =
        runtime.block_on(text_file::read_stored(format, "d.csv".into(), stored, scan).try_collect())?;
    Ok(concat_batches(&dataset.schema(), &batches).unwrap())
}

/// All columns of `dataset`, with rejects for `faults`.
pub(super) fn scan_of(dataset: &Dataset, batch_rows: usize, tasks: usize, faults: Arc<dyn Faults>) -> Scan {
    Scan {
        dataset: Arc::new(dataset.clone()),
        projection: (0..dataset.schema().fields().len()).collect(),
        schema: dataset.schema(),
        batch_rows,
        limit: None,
        tasks,
        faults,
        bytes_read: Count::new(),
        busy: Time::new(),
    }
}

/// What `sql` says about the table `d` of `files`.
pub(super) async fn query(dataset: &Dataset, files: Vec<InputFile>, sql: &str) -> Result<RecordBatch> {
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(2));
    context.register_table("d", Arc::new(DatasetTable::new(dataset, files))).unwrap();
    let frame = context.sql(sql).await.unwrap();
    let schema = Arc::clone(frame.schema().inner());
    let batches = frame.collect().await.map_err(|error| own_error(&error))?;
    Ok(concat_batches(&schema, &batches).unwrap())
}

/// The same as a table of text.
pub(super) async fn query_text(dataset: &Dataset, files: Vec<InputFile>, sql: &str) -> Result<String> {
    Ok(pretty_format_batches(&[query(dataset, files, sql).await?]).unwrap().to_string())
}

/// The error of this room inside an error of the engine, which may be shared by several of its tasks.
pub(super) fn own_error(error: &DataFusionError) -> Error {
    let root = error.find_root();
    let DataFusionError::External(source) = root else { panic!("not an error of the reader: {root}") };
    let own = source.downcast_ref::<Error>().unwrap();
    let copy = Error::new(own.kind(), own.message()).findings(own.all_findings().to_vec());
    own.next_step().map(str::to_owned).into_iter().fold(copy, Error::hint)
}

/// Message, places, lines and hints of an error, one a line.
pub(super) fn told(error: &Error) -> String {
    let mut lines = vec![format!("{} (exit {})", error.message(), error.kind().exit_code())];
    for finding in error.all_findings() {
        lines.push(format!("- {}", finding.message));
        if let Some(place) = &finding.place {
            lines.push(format!("  at {place}, {} wide: {}", place.width, place.text));
        }
        lines.extend(finding.hint.as_ref().map(|hint| format!("  hint: {hint}")));
    }
    lines.extend(error.next_step().map(|hint| format!("hint: {hint}")));
    lines.join("\n")
}

/// A policy that keeps all rejects and accounts and goes on.
#[derive(Debug, Default)]
pub(super) struct KeepAll {
    rejects: Mutex<Vec<Reject>>,
    accounts: Mutex<Vec<Account>>,
}

impl KeepAll {
    pub(super) fn rejects(&self) -> Vec<Reject> {
        self.rejects.lock().unwrap().clone()
    }

    pub(super) fn accounts(&self) -> Vec<Account> {
        self.accounts.lock().unwrap().clone()
    }
}

impl Faults for KeepAll {
    fn take(&self, reject: Reject) -> Result<()> {
        self.rejects.lock().unwrap().push(reject);
        Ok(())
    }

    fn finished(&self, _: &str, account: Account) -> Result<()> {
        self.accounts.lock().unwrap().push(account);
        Ok(())
    }
}

/// Knows the corrections of some texts, and keeps what it is told.
#[derive(Debug, Default)]
pub(super) struct Correcting {
    pub(super) texts: HashMap<String, String>,
    pub(super) kept: KeepAll,
}

impl Faults for Correcting {
    fn take(&self, reject: Reject) -> Result<()> {
        self.kept.take(reject)
    }

    fn correction(&self, reject: &Reject) -> Option<Arc<str>> {
        self.texts.get(&reject.raw).map(|text| Arc::from(text.as_str()))
    }

    fn finished(&self, file: &str, account: Account) -> Result<()> {
        self.kept.finished(file, account)
    }
}

/// Reads `bytes` as a file of `dataset` with one bit after the other changed, in each byte another one: what is no longer a
/// table is told as damage, or as another table than the dataset's, and a value may have become another one.
pub(super) async fn every_flip_is_rows_or_damage(dataset: &Dataset, reader: &dyn Reader, bytes: &[u8]) {
    let mut damaged = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        let file = files(&[("d", &changed)]).await.remove(0);
        let read: Result<Vec<RecordBatch>> =
            reader.read(file, Arc::new(scan_of(dataset, 100, 1, strict()))).try_collect().await;
        match read {
            Ok(_) => {}
            Err(error) if error.kind() == Kind::Damaged => damaged += 1,
            Err(error) => {
                let told = told(&error);
                assert!(matches!(error.kind(), Kind::Query | Kind::Usage), "byte {at}: {told}");
            }
        }
    }
    assert!(damaged > 0, "no change was damage");
}

/// The strict policy.
pub(super) fn strict() -> Arc<dyn Faults> {
    Arc::new(StopAtFirst)
}
