//! All models of a project and the order in which they can be built.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Known;
use super::{Model, parse, single_source};
use crate::catalog::Catalog;
use crate::error::{Error, Finding, Place, Result};
use crate::name::{Layer, TableName};

/// The models of a project, without cycles and with every input known.
#[derive(Debug, Clone, Default)]
pub struct Models {
    models: BTreeMap<TableName, Model>,
    order: Vec<TableName>,
    known: Known,
}

impl Models {
    /// Reads model files: the name of each, its path for messages, and its text.
    ///
    /// The mistakes of all files are reported in one error.
    pub fn parse(files: Vec<(TableName, String, String)>, catalog: &Catalog) -> Result<Self> {
        let mut findings = Vec::new();
        let mut wrong_files = BTreeSet::new();
        let mut by_name: BTreeMap<TableName, (String, String)> = BTreeMap::new();
        for (name, file, text) in files {
            if let Some((first, _)) = by_name.get(&name) {
                let finding = Finding::new(format!("{name} is written in two files, {first} and {file}"));
                findings.push(finding.hint("keep one of the two").at(beginning(&file)));
                wrong_files.insert(file);
            } else {
                by_name.insert(name, (file, text));
            }
        }
        let known = Known::new(catalog, by_name.keys());
        let mut models = BTreeMap::new();
        for (name, (file, text)) in by_name {
            match parse::read(name.clone(), &file, &text, &known) {
                Ok(model) => {
                    models.insert(name, model);
                }
                Err(wrong) => {
                    findings.extend(wrong);
                    wrong_files.insert(file);
                }
            }
        }
        for (file, finding) in single_source::findings(&models, catalog) {
            findings.push(finding.at(beginning(file)));
            wrong_files.insert(file.to_owned());
        }
        let (order, cycles) = order(&models);
        for cycle in cycles {
            wrong_files.extend(cycle.iter().filter_map(|name| models.get(name)).map(|model| model.file.clone()));
            findings.push(cyclic(&cycle, &models));
        }
        if findings.is_empty() {
            return Ok(Self { models, order, known });
        }
        let mut files = wrong_files.into_iter();
        let message = match (files.next(), files.len(), findings.len()) {
            (Some(file), 0, 1) => format!("{file} has a mistake"),
            (Some(file), 0, n) => format!("{file} has {n} mistakes"),
            (_, others, 1) => format!("{} models have a mistake in common", others + 1),
            (_, others, n) => format!("{} models have {n} mistakes", others + 1),
        };
        Err(Error::usage(message).findings(findings))
    }

    /// The model of that name.
    pub fn get(&self, name: &TableName) -> Option<&Model> {
        self.models.get(name)
    }

    /// The models in an order in which they can be built: inputs first, then by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Model> {
        self.order.iter().map(|name| &self.models[name])
    }

    /// How many models there are.
    pub fn len(&self) -> usize {
        self.models.len()
    }

    /// Whether there is no model.
    pub fn is_empty(&self) -> bool {
        self.models.is_empty()
    }

    /// The tables of the project by name: what SQL of its users may read.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The models that `name` reads directly; datasets left out.
    pub fn models_read_by<'a>(&'a self, name: &TableName) -> impl Iterator<Item = &'a Model> + 'a {
        let inputs = self.models.get(name).map(|model| model.inputs.as_slice()).unwrap_or_default();
        inputs.iter().filter_map(|input| self.models.get(input))
    }

    /// The models that read `name` directly or through other models.
    pub fn descendants(&self, name: &TableName) -> BTreeSet<TableName> {
        let mut found = BTreeSet::new();
        // Readers come after what they read, so one pass in build order finds all.
        for model in self.iter() {
            if model.inputs.iter().any(|input| input == name || found.contains(input)) {
                found.insert(model.name.clone());
            }
        }
        found
    }

    /// The models whose inputs are all built and that are neither built nor started, in build order.
    pub fn ready<'a>(
        &'a self,
        built: &'a BTreeSet<TableName>,
        started: &'a BTreeSet<TableName>,
    ) -> impl Iterator<Item = &'a Model> + 'a {
        self.iter().filter(move |model| {
            !built.contains(&model.name)
                && !started.contains(&model.name)
                && self.models_read_by(&model.name).all(|input| built.contains(&input.name))
        })
    }
}

