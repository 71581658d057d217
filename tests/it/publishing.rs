//! A run becomes visible all at once or not at all: over a disk that fills up, beside another run, and killed at any
//! moment.

use std::fmt;
use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cauce::error::Kind;
use cauce::release::Manifest;
use cauce::store::Stores;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyMode, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use url::Url;

use crate::support::library::Opened;
use crate::support::project::{SHOP_CATALOG, TestProject};

/// This machine's files, on a store that is ill.
#[derive(Debug)]
struct IllStore {
    files: LocalFileSystem,
    writes: AtomicUsize,
    illness: Illness,
}

#[derive(Debug)]
enum Illness {
    /// There is no space left from this write on, counted from 1.
    FullFrom(usize),
    /// A file that is to be created is created, and then the answer is lost: who asks again is told that there is one.
    LosesAnswers,
}

impl IllStore {
    fn new(illness: Illness) -> Self {
        Self { files: LocalFileSystem::new(), writes: AtomicUsize::new(0), illness }
    }

    fn write(&self) -> Result<()> {
        let write = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
        match self.illness {
            Illness::FullFrom(first) if write >= first => {
                let no_space = io::Error::from_raw_os_error(28);
                Err(Error::Generic { store: "LocalFileSystem", source: Box::new(no_space) })
            }
            _ => Ok(()),
        }
    }

    /// The answer to having created the file at `path`.
    fn created<T>(&self, path: &Path, answer: T) -> Result<T> {
        match self.illness {
            Illness::LosesAnswers => {
                let again = io::Error::from(io::ErrorKind::AlreadyExists);
                Err(Error::AlreadyExists { path: path.to_string(), source: Box::new(again) })
            }
            Illness::FullFrom(_) => Ok(answer),
        }
    }
}

impl fmt::Display for IllStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IllStore")
    }
}

#[async_trait]
impl ObjectStore for IllStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.write()?;
        let creates = options.mode == PutMode::Create;
        let answer = self.files.put_opts(location, payload, options).await?;
        if creates { self.created(location, answer) } else { Ok(answer) }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.write()?;
        self.files.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.files.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write()?;
        let creates = options.mode == CopyMode::Create;
        self.files.copy_opts(from, to, options).await?;
        if creates { self.created(to, ()) } else { Ok(()) }
    }
}

/// The shop with a second table, so that a run writes several files and logs.
fn shop() -> TestProject {
    let shop = TestProject::shop();
    shop.write("sql/curated/por_nota.sql", "SELECT nota, count(*) AS ventas\nFROM processed.ventas\nGROUP BY nota\n");
    shop
}

/// Input of another content: `rows` sales.
fn sales(rows: usize) -> String {
    let lines: Vec<String> = (1..=rows).map(|id| format!("{id},C{},{}.25,n{}\n", id % 97, id % 50, id % 5)).collect();
    format!("id,cliente,monto,nota\n{}", lines.concat())
}

