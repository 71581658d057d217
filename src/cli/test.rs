//! `cauce test`: models tried on given rows, without data and without a release.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use clap::Args;

use super::project::Project;
use super::selection::{Wanted, one};
use super::settings::{Settings, working_folder};
use crate::error::{Error, Kind, Result, io_reason};
use crate::model::Models;
use crate::name::{TableName, did_you_mean};
use crate::output::{Case, Ended, Printer, Target, counted, duration, write_junit};
use crate::trial::{Difference, Differences, Stage, Trial, record};

/// Try the models on the rows given in tests/models/*.yaml, in memory
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only tests of these models (chosen as `cauce run` does: name, +name, layer/, changed+), or of this name
    #[arg(value_name = "SELECT")]
    select: Vec<String>,
    /// Write a report for continuous integration
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a test of this model from some live rows, instead of trying
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["select", "junit"])]
    record: Option<String>,
    /// With --record: rows of each table that the model reads
    #[arg(long, value_name = "N", default_value_t = 5, requires = "record")]
    rows: usize,
}

pub(super) async fn test(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let models = project.models()?;
    let engine = settings.engine(&project.catalog.project);
    let stage = Stage::new(&project.catalog, &models, &project.lake, &engine)?;
    if let Some(name) = &arguments.record {
        return write(name, arguments.rows, &project, &models, &stage, settings).await;
    }
    let printer = &settings.printer;
    let all = project.trials(&models)?;
    if all.is_empty() {
        return Err(Error::usage("there are no tests: no file tests/models/*.yaml")
            .hint("`cauce test --record MODEL` writes one from live rows; docs/checks.md tells how they look"));
    }
    let trials = chosen(all, &arguments.select, &project, &models, settings).await?;
    let mut cases = Vec::with_capacity(trials.len());
    let mut failed = 0;
    for trial in &trials {
        let verdict = stage.carry_out(trial).await?;
        let ended = match &verdict.differences {
            None => {
                printer.done(format_args!("{} · {}  {}", trial.model, trial.name, duration(verdict.elapsed)));
                Ended::Passed
            }
            Some(differences) => {
                failed += 1;
                let sentence = sentence(trial, differences, verdict.left_out);
                let rows = table(differences)?;
                printer.warn_with_whole_rows(&sentence, std::slice::from_ref(&rows))?;
                Ended::Failed(sentence, as_text(differences))
            }
        };
        let seconds = Some(verdict.elapsed.as_secs_f64());
        cases.push(Case { class: trial.model.to_string(), name: trial.name.clone(), seconds, ended });
    }
    if let Some(file) = &arguments.junit {
        write_junit(Target::file(file)?, "cauce test", &cases)?;
    }
    if failed == 0 {
        printer.done(format_args!("{} passed", counted(trials.len(), "test")));
        return Ok(());
    }
    Err(Error::new(Kind::Check, format!("{failed} of {} failed", counted(trials.len(), "test")))
        .hint("correct the model, or what the test expects"))
}

/// The trials that are asked for by their own name, or by a selector of their models.
async fn chosen(
    trials: Vec<Trial>,
    select: &[String],
    project: &Project,
    models: &Models,
    settings: &Settings,
) -> Result<Vec<Trial>> {
    if select.is_empty() {
        return Ok(trials);
    }
    let (own, selectors): (Vec<String>, Vec<String>) =
        select.iter().cloned().partition(|wanted| trials.iter().any(|trial| trial.name == *wanted));
    let mut of_models = BTreeSet::new();
    for selector in selectors {
        let found = Wanted::only(vec![selector.clone()]).find(project, models, settings).await;
        let tested = |name: &TableName| trials.iter().any(|trial| trial.model == *name);
        match found {
            Ok(found) if found.iter().any(tested) => of_models.extend(found),
            // A name of nothing at all may be meant for a model or for a test.
            Err(error) if error.kind() != Kind::Usage => return Err(error),
            Ok(_) | Err(_) => {
                let names = |trial: &Trial| [trial.model.to_string(), trial.model.name.clone(), trial.name.clone()];
                let known: Vec<String> = trials.iter().flat_map(names).collect();
                let known = known.iter().map(String::as_str);
                let error = Error::usage(format!("there is no test of `{selector}`"));
                let otherwise = "`cauce test` without a name tries all of them";
                return Err(error.hint(did_you_mean(&selector, known, otherwise)));
            }
        }
    }
    let is_wanted = |trial: &Trial| own.contains(&trial.name) || of_models.contains(&trial.model);
    Ok(trials.into_iter().filter(is_wanted).collect())
}

