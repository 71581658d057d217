//! Gathering the many small files of tables that every run appends to.
//!
//! Each run adds a file to every table of schema `system` that it has something for. A table with many of them is written
//! anew as few files; the rows stay, and so does what runs append meanwhile. The small files belong to no version that
//! anybody reads then, and a later cleaning removes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::{Engine, Relation, Relations, Settings, sql_name};
use crate::error::Result;
use crate::ledger::SystemTable;
use crate::name::TableName;
use crate::sql::Source;
use crate::store::Lake;
use crate::table::{newest, stage};

/// A table with more files than these is gathered.
const MANY: usize = 16;

/// The tables with many files, and how many these are.
///
/// # Errors
/// A store that cannot be read.
pub async fn scattered(lake: &Lake) -> Result<BTreeMap<TableName, usize>> {
    let mut scattered = BTreeMap::new();
    for table in SystemTable::ALL {
        let name = table.name();
        if let Some((_, newest)) = newest(lake.stores(), &lake.table(&name)).await? {
            let files = newest.paths().count();
            if files > MANY {
                scattered.insert(name, files);
            }
        }
    }
    Ok(scattered)
}

/// Writes the table `name` anew as few files.
///
/// # Errors
/// A store that cannot be read or written; the table is as it was then.
pub async fn gather(lake: &Lake, name: &TableName, settings: &Settings) -> Result<()> {
    let (stores, place) = (lake.stores(), lake.table(name));
    let Some((version, table)) = newest(stores, &place).await? else { return Ok(()) };
    let relations = Arc::new(Relations::new(lake));
    relations.define(name.clone(), Relation::Staged(Arc::new(table)));
    let engine = Engine::new(stores, relations, settings)?;
    let all = engine.model_plan(&Source::new("clean", &format!("SELECT * FROM {}", sql_name(name)))).await?;
    let staged = stage(all.plan, engine.task(), stores, &place, &[]).await?;
    staged.replace_files_of(stores, version).await.map(|_| ())
}