/// The error for a `.sql` file whose folder is not a layer of models.
pub fn unknown_layer(file: &str, folder: &str) -> Finding {
    let finding = Finding::new(format!("`{folder}` is not a layer of models")).at(beginning(file));
    let layers = Layer::OF_MODELS.map(Layer::as_str);
    match crate::name::closest(folder, layers) {
        Some(meant) => finding.hint(format!("did you mean sql/{meant}/?")),
        None => finding.hint("models stand in sql/processed/ and sql/curated/"),
    }
}

/// The beginning of a file, where a finding is about the file itself.
fn beginning(file: &str) -> Place {
    Place { file: file.to_owned(), line: 1, column: 1, width: 0, text: String::new() }
}

/// The build order of what can be built, and a cycle for each group of models that cannot.
fn order(models: &BTreeMap<TableName, Model>) -> (Vec<TableName>, Vec<Vec<TableName>>) {
    let mut order = Vec::with_capacity(models.len());
    let mut placed: BTreeSet<&TableName> = BTreeSet::new();
    let mut waiting: Vec<&Model> = models.values().collect();
    while !waiting.is_empty() {
        let is_ready =
            |model: &&Model| model.inputs.iter().all(|input| placed.contains(input) || !models.contains_key(input));
        let (ready, rest): (Vec<&Model>, Vec<&Model>) = waiting.iter().copied().partition(is_ready);
        if ready.is_empty() {
            return (order, cycles(&rest));
        }
        order.extend(ready.iter().map(|model| model.name.clone()));
        placed.extend(ready.iter().map(|model| &model.name));
        waiting = rest;
    }
    (order, Vec::new())
}

/// A cycle through each group of models that wait for each other, beginning with its first name.
fn cycles(waiting: &[&Model]) -> Vec<Vec<TableName>> {
    let by_name: BTreeMap<&TableName, &Model> = waiting.iter().map(|model| (&model.name, *model)).collect();
    let mut done: BTreeSet<&TableName> = BTreeSet::new();
    let mut cycles = Vec::new();
    for model in waiting {
        // Every waiting model has a waiting input, so following the first one ends in a cycle.
        let mut path: Vec<&TableName> = Vec::new();
        let mut next = Some(&model.name);
        while let Some(name) = next {
            if done.contains(name) {
                break;
            }
            if let Some(start) = path.iter().position(|earlier| *earlier == name) {
                let mut cycle: Vec<TableName> = path[start..].iter().map(|name| (*name).clone()).collect();
                let first = cycle.iter().enumerate().min_by_key(|(_, name)| (*name).clone()).map_or(0, |(i, _)| i);
                cycle.rotate_left(first);
                cycles.push(cycle);
                break;
            }
            path.push(name);
            next = by_name.get(name).and_then(|model| model.inputs.iter().find(|input| by_name.contains_key(input)));
        }
        done.extend(path);
    }
    cycles
}

