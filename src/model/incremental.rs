//! The key `incremental` of a header: as written, and what is wrong with it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::header::Meaning;
use super::{Accept, Incremental, Materialized, Strategy};
use crate::document::Path;
use crate::error::{Finding, Place};
use crate::name::{Layer, TableName};
use crate::sql::Query;

/// How the table follows its input file by file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IncrementalFile {
    /// The input whose files are followed; needed where the SELECT reads several tables.
    from: Option<String>,
    /// What a new, replaced or withdrawn file means for the table.
    strategy: StrategyFile,
    /// For `merge`: the columns of the table that identify a row.
    #[serde(default)]
    unique_key: Vec<String>,
    /// For `merge`: the order in which the first row of a key is its newest, such as `actualizado DESC NULLS LAST`.
    latest: Option<String>,
    /// For `merge`: a condition that is true of a row which says that its key is gone.
    deleted: Option<String>,
}

/// What a new, replaced or withdrawn file means for the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum StrategyFile {
    /// Each file gives rows of its own.
    Append,
    /// The rows of a key in all files: the newest stays.
    Merge,
    /// The partitions that the file has rows for are computed anew from all files that have some.
    Partition,
}

/// What a header says of an incremental model. Whose files it follows is known once its SELECT was read.
#[derive(Debug)]
pub(super) struct Following {
    /// The input that the header names, if it names one.
    from: Option<TableName>,
    strategy: Strategy,
    /// Where the header says it.
    place: Place,
}

impl Following {
    /// The meaning for a model that reads `inputs` and accepts rows of one of them.
    pub(super) fn among(self, inputs: &BTreeSet<TableName>, accept: Option<&Accept>) -> Result<Incremental, Finding> {
        let place = self.place.clone();
        let incremental = self.one_of(inputs)?;
        let Some(accept) = accept else { return Ok(incremental) };
        let from = &incremental.from;
        if incremental.strategy == Strategy::Partition {
            let finding =
                Finding::new("`partition` reads files again that have rows for a partition, and accepts no rows");
            let hint = "accept them in a model with `strategy: append`, and let this one read that";
            return Err(finding.at(place).hint(hint));
        }
        if accept.from != *from || from.layer != Layer::Raw {
            let finding =
                Finding::new(format!("the model follows the files of {from} and accepts rows of {}", accept.from));
            let hint = "an incremental model accepts rows of a dataset, whose files it follows";
            return Err(finding.at(place).hint(hint));
        }
        Ok(incremental)
    }

    /// It follows the table that is named, the only one, or the only dataset.
    fn one_of(self, inputs: &BTreeSet<TableName>) -> Result<Incremental, Finding> {
        let Self { from, strategy, place } = self;
        if let Some(from) = from {
            if inputs.contains(&from) {
                return Ok(Incremental { from, strategy });
            }
            let finding = Finding::new(format!("the SELECT does not read {from}")).at(place);
            return Err(finding.hint("`from` is a table that the model reads"));
        }
        let datasets: Vec<&TableName> = inputs.iter().filter(|input| input.layer == Layer::Raw).collect();
        match (datasets.as_slice(), inputs.len(), inputs.first()) {
            ([dataset], ..) => Ok(Incremental { from: (*dataset).clone(), strategy }),
            (_, 1, Some(only)) => Ok(Incremental { from: only.clone(), strategy }),
            (_, _, Some(first)) => {
                let names: Vec<String> = inputs.iter().map(ToString::to_string).collect();
                let finding = format!("the SELECT reads {}: whose files are followed?", names.join(" and "));
                Err(Finding::new(finding).at(place).hint(format!("write `from: {first}`")))
            }
            (_, _, None) => Err(Finding::new("the SELECT reads no table whose files could be followed")
                .at(place)
                .hint("write `materialized: table`")),
        }
    }
}

