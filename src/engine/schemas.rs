//! The schemas of a session: one a layer, and `public`, where unqualified names are looked up.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result as EngineResult};
use datafusion::datasource::{TableType, ViewTable};
use datafusion::execution::SessionState;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::diagnose::explain;
use super::relations::{Relation, Relations};
use crate::error::Error;
use crate::name::{Layer, TableName};
use crate::sql::Source;

/// How the schemas reach relations and the session.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) relations: Arc<Relations>,
    pub(super) state: Arc<OnceLock<StateRef>>,
}

/// A way to the session's state that does not keep the session alive.
pub(super) struct StateRef(pub(super) Box<dyn Fn() -> Option<SessionState> + Send + Sync>);

impl std::fmt::Debug for StateRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateRef")
    }
}

impl Lookup {
    /// Boxed: what it awaits holds plans, whose types the compiler would walk once more for each schema.
    fn table<'a>(&'a self, name: &'a TableName) -> BoxFuture<'a, EngineResult<Option<Arc<dyn TableProvider>>>> {
        async move {
            match self.relations.get(name) {
                None => Ok(None),
                Some(Relation::View(source)) => self.view(name, &source).await.map(Some),
                Some(relation) => {
                    self.relations.table(relation).await.map_err(|error| DataFusionError::External(Box::new(error)))
                }
            }
        }
        .boxed()
    }

    /// Plans the view's SELECT as of now, so that it reads the same versions as the query it stands in.
    async fn view(&self, name: &TableName, source: &Source) -> EngineResult<Arc<dyn TableProvider>> {
        let gone = || DataFusionError::Internal(format!("the session that plans {name} is gone"));
        let state = self.state.get().and_then(|state| state.0()).ok_or_else(gone)?;
        let in_view =
            |error: Error| DataFusionError::External(Box::new(error.while_doing(format_args!("view {name}"))));
        let statement = source.only_statement().map_err(in_view)?;
        let parsed = statement.parse().map_err(in_view)?;
        let planned = state.statement_to_plan(parsed).await;
        let plan = planned.map_err(|failure| in_view(explain(failure, &statement, &self.relations)))?;
        Ok(Arc::new(ViewTable::new(plan, Some(statement.text().to_owned()))))
    }

    fn table_type(&self, name: &TableName) -> Option<TableType> {
        self.relations.get(name).map(|relation| match relation {
            Relation::View(_) => TableType::View,
            _ => TableType::Base,
        })
    }
}

/// The tables of one layer.
#[derive(Debug)]
pub(super) struct LayerSchema {
    pub(super) layer: Layer,
    pub(super) lookup: Lookup,
}

impl LayerSchema {
    fn full(&self, name: &str) -> TableName {
        TableName::new(self.layer, name)
    }
}

#[async_trait]
impl SchemaProvider for LayerSchema {
    fn table_names(&self) -> Vec<String> {
        let names = self.lookup.relations.names().into_iter();
        names.filter(|name| name.layer == self.layer).map(|name| name.name).collect()
    }

    async fn table(&self, name: &str) -> EngineResult<Option<Arc<dyn TableProvider>>> {
        self.lookup.table(&self.full(name)).await
    }

    async fn table_type(&self, name: &str) -> EngineResult<Option<TableType>> {
        Ok(self.lookup.table_type(&self.full(name)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.lookup.relations.get(&self.full(name)).is_some()
    }
}

/// The schema of unqualified names: it lists nothing of its own and finds a name in the first layer that has it.
#[derive(Debug)]
pub(super) struct SearchSchema {
    pub(super) lookup: Lookup,
}

impl SearchSchema {
    /// The name of the schema, as psql users expect it.
    pub(super) const NAME: &'static str = "public";
}

#[async_trait]
impl SchemaProvider for SearchSchema {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, name: &str) -> EngineResult<Option<Arc<dyn TableProvider>>> {
        match self.lookup.relations.find(name) {
            Some(name) => self.lookup.table(&name).await,
            None => Ok(None),
        }
    }

    async fn table_type(&self, name: &str) -> EngineResult<Option<TableType>> {
        Ok(self.lookup.relations.find(name).and_then(|name| self.lookup.table_type(&name)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.lookup.relations.find(name).is_some()
    }
}
