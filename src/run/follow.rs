//! Building an incremental model: what came of the files that changed, beside what the last release has of the others.
//!
//! A file that is as it was, was read as it would be now and stands in the last release is not read again. What was made of
//! a file that is gone or replaced is left behind. The table of `append` is the data files of all files; that of `merge` is
//! put together from such data files, which stand in the table's folder `_parts` and in the release; that of `partition`
//! has each partition from the release that last computed it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, Schema};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use object_store::path::Path;

use super::account::{Accepting, account_of, count};
use super::gather::{parts_of, scattered, without_broken};
use super::side_by_side::side_by_side;
use crate::catalog::Dataset;
use crate::engine::{Engine, Input, Relation, sql_name};
use crate::error::{Error, Result};
use crate::model::{Incremental, Model, Strategy};
use crate::name::{Layer, TableName};
use crate::release::{Followed, FollowedFile, Kept, Part, Partition, ReleasedFile, ReleasedModel};
use crate::sql::Source;
use crate::store::{InputFile, Lake, Location};
use crate::table::{Carried, PARTS, ParquetTable, Staged, carry, data_path, open_version, stage};

/// What it takes to build an incremental model.
#[derive(Debug, Clone)]
pub(super) struct Follow {
    pub(super) model: Model,
    pub(super) incremental: Incremental,
    /// What the last release has; none where nothing of it may be used.
    pub(super) before: Option<ReleasedModel>,
    /// The files of the dataset it follows, if it follows one.
    pub(super) files: Vec<(InputFile, ReleasedFile)>,
    /// Stands for how those files are read.
    pub(super) basis: String,
    /// Partitions that are computed anew although nothing changed.
    pub(super) anew: BTreeSet<Partition>,
    /// The run.
    pub(super) run: String,
    /// Files that are worked on at a time.
    pub(super) at_once: usize,
    /// So many small data files are gathered into few.
    pub(super) gathered_from: usize,
}

/// A model that follows files, as it was built.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) staged: Staged,
    pub(super) followed: Followed,
    /// Rows that newer ones of their key replaced, or that say that the key is gone.
    pub(super) merged: u64,
    /// How many of the files were read.
    pub(super) read: usize,
}

/// A file that is followed.
#[derive(Debug, Clone)]
struct Unit {
    mark: String,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    File(InputFile),
    /// A data file of a table.
    Part(Path),
}

/// The table whose files are followed.
#[derive(Debug, Clone)]
enum Origin {
    Dataset(Arc<Dataset>, Location),
    Table(Arc<ParquetTable>),
}

impl Follow {
    /// Builds the model; its rows are staged and not visible.
    pub(super) async fn build(self, engine: &Engine, lake: &Lake) -> Result<Made> {
        let from = self.input(engine).await?;
        let units = self.units(&from);
        let before = self.before.as_ref().and_then(|before| before.followed.as_ref());
        let before = before.filter(|followed| followed.basis == self.basis).map(|followed| followed.files.clone());
        let before = before.unwrap_or_default();
        let stands =
            |(path, file): &(&String, &FollowedFile)| units.get(*path).is_some_and(|unit| unit.mark == file.mark);
        let known = before.iter().filter(stands).map(|(path, file)| (path.clone(), file.clone())).collect();
        let known = without_broken(&before, known);
        let (engine, lake, table) = (engine.clone(), lake.clone(), lake.table(&self.model.name));
        let work = Arc::new(Work { follow: self, engine, lake, from, units, known, table });
        match &work.follow.incremental.strategy {
            Strategy::Append => work.append().await,
            Strategy::Merge { .. } => work.merge().await,
            Strategy::Partition => work.partition().await,
        }
    }

    async fn input(&self, engine: &Engine) -> Result<Origin> {
        let from = &self.incremental.from;
        match engine.relations().get(from) {
            Some(Relation::Dataset { dataset, location, .. }) => Ok(Origin::Dataset(dataset, location)),
            Some(_) => {
                let table = engine.relations().parquet_table(from).await?;
                Ok(Origin::Table(table.ok_or_else(|| Error::bug(format!("{from} has no files to follow")))?))
            }
            None => Err(Error::bug(format!("{from} is not there"))),
        }
    }

    fn units(&self, from: &Origin) -> BTreeMap<String, Unit> {
        match from {
            Origin::Dataset(..) => {
                let unit = |(file, facts): &(InputFile, ReleasedFile)| {
                    (file.name.clone(), Unit { mark: facts.mark(), place: Place::File(file.clone()) })
                };
                self.files.iter().map(unit).collect()
            }
            Origin::Table(table) => {
                let unit = |path: Path| (path.to_string(), Unit { mark: String::new(), place: Place::Part(path) });
                table.paths().map(unit).collect()
            }
        }
    }
}

