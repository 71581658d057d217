//! A table that a model follows file by file, or accepts row by row, is read by it in that one way.
//!
//! While such a model is computed, the name of the table means some of its files, or its accepted rows alone. A view that
//! reads the table would silently mean them, too; the SELECT itself is looked at when it is planned.

use std::collections::{BTreeMap, BTreeSet};

use super::{Materialized, Model};
use crate::catalog::Catalog;
use crate::error::Finding;
use crate::name::{Layer, TableName};

/// What stands against it in each model, with the model's file.
pub(super) fn findings<'a>(models: &'a BTreeMap<TableName, Model>, catalog: &Catalog) -> Vec<(&'a str, Finding)> {
    let mut findings = Vec::new();
    for model in models.values() {
        let followed = model.header.incremental.as_ref().map(|incremental| &incremental.from);
        let accepted = model.header.accept.as_ref().map(|accept| &accept.from);
        let mut add = |finding: Finding| findings.push((model.file.as_str(), finding));
        if let Some(from) = followed {
            if is_view(models, from) {
                let finding = Finding::new(format!("{from} is a view, which has no files to follow"));
                add(finding.hint("keep it as a table, or follow a table that it reads"));
            }
            let dataset = catalog.datasets.get(&from.name).filter(|_| from.layer == Layer::Raw);
            if dataset.is_some_and(|dataset| !dataset.unique_columns().is_empty()) {
                let finding =
                    Finding::new(format!("{from} has a `unique` column, which is held against all files at once"));
                add(finding.hint("write `materialized: table`; or take `unique` out, and write `strategy: merge`"));
            }
        }
        let sources: BTreeSet<&TableName> = followed.into_iter().chain(accepted).collect();
        for from in sources {
            if let Some(view) = model.inputs.iter().find(|input| *input != from && reads_through(models, input, from)) {
                let how = if followed == Some(from) { "file by file" } else { "row by row" };
                let finding = Finding::new(format!("it reads {from} {how}, and once more through the view {view}"));
                add(finding.hint(format!("write `materialized: table` in {view}, or read {from} in one way")));
            }
        }
    }
    findings
}

fn is_view(models: &BTreeMap<TableName, Model>, name: &TableName) -> bool {
    models.get(name).is_some_and(|model| model.header.materialized == Materialized::View)
}

/// Whether `name` is a view that reads `from`, itself or through other views.
fn reads_through(models: &BTreeMap<TableName, Model>, name: &TableName, from: &TableName) -> bool {
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![name]);
    while let Some(name) = waiting.pop() {
        let Some(view) = models.get(name).filter(|_| is_view(models, name) && seen.insert(name)) else { continue };
        if view.inputs.contains(from) {
            return true;
        }
        waiting.extend(&view.inputs);
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;
    use crate::document::render;
    use crate::model::Models;

    fn wrong(models: &[(&str, &str)]) -> String {
        let catalog = "version: 1\nproject: p\nlake: l\ndatasets:\n  t: { path: '*.csv', columns: [{ name: a, type: int }] }\n  \
                       u: { path: '*.csv', columns: [{ name: a, type: int, required: true, unique: true }] }\n";
        let catalog = Catalog::parse(catalog, "catalog.yaml").unwrap();
        let file = |(name, text): &(&str, &str)| (name.parse().unwrap(), format!("{name}.sql"), (*text).to_owned());
        match Models::parse(models.iter().map(file).collect(), &catalog) {
            Ok(_) => String::new(),
            Err(error) => render(error.all_findings()),
        }
    }

    const VIEW: (&str, &str) = ("processed.v", "/*---\nmaterialized: view\n---*/ SELECT a FROM raw.t");
    const OVER: (&str, &str) = ("processed.w", "/*---\nmaterialized: view\n---*/ SELECT a FROM v");

    fn follows(from: &str, sql: &str) -> String {
        format!("/*---\nmaterialized: incremental\nincremental: {{ strategy: append, from: {from} }}\n---*/ {sql}")
    }

    #[test]
    fn what_is_followed_is_not_read_through_a_view() {
        let m = follows("raw.t", "SELECT t.a FROM raw.t LEFT JOIN w ON t.a = w.a");
        let told = wrong(&[VIEW, OVER, ("curated.m", &m)]);
        assert!(told.contains("it reads raw.t file by file, and once more through the view processed.w"), "{told}");
        let table = (OVER.0, "SELECT a FROM v");
        assert_eq!(wrong(&[VIEW, table, ("curated.m", &m)]), "", "a table stands by itself");
        let m = follows("processed.v", "SELECT a FROM v");
        let told = wrong(&[VIEW, ("curated.m", &m)]);
        assert!(told.contains("processed.v is a view, which has no files to follow"), "{told}");
        let m = follows("raw.u", "SELECT a FROM raw.u");
        let told = wrong(&[("curated.m", &m)]);
        assert!(told.contains("raw.u has a `unique` column, which is held against all files at once"), "{told}");
    }

    #[test]
    fn what_is_accepted_is_not_read_through_a_view() {
        let m = "/*---\naccept:\n  from: raw.t\n  rules:\n    pocos: a < 10\n---*/ SELECT t.a, (SELECT count(*) FROM v) AS n FROM raw.t";
        let told = wrong(&[VIEW, ("curated.m", m)]);
        assert!(told.contains("it reads raw.t row by row, and once more through the view processed.v"), "{told}");
    }
}
