//! Opening a session: its limits, its schemas, its functions.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider};
use datafusion::common::config::{Dialect, SpillCompression};
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::ScalarUDF;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::functions::Pseudonym;
use super::guard::guarded_rules;
use super::meter::WatchedPool;
use super::past::{Past, WithPast};
use super::relations::Relations;
use super::schemas::{LayerSchema, Lookup, SearchSchema, StateRef};
use super::yielding::YieldingJoins;
use crate::error::{Result, engine_error};
use crate::ledger::Ledger;
use crate::mark::mark;
use crate::name::{CATALOG, Layer};
use crate::store::Stores;

/// What a session may use.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bytes of memory for sorts, joins and aggregates before they spill to disk.
    pub memory_limit: usize,
    /// Partitions worked on at once.
    pub threads: usize,
    /// The key of `pseudonym()`; equal keys give equal pseudonyms.
    pub pseudonym_key: Vec<u8>,
}

impl Settings {
    /// Stands for the key of `pseudonym()`: equal for equal keys, and of no use to whoever wants to know the key.
    #[must_use]
    pub fn key_mark(&self) -> String {
        mark(&[b"cauce pseudonym key".as_slice(), &self.pseudonym_key])
    }
}

/// What sessions share: memory, folders for spilling, stores.
pub(super) fn runtime(stores: &Arc<Stores>, settings: &Settings) -> Result<Arc<RuntimeEnv>> {
    let top_consumers = NonZeroUsize::MIN;
    let pool = WatchedPool::new(TrackConsumersPool::new(FairSpillPool::new(settings.memory_limit), top_consumers));
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(pool))
        .with_disk_manager_builder(DiskManagerBuilder::default())
        .with_object_store_registry(Arc::clone(stores) as Arc<dyn ObjectStoreRegistry>)
        .build_arc()
        .map_err(engine_error)
}

/// A DataFusion session in which names mean what `relations` say, rejects go to `ledger`, and `table_at` reaches the
/// releases of `past`.
pub(super) fn open(
    runtime: Arc<RuntimeEnv>,
    relations: &Arc<Relations>,
    settings: &Settings,
    ledger: &Arc<Ledger>,
    past: Option<Arc<Past>>,
) -> Result<SessionContext> {
    let state = SessionStateBuilder::new_with_default_features()
        .with_config(config(settings).with_extension(Arc::clone(ledger)))
        .with_runtime_env(runtime)
        .with_physical_optimizer_rules(guarded_rules())
        .with_physical_optimizer_rule(Arc::new(YieldingJoins))
        .build();
    let context = SessionContext::new_with_state(state);
    context.register_udf(ScalarUDF::from(Pseudonym::new(&settings.pseudonym_key)));
    let state = Arc::new(OnceLock::new());
    let present = catalog(relations, &state)?;
    let catalog: Arc<dyn CatalogProvider> = match past {
        Some(past) => Arc::new(WithPast { present, past }),
        None => Arc::new(present),
    };
    context.register_catalog(CATALOG, catalog);
    let weak = context.state_weak_ref();
    let current = move || weak.upgrade().map(|state| state.read().clone());
    state.get_or_init(|| StateRef(Box::new(current)));
    Ok(context)
}

fn config(settings: &Settings) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, SearchSchema::NAME)
        .with_target_partitions(settings.threads);
    let options = config.options_mut();
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.sql_parser.collect_spans = true;
    // The order that a view's SELECT asks for is part of what people see.
    options.sql_parser.enable_subquery_sort_elimination = false;
    options.execution.spill_compression = SpillCompression::Lz4Frame;
    config
}

fn catalog(relations: &Arc<Relations>, state: &Arc<OnceLock<StateRef>>) -> Result<MemoryCatalogProvider> {
    let lookup = Lookup { relations: Arc::clone(relations), state: Arc::clone(state) };
    let catalog = MemoryCatalogProvider::new();
    let search = SearchSchema { lookup: lookup.clone() };
    catalog.register_schema(SearchSchema::NAME, Arc::new(search)).map_err(engine_error)?;
    for layer in Layer::SEARCH_ORDER {
        let schema = LayerSchema { layer, lookup: lookup.clone() };
        catalog.register_schema(layer.as_str(), Arc::new(schema)).map_err(engine_error)?;
    }
    Ok(catalog)
}