/// A model on its way: which files there are, and what is known of those that are as they were.
#[derive(Debug)]
struct Work {
    follow: Follow,
    engine: Engine,
    lake: Lake,
    from: Origin,
    units: BTreeMap<String, Unit>,
    known: BTreeMap<String, FollowedFile>,
    table: Location,
}

impl Work {
    async fn append(self: &Arc<Self>) -> Result<Made> {
        let partition_by = &self.follow.model.header.partition_by;
        let (mut staged, mut files) = self.read_new(&self.table, partition_by, "").await?;
        let read = files.len();
        let scattered = scattered(&self.known, self.follow.gathered_from);
        if let Some(before) = self.version().await?.filter(|_| !scattered.is_empty()) {
            let paths: Result<BTreeSet<Path>> =
                parts_of(scattered.values()).iter().map(|part| data_path(&self.table, &part.path)).collect();
            let few = before.only(&paths?);
            let few = self.gather(few, scattered, &self.table, partition_by, "", &mut files).await?;
            staged = staged.and(few);
        }
        let stays = self.known.iter().filter(|(path, _)| !files.contains_key(*path));
        let parts = parts_of(stays.map(|(_, file)| file));
        let parts: BTreeSet<&str> = parts.iter().map(|part| part.path.as_str()).collect();
        let carried = self.carry(|path, _| parts.contains(path)).await?;
        if carried.count() != parts.len() {
            let version = format!("{} lacks data files of the last release", self.follow.model.name);
            return Err(Error::store(version).hint("build it anew with `cauce run --full-refresh`"));
        }
        let followed = self.followed(files);
        Ok(Made { staged: staged.beside(carried), followed, merged: 0, read })
    }

    async fn merge(self: &Arc<Self>) -> Result<Made> {
        let place = self.table.join(PARTS);
        let (mut aside, mut files) = self.read_new(&place, &[], PARTS).await?;
        let read = files.len();
        let scattered = scattered(&self.known, self.follow.gathered_from);
        if !scattered.is_empty() {
            let few = self.of_parts(scattered.values(), aside.schema())?;
            let few = self.gather(few, scattered, &place, &[], PARTS, &mut files).await?;
            aside = aside.and(few);
        }
        let followed = self.followed(files);
        let rows: u64 = followed.files.values().map(rows_of_file).sum();
        let all = self.of_parts(followed.files.values(), aside.schema())?;
        let model = &self.follow.model;
        let engine = self.engine.meaning_by(&model.name, Relation::Staged(Arc::new(all)))?;
        let plan = engine.newest_rows(model, &self.follow.incremental.strategy).await?.plan;
        let staged = self.stage(&engine, plan, &self.table, &model.header.partition_by).await?;
        let merged = rows.saturating_sub(staged.rows());
        Ok(Made { staged, followed, merged, read })
    }

    async fn partition(self: &Arc<Self>) -> Result<Made> {
        let model = &self.follow.model;
        let (source, partition_by) = (source_of(model), &model.header.partition_by);
        let found = self.for_each_new(Self::partitions_of).await?;
        let gone = self.before().flat_map(|before| &before.files).filter(|(path, _)| !self.known.contains_key(*path));
        let mut touched = self.follow.anew.clone();
        touched.extend(found.values().chain(gone.map(|(_, file)| file)).flat_map(|file| file.partitions.clone()));
        let mut read: BTreeSet<String> = found.keys().cloned().collect();
        let mut followed = self.followed(found);
        // All files that have rows for those partitions.
        let feeds = |file: &FollowedFile| file.partitions.iter().any(|partition| touched.contains(partition));
        let feeding: Vec<String> =
            followed.files.iter().filter(|(_, file)| feeds(file)).map(|(path, _)| path.clone()).collect();
        for path in &feeding {
            if let Some(file) = followed.files.get_mut(path) {
                file.run.clone_from(&self.follow.run);
            }
        }
        let engine = self.reading(&feeding)?;
        read.extend(feeding);
        let plan = engine.model_plan_in(&source, partition_by, &touched).await.map_err(|error| self.in_model(error))?;
        let staged = self.stage(&engine, plan.plan, &self.table, partition_by).await?;
        let carried = self.carry(|_, partition| !touched.contains(partition)).await?;
        Ok(Made { staged: staged.beside(carried), followed, merged: 0, read: read.len() })
    }

