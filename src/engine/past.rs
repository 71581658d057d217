//! The schemas `@41` and `@2024-12-31`: the tables of another release.
//!
//! A release is opened the first time a statement names it, as a session of its own in which every name, also inside a
//! view, means what it meant then. It only plans; its plans run in the session that asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result as EngineResult, TableReference};
use datafusion::prelude::SessionContext;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::relations::Relations;
use super::session::{self, Settings};
use crate::catalog::Catalog;
use crate::error::{Error, Kind, Result};
use crate::ledger::Ledger;
use crate::release::AsOf;
use crate::sql::PAST_SCHEMA;
use crate::store::Lake;

/// The releases of a lake, each opened when it is first needed.
#[derive(Debug)]
pub(super) struct Past {
    lake: Lake,
    catalog: Catalog,
    settings: Settings,
    opened: Mutex<BTreeMap<String, Opened>>,
}

/// A release as a session: its number and what its names mean.
#[derive(Clone)]
struct Opened {
    release: u64,
    session: SessionContext,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("release", &self.release).finish_non_exhaustive()
    }
}

impl Past {
    /// The releases of `lake`, with the datasets of `catalog`.
    pub(super) fn new(lake: &Lake, catalog: &Catalog, settings: &Settings) -> Self {
        Self { lake: lake.clone(), catalog: catalog.clone(), settings: settings.clone(), opened: Mutex::default() }
    }

    async fn open(&self, as_of: &str) -> Result<Opened> {
        let known = self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(as_of).cloned();
        if let Some(opened) = known {
            return Ok(opened);
        }
        let wanted: AsOf = as_of.parse().map_err(|error: Error| error.of_kind(Kind::Query))?;
        let manifest = self.lake.releases()?.wanted(&wanted).await?;
        let relations = Arc::new(Relations::of_release(&self.lake, &self.catalog, Some(&manifest))?);
        let runtime = session::runtime(self.lake.stores(), &self.settings)?;
        let ledger = Arc::new(Ledger::new(Arc::clone(&runtime)));
        let session = session::open(runtime, &relations, &self.settings, &ledger, None)?;
        let opened = Opened { release: manifest.release, session };
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).insert(as_of.to_owned(), opened.clone());
        Ok(opened)
    }
}

/// A catalog whose schemas are those of `present` and, for a name such as `@41`, those of another release.
#[derive(Debug)]
pub(super) struct WithPast<C> {
    pub(super) present: C,
    pub(super) past: Arc<Past>,
}

impl<C: CatalogProvider + 'static> CatalogProvider for WithPast<C> {
    fn schema_names(&self) -> Vec<String> {
        self.present.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name.strip_prefix(PAST_SCHEMA) {
            Some(as_of) => Some(Arc::new(PastSchema { as_of: as_of.to_owned(), past: Arc::<Past>::clone(&self.past) })),
            None => self.present.schema(name),
        }
    }
}

/// The tables of one other release, by their full names or by those a query would find.
#[derive(Debug)]
struct PastSchema {
    as_of: String,
    past: Arc<dyn Tables>,
}

/// The tables of other releases. A trait, so that [`PastSchema`] does not name the type of a session: the compiler would
/// walk all of it for every schema.
trait Tables: std::fmt::Debug + Send + Sync {
    /// The table `name` of the release that `as_of` names.
    fn table<'a>(&'a self, as_of: &'a str, name: &'a str) -> BoxFuture<'a, EngineResult<Arc<dyn TableProvider>>>;
}

impl Tables for Past {
    fn table<'a>(&'a self, as_of: &'a str, name: &'a str) -> BoxFuture<'a, EngineResult<Arc<dyn TableProvider>>> {
        async move {
            let told = |error: Error| DataFusionError::External(Box::new(error));
            let opened = self.open(as_of).await.map_err(told)?;
            let reference = TableReference::parse_str(name);
            if !opened.session.table_exist(reference.clone())? {
                let missing = Error::query(format!("release {} has no table `{name}`", opened.release));
                return Err(told(missing.hint(format!("`cauce releases show {}` lists its tables", opened.release))));
            }
            opened.session.table_provider(reference).await
        }
        .boxed()
    }
}

#[async_trait]
impl SchemaProvider for PastSchema {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, name: &str) -> EngineResult<Option<Arc<dyn TableProvider>>> {
        self.past.table(&self.as_of, name).await.map(Some)
    }

    fn table_exist(&self, _: &str) -> bool {
        true
    }
}
