//! A release of a project as a session of the shell.

use arrow::datatypes::Field;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};

use super::project::Project;
use super::run::tell_inferred;
use super::settings::Settings;
use crate::engine::{Engine, quoted, sql_name};
use crate::error::{Result, engine_error};
use crate::ledger::SystemTable;
use crate::name::{Layer, TableName};
use crate::output::Printer;
use crate::release::{AsOf, Kept, Manifest};
use crate::shell::{Answer, ColumnEntry, Session, TableEntry, TableKind};
use crate::sql::Statement;

/// A session over what a release says.
pub(super) struct EngineSession {
    project: Project,
    release: Option<Manifest>,
    engine: Engine,
    printer: Printer,
}

impl EngineSession {
    /// Opens the release of `project` that is wanted; of the newest, also where there is none yet.
    ///
    /// # Errors
    /// A lake that cannot be read, or a release that is not there.
    pub(super) async fn open(project: Project, as_of: AsOf, settings: &Settings) -> Result<Self> {
        let log = project.lake.releases()?;
        let release = match as_of {
            AsOf::Newest => log.newest().await?,
            earlier => Some(log.wanted(&earlier).await?),
        };
        let engine = project.engine(release.as_ref(), &settings.engine(&project.catalog.project))?;
        Ok(Self { project, release, engine, printer: settings.printer.clone() })
    }

    /// The run that made the release.
    pub(super) fn released_run(&self) -> Option<&str> {
        self.release.as_ref().map(|release| release.run.as_str())
    }

    /// What a table's column means, from the catalog or the release.
    fn meaning(&self, table: &TableName, field: &Field) -> String {
        if let Some(system) = SystemTable::of_name(table) {
            return system.meaning(field.name()).to_owned();
        }
        let declared = (table.layer == Layer::Raw).then(|| self.project.catalog.datasets.get(&table.name)).flatten();
        let in_catalog =
            declared.and_then(|dataset| dataset.columns.iter().find(|column| column.name == *field.name()));
        let released = self.release.as_ref().and_then(|release| release.models.get(table));
        let in_release = released.and_then(|model| model.columns.iter().find(|column| column.name == *field.name()));
        let found = in_catalog.map(|column| &column.description).or(in_release.map(|column| &column.description));
        found.cloned().unwrap_or_default()
    }
}

impl Session for EngineSession {
    fn title(&self) -> String {
        let project = &self.project.catalog.project;
        match &self.release {
            Some(release) => format!("{project}:{}", release.release),
            None => project.clone(),
        }
    }

    fn answer<'a>(&'a self, statement: &'a Statement) -> BoxFuture<'a, Result<Answer>> {
        async move {
            let answer = self.engine.answer(statement).await?;
            tell_inferred(&self.printer, &self.engine.relations().take_inferred());
            let rows = answer.stream.map(|batch| batch.map_err(engine_error)).boxed();
            Ok(Answer { schema: answer.schema, rows, rejects: Some(answer.ledger) })
        }
        .boxed()
    }

    fn tables(&self) -> BoxFuture<'_, Result<Vec<TableEntry>>> {
        async move {
            let datasets = self.project.catalog.datasets.values().map(|dataset| TableEntry {
                name: TableName::new(Layer::Raw, &dataset.name),
                kind: TableKind::Dataset,
                description: dataset.description.clone(),
            });
            let models = self.release.iter().flat_map(|release| &release.models).map(|(name, model)| TableEntry {
                name: name.clone(),
                kind: match model.kept {
                    Kept::Table { .. } => TableKind::Table,
                    Kept::View => TableKind::View,
                },
                description: model.description.clone(),
            });
            let system = SystemTable::ALL.into_iter().map(|table| TableEntry {
                name: table.name(),
                kind: TableKind::Table,
                description: table.description().to_owned(),
            });
            Ok(datasets.chain(models).chain(system).collect())
        }
        .boxed()
    }

    fn columns<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<Vec<ColumnEntry>>> {
        async move {
            // Names may hold letters that only quotes keep as they are.
            let all = format!("SELECT * FROM {} LIMIT 0", sql_name(&TableName::new(table.layer, table.name.as_str())));
            let schema = self.engine.schema(&all).await.map_err(|error| error.while_doing(quoted(&table.name)))?;
            Ok(schema
                .fields()
                .iter()
                .map(|field| ColumnEntry {
                    name: field.name().clone(),
                    data_type: field.data_type().clone(),
                    nullable: field.is_nullable(),
                    description: self.meaning(table, field),
                })
                .collect())
        }
        .boxed()
    }
}