    /// The table that the data files of these files are, beside the table itself.
    fn of_parts<'f>(
        &self,
        files: impl Iterator<Item = &'f FollowedFile> + Clone,
        schema: &Schema,
    ) -> Result<ParquetTable> {
        let rows = files.clone().map(rows_of_file).sum();
        let parts: Vec<(String, u64)> = parts_of(files).into_iter().map(|part| (part.path, part.bytes)).collect();
        ParquetTable::of_parts(&self.table, schema, &parts, rows)
    }

    /// Writes the rows of `scattered` files, which `table` has, anew under `place`, as few data files that they share, and
    /// says so in `files`.
    async fn gather(
        &self,
        table: ParquetTable,
        scattered: BTreeMap<String, FollowedFile>,
        place: &Location,
        partition_by: &[String],
        below: &str,
        files: &mut BTreeMap<String, FollowedFile>,
    ) -> Result<Staged> {
        let name = &self.follow.model.name;
        let engine = self.engine.meaning_by(name, Relation::Staged(Arc::new(table)))?;
        let all = Source::new(&self.follow.model.file, &format!("SELECT * FROM {}", sql_name(name)));
        let plan = engine.model_plan(&all).await.map_err(|error| self.in_model(error))?;
        // Each partition of a plan would be a file of its own.
        let one = Arc::new(CoalescePartitionsExec::new(plan.plan));
        let staged = self.stage(&engine, one, place, partition_by).await?;
        let parts = parts_below(&staged, below)?;
        files.extend(scattered.into_iter().map(|(path, file)| (path, FollowedFile { parts: parts.clone(), ..file })));
        Ok(staged)
    }

    /// The version of the table that the last release has.
    async fn version(&self) -> Result<Option<ParquetTable>> {
        match self.follow.before.as_ref().map(|before| &before.kept) {
            Some(Kept::Table { at, .. }) => open_version(self.lake.stores(), &self.table, at).await.map(Some),
            _ => Ok(None),
        }
    }

    fn before(&self) -> impl Iterator<Item = &Followed> {
        self.follow.before.iter().filter_map(|before| before.followed.as_ref())
    }

    /// What is known of files that are as they were, and what was made of the others.
    fn followed(&self, new: BTreeMap<String, FollowedFile>) -> Followed {
        let mut files = self.known.clone();
        files.extend(new);
        Followed { basis: self.follow.basis.clone(), files }
    }

    /// The files of the last release's version that `keep` accepts.
    async fn carry(&self, keep: impl Fn(&str, &Partition) -> bool) -> Result<Carried> {
        match self.follow.before.as_ref().map(|before| &before.kept) {
            Some(Kept::Table { at, .. }) if !self.known.is_empty() => {
                carry(self.lake.stores(), &self.table, at, keep).await
            }
            _ => Ok(Carried::default()),
        }
    }

    /// Reads every file that is not known, by itself, into data files of its own under `place`; `below` is that place as
    /// seen from the table's folder.
    async fn read_new(
        self: &Arc<Self>,
        place: &Location,
        partition_by: &[String],
        below: &'static str,
    ) -> Result<(Staged, BTreeMap<String, FollowedFile>)> {
        let (to, by) = (place.clone(), partition_by.to_vec());
        let read = self.for_each_new(move |work, path| work.read_one(path, to.clone(), by.clone(), below)).await?;
        let (mut several, mut files) = (Vec::new(), BTreeMap::new());
        for (path, (staged, file)) in read {
            several.push(staged);
            files.insert(path, file);
        }
        if let Some(staged) = Staged::together(several) {
            return Ok((staged, files));
        }
        // Nothing is new; the columns are still needed.
        let engine = self.reading([] as [&String; 0])?;
        let plan = engine.model_plan(&source_of(&self.follow.model)).await.map_err(|error| self.in_model(error))?;
        Ok((self.stage(&engine, plan.plan, place, partition_by).await?, files))
    }

    /// Does `each` for every file that is not known, some at a time; what came of them, by path.
    async fn for_each_new<T, F>(self: &Arc<Self>, each: impl Fn(Arc<Self>, String) -> F) -> Result<BTreeMap<String, T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let new = self.units.keys().filter(|path| !self.known.contains_key(*path)).cloned();
        let work = new.map(|path| {
            let work = each(Arc::clone(self), path.clone());
            async move { Ok((path, work.await?)) }
        });
        let mut done = BTreeMap::new();
        side_by_side("a file's reader", self.follow.at_once, work.collect(), |(path, made)| {
            done.insert(path, made);
        })
        .await?;
        Ok(done)
    }

    /// The rows that one file gives by itself, staged.
    async fn read_one(
        self: Arc<Self>,
        path: String,
        place: Location,
        partition_by: Vec<String>,
        below: &'static str,
    ) -> Result<(Staged, FollowedFile)> {
        let (model, from) = (&self.follow.model, &self.follow.incremental.from);
        let engine = self.reading([&path])?;
        let mut accepting = None;
        if let Some(accept) = &model.header.accept {
            let (engine, table) = engine.accepting(model, accept).await?;
            accepting = Some(Accepting { engine, table, from: from.clone() });
        }
        let planner = accepting.as_ref().map_or(&engine, |accepting| &accepting.engine);
        let plan = planner.model_plan(&source_of(model)).await.map_err(|error| self.in_model(error))?;
        let staged = self.stage(&engine, Arc::clone(&plan.plan), &place, &partition_by).await?;
        let rows_in = rows_of(&engine, from, &path).await?;
        let inputs = BTreeMap::from([(from.clone(), rows_in)]);
        let account = account_of(model, Some(&plan), accepting.as_ref(), staged.rows(), inputs).await?;
        let parts = parts_below(&staged, below)?;
        Ok((staged, FollowedFile { parts, account: Some(account), ..self.read_now(&path) }))
    }

    /// The partitions that one file has rows for.
    async fn partitions_of(self: Arc<Self>, path: String) -> Result<FollowedFile> {
        let model = &self.follow.model;
        let found = self
            .reading([&path])?
            .partitions(&source_of(model), &self.follow.incremental.from, &model.header.partition_by)
            .await;
        let partitions = found.map_err(|error| self.in_model(error))?.into_iter().collect();
        Ok(FollowedFile { partitions, ..self.read_now(&path) })
    }

    /// What is known of a file as soon as this run reads it.
    fn read_now(&self, path: &str) -> FollowedFile {
        let mark = self.units.get(path).map(|unit| unit.mark.clone()).unwrap_or_default();
        FollowedFile { mark, run: self.follow.run.clone(), ..FollowedFile::default() }
    }

    async fn stage(
        &self,
        engine: &Engine,
        plan: Arc<dyn ExecutionPlan>,
        place: &Location,
        partition_by: &[String],
    ) -> Result<Staged> {
        let staged = stage(plan, engine.task(), self.lake.stores(), place, partition_by).await;
        staged.map_err(|error| self.in_model(error))
    }

    /// The engine in which the input has these files alone.
    fn reading<'p>(&self, paths: impl IntoIterator<Item = &'p String>) -> Result<Engine> {
        let units: Vec<&Unit> = paths.into_iter().filter_map(|path| self.units.get(path)).collect();
        let relation = match &self.from {
            Origin::Dataset(dataset, _) if units.is_empty() => Relation::columns_alone(dataset.schema()),
            Origin::Dataset(dataset, location) => {
                let file = |unit: &&Unit| match &unit.place {
                    Place::File(file) => Some(file.clone()),
                    Place::Part(_) => None,
                };
                let input = Input::Files(units.iter().filter_map(file).collect());
                Relation::Dataset { dataset: Arc::clone(dataset), location: location.clone(), input }
            }
            Origin::Table(table) => {
                let part = |unit: &&Unit| match &unit.place {
                    Place::Part(path) => Some(path.clone()),
                    Place::File(_) => None,
                };
                Relation::Staged(Arc::new(table.only(&units.iter().filter_map(part).collect())))
            }
        };
        self.engine.meaning_by(&self.follow.incremental.from, relation)
    }

    fn in_model(&self, error: Error) -> Error {
        error.while_doing(format_args!("model {}", self.follow.model.name))
    }
}