impl Meaning<'_> {
    /// What `incremental` means, if it means something.
    pub(super) fn incremental(
        &mut self,
        file: Option<IncrementalFile>,
        kept: Materialized,
        partition_by: &[String],
        here: &Path,
    ) -> Option<Following> {
        let Some(file) = file else {
            if kept == Materialized::Incremental {
                let finding = Finding::new("the header does not say how files that come and go change the table");
                self.notes.value(
                    &Path::root().then("materialized"),
                    finding.hint("write `incremental: { strategy: append }`; the others are merge and partition"),
                );
            }
            return None;
        };
        if kept != Materialized::Incremental {
            let finding = Finding::new(format!("a {} is not built file by file", kept.as_str()));
            self.notes.key(here, finding.hint("write `materialized: incremental`"));
        }
        let strategy = match file.strategy {
            StrategyFile::Append => Strategy::Append,
            StrategyFile::Partition => {
                if partition_by.is_empty() {
                    let finding = Finding::new("the table has no partitions");
                    self.notes.value(
                        &here.then("strategy"),
                        finding.hint("write `partition_by:` with the columns that do, such as a month"),
                    );
                }
                Strategy::Partition
            }
            StrategyFile::Merge => self.merge(&file, here),
        };
        if !matches!(strategy, Strategy::Merge { .. }) {
            let given = [
                ("unique_key", !file.unique_key.is_empty()),
                ("latest", file.latest.is_some()),
                ("deleted", file.deleted.is_some()),
            ];
            for (key, _) in given.into_iter().filter(|(_, given)| *given) {
                let finding = Finding::new(format!("`{key}` is for the strategy `merge`"));
                self.notes.key(&here.then(key), finding.hint("write `strategy: merge`, or take it out"));
            }
        }
        let from = file.from.as_deref().and_then(|from| {
            let parts: Vec<String> = from.split('.').map(|part| part.trim().to_owned()).collect();
            self.known.resolve(&parts).map_err(|finding| self.notes.value(&here.then("from"), finding)).ok()
        });
        Some(Following { from, strategy, place: self.notes.place_of_key(here) })
    }

    fn merge(&mut self, file: &IncrementalFile, here: &Path) -> Strategy {
        if file.unique_key.is_empty() {
            let finding = Finding::new("`merge` needs the columns that identify a row");
            self.notes.value(&here.then("strategy"), finding.hint("write `unique_key: [ticket_id]`"));
        }
        self.columns(&file.unique_key, &here.then("unique_key"));
        match &file.latest {
            None => {
                let finding = Finding::new("`merge` needs the order in which the first row of a key is its newest");
                self.notes.value(&here.then("strategy"), finding.hint("write `latest: actualizado DESC NULLS LAST`"));
            }
            Some(latest) => {
                let path = here.then("latest");
                let references = self.parse(&path, latest, Query::read_order);
                self.one_row(&path, latest, references);
            }
        }
        if let Some(deleted) = &file.deleted {
            let path = here.then("deleted");
            let references = self.parse(&path, deleted, Query::read_expression);
            self.one_row(&path, deleted, references);
        }
        Strategy::Merge {
            unique_key: file.unique_key.clone(),
            latest: file.latest.clone().unwrap_or_default(),
            deleted: file.deleted.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::document::render;
    use crate::model::{Known, Model};

    fn parse(header: &str, sql: &str) -> Result<Model, String> {
        let catalog = "version: 1\nproject: p\nlake: l\ndatasets:\n  tickets: { path: a.csv, columns: [{ name: a, type: int }] }\n  \
                       canales: { path: b.csv, columns: [{ name: b, type: int }] }\n";
        let catalog = Catalog::parse(catalog, "catalog.yaml").unwrap();
        let name: TableName = "processed.t".parse().unwrap();
        let known = Known::new(&catalog, std::slice::from_ref(&name));
        let text = format!("/*---\n{header}\n---*/\n{sql}");
        Model::parse(name, "t.sql", &text, &known).map_err(|error| render(error.all_findings()))
    }

    #[test]
    fn the_input_is_the_one_there_is_or_the_dataset_or_named() {
        let append = "materialized: incremental\nincremental: { strategy: append }";
        let from = |model: Model| model.header.incremental.unwrap().from.to_string();
        assert_eq!(from(parse(append, "SELECT a FROM tickets").unwrap()), "raw.tickets");
        let named = "materialized: incremental\nincremental: { strategy: append, from: raw.canales }";
        assert_eq!(from(parse(named, "SELECT a FROM tickets, canales").unwrap()), "raw.canales");
        insta::assert_snapshot!(parse(append, "SELECT a FROM tickets, canales").unwrap_err(), @"t.sql:3:1+11 the SELECT reads raw.canales and raw.tickets: whose files are followed? (write `from: raw.canales`)");
        insta::assert_snapshot!(parse(named, "SELECT a FROM tickets").unwrap_err(), @"t.sql:3:1+11 the SELECT does not read raw.canales (`from` is a table that the model reads)");
    }

    #[test]
    fn a_merge_says_key_order_and_what_is_gone() {
        let header = "materialized: incremental\nincremental:\n  strategy: merge\n  unique_key: [a]\n  latest: a DESC\n  \
                      deleted: a = 0";
        let strategy = parse(header, "SELECT a FROM tickets").unwrap().header.incremental.unwrap().strategy;
        let expected =
            Strategy::Merge { unique_key: vec!["a".into()], latest: "a DESC".into(), deleted: Some("a = 0".into()) };
        assert_eq!(strategy, expected);
    }

    #[test]
    fn all_mistakes_are_told() {
        let told = |header: &str| parse(header, "SELECT a FROM tickets").unwrap_err();
        insta::assert_snapshot!(told("materialized: incremental"), @"t.sql:2:15+11 the header does not say how files that come and go change the table (write `incremental: { strategy: append }`; the others are merge and partition)");
        insta::assert_snapshot!(told("incremental: { strategy: append }"), @"t.sql:2:1+11 a table is not built file by file (write `materialized: incremental`)");
        insta::assert_snapshot!(told("materialized: incremental\nincremental: { strategy: partition, latest: a, from: raw.x }"), @"
        t.sql:3:26+9 the table has no partitions (write `partition_by:` with the columns that do, such as a month)
        t.sql:3:37+6 `latest` is for the strategy `merge` (write `strategy: merge`, or take it out)
        t.sql:3:54+5 unknown table `raw.x` (did you mean `processed.t`?)
        ");
        insta::assert_snapshot!(told("materialized: incremental\nincremental: { strategy: merge, unique_key: [a, a], deleted: a = = 1 }"), @"
        t.sql:3:26+5 `merge` needs the order in which the first row of a key is its newest (write `latest: actualizado DESC NULLS LAST`)
        t.sql:3:49+1 column `a` stands here twice
        t.sql:3:66+1 expected an expression, found `=`
        ");
        insta::assert_snapshot!(told("materialized: incremental\nincremental: { strategy: upsert }"), @"t.sql:3:26+6 unknown value `upsert` of `strategy` (one of append, merge, partition)");
        insta::assert_snapshot!(
            told("materialized: incremental\nincremental: { strategy: append }\naccept: { from: tickets, deduplicate: { key: [a] } }"), @"t.sql:4:26+11 rows of one key may stand in several files, which are read one by one (write `strategy: merge` with `unique_key`, which keeps one of them)");
    }
}
