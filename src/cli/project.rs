//! Finding and reading a project: `catalog.yaml` and the model files under `sql/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::settings::{Settings, program, working_folder};
use super::test::TESTS;
use crate::catalog::Catalog;
use crate::engine::{self, Engine};
use crate::error::{Error, Result, io_reason};
use crate::model::{Models, unknown_layer};
use crate::name::{Layer, TableName, did_you_mean};
use crate::output::counted;
use crate::release::Manifest;
use crate::store::{Lake, Stores};
use crate::trial::{Trial, read_trials};

/// The file that makes a folder a project.
pub(super) const CATALOG_FILE: &str = "catalog.yaml";

/// A project: its catalog and where everything of it is.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) root: PathBuf,
    pub(super) catalog: Catalog,
    pub(super) lake: Lake,
}

impl Project {
    /// The project that the settings name, or the nearest one at or above the working directory.
    ///
    /// # Errors
    /// No project, or all mistakes of its catalog.
    pub(super) fn open(settings: &Settings) -> Result<Self> {
        let here = working_folder()?;
        let root = root(settings, &here)?.ok_or_else(|| no_project(&here))?;
        let file = root.join(CATALOG_FILE);
        let catalog = Catalog::parse(&read(&file)?, &shown(&file, &here))?;
        let catalog = match &settings.target {
            Some(target) => catalog.for_target(target)?,
            None => catalog,
        };
        let stores = Arc::new(Stores::new(catalog.stores.clone()));
        let lake = Lake::new(&catalog, &root, stores)?;
        Ok(Self { root, catalog, lake })
    }

    /// The project's models.
    ///
    /// # Errors
    /// All mistakes of all model files.
    pub(super) fn models(&self) -> Result<Models> {
        let files = self.model_texts()?;
        if files.is_empty() {
            return Err(Error::usage(format!(
                "there is no model under {}",
                shown(&self.root.join("sql"), &working_folder()?)
            ))
            .hint("a model is a SELECT in sql/processed/NAME.sql or sql/curated/NAME.sql"));
        }
        Models::parse(files, &self.catalog)
    }

    /// The project's models, with `text` as the model `name`.
    ///
    /// # Errors
    /// All mistakes of all model files.
    pub(super) fn models_with(&self, name: &TableName, text: &str) -> Result<Models> {
        let mut files = self.model_texts()?;
        files.retain(|(other, ..)| other != name);
        files.push((name.clone(), shown(&self.model_file(name), &working_folder()?), text.to_owned()));
        Models::parse(files, &self.catalog)
    }

    /// The file of the model `name`.
    pub(super) fn model_file(&self, name: &TableName) -> PathBuf {
        self.root.join(name.model_file())
    }

