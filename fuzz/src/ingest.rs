//! The readers of text, and what must hold of what they make of any bytes.

#[path = "../../src/ingest/cells.rs"]
mod cells;
#[path = "../../src/ingest/chunks.rs"]
mod chunks;
#[path = "../../src/ingest/constants.rs"]
mod constants;
#[path = "../../src/ingest/csv.rs"]
mod csv;
#[path = "../../src/ingest/cut.rs"]
mod cut;
#[path = "../../src/ingest/decode.rs"]
mod decode;
#[path = "../../src/ingest/decompress.rs"]
mod decompress;
#[path = "../../src/ingest/element.rs"]
mod element;
#[path = "../../src/ingest/fault.rs"]
mod fault;
#[path = "../../src/ingest/header.rs"]
mod header;
#[path = "../../src/ingest/json.rs"]
mod json;
#[path = "../../src/ingest/list.rs"]
mod list;
#[path = "../../src/ingest/object.rs"]
mod object;
#[path = "../../src/ingest/partition.rs"]
mod partition;
#[path = "../../src/ingest/piece.rs"]
mod piece;
#[path = "../../src/ingest/reader.rs"]
mod reader;
#[path = "../../src/ingest/replay.rs"]
mod replay;
#[path = "../../src/ingest/rows.rs"]
mod rows;
#[path = "../../src/ingest/rules.rs"]
mod rules;
#[path = "../../src/ingest/split.rs"]
mod split;
#[path = "../../src/ingest/text_file.rs"]
mod text_file;

use std::sync::{Arc, Mutex, OnceLock};

use ::bytes::Bytes;
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::metrics::{Count, Time};
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::runtime::{Builder, Runtime};

use self::fault::{Account, Faults, Reject};
use self::reader::Scan;
use self::text_file::TextFormat;
use crate::catalog::{Catalog, Dataset, Format};
use crate::error::Result;

const CATALOG: &str = "version: 1
project: fuzz
lake: lake
datasets:
  d:
    path: d.csv
    metadata: [_line]
    columns:
      - { name: t, type: string }
      - { name: n, type: int, max: 1000 }
      - { name: e, type: list<string> }
      - { name: p, type: 'decimal(6,2)' }
      - { name: f, type: timestamp, format: ['%d/%m/%Y', '%Y-%m-%d %H:%M'] }
      - { name: b, type: bool, required: true }
";

/// Keeps what it is told.
#[derive(Debug, Default)]
struct Kept {
    rejects: Mutex<Vec<Reject>>,
    account: Mutex<Option<Account>>,
}

impl Faults for Kept {
    fn take(&self, reject: Reject) -> Result<()> {
        self.rejects.lock().expect("no reader died").push(reject);
        Ok(())
    }

    fn finished(&self, _: &str, account: Account) -> Result<()> {
        *self.account.lock().expect("no reader died") = Some(account);
        Ok(())
    }
}

/// The rows of `file`, the rejects, and the account if the file was read to its end.
type Read = (RecordBatch, Vec<Reject>, Option<Account>);

/// `file` in blocks of `block` bytes, in batches of `rows` rows.
fn read(file: &[u8], format: &Format, block: usize, rows: usize, tasks: usize) -> Read {
    static WORLD: OnceLock<(Runtime, Arc<Dataset>)> = OnceLock::new();
    let (runtime, dataset) = WORLD.get_or_init(|| {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").expect("a catalog");
        (runtime, Arc::new(catalog.datasets["d"].clone()))
    });
    let text: Arc<dyn TextFormat> = match format {
        Format::Csv(options) => Arc::new(csv::Csv::new(options.clone())),
        Format::JsonLines => Arc::new(json::Json::new(true)),
        _ => Arc::new(json::Json::new(false)),
    };
    let kept = Arc::new(Kept::default());
    let scan = Arc::new(Scan {
        dataset: Arc::clone(dataset),
        projection: (0..dataset.schema().fields().len()).collect(),
        schema: dataset.schema(),
        batch_rows: rows,
        limit: None,
        tasks,
        faults: Arc::<Kept>::clone(&kept),
        bytes_read: Count::new(),
        busy: Time::new(),
    });
    let blocks: Vec<Result<Bytes>> = file.chunks(block).map(|block| Ok(Bytes::copy_from_slice(block))).collect();
    let batches = runtime.block_on(async {
        // An error is the end of a file: its header, or what compressed it, is broken.
        let rows = text_file::read_stored(text, "d.csv".into(), stream::iter(blocks).boxed(), scan);
        rows.take_while(|batch| std::future::ready(batch.is_ok())).try_collect::<Vec<_>>().await
    });
    let batch = concat_batches(&dataset.schema(), &batches.expect("errors were left out")).expect("one schema");
    let rejects = kept.rejects.lock().expect("no reader died").clone();
    let account = *kept.account.lock().expect("no reader died");
    (batch, rejects, account)
}

/// What must hold of `file`, whatever its bytes: every record is a row or a reject, every reject stands where it says it
/// stands, and it makes no difference how the file is divided.
pub fn check(file: &[u8], lines: Option<bool>) {
    let format = match lines {
        None => Format::Csv(Default::default()),
        Some(true) => Format::JsonLines,
        Some(false) => Format::Json,
    };
    let whole = read(file, &format, file.len().max(1), 8192, 1);
    let parts = read(file, &format, 3, 2, 2);
    let (batch, rejects, account) = &whole;
    assert_eq!(account.is_some(), parts.2.is_some());
    let Some(account) = account else { return };
    assert_eq!(whole, parts);
    assert_eq!((account.rows, account.rejected), (batch.num_rows() as u64, rejects.len() as u64));
    assert_eq!(account.records, account.rows + account.rejected);
    // Places in other files are counted in what they hold, not in their bytes.
    let marks: [&[u8]; 5] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"];
    let skippable = file.get(1..4) == Some(b"\x2a\x4d\x18");
    let is_plain = !skippable && !marks.iter().any(|mark| file.starts_with(mark));
    let mut end_of_last = 0;
    for reject in rejects {
        assert!(!reject.message().is_empty());
        if is_plain {
            let start = usize::try_from(reject.offset.expect("text has places")).expect("a short file");
            let end = start + usize::try_from(reject.length.expect("text has places")).expect("a short file");
            assert!(start >= end_of_last);
            end_of_last = end;
            assert_eq!(String::from_utf8_lossy(&file[start..end]), reject.raw);
            let line = file[..start].iter().filter(|byte| **byte == b'\n').count() + 1;
            assert_eq!(line as u64, reject.line);
        }
        let _ = reject.clone().into_error();
    }
}
