//! `cauce diff`: what differs between two releases, down to the values of KPIs.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize;
use similar::TextDiff;

use super::listing::{Listing, write_json};
use super::project::Project;
use super::settings::Settings;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::history::{RowChanges, ValueChange, row_changes, value_changes};
use crate::name::{Layer, TableName};
use crate::output::Printer;
use crate::release::{AsOf, Change, Comparison, Kept, Manifest, ModelChange};

/// Values told of one model unless a person asks for more.
const VALUES_SHOWN: usize = 20;

/// Show what differs between two releases: files, models, rows and KPI values
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The earlier release: its number, or a time at which it stood; the one before the later without one
    #[arg(value_name = "FROM")]
    from: Option<AsOf>,
    /// The later release; the newest without one
    #[arg(value_name = "TO", default_value = "newest", hide_default_value = true)]
    to: AsOf,
    /// Only this model, tables included; may be repeated. Otherwise the values of all views
    #[arg(long, value_name = "MODEL")]
    model: Vec<String>,
    /// Show how the texts of redefined models differ
    #[arg(long)]
    sql: bool,
    /// Show at most this many values of each model
    #[arg(long, value_name = "N", default_value_t = VALUES_SHOWN)]
    values: usize,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
}

/// All that is known of the difference.
#[derive(Debug, Default, Serialize)]
struct Difference {
    #[serde(flatten)]
    comparison: Comparison,
    /// How the rows of models with a grain differ, where they do.
    rows: BTreeMap<TableName, RowChanges>,
    /// The values that differ, of the models asked for.
    values: Vec<ValueChange>,
    /// The models of which more values differ than are told.
    shortened: Vec<TableName>,
    /// The models whose rows could not be compared, and why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    uncompared: BTreeMap<TableName, String>,
}

pub(super) async fn diff(arguments: Arguments, settings: &Settings) -> Result<()> {
    let project = Project::open(settings)?;
    let (from, to) = both(&arguments, &project).await?;
    let engine = project.engine(Some(&to), &settings.engine(&project.catalog.project))?;
    let printer = &settings.printer;
    let spinner = printer.spinner("comparing rows");

    let mut comparison = Comparison::between(&from, &to);
    let names: BTreeSet<&TableName> = from.models.keys().chain(to.models.keys()).collect();
    let is_named = |name: &TableName| arguments.model.iter().any(|wanted| name.is_called(wanted));
    let asked = |name: &TableName| arguments.model.is_empty() || is_named(name);
    if let Some(unknown) = arguments.model.iter().find(|wanted| !names.iter().any(|name| name.is_called(wanted))) {
        return Err(Error::query(format!(
            "neither release {} nor release {} has a model {unknown}",
            from.release, to.release
        ))
        .hint(format!("`cauce releases show {}` lists the models", to.release)));
    }
    comparison.models.retain(|name, _| asked(name));
    let mut difference = Difference { comparison, ..Difference::default() };
    for (name, model) in to.models.iter().filter(|(name, _)| asked(name)) {
        // The same version of a table is the same rows; a view may show others through what it reads.
        if from.models.get(name).is_some_and(|before| before.kept == model.kept && model.kept != Kept::View) {
            continue;
        }
        let values = (model.kept == Kept::View || is_named(name)).then_some(arguments.values);
        if let Err(error) = difference.look_at(&engine, (&from, &to), name, values).await {
            // One table that is gone, or one view whose input is, does not keep the others from being told.
            difference.uncompared.insert(name.clone(), error.message().to_owned());
        }
    }
    drop(spinner);
    for (name, why) in &difference.uncompared {
        printer.warn(format_args!("the rows of {name} cannot be compared: {why}"));
    }
    if arguments.json {
        return write_json(printer, &difference);
    }
    tell(&difference, (&from, &to), printer)?;
    if arguments.sql { tell_texts(&difference.comparison, (&from, &to), printer) } else { Ok(()) }
}

impl Difference {
    /// Finds how the rows of `model` differ, and at most so many of its `values`, if they are wanted.
    async fn look_at(
        &mut self,
        engine: &Engine,
        releases: (&Manifest, &Manifest),
        model: &TableName,
        values: Option<usize>,
    ) -> Result<()> {
        let Some(changes) = row_changes(engine, releases, model).await? else { return Ok(()) };
        if changes == (RowChanges { added: 0, removed: 0, changed: 0 }) {
            return Ok(());
        }
        self.rows.insert(model.clone(), changes);
        let Some(most) = values else { return Ok(()) };
        let mut found = value_changes(engine, releases, model, most.saturating_add(1)).await?;
        if found.len() > most {
            found.truncate(most);
            self.shortened.push(model.clone());
        }
        self.values.extend(found);
        Ok(())
    }
}

