//! A file of trials as it is written: `tests/models/*.yaml`.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::document::{self, Path, Text, just_unknown, mistakes};
use crate::error::{Finding, Place, Result};
use crate::model::{Model, Models};
use crate::name::{Layer, TableName, did_you_mean};
use crate::sql::{Source, step_of};

/// A row as it is written: values by column.
pub(super) type Row = Map<String, Value>;

/// Tests of one model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tests of a model")]
pub(super) struct TrialsFile {
    /// The model: `curated.kpi_nps`.
    model: String,
    /// The tests by name.
    tests: BTreeMap<String, TrialFile>,
}

/// One test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TrialFile {
    /// A step of the model, a name of its WITH, whose rows are expected instead of the model's.
    cte: Option<String>,
    /// Rows of the datasets and models that the model reads, or of what those read. Columns left out are NULL. A dataset
    /// that is not given has no rows, a model that is not given is computed.
    #[serde(default)]
    given: BTreeMap<String, Vec<Map<String, Value>>>,
    /// The rows that must come of it, all of them, in any order. Columns left out are not looked at.
    expect: Vec<Map<String, Value>>,
}

/// A model, or a step of it, on given rows, with the rows expected.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The model.
    pub model: TableName,
    /// Its own name, unique in its file.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The step of the model that is looked at, as a query; none for the model itself.
    pub(super) step: Option<String>,
    /// The rows given, by table.
    pub(super) given: BTreeMap<TableName, Written>,
    /// The rows expected.
    pub(super) expect: Written,
}

/// Rows as they are written, with the places of all their values.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    pub(super) rows: Vec<Row>,
    /// The place of each row.
    pub(super) places: Vec<Place>,
    /// The place of each value, by row and column.
    pub(super) cells: BTreeMap<(usize, String), Place>,
}

impl Written {
    /// The columns that stand in at least one of the rows, in the order in which they first do.
    pub(super) fn columns(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.rows.iter().flat_map(Map::keys).filter(|key| seen.insert((*key).clone())).cloned().collect()
    }
}

/// Reads a file of trials of `models`.
///
/// # Errors
/// All mistakes of the file, with their places.
pub fn read_trials(file: &str, text: &str, models: &Models) -> Result<Vec<Trial>> {
    let (written, mut notes) = document::read::<TrialsFile>(Text::whole(file, text), just_unknown);
    let mut trials = Vec::new();
    if let Some(written) = written {
        let root = Path::root();
        match find(models, &written.model) {
            Err(finding) => notes.value(&root.then("model"), finding),
            Ok(model) => {
                let below = below(models, model);
                for (name, trial) in written.tests {
                    let here = root.then("tests").then(name.as_str());
                    let place_of = |path: &Path| notes.place_of_value(path);
                    let expect = placed(trial.expect, &here.then("expect"), &place_of);
                    let mut given = BTreeMap::new();
                    let mut findings = Vec::new();
                    for (table, rows) in trial.given {
                        let path = here.then("given").then(table.as_str());
                        match resolve(models, model, &below, &table) {
                            Ok(table) => {
                                given.insert(table, placed(rows, &path, &place_of));
                            }
                            Err(finding) => findings.push((path, finding)),
                        }
                    }
                    let place = notes.place_of_key(&here);
                    for (path, finding) in findings {
                        notes.key(&path, finding);
                    }
                    let step = trial.cte.map(|cte| step_of(&Source::new(&model.file, &model.text), &cte));
                    let step = step.transpose().unwrap_or_else(|finding| {
                        notes.value(&here.then("cte"), finding);
                        None
                    });
                    trials.push(Trial { model: model.name.clone(), name, place, step, given, expect });
                }
            }
        }
    }
    let findings = notes.into_findings();
    if findings.is_empty() { Ok(trials) } else { Err(mistakes(file, findings)) }
}

fn placed(rows: Vec<Row>, here: &Path, place_of: &dyn Fn(&Path) -> Place) -> Written {
    let mut written = Written::default();
    for (index, row) in rows.iter().enumerate() {
        let path = here.then(index);
        written.places.push(place_of(&path));
        for column in row.keys() {
            written.cells.insert((index, column.clone()), place_of(&path.then(column.as_str())));
        }
    }
    written.rows = rows;
    written
}

fn find<'a>(models: &'a Models, name: &str) -> std::result::Result<&'a Model, Finding> {
    let found = name.parse().ok().and_then(|name| models.get(&name));
    found.ok_or_else(|| {
        let finding = Finding::new(format!("there is no model `{name}`"));
        let names: Vec<String> = models.iter().map(|model| model.name.to_string()).collect();
        finding.hint(did_you_mean(name, names.iter().map(String::as_str), "write its layer and name: curated.kpi_nps"))
    })
}

/// Everything a model reads, and what that reads.
fn below(models: &Models, model: &Model) -> BTreeSet<TableName> {
    let mut found = BTreeSet::new();
    let mut left: Vec<TableName> = model.inputs.clone();
    while let Some(name) = left.pop() {
        if let Some(model) = models.get(&name) {
            left.extend(model.inputs.iter().filter(|input| !found.contains(*input)).cloned());
        }
        found.insert(name);
    }
    found
}

fn resolve(
    models: &Models,
    model: &Model,
    below: &BTreeSet<TableName>,
    name: &str,
) -> std::result::Result<TableName, Finding> {
    let parts: Vec<String> = name.split('.').map(str::to_owned).collect();
    let table = models.known().resolve(&parts)?;
    if below.contains(&table) {
        return Ok(table);
    }
    let inputs: Vec<String> = model.inputs.iter().map(ToString::to_string).collect();
    let reads = if inputs.is_empty() { "nothing".to_owned() } else { inputs.join(", ") };
    let what = if table.layer == Layer::Raw { "dataset" } else { "model" };
    Err(Finding::new(format!("{} does not read the {what} {table}", model.name)).hint(format!("it reads {reads}")))
}