fn source_of(model: &Model) -> Source {
    Source::new(&model.file, &model.text)
}

/// The data files of `staged`, which stand in the folder `below` that of their table.
fn parts_below(staged: &Staged, below: &str) -> Result<Vec<Part>> {
    let in_table = |(path, bytes): (String, u64)| {
        let path = if below.is_empty() { path } else { format!("{below}/{path}") };
        Part { path, bytes }
    };
    Ok(staged.parts()?.into_iter().map(in_table).collect())
}

/// The rows that a file gave.
fn rows_of_file(file: &FollowedFile) -> u64 {
    file.account.as_ref().map_or(0, |account| account.rows)
}

/// The rows of one file of `from`, which is all that the name means to `engine`.
async fn rows_of(engine: &Engine, from: &TableName, path: &str) -> Result<u64> {
    let taken = || engine.ledger().taken(&from.name, [path]).filter(|_| from.layer == Layer::Raw);
    if let Some(taken) = taken() {
        return Ok(taken.rows);
    }
    let counted = engine.rows(&count(from)).await?;
    if let Some(taken) = taken() {
        return Ok(taken.rows);
    }
    let rows = counted
        .iter()
        .filter(|batch| batch.num_rows() > 0)
        .map(|batch| batch.column(0).as_primitive::<Int64Type>().value(0));
    Ok(rows.sum::<i64>().unsigned_abs())
}
