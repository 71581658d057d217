//! What a run starts from: the input files and the last release.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use futures::future::try_join_all;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::Run;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::ingest::{differences, with_found_columns};
use crate::model::Models;
use crate::name::Layer;
use crate::plan::{ListedFile, Plan};
use crate::release::ReleasedFile;
use crate::store::{InputFile, Lake};

/// Files whose beginnings are read at a time: a store far away answers many at once as soon as one.
const FILES_AT_ONCE: usize = 16;

/// The files of each dataset that a model reads, as they were found.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The files by dataset, each list sorted by path.
    pub files: BTreeMap<String, Vec<InputFile>>,
}

impl Inputs {
    /// Leaves the files that `plan` reads.
    pub(super) fn retain(&mut self, plan: &Plan) {
        for (name, files) in &mut self.files {
            let planned: BTreeSet<&str> =
                plan.datasets.get(name).into_iter().flatten().map(|file| file.path.as_str()).collect();
            files.retain(|file| planned.contains(file.name.as_str()));
        }
        self.files.retain(|_, files| !files.is_empty());
    }
}

/// The datasets that models and checks of `plan` read whole, and those of which models follow the files.
pub(super) fn read_by(run: Run<'_>, plan: &Plan) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut whole, mut followed) = (BTreeSet::new(), BTreeSet::new());
    for model in plan.works().filter_map(|step| run.models.get(&step.model)) {
        let follows = model.header.incremental.as_ref().map(|incremental| &incremental.from);
        for input in model.inputs.iter().filter(|input| input.layer == Layer::Raw) {
            if follows == Some(input) { &mut followed } else { &mut whole }.insert(input.name.clone());
        }
    }
    let checked = plan.checks().filter_map(|step| run.models.get(&step.model)).flat_map(|model| &model.check_inputs);
    whole.extend(checked.filter(|input| input.layer == Layer::Raw).map(|input| input.name.clone()));
    (whole, followed)
}

/// Looks at the beginning of every input file: what identifies it, and how it differs from what the catalog says.
///
/// # Errors
/// A store that cannot be read.
pub async fn compare_inputs(catalog: &Catalog, inputs: &Inputs) -> Result<BTreeMap<String, Vec<ListedFile>>> {
    let mut listed = BTreeMap::new();
    for (name, files) in &inputs.files {
        let Some(dataset) = catalog.datasets.get(name) else { continue };
        let compared = stream::iter(files.iter().cloned())
            .map(|file| async move {
                let differences = differences(dataset, &file).await?;
                Ok::<_, Error>(ListedFile { facts: facts(&file), differences })
            })
            .buffered(FILES_AT_ONCE);
        listed.insert(name.clone(), compared.try_collect().await?);
    }
    Ok(listed)
}

/// The catalog with the columns of datasets that leave them out, as their files have them, and those datasets' names.
///
/// # Errors
/// Files that cannot be read.
pub async fn complete(catalog: &Catalog, inputs: &Inputs) -> Result<(Catalog, Vec<String>)> {
    let mut complete = catalog.clone();
    let mut inferred = Vec::new();
    for (name, files) in &inputs.files {
        let Some(dataset) = complete.datasets.get_mut(name).filter(|dataset| dataset.columns.is_empty()) else {
            continue;
        };
        *dataset = with_found_columns(dataset, files).await?;
        inferred.push(name.clone());
    }
    Ok((complete, inferred))
}

/// What identifies a file, for the plan and the manifest.
fn facts(file: &InputFile) -> ReleasedFile {
    ReleasedFile {
        path: file.name.clone(),
        size: file.meta.size,
        modified: file.meta.last_modified.to_rfc3339_opts(SecondsFormat::Millis, true),
        etag: file.meta.e_tag.clone(),
    }
}

/// Finds the input files of every dataset that a model or its checks read.
///
/// # Errors
/// As [`list_datasets`].
pub async fn list_inputs(lake: &Lake, catalog: &Catalog, models: &Models) -> Result<Inputs> {
    let read = models.iter().flat_map(|model| model.inputs.iter().chain(&model.check_inputs));
    let names = read.filter(|input| input.layer == Layer::Raw).map(|input| input.name.clone()).collect();
    list_datasets(lake, catalog, names).await
}

/// Finds the input files of the datasets `names`.
///
/// # Errors
/// All datasets without files in one error, or a store that cannot be reached.
pub async fn list_datasets(lake: &Lake, catalog: &Catalog, names: BTreeSet<String>) -> Result<Inputs> {
    let datasets = names.iter().filter_map(|name| catalog.datasets.get(name));
    let listings = datasets.map(|dataset| async move {
        let location = lake.input(dataset)?;
        let listed = lake.stores().list(&location, dataset.format.ending()).await;
        Ok::<_, Error>((dataset.name.clone(), listed))
    });
    let mut inputs = Inputs::default();
    let mut missing: Option<Error> = None;
    for (name, listed) in try_join_all(listings).await? {
        match (listed, missing.take()) {
            (Ok(files), before) => {
                inputs.files.insert(name, files);
                missing = before;
            }
            (Err(error), None) => missing = Some(error.while_doing(format_args!("dataset {name}"))),
            (Err(error), Some(before)) => {
                missing = Some(before.finding(crate::error::Finding::new(format!("dataset {name}: {error}"))));
            }
        }
    }
    match missing {
        Some(error) => Err(error),
        None => Ok(inputs),
    }
}
