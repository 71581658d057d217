//! The corrections that readers of raw files go by: read from the lake once a session, when the first file is read.

use std::sync::Arc;

use datafusion::catalog::{Session, TableProvider};
use datafusion::physical_plan::collect;
use tokio::sync::OnceCell;

use crate::error::{Result, engine_error};
use crate::ledger::Corrections;
use crate::store::{Location, Stores};
use crate::table::open_newest;

/// The corrections of a lake.
///
/// All scans of a session go by the same ones, so that a run counts the same rows wherever it reads a file.
#[derive(Debug)]
pub(super) struct KeptCorrections {
    stores: Arc<Stores>,
    location: Location,
    read: OnceCell<Arc<Corrections>>,
}

impl KeptCorrections {
    /// Those in the table at `location`.
    pub(super) fn new(stores: &Arc<Stores>, location: Location) -> Self {
        Self { stores: Arc::clone(stores), location, read: OnceCell::new() }
    }

    /// These, whatever the lake has.
    pub(super) fn only(&self, corrections: Arc<Corrections>) -> Self {
        Self {
            stores: Arc::clone(&self.stores),
            location: self.location.clone(),
            read: OnceCell::new_with(Some(corrections)),
        }
    }

    /// The corrections, read by means of `state` if nobody has read them yet.
    ///
    /// # Errors
    /// A lake that cannot be read.
    pub(super) async fn get(&self, state: &dyn Session) -> Result<Arc<Corrections>> {
        let read = || async {
            let Some(table) = open_newest(&self.stores, &self.location).await? else { return Ok(Arc::default()) };
            let plan = table.scan(state, None, &[], None).await.map_err(engine_error)?;
            let rows = collect(plan, state.task_ctx()).await.map_err(engine_error)?;
            Corrections::of_rows(&rows).map(Arc::new)
        };
        self.read.get_or_try_init(read).await.cloned()
    }
}
