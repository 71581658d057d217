//! A release of a project as a session of the shell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::Field;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};

use super::project::Project;
use super::run::tell_inferred;
use super::settings::Settings;
use super::{in_shell, save};
use crate::catalog::Catalog;
use crate::engine::{Engine, FunctionEntry, Inventory, Parameters, quoted, sql_name};
use crate::error::{Result, engine_error};
use crate::ledger::SystemTable;
use crate::model::{Draft, Rule};
use crate::name::{Layer, TableName};
use crate::output::bytes;
use crate::release::{AsOf, Kept, Manifest, Rejections, ReleasedModel};
use crate::shell::{Answer, ColumnEntry, Relationship, Session, TableEntry, TableKind};
use crate::sql::Statement;
use crate::store::Location;

/// A session over what a release says.
pub(super) struct EngineSession {
    project: Project,
    release: Option<Manifest>,
    engine: Engine,
    settings: Settings,
    as_of: AsOf,
}

impl EngineSession {
    /// The project.
    pub(super) fn project(&self) -> &Project {
        &self.project
    }

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
        Ok(Self { project, release, engine, settings: settings.clone(), as_of })
    }

    fn model(&self, table: &TableName) -> Option<&ReleasedModel> {
        self.release.as_ref()?.models.get(table)
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
        match (&self.release, self.as_of) {
            (Some(release), AsOf::Newest) => format!("{project}:{}", release.release),
            (Some(release), _) => format!("{project}@{}", release.release),
            (None, _) => project.clone(),
        }
    }

    fn released_rejects(&self) -> Option<String> {
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let mut whole = BTreeMap::<String, Vec<String>>::new();
        let mut conditions = Vec::new();
        for Rejections { run, table, files } in self.release.as_ref()?.rejections() {
            let table = text(&table.to_string());
            match files {
                None => whole.entry(run).or_default().push(table),
                Some(files) => {
                    let files: Vec<String> = files.into_iter().map(text).collect();
                    let files = files.join(", ");
                    conditions.push(format!("(run = {} AND origin = {table} AND file IN ({files}))", text(&run)));
                }
            }
        }
        let of_run = |(run, tables): (String, Vec<String>)| {
            format!("(run = {} AND origin IN ({}))", text(&run), tables.join(", "))
        };
        conditions.extend(whole.into_iter().map(of_run));
        Some(format!("({})", conditions.join(" OR ")))
    }

    fn answer<'a>(&'a self, statement: &'a Statement, parameters: &'a Parameters) -> BoxFuture<'a, Result<Answer>> {
        async move {
            let answer = self.engine.answer_given(statement, parameters).await?;
            tell_inferred(&self.settings.printer, &self.engine.relations().take_inferred());
            let rows = answer.stream.map(|batch| batch.map_err(engine_error)).boxed();
            Ok(Answer { schema: answer.schema, rows, rejects: Some(answer.ledger), meter: Some(answer.meter) })
        }
        .boxed()
    }

    fn tables(&self) -> BoxFuture<'_, Result<Vec<TableEntry>>> {
        async move {
            let datasets = self.project.catalog.datasets.values().map(|dataset| TableEntry {
                name: TableName::new(Layer::Raw, &dataset.name),
                kind: TableKind::Dataset,
                rows: None,
                bytes: None,
                description: dataset.description.clone(),
            });
            let models = self.release.iter().flat_map(|release| &release.models).map(|(name, model)| TableEntry {
                name: name.clone(),
                kind: match model.kept {
                    Kept::Table { .. } => TableKind::Table,
                    Kept::View => TableKind::View,
                },
                rows: extent(model).map(|(rows, _)| rows),
                bytes: extent(model).map(|(_, bytes)| bytes),
                description: model.description.clone(),
            });
            let written = SystemTable::ALL.into_iter().map(|table| (table.name(), table.description()));
            let told = Inventory::ALL.into_iter().map(|inventory| (inventory.name(), inventory.description()));
            let system = written.chain(told).map(|(name, description)| TableEntry {
                name,
                kind: TableKind::Table,
                rows: None,
                bytes: None,
                description: description.to_owned(),
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

    fn functions(&self) -> Vec<FunctionEntry> {
        self.engine.functions()
    }

    fn definition(&self, table: &TableName) -> Option<String> {
        self.model(table).map(|model| model.sql.clone())
    }

    fn facts(&self, table: &TableName) -> Vec<(&'static str, String)> {
        if table.layer == Layer::Raw {
            let dataset = self.project.catalog.datasets.get(&table.name);
            return dataset.map(|dataset| vec![("files", dataset.path.clone())]).unwrap_or_default();
        }
        let Some(model) = self.model(table) else { return Vec::new() };
        let mut facts = vec![("definition", format!("v{} in {}", model.definition, model.file))];
        if let Some((rows, size)) = extent(model) {
            facts.push(("rows", format!("{} in {}", crate::output::thousands(rows), bytes(size))));
        }
        if !model.grain.is_empty() {
            facts.push(("grain", model.grain.join(", ")));
        }
        let inputs: Vec<String> = model.inputs.iter().map(ToString::to_string).collect();
        facts.push(("reads", inputs.join(", ")));
        if !model.checks.is_empty() {
            let checks = model
                .checks
                .iter()
                .map(|check| if check.passed { check.name.clone() } else { format!("{} (failing)", check.name) });
            facts.push(("checks", checks.collect::<Vec<_>>().join(", ")));
        }
        facts
    }

    fn relationships(&self) -> Vec<Relationship> {
        // They only help typing: models that cannot be read are told by `cauce plan`.
        let Ok(models) = self.project.models() else { return Vec::new() };
        let of_model = |model: &crate::model::Model| {
            let table = model.name.clone();
            model
                .header
                .checks
                .iter()
                .filter_map(move |check| match &check.rule {
                    Rule::Relationship { column, table: to_table, to_column } => Some(Relationship {
                        table: table.clone(),
                        column: column.clone(),
                        to_table: to_table.clone(),
                        to_column: to_column.clone(),
                    }),
                    _ => None,
                })
                .collect::<Vec<_>>()
        };
        models.iter().flat_map(of_model).collect()
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let release = match &self.release {
            Some(release) => format!("{}, published {}", release.release, release.published_at),
            None => "none yet".to_owned(),
        };
        vec![
            ("project", format!("{} in {}", self.project.catalog.project, self.project.root.display())),
            ("lake", self.project.lake.location().to_string()),
            ("release", release),
            ("memory limit", bytes(self.settings.memory_limit() as u64)),
            ("threads", self.settings.threads.to_string()),
            ("cauce", env!("CARGO_PKG_VERSION").to_owned()),
        ]
    }

    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        async move {
            if folder == "s3://" {
                return Ok(buckets(&self.project.catalog));
            }
            let location = Location::parse(folder, &self.project.root)?;
            let names = self.project.lake.stores().list_one_level(&location).await?;
            Ok(names.into_iter().map(|name| format!("{folder}{name}")).collect())
        }
        .boxed()
    }

    fn options(&self, command: &str) -> Vec<(String, String)> {
        in_shell::options(command)
    }

    fn command<'a>(&'a self, words: &'a [String]) -> BoxFuture<'a, Result<()>> {
        let release = self.release.as_ref().map(|release| release.release);
        in_shell::carry_out(words, release, &self.settings).boxed()
    }

    fn save<'a>(&'a self, draft: &'a Draft, replace: bool) -> BoxFuture<'a, Result<()>> {
        save::save(draft, replace, &self.settings).boxed()
    }

    fn at(&self, as_of: AsOf) -> BoxFuture<'_, Result<Arc<dyn Session>>> {
        async move {
            let project = Project::open(&self.settings)?;
            let session: Arc<dyn Session> = Arc::new(Self::open(project, as_of, &self.settings).await?);
            Ok(session)
        }
        .boxed()
    }

    fn renewed(&self) -> BoxFuture<'_, Result<Arc<dyn Session>>> {
        self.at(self.as_of)
    }

    fn newer(&self) -> BoxFuture<'_, Result<Option<u64>>> {
        async move {
            if self.as_of != AsOf::Newest {
                return Ok(None);
            }
            self.project.lake.releases()?.newer_than(self.release.as_ref().map_or(0, |release| release.release)).await
        }
        .boxed()
    }
}

/// The buckets that a catalog speaks of.
fn buckets(catalog: &Catalog) -> Vec<String> {
    let places =
        catalog.datasets.values().map(|dataset| &dataset.path).chain(catalog.stores.keys()).chain([&catalog.lake]);
    let bucket = |place: &String| {
        let (bucket, _) = place.strip_prefix("s3://").map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
        Some(format!("s3://{bucket}/"))
    };
    places.filter_map(bucket).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Rows and bytes of a model that is kept as a table.
fn extent(model: &ReleasedModel) -> Option<(u64, u64)> {
    match model.kept {
        Kept::Table { rows, bytes, .. } => Some((rows, bytes)),
        Kept::View => None,
    }
}