fn releases(project: &TestProject) -> Vec<String> {
    let Ok(folder) = fs::read_dir(project.path("data/lake/releases")) else { return Vec::new() };
    let mut names: Vec<String> = folder
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.len() == 25 && name.strip_suffix(".json").is_some())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_answers_are_lost_has_published_all_the_same() {
    let shop = shop();
    for (release, rows) in [(1, 10), (2, 20)] {
        shop.write("data/ventas.csv", sales(rows));
        let stores = Stores::new(std::collections::BTreeMap::new());
        stores.put(&Url::parse("file:///").unwrap(), Arc::new(IllStore::new(Illness::LosesAnswers)));
        let published = Opened::with_stores(&shop, stores).run().await.unwrap();
        assert_eq!(published.release, release);
        let counted =
            shop.cauce(&["query", "--format", "csv", "SELECT count(id) AS n FROM processed.ventas"]).success();
        assert_eq!(counted.stdout, format!("n\n{rows}\n"));
        let told = shop.cauce(&["query", "SELECT 1 FROM system.runs HAVING count(DISTINCT run) = 1"]);
        assert_eq!(told.success().stdout.lines().count() > 1, release == 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_disk_that_fills_up_the_release_before_stays_and_the_next_run_succeeds() {
    let shop = shop();
    Opened::new(&shop).run().await.unwrap();
    let mut before = Opened::new(&shop).contents().await;
    let mut failures = 0;
    for full_from in 1.. {
        shop.write("data/ventas.csv", sales(10 * full_from));
        let stores = Stores::new(std::collections::BTreeMap::new());
        let disk = IllStore::new(Illness::FullFrom(full_from));
        stores.put(&Url::parse("file:///").unwrap(), Arc::new(disk));
        let outcome = Opened::with_stores(&shop, stores).run().await;
        let after = Opened::new(&shop).contents().await;
        match outcome {
            Err(error) => {
                failures += 1;
                assert_eq!(error.kind(), Kind::Store, "write {full_from}: {error}");
                assert!(error.message().contains("no space left on device"), "write {full_from}: {error}");
                assert!(error.next_step().unwrap_or_default().contains("free some space"), "write {full_from}");
                assert_eq!(after, before, "write {full_from}: nothing of the failed run is visible");
                // With space again, the same input is published.
                Opened::new(&shop).run().await.unwrap();
                before = Opened::new(&shop).contents().await;
            }
            // All writes of a run fit: every one before has been the one that failed.
            Ok(_) => {
                assert_ne!(after, before);
                break;
            }
        }
    }
    // Two tables with a file and a log entry each, and the release.
    assert!(failures >= 5, "{failures} writes failed");
    assert_eq!(releases(&shop).len(), failures + 2);
}

/// The manifests of a lake, each readable and in a row.
fn assert_consecutive(project: &TestProject) -> Vec<Manifest> {
    let manifests: Vec<Manifest> = releases(project)
        .iter()
        .map(|name| Manifest::from_json(project.read(&format!("data/lake/releases/{name}")).as_bytes()).unwrap())
        .collect();
    for (index, manifest) in manifests.iter().enumerate() {
        let number = u64::try_from(index).unwrap() + 1;
        assert_eq!((manifest.release, manifest.parent), (number, (number > 1).then(|| number - 1)));
    }
    manifests
}

#[test]
fn of_runs_at_once_one_publishes_and_the_others_say_so() {
    let shop = shop();
    shop.write("data/ventas.csv", sales(2_000));
    let mut published = 0;
    for at_once in [2, 3, 2, 3, 8] {
        let start = |_| -> Child {
            shop.command(&["run", "--quiet", "--full-refresh"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let runs: Vec<Child> = (0..at_once).map(start).collect();
        let before = published;
        for run in runs {
            let run = run.wait_with_output().unwrap();
            let told = String::from_utf8(run.stderr).unwrap();
            match run.status.code() {
                Some(0) => published += 1,
                Some(5) => {
                    assert!(told.contains("another run"), "{told}");
                    assert!(told.contains("run again"), "{told}");
                }
                other => panic!("exit code {other:?}: {told}"),
            }
        }
        assert!(published > before, "nobody published");
        assert_eq!(assert_consecutive(&shop).len(), published);
        let query = shop.cauce(&["query", "--format", "csv", "SELECT * FROM total"]).success();
        assert!(query.stdout.starts_with("ventas,total\n2000,"), "{query}");
    }
}

/// A shop whose runs are killed: each begins with other input.
struct Killed {
    shop: TestProject,
    /// The sales of the release that readers see.
    seen: usize,
    /// The sales of the input.
    input: usize,
}

impl Killed {
    fn new() -> Self {
        let shop = shop();
        shop.write("data/ventas.csv", sales(1_000));
        shop.cauce(&["run", "--quiet"]).success();
        Self { shop, seen: 1_000, input: 1_000 }
    }

    /// Starts a run over new input, kills it when `now` says so, and looks at what readers see then.
    fn kill(&mut self, now: impl Fn(&TestProject) -> bool) {
        self.input += 1;
        self.shop.write("data/ventas.csv", sales(self.input));
        let mut run = self.shop.command(&["run", "--quiet"]).stderr(Stdio::null()).spawn().unwrap();
        while run.try_wait().unwrap().is_none() && !now(&self.shop) {
            thread::sleep(Duration::from_millis(1));
        }
        run.kill().unwrap();
        run.wait().unwrap();
        self.look(&[self.seen, self.input]);
        assert_consecutive(&self.shop);
    }

    /// Every table and view says the same number of sales, one of those `expected`.
    fn look(&mut self, expected: &[usize]) {
        let sql = "SELECT (SELECT count(*) FROM ventas) AS a, (SELECT sum(ventas) FROM por_nota) AS b, ventas AS c FROM total";
        let told = self.shop.cauce(&["query", "--format", "csv", sql]).success();
        let seen = expected.iter().find(|rows| told.stdout == format!("a,b,c\n{rows},{rows},{rows}\n"));
        self.seen = *seen.unwrap_or_else(|| panic!("neither the old nor the new release: {told}"));
    }

    /// The next run succeeds, what the killed ones left is cleaned away, and every release can still be read.
    fn recover(mut self) {
        self.shop.cauce(&["run", "--quiet"]).success();
        self.look(&[self.input]);
        self.shop.cauce(&["clean", "--yes", "--older-than", "0", "--quiet"]).success();
        let again = self.shop.cauce(&["clean", "--older-than", "0"]).success();
        assert!(again.stderr.contains("nothing to remove"), "{again}");
        for manifest in assert_consecutive(&self.shop) {
            let release = manifest.release.to_string();
            let sql = "SELECT count(*) FROM ventas UNION ALL SELECT sum(ventas) FROM por_nota";
            self.shop.cauce(&["query", "--as-of", &release, sql]).success();
        }
    }
}

/// How many files a folder of the lake holds whose names end so.
fn count(shop: &TestProject, folder: &str, ending: &str) -> usize {
    let Ok(entries) = fs::read_dir(shop.path(&format!("data/lake/{folder}"))) else { return 0 };
    entries
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(ending)))
        .count()
}

/// How many times each test kills a run: a few, or as many as the environment asks for.
fn kills(few: u32) -> u32 {
    std::env::var("CAUCE_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(few)
}

#[test]
fn killed_at_any_moment_a_run_leaves_a_whole_release() {
    let begun = Instant::now();
    let mut killed = Killed::new();
    // A run takes no longer than the first one with the making of the project around it.
    let longest = begun.elapsed();
    let kills = kills(8);
    for kill in 0..kills {
        // Spread over the whole run, in an order that is not that of time: 7 has no factor in common with most numbers.
        let share = f64::from(kill * 7 % kills) / f64::from(kills);
        let begun = Instant::now();
        killed.kill(|_| begun.elapsed() >= longest.mul_f64(share));
    }
    killed.recover();
}

#[test]
fn killed_at_every_step_a_run_leaves_a_whole_release() {
    let steps = [
        ("the first table is staged", "processed/ventas", ".parquet"),
        ("the second table is staged", "curated/por_nota", ".parquet"),
        ("the measured checks are written", "system/checks", ".parquet"),
        ("the measured checks are kept", "system/checks/_delta_log", ".json"),
        ("the first table is committed", "processed/ventas/_delta_log", ".json"),
        ("the second table is committed", "curated/por_nota/_delta_log", ".json"),
        ("the release is published", "releases", ".json"),
        ("the accounts are written", "system/runs", ".parquet"),
        ("the accounts are kept", "system/runs/_delta_log", ".json"),
    ];
    let mut killed = Killed::new();
    for (step, folder, ending) in steps {
        let before = count(&killed.shop, folder, ending);
        assert!(before > 0, "{step}: no run takes it");
        killed.kill(|shop| count(shop, folder, ending) > before);
    }
    killed.recover();
}

#[test]
fn ctrl_c_stops_a_run_that_keeps_every_thread_busy() {
    let shop = shop();
    shop.write("data/ventas.csv", sales(5_000)).write(
        "sql/curated/lenta.sql",
        "SELECT count(*) AS n\nFROM processed.ventas AS a\nCROSS JOIN processed.ventas AS b\n\
         CROSS JOIN processed.ventas AS c\nWHERE a.id * b.id * c.id % 7 = 3\n",
    );
    let run = shop.command(&["run"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    Command::new("/bin/kill").args(["-INT", &run.id().to_string()]).status().unwrap();
    let output = run.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("error: stopped; nothing was published"), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(releases(&shop), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_over_one_input_make_the_same_tables() {
    let (first, second) = (shop(), shop());
    for shop in [&first, &second] {
        shop.write("data/ventas.csv", sales(5_000));
        Opened::new(shop).run().await.unwrap();
    }
    let contents = Opened::new(&first).contents().await;
    assert_eq!(contents.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [5_000, 5, 1]);
    assert_eq!(Opened::new(&second).contents().await, contents);
    // And again in the same lake: a new release of the same content.
    let again = Opened::new(&first).run().await.unwrap();
    assert_eq!((again.release, Opened::new(&first).contents().await), (2, contents));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_stays_what_it_was_when_models_change() {
    let shop = shop();
    let before = Opened::new(&shop);
    before.run().await.unwrap();
    let engine = before.engine().await;
    let total = "SELECT ventas FROM curated.total";
    assert_eq!(crate::support::library::rows(&engine, total).await.unwrap(), [["3"]]);
    shop.write("data/ventas.csv", sales(10)).write("catalog.yaml", SHOP_CATALOG);
    Opened::new(&shop).run().await.unwrap();
    // A reader that began on release 1 goes on reading release 1.
    assert_eq!(crate::support::library::rows(&engine, total).await.unwrap(), [["3"]]);
    assert_eq!(crate::support::library::rows(&Opened::new(&shop).engine().await, total).await.unwrap(), [["10"]]);
}
