//! Any bytes as a CSV file: no panic, every record a row or a reject, every reject where it says it stands, and two
//! tasks read what one reads.
//!
//!     cargo +nightly fuzz run csv

#![no_main]

use std::sync::{Arc, Mutex, OnceLock};

use cauce::catalog::{Catalog, Dataset};
use cauce::error::Result;
use cauce::ingest::{Account, Faults, IngestExec, Reject};
use cauce::store::InputFile;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use libfuzzer_sys::fuzz_target;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::{Builder, Runtime};

const CATALOG: &str = "version: 1
project: fuzz
lake: lake
datasets:
  d:
    path: d.csv
    columns:
      - { name: t, type: string }
      - { name: n, type: int }
      - { name: e, type: list<string> }
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

fn world() -> &'static (Runtime, Arc<Dataset>) {
    static WORLD: OnceLock<(Runtime, Arc<Dataset>)> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").expect("a catalog");
        (runtime, Arc::new(catalog.datasets["d"].clone()))
    })
}

/// The rows of a file with `bytes`, and what was said about the others.
fn read(bytes: &[u8], tasks: usize) -> (usize, Vec<Reject>, Option<Account>) {
    let (runtime, dataset) = world();
    runtime.block_on(async {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let path = Path::from("d.csv");
        store.put(&path, bytes.to_vec().into()).await.expect("memory holds it");
        let meta = store.head(&path).await.expect("it is there");
        let file = InputFile { name: "d.csv".to_owned(), store, meta };
        let kept = Arc::new(Kept::default());
        let plan = IngestExec::try_new(Arc::clone(dataset), vec![file], vec![0, 1, 2], None, 1)
            .expect("a plan")
            .with_faults(Arc::<Kept>::clone(&kept));
        let config = SessionConfig::new().with_target_partitions(tasks).with_batch_size(7);
        let mut stream = plan.execute(0, SessionContext::new_with_config(config).task_ctx()).expect("a stream");
        let mut rows = 0;
        while let Some(Ok(batch)) = stream.next().await {
            rows += batch.num_rows();
        }
        let rejects = kept.rejects.lock().expect("no reader died").clone();
        let account = *kept.account.lock().expect("no reader died");
        (rows, rejects, account)
    })
}

fuzz_target!(|bytes: &[u8]| {
    let file = [b"t,n,e\n", bytes].concat();
    let one = read(&file, 1);
    assert_eq!(one, read(&file, 2));
    let (rows, rejects, account) = one;
    let Some(account) = account else { return };
    assert_eq!((account.rows, account.rejected), (rows as u64, rejects.len() as u64));
    assert_eq!(account.records, account.rows + account.rejected);
    for reject in rejects {
        let start = reject.offset.expect("text has places") as usize;
        let end = start + reject.length.expect("text has places") as usize;
        assert_eq!(String::from_utf8_lossy(&file[start..end]), reject.raw);
    }
});
