//! A project driven through the library, for tests that hand in stores and clocks of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use cauce::catalog::Catalog;
use cauce::clock::FixedClock;
use cauce::engine::{Engine, Settings};
use cauce::error::Result;
use cauce::model::Models;
use cauce::name::{Layer, TableName};
use cauce::plan::{Facts, Plan, Wish};
use cauce::release::Manifest;
use cauce::run::{Ending, Event, Run, Tuning, carry_out, compare_inputs, list_inputs, study, unpublished};
use cauce::store::{Lake, Stores};
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::project::TestProject;

/// What the library knows of a project.
pub(crate) struct Opened {
    catalog: Catalog,
    models: Models,
    pub(crate) lake: Lake,
    settings: Settings,
}

impl Opened {
    /// Reads the catalog and models of `project`; stores are opened as cauce itself would.
    pub(crate) fn new(project: &TestProject) -> Self {
        let catalog = Catalog::parse(&project.read("catalog.yaml"), "catalog.yaml").unwrap();
        let stores = Stores::new(catalog.stores.clone());
        Self::with_stores(project, stores)
    }

    /// As [`Self::new`], over `stores`.
    pub(crate) fn with_stores(project: &TestProject, stores: Stores) -> Self {
        let catalog = Catalog::parse(&project.read("catalog.yaml"), "catalog.yaml").unwrap();
        let mut files = Vec::new();
        for layer in Layer::OF_MODELS {
            let Ok(folder) = fs::read_dir(project.path(&format!("sql/{layer}"))) else { continue };
            for entry in folder {
                let path = entry.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                let shown = format!("sql/{layer}/{name}.sql");
                files.push((TableName::new(layer, name), shown, fs::read_to_string(&path).unwrap()));
            }
        }
        let models = Models::parse(files, &catalog).unwrap();
        let lake = Lake::new(&catalog, &project.path(""), Arc::new(stores)).unwrap();
        let settings = Settings { memory_limit: 1 << 30, threads: 2, pseudonym_key: b"clave".to_vec() };
        Self { catalog, models, lake, settings }
    }

    /// Builds the whole project at a fixed instant; returns the release it published.
    pub(crate) async fn run(&self) -> Result<Manifest> {
        // No two runs have one name.
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let id = format!("prueba {}", RUNS.fetch_add(1, Ordering::SeqCst));
        self.run_as(&id, &Wish { full_refresh: true, ..Wish::default() }).await
    }

    /// Runs the project under a name at a fixed instant; returns the release it published.
    pub(crate) async fn run_as(&self, id: &str, wish: &Wish) -> Result<Manifest> {
        let (ending, _) = self.run_until(id, wish, usize::MAX).await?;
        match ending.unwrap() {
            Ending::Published { manifest, .. } => Ok(*manifest),
            Ending::Blocked { outcomes, .. } => panic!("checks failed: {outcomes:?}"),
            Ending::Damaged { files } => panic!("damaged files: {files:?}"),
            Ending::Rejected { over, .. } => panic!("too many rejects: {over:?}"),
        }
    }

    /// The same, but the run is stopped at the event of this number; returns how it ended, if it did before, and the tables
    /// that it took up.
    pub(crate) async fn run_until(&self, id: &str, wish: &Wish, event: usize) -> Result<(Option<Ending>, Vec<String>)> {
        let inputs = list_inputs(&self.lake, &self.catalog, &self.models).await?;
        let listed = compare_inputs(&self.catalog, &inputs).await?;
        let last = self.lake.releases()?.newest().await?;
        let meanings = study(&self.lake, &self.catalog, &self.models, last.as_ref(), &self.settings).await.unwrap();
        let mut facts = Facts {
            models: &self.models,
            meanings: &meanings,
            catalog: &self.catalog,
            listed,
            corrections: &BTreeMap::new(),
            key: "",
            last: last.as_ref(),
            unpublished: None,
            failed: &BTreeSet::new(),
        };
        let unpublished = unpublished(&self.lake, last.as_ref()).await?;
        facts.unpublished = unpublished.as_ref().map(|(_, built)| built);
        let plan = Plan::new(facts, wish);
        let clock = FixedClock(DateTime::<Utc>::UNIX_EPOCH);
        let run = Run {
            id,
            catalog: &self.catalog,
            models: &self.models,
            meanings: &meanings,
            corrections: &BTreeMap::new(),
            key: "",
            last: last.as_ref(),
            unpublished: unpublished.as_ref(),
            lake: &self.lake,
            settings: &self.settings,
            clock: &clock,
            begun_at: DateTime::<Utc>::UNIX_EPOCH,
            // As soon as there is an occasion.
            tuning: Tuning { shelved_every: Duration::ZERO, gathered_from: 2 },
        };
        let (stop, seen, taken_up) = (Notify::new(), AtomicUsize::new(0), Mutex::new(Vec::new()));
        let watch = |told: Event| {
            if let Event::TakenUp { model, .. } = told {
                taken_up.lock().unwrap().push(model.to_string());
            }
            if seen.fetch_add(1, Ordering::SeqCst) == event {
                stop.notify_one();
            }
        };
        let ending = tokio::select! {
            biased;
            () = stop.notified() => None,
            ending = carry_out(run, &plan, inputs, &watch) => Some(ending?),
        };
        Ok((ending, taken_up.into_inner().unwrap()))
    }

    /// A session over the newest release.
    pub(crate) async fn engine(&self) -> Engine {
        let release = self.lake.releases().unwrap().newest().await.unwrap();
        Engine::of_release(&self.lake, &self.catalog, release.as_ref(), &self.settings).unwrap()
    }

    /// A session over release `number`.
    pub(crate) async fn engine_as_of(&self, number: u64) -> Engine {
        let release = self.lake.releases().unwrap().read(number).await.unwrap();
        Engine::of_release(&self.lake, &self.catalog, Some(&release), &self.settings).unwrap()
    }

    /// Every table and view of the newest release with its rows as text, sorted.
    pub(crate) async fn contents(&self) -> Vec<(String, Vec<String>)> {
        let engine = self.engine().await;
        let mut contents = Vec::new();
        for model in self.models.iter() {
            let name = model.name.to_string();
            let mut rows: Vec<String> = rows(&engine, &format!("SELECT * FROM {name}"))
                .await
                .unwrap()
                .iter()
                .map(|row| row.join("|"))
                .collect();
            rows.sort();
            contents.push((name, rows));
        }
        contents
    }
}

/// The rows of a statement as text: NULL as `NULL`, an empty text as `(empty)`.
pub(crate) async fn rows(engine: &Engine, sql: &str) -> Result<Vec<Vec<String>>> {
    let batches = engine.rows(sql).await?;
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cell = |column: &ArrayFormatter<'_>| match column.value(row).to_string() {
                text if text.is_empty() => "(empty)".to_owned(),
                text => text,
            };
            rows.push(columns.iter().map(cell).collect());
        }
    }
    Ok(rows)
}
