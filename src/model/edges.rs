//! The key `inputs` of a header: as written, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::OnFailure;
use super::header::Meaning;
use crate::document::Path;
use crate::error::{Finding, Place};
use crate::name::{Layer, TableName};

/// How a model takes one of the models that it reads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InputFile {
    /// What becomes of this model when that one stays as the last release has it: its checks fail, or no file fits.
    on_failure: OnFailure,
}

/// A table of `inputs`, and where the header names it.
#[derive(Debug)]
pub(super) struct Edge {
    table: TableName,
    place: Place,
}

impl Edge {
    /// What is wrong with it in a model that reads `inputs`.
    pub(super) fn wrong(self, inputs: &BTreeSet<TableName>) -> Option<Finding> {
        let Self { table, place } = self;
        let finding = || Finding::new(format!("the SELECT does not read {table}")).at(place);
        (!inputs.contains(&table)).then(|| finding().hint("`inputs` is about models that this one reads"))
    }
}

impl Meaning<'_> {
    /// What `inputs` means.
    pub(super) fn edges(&mut self, file: BTreeMap<String, InputFile>, here: &Path) -> BTreeMap<TableName, OnFailure> {
        let mut edges = BTreeMap::new();
        for (written, InputFile { on_failure }) in file {
            let path = here.then(written.as_str());
            let parts: Vec<String> = written.split('.').map(|part| part.trim().to_owned()).collect();
            let table = match self.known.resolve(&parts) {
                Ok(table) => table,
                Err(finding) => {
                    self.notes.key(&path, finding);
                    continue;
                }
            };
            if table.layer == Layer::Raw {
                let finding = Finding::new(format!("{table} is a dataset, which has no checks"));
                let hint = "what becomes of files that do not fit is said by `on_drift` in catalog.yaml";
                self.notes.key(&path, finding.hint(hint));
                continue;
            }
            let place = self.notes.place_of_key(&path);
            self.edges.push(Edge { table: table.clone(), place });
            if edges.insert(table.clone(), on_failure).is_some() {
                self.notes.key(&path, Finding::new(format!("{table} stands here twice")));
            }
        }
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::document::render;
    use crate::model::{Known, Model};

    fn parse(inputs: &str) -> Result<Model, String> {
        let catalog =
            "version: 1\nproject: p\nlake: l\ndatasets:\n  a: { path: a.csv, columns: [{ name: x, type: int }] }\n";
        let catalog = Catalog::parse(catalog, "catalog.yaml").unwrap();
        let models = ["processed.b", "processed.c", "curated.d"].map(|name| name.parse().unwrap());
        let known = Known::new(&catalog, &models);
        let text = format!("/*---\ninputs:\n{inputs}---*/\nSELECT b.x FROM b, raw.a\n");
        let parsed = Model::parse("curated.d".parse().unwrap(), "d.sql", &text, &known);
        parsed.map_err(|error| render(error.all_findings()))
    }

    #[test]
    fn an_edge_says_what_a_failure_means_for_the_reader() {
        let model = parse("  b: { on_failure: warn }\n").unwrap();
        let edges: Vec<_> = model.header.inputs.into_iter().collect();
        assert_eq!(edges, [("processed.b".parse().unwrap(), OnFailure::Warn)]);
    }

    #[test]
    fn an_edge_leads_to_a_model_that_is_read() {
        let wrong = "  b: { on_failure: stop }\n  processed.b: {}\n  c: { on_failure: warn }\n  raw.a: { on_failure: block }\n  nada: { on_failure: block }\n";
        insta::assert_snapshot!(parse(wrong).unwrap_err(), @"
        d.sql:3:20+4 unknown value `stop` of `on_failure` (one of block, keep_last_good, warn)
        d.sql:4:3+11 `processed.b` has no key `on_failure` (add `on_failure:`: What becomes of this model when that one stays as the last release has it: its checks fail, or no file fits)
        d.sql:4:3+11 processed.b stands here twice
        d.sql:6:3+5 raw.a is a dataset, which has no checks (what becomes of files that do not fit is said by `on_drift` in catalog.yaml)
        d.sql:7:3+4 unknown table `nada` (tables are the datasets of catalog.yaml and the files under sql/)
        d.sql:5:3+1 the SELECT does not read processed.c (`inputs` is about models that this one reads)
        ");
        let twice = "  b: { on_failure: warn }\n  processed.b: { on_failure: block }\n  c: { on_failure: warn }\n  raw.a: { on_failure: block }\n  nada: { on_failure: block }\n";
        insta::assert_snapshot!(parse(twice).unwrap_err(), @"
        d.sql:4:3+11 processed.b stands here twice
        d.sql:6:3+5 raw.a is a dataset, which has no checks (what becomes of files that do not fit is said by `on_drift` in catalog.yaml)
        d.sql:7:3+4 unknown table `nada` (tables are the datasets of catalog.yaml and the files under sql/)
        d.sql:5:3+1 the SELECT does not read processed.c (`inputs` is about models that this one reads)
        ");
    }
}