fn cyclic(cycle: &[TableName], models: &BTreeMap<TableName, Model>) -> Finding {
    let file = |name: &TableName| models.get(name).map(|model| model.file.as_str()).unwrap_or_default();
    let names: Vec<String> = cycle.iter().chain(cycle.first()).map(ToString::to_string).collect();
    let files: Vec<&str> = cycle.iter().map(file).collect();
    let finding = Finding::new(format!("models read each other: {}", names.join(" → ")));
    let finding = finding.hint(format!("break the circle in one of {}", files.join(", ")));
    match cycle.first() {
        Some(first) => finding.at(beginning(file(first))),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::render;

    fn parse(files: &[(&str, &str)]) -> Result<Models> {
        let catalog =
            "version: 1\nproject: p\nlake: l\ndatasets:\n  t: { path: a.csv, columns: [{ name: a, type: int }] }\n";
        let catalog = Catalog::parse(catalog, "catalog.yaml").unwrap();
        let file = |(name, text): &(&str, &str)| {
            (name.parse().unwrap(), format!("sql/{}.sql", name.replace('.', "/")), (*text).to_owned())
        };
        Models::parse(files.iter().map(file).collect(), &catalog)
    }

    fn wrong(files: &[(&str, &str)]) -> String {
        let error = parse(files).unwrap_err();
        format!("{}\n{}", error.message(), render(error.all_findings()))
    }

    fn names<'a>(names: impl IntoIterator<Item = &'a TableName>) -> String {
        names.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    const DIAMOND: [(&str, &str); 5] = [
        ("curated.a_kpi", "SELECT * FROM b, processed.c"),
        ("curated.b", "SELECT * FROM processed.base"),
        ("processed.c", "SELECT * FROM base"),
        ("processed.base", "SELECT * FROM raw.t"),
        ("curated.sola", "SELECT 1 AS uno"),
    ];

    #[test]
    fn inputs_are_built_before_their_readers() {
        let models = parse(&DIAMOND).unwrap();
        assert_eq!(
            names(models.iter().map(|model| &model.name)),
            "processed.base curated.sola processed.c curated.b curated.a_kpi"
        );
        let base: TableName = "processed.base".parse().unwrap();
        assert_eq!(names(&models.descendants(&base)), "processed.c curated.a_kpi curated.b");
        assert_eq!(
            names(&models.descendants(&"raw.t".parse().unwrap())),
            "processed.base processed.c curated.a_kpi curated.b"
        );
        assert_eq!(names(models.models_read_by(&base).map(|model| &model.name)), "");
    }

    #[test]
    fn a_model_is_ready_when_its_inputs_are_built() {
        let models = parse(&DIAMOND).unwrap();
        let set = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<BTreeSet<TableName>>();
        let ready = |built: &[&str], started: &[&str]| {
            let (built, started) = (set(built), set(started));
            names(models.ready(&built, &started).map(|model| &model.name))
        };
        assert_eq!(ready(&[], &[]), "processed.base curated.sola");
        assert_eq!(ready(&[], &["processed.base"]), "curated.sola");
        assert_eq!(ready(&["processed.base", "curated.sola"], &["processed.c"]), "curated.b");
        assert_eq!(ready(&["processed.base", "curated.sola", "processed.c", "curated.b"], &[]), "curated.a_kpi");
    }

    #[test]
    fn cycles_are_told_as_their_whole_path() {
        insta::assert_snapshot!(wrong(&[
            ("curated.c", "SELECT * FROM a"),
            ("curated.a", "SELECT * FROM b"),
            ("curated.b", "SELECT * FROM c"),
            ("curated.reader", "SELECT * FROM a"),
            ("curated.x", "SELECT * FROM y, processed.good"),
            ("curated.y", "SELECT * FROM x"),
            ("processed.good", "SELECT * FROM raw.t"),
        ]), @"
        5 models have 2 mistakes
        sql/curated/a.sql:1:1+0 models read each other: curated.a → curated.b → curated.c → curated.a (break the circle in one of sql/curated/a.sql, sql/curated/b.sql, sql/curated/c.sql)
        sql/curated/x.sql:1:1+0 models read each other: curated.x → curated.y → curated.x (break the circle in one of sql/curated/x.sql, sql/curated/y.sql)
        ");
    }

    #[test]
    fn mistakes_of_all_files_come_together() {
        insta::assert_snapshot!(wrong(&[
            ("processed.a", "/*---\ngrains: [x]\n---*/\nSELECT 1"),
            ("processed.b", "SELECT * FROM processed.d;\nSELECT 2"),
            ("processed.c", "SELECT * FROM procesed.a"),
            ("processed.c", "SELECT 1"),
        ]), @"
        3 models have 5 mistakes
        sql/processed/c.sql:1:1+0 processed.c is written in two files, sql/processed/c.sql and sql/processed/c.sql (keep one of the two)
        sql/processed/a.sql:2:1+6 unknown key `grains` (did you mean `grain`?)
        sql/processed/b.sql:2:1+6 a second statement begins here (write one SELECT; another one needs a file of its own)
        sql/processed/b.sql:1:15+11 unknown table `processed.d` (did you mean `processed.a`?)
        sql/processed/c.sql:1:15+10 unknown layer `procesed` (did you mean `processed.a`?)
        ");
        insta::assert_snapshot!(wrong(&[("processed.b", "SELECT * FROM q")]), @"
        sql/processed/b.sql has a mistake
        sql/processed/b.sql:1:15+1 unknown table `q` (did you mean `t`?)
        ");
        insta::assert_snapshot!(render(&[unknown_layer("sql/gold/a.sql", "gold"), unknown_layer("sql/curate/a.sql", "curate")]), @"
        sql/gold/a.sql:1:1+0 `gold` is not a layer of models (models stand in sql/processed/ and sql/curated/)
        sql/curate/a.sql:1:1+0 `curate` is not a layer of models (did you mean sql/curated/?)
        ");
    }
}