/// The two releases to compare.
async fn both(arguments: &Arguments, project: &Project) -> Result<(Manifest, Manifest)> {
    let log = project.lake.releases()?;
    let to = log.wanted(&arguments.to).await?;
    let from = match (arguments.from, to.parent) {
        (Some(from), _) => log.wanted(&from).await?,
        (None, Some(parent)) => log.read(parent).await?,
        (None, None) => {
            return Err(Error::query(format!(
                "release {} is the first; there is nothing to compare it with",
                to.release
            )));
        }
    };
    Ok((from, to))
}

fn tell(difference: &Difference, (from, to): (&Manifest, &Manifest), printer: &Printer) -> Result<()> {
    let Difference { comparison, rows, values, shortened, .. } = difference;
    printer.title(format_args!(
        "release {} ({}) against release {} ({})",
        from.release, from.published_at, to.release, to.published_at
    ));
    for (dataset, changes) in &comparison.datasets {
        printer.say(format_args!("raw.{dataset}: {changes}"));
    }
    if comparison.is_empty() && rows.is_empty() {
        printer.say("nothing differs");
        return Ok(());
    }
    let unchanged = ModelChange::default();
    let names: Vec<&TableName> =
        comparison.models.keys().chain(rows.keys()).collect::<BTreeSet<_>>().into_iter().collect();
    let models = || names.iter().map(|name| comparison.models.get(*name).unwrap_or(&unchanged));
    let counts = |count: fn(&RowChanges) -> u64| names.iter().map(move |name| rows.get(*name).map(count));
    Listing::default()
        .texts("model", names.iter().map(|name| Some(name.to_string())))
        .texts("change", models().map(|model| model.change.map(Change::as_str)))
        .texts("definition", models().map(definitions))
        .counts("rows_before", models().map(|model| model.rows.0))
        .counts("rows_after", models().map(|model| model.rows.1))
        .counts("added", counts(|changes| changes.added))
        .counts("removed", counts(|changes| changes.removed))
        .counts("changed", counts(|changes| changes.changed))
        .texts("columns", models().map(columns))
        .write(printer, None)?;
    if values.is_empty() {
        return Ok(());
    }
    let layer = |change: &ValueChange| {
        if change.model.layer == Layer::Curated { change.model.name.clone() } else { change.model.to_string() }
    };
    printer.title("values that differ");
    Listing::default()
        .texts("model", values.iter().map(|change| Some(layer(change))))
        .texts("key", values.iter().map(|change| Some(change.key.as_str())))
        .texts("column", values.iter().map(|change| change.column.as_deref()))
        .texts("before", values.iter().map(|change| change.before.as_deref()))
        .texts("after", values.iter().map(|change| change.after.as_deref()))
        .texts("difference", values.iter().map(|change| change.difference.map(signed)))
        .write(printer, None)?;
    if !shortened.is_empty() {
        let names: Vec<String> = shortened.iter().map(ToString::to_string).collect();
        printer.say(format_args!("more values differ in {}; --model and --values show them", names.join(", ")));
    }
    Ok(())
}

/// `+1.5000`; `+2e-5` where four digits behind the point would show nothing, or be lost among those before it.
fn signed(number: f64) -> String {
    let size = number.abs();
    let plain = size == 0.0 || (1e-4..1e15).contains(&size);
    if plain { format!("{number:+.4}") } else { format!("{number:+.4e}") }
}

/// `v2` where it stayed, `v2 → v3` where it did not.
fn definitions(model: &ModelChange) -> Option<String> {
    match model.definition {
        (Some(before), Some(after)) if before != after => Some(format!("v{before} → v{after}")),
        (before, after) => before.or(after).map(|number| format!("v{number}")),
    }
}

/// `+a -b c: Int64 → Float64`.
fn columns(model: &ModelChange) -> Option<String> {
    let added = model.columns_added.iter().map(|name| format!("+{name}"));
    let removed = model.columns_removed.iter().map(|name| format!("-{name}"));
    let retyped = model.columns_retyped.iter().map(|(name, before, after)| format!("{name}: {before} → {after}"));
    let said: Vec<String> = added.chain(removed).chain(retyped).collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// How the texts of redefined models differ, as a unified diff that `patch` reads.
fn tell_texts(comparison: &Comparison, (from, to): (&Manifest, &Manifest), printer: &Printer) -> Result<()> {
    let mut stdout = printer.stdout();
    for name in comparison.models.keys() {
        let text = |release: &Manifest| release.models.get(name).map(|model| model.sql.clone()).unwrap_or_default();
        let (before, after) = (text(from), text(to));
        if before == after {
            continue;
        }
        let side = |release: &Manifest| format!("{name} in release {}", release.release);
        let diff = TextDiff::from_lines(&before, &after).unified_diff().header(&side(from), &side(to)).to_string();
        stdout.text(&diff)?;
    }
    stdout.finish()
}