fn sentence(trial: &Trial, differences: &Differences, left_out: u64) -> String {
    let count = |what: Difference| differences.rows.iter().filter(|(difference, ..)| *difference == what).count();
    let told: Vec<String> = [Difference::Missing, Difference::Unexpected, Difference::Changed]
        .into_iter()
        .map(|what| (count(what), what))
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, what)| format!("{} {}", counted(rows, "row"), what.as_str()))
        .collect();
    let left_out = match left_out {
        0 => String::new(),
        rows => format!(" ({} given and not accepted)", counted(usize::try_from(rows).unwrap_or(usize::MAX), "row")),
    };
    format!("{}: test `{}` of {} fails: {}{left_out}", trial.place, trial.name, trial.model, told.join(", "))
}

/// The rows that differ: what is wrong with each, the line where it is expected, and its values.
fn table(differences: &Differences) -> Result<RecordBatch> {
    let texts = |values: Vec<Option<String>>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    let rows = &differences.rows;
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("row".to_owned(), texts(rows.iter().map(|(what, ..)| Some(what.as_str().to_owned())).collect())),
        ("line".to_owned(), texts(rows.iter().map(|(_, at, _)| at.as_ref().map(|at| at.line.to_string())).collect())),
    ];
    for (index, name) in differences.columns.iter().enumerate() {
        columns.push((name.clone(), texts(rows.iter().map(|(.., values)| values.get(index).cloned()).collect())));
    }
    RecordBatch::try_from_iter(columns).map_err(|failure| Error::bug(failure.to_string()))
}

fn as_text(differences: &Differences) -> String {
    let line = |(what, _, values): &(Difference, _, Vec<String>)| {
        let cells: Vec<String> =
            differences.columns.iter().zip(values).map(|(name, value)| format!("{name}: {value}")).collect();
        format!("{} {}\n", what.as_str(), cells.join(", "))
    };
    differences.rows.iter().map(line).collect()
}

/// Writes a test of the model `name`.
async fn write(
    name: &str,
    rows: usize,
    project: &Project,
    models: &Models,
    stage: &Stage<'_>,
    settings: &Settings,
) -> Result<()> {
    let model = one(models, name)?;
    let release = project.lake.releases()?.newest().await?;
    let release = release.ok_or_else(|| {
        Error::query("there are no live rows: no release yet").hint("`cauce run` publishes the first")
    })?;
    let live = project.engine(Some(&release), &settings.engine(&project.catalog.project))?;
    let text = record(stage, &live, &project.catalog, model, rows).await?;
    let folder = project.root.join(TESTS);
    let file = folder.join(format!("{}.yaml", model.name.name));
    let shown = super::project::shown(&file, &working_folder()?);
    let cannot = |failure: std::io::Error| Error::store(format!("cannot write {shown}: {}", io_reason(&failure)));
    if file.exists() {
        return Err(Error::new(Kind::Refused, format!("{shown} is there already"))
            .hint("move it away, or add the test by hand"));
    }
    fs::create_dir_all(&folder).map_err(cannot)?;
    fs::write(&file, text).map_err(cannot)?;
    told(&settings.printer, Path::new(&shown));
    Ok(())
}

fn told(printer: &Printer, file: &Path) {
    printer.done(format_args!("{} written", file.display()));
    printer.hint("read it, keep the rows that matter, and give the test a name that says what it is about");
}

/// The folder of the tests of models, in a project.
pub(super) const TESTS: &str = "tests/models";