    /// The models' names, files as a person would write them, and texts.
    fn model_texts(&self) -> Result<Vec<(TableName, String, String)>> {
        let here = working_folder()?;
        let sql = self.root.join("sql");
        let mut files = Vec::new();
        let mut strangers = Vec::new();
        for folder in entries(&sql)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let layer = name.parse().ok().filter(|layer| Layer::OF_MODELS.contains(layer));
            for file in model_files(&folder)? {
                let shown = shown(&file, &here);
                let Some(layer) = layer else {
                    strangers.push(unknown_layer(&shown, &name));
                    continue;
                };
                let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                files.push((TableName::new(layer, stem), shown, read(&file)?));
            }
        }
        if strangers.is_empty() {
            return Ok(files);
        }
        Err(Error::usage("sql/ holds files that are no models").findings(strangers))
    }

    /// The tests of its models.
    ///
    /// # Errors
    /// All mistakes of all files of tests.
    pub(super) fn trials(&self, models: &Models) -> Result<Vec<Trial>> {
        let here = working_folder()?;
        let (mut trials, mut findings) = (Vec::new(), Vec::new());
        for file in entries(&self.root.join(TESTS))? {
            if !file.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
                continue;
            }
            match read_trials(&shown(&file, &here), &read(&file)?, models) {
                Ok(of_file) => trials.extend(of_file),
                Err(wrong) => findings.extend(wrong.all_findings().to_vec()),
            }
        }
        if findings.is_empty() {
            return Ok(trials);
        }
        Err(Error::usage(format!("{TESTS} has {}", counted(findings.len(), "mistake"))).findings(findings))
    }

    /// The datasets of these names, all of them if none is named.
    ///
    /// # Errors
    /// A name that no dataset has.
    pub(super) fn chosen(&self, names: &[String]) -> Result<BTreeSet<String>> {
        if names.is_empty() {
            return Ok(self.catalog.datasets.keys().cloned().collect());
        }
        let known = |name: &String| {
            let name = name.strip_prefix("raw.").unwrap_or(name);
            if self.catalog.datasets.contains_key(name) {
                return Ok(name.to_owned());
            }
            let error = Error::usage(format!("there is no dataset `{name}` in {CATALOG_FILE}"));
            let names = self.catalog.datasets.keys().map(String::as_str);
            Err(error.hint(did_you_mean(
                name,
                names.clone(),
                format!("the datasets are {}", names.collect::<Vec<_>>().join(", ")),
            )))
        };
        names.iter().map(known).collect()
    }

    /// A session in which names mean what `release` says.
    ///
    /// # Errors
    /// A dataset whose path is no place, or settings the engine does not accept.
    pub(super) fn engine(&self, release: Option<&Manifest>, settings: &engine::Settings) -> Result<Engine> {
        Engine::of_release(&self.lake, &self.catalog, release, settings)
    }
}

/// The folder of the project that the settings name, or of the nearest one at or above `here`, if there is one.
///
/// # Errors
/// A folder that was named and is no project.
pub(super) fn root(settings: &Settings, here: &Path) -> Result<Option<PathBuf>> {
    let is_project = |folder: &Path| folder.join(CATALOG_FILE).is_file();
    match &settings.project {
        Some(named) => Some(here.join(named)).filter(|folder| is_project(folder)).map(Some).ok_or_else(|| {
            Error::usage(format!("{} is not a project: it holds no {CATALOG_FILE}", named.display())).hint(format!(
                "`{} init {}` makes one there",
                program(),
                named.display()
            ))
        }),
        None => Ok(here.ancestors().find(|folder| is_project(folder)).map(Path::to_owned)),
    }
}

fn no_project(here: &Path) -> Error {
    Error::usage(format!("there is no project here: no {CATALOG_FILE} in {} or above it", here.display())).hint(
        format!("`{0} init DIR` makes a small one, `{0} demo` a whole bank; or name one with --project DIR", program()),
    )
}

/// The `.sql` files of a folder, sorted. A name that begins with a dot is a file of an editor.
fn model_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let is_model = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "sql");
    let is_hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    if !folder.is_dir() {
        return Ok(if is_model(&folder.to_owned()) { vec![folder.to_owned()] } else { Vec::new() });
    }
    Ok(entries(folder)?.into_iter().filter(|path| is_model(path) && !is_hidden(path)).collect())
}

/// What a folder holds, sorted; nothing if it does not exist.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let cannot =
        |failure: std::io::Error| Error::store(format!("cannot read {}: {}", folder.display(), io_reason(&failure)));
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        paths.push(entry.map_err(cannot)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn read(file: &Path) -> Result<String> {
    let cannot = |failure| Error::store(format!("cannot read {}: {}", file.display(), io_reason(&failure)));
    let bytes = fs::read(file).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|wrong| {
        let valid = String::from_utf8_lossy(&wrong.as_bytes()[..wrong.utf8_error().valid_up_to()]);
        let line = valid.matches('\n').count() + 1;
        Error::usage(format!("{}: line {line} is not UTF-8", file.display())).hint("save the file as UTF-8")
    })
}

/// A path as a person in `here` would write it.
pub(super) fn shown(path: &Path, here: &Path) -> String {
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
