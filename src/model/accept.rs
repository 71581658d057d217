//! The key `accept` of a header: as written, and what is wrong with it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::header::Meaning;
use super::{Accept, Deduplicate, Materialized};
use crate::document::Path;
use crate::error::Finding;
use crate::name::closest;
use crate::sql::{Query, Reference};

/// The name under which rows that `deduplicate` leaves out are rejects.
pub const DEDUPLICATE: &str = "deduplicate";

/// Which rows of one input the model takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptFile {
    /// The input: a table that the SELECT reads, such as `raw.tickets`. Inside the model its name means the accepted
    /// rows alone.
    from: String,
    /// Conditions by name. A row for which one is false is a reject under that name; NULL passes.
    #[serde(default)]
    rules: BTreeMap<String, String>,
    /// Keeps one of the rows that agree in some columns.
    deduplicate: Option<DeduplicateFile>,
}

/// Keeps one of the rows that agree in some columns.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeduplicateFile {
    /// The columns that identify a row. Rows with a NULL in one of them are all kept.
    key: Vec<String>,
    /// Which row stays: the first in this order, such as `fecha DESC NULLS LAST, id`. Without it, and where rows agree
    /// in it, the first in the files; in a table, which has no order, the least by its columns.
    keep: Option<String>,
}

impl Meaning<'_> {
    /// What `accept` means, if it means something.
    pub(super) fn accept(&mut self, file: AcceptFile, kept: Materialized, here: &Path) -> Option<Accept> {
        if kept == Materialized::View {
            let finding = Finding::new("a view accepts no rows: it is planned afresh by each query");
            self.notes.key(here, finding.hint("keep the model as a table, or write the rules behind WHERE"));
        }
        if file.rules.is_empty() && file.deduplicate.is_none() {
            let finding = Finding::new("every row is accepted: there is no rule");
            self.notes.key(here, finding.hint("write `rules:` or `deduplicate:`, or take `accept` out"));
        }
        for (name, rule) in &file.rules {
            let path = here.then("rules").then(name.as_str());
            if name.trim().is_empty() || name == DEDUPLICATE {
                let finding = Finding::new(format!("a rule cannot be called `{name}`"));
                self.notes.key(&path, finding.hint("its name says which rows are right: con_identificador"));
            }
            let references = self.parse(&path, rule, Query::read_expression);
            self.one_row(&path, rule, references);
        }
        let deduplicate = file.deduplicate.map(|file| self.deduplicate(file, &here.then("deduplicate")));
        let parts: Vec<String> = file.from.split('.').map(|part| part.trim().to_owned()).collect();
        match self.known.resolve(&parts) {
            Ok(from) => Some(Accept { from, rules: file.rules, deduplicate }),
            Err(finding) => {
                self.notes.value(&here.then("from"), finding);
                None
            }
        }
    }

    fn deduplicate(&mut self, file: DeduplicateFile, here: &Path) -> Deduplicate {
        let key = here.then("key");
        if file.key.is_empty() {
            self.notes.key(&key, Finding::new("the key names no column"));
        }
        self.columns(&file.key, &key);
        if let Some(keep) = &file.keep {
            let path = here.then("keep");
            if let Some(meant) = word_for_order(keep) {
                let finding = Finding::new(format!("`{keep}` is not an order"));
                self.notes.value(&path, finding.hint(meant));
            } else {
                let references = self.parse(&path, keep, Query::read_order);
                self.one_row(&path, keep, references);
            }
        }
        Deduplicate { key: file.key, keep: file.keep }
    }

    /// Notes the tables that a text about one row names.
    pub(super) fn one_row(&mut self, here: &Path, text: &str, references: Vec<Reference>) {
        for Reference { parts, place } in references {
            let finding =
                Finding::new(format!("a rule sees one row, and no other table such as `{}`", parts.join(".")));
            let finding = finding.hint("join the table in the SELECT, or write a check `relationship`");
            self.note_inside(here, text, Some(place), finding);
        }
    }
}

/// What to write instead of a word for "the newest one", which other tools have here.
fn word_for_order(keep: &str) -> Option<&'static str> {
    match closest(keep, ["first", "last", "newest", "oldest"])? {
        "last" | "newest" => Some("name the column that tells which row is the last: `fecha DESC NULLS LAST`"),
        _ => Some("name the column that tells which row is the first: `fecha`"),
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;
    use crate::document::render;
    use crate::model::{Accept, Known, Model};
    use crate::name::TableName;

    fn parse(header: &str) -> Result<Model, String> {
        let catalog = "version: 1\nproject: p\nlake: l\ndatasets:\n  tickets: { path: a.csv, columns: [{ name: a, type: int }] }\n  \
                       clientes: { path: b.csv, columns: [{ name: a, type: int }] }\n";
        let catalog = Catalog::parse(catalog, "catalog.yaml").unwrap();
        let name: TableName = "processed.tickets".parse().unwrap();
        let known = Known::new(&catalog, [&name]);
        let text = format!("/*---\n{header}---*/\nSELECT * FROM raw.tickets\n");
        Model::parse(name, "t.sql", &text, &known).map_err(|error| render(error.all_findings()))
    }

    const GOOD: &str = "\
accept:
  from: raw.tickets
  rules:
    en_rango: a BETWEEN 1 AND 5
    con_id: a IS NOT NULL
  deduplicate: { key: [a, b], keep: 'fecha DESC NULLS LAST, b' }
";

    #[test]
    fn what_is_accepted_is_part_of_what_a_model_means() {
        let model = parse(GOOD).unwrap();
        let Accept { from, rules, deduplicate } = model.header.accept.clone().unwrap();
        let rules: Vec<(&str, &str)> = rules.iter().map(|(name, rule)| (name.as_str(), rule.as_str())).collect();
        assert_eq!(from.to_string(), "raw.tickets");
        assert_eq!(rules, [("con_id", "a IS NOT NULL"), ("en_rango", "a BETWEEN 1 AND 5")]);
        let deduplicate = deduplicate.unwrap();
        assert_eq!(
            (deduplicate.key.join(","), deduplicate.keep.unwrap().as_str()),
            ("a,b".to_owned(), "fecha DESC NULLS LAST, b")
        );
        for other in ["a BETWEEN 1 AND 6", "", "fecha ASC"] {
            let changed = match other {
                "" => GOOD.replace("key: [a, b]", "key: [a]"),
                "fecha ASC" => GOOD.replace("fecha DESC", other),
                rule => GOOD.replace("a BETWEEN 1 AND 5", rule),
            };
            assert_ne!(parse(&changed).unwrap().fingerprint, model.fingerprint, "{changed}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        let wrong = |header: &str| parse(header).unwrap_err();
        insta::assert_snapshot!(wrong("accept: { from: raw.ticket, rules: { a: 'a >', deduplicate: a, c: 'a IN (SELECT a FROM raw.clientes)' } }\n"), @"
        t.sql:2:17+10 unknown table `raw.ticket` (did you mean `raw.tickets`?)
        t.sql:2:45+1 expected an expression, found the end
        t.sql:2:48+11 a rule cannot be called `deduplicate` (its name says which rows are right: con_identificador)
        t.sql:2:88+12 a rule sees one row, and no other table such as `raw.clientes` (join the table in the SELECT, or write a check `relationship`)
        ");
        insta::assert_snapshot!(wrong("accept: { from: raw.clientes, deduplicate: { key: [] } }\n"), @"
        t.sql:2:46+3 the key names no column
        t.sql:2:17+12 the SELECT does not read raw.clientes (`accept` is about a table that the model reads)
        ");
        insta::assert_snapshot!(wrong("accept: { from: raw.tickets, deduplicate: { key: [a, a], keep: last } }\n"), @"
        t.sql:2:54+1 column `a` stands here twice
        t.sql:2:64+4 `last` is not an order (name the column that tells which row is the last: `fecha DESC NULLS LAST`)
        ");
        insta::assert_snapshot!(wrong("accept: { from: raw.tickets, deduplicate: { key: [a], keep: a DESC b } }\n"), @"t.sql:2:68+1 the order ends before `b`");
        insta::assert_snapshot!(wrong("materialized: view\naccept: { from: raw.tickets }\n"), @"
        t.sql:3:1+6 a view accepts no rows: it is planned afresh by each query (keep the model as a table, or write the rules behind WHERE)
        t.sql:3:1+6 every row is accepted: there is no rule (write `rules:` or `deduplicate:`, or take `accept` out)
        ");
        insta::assert_snapshot!(wrong("accept: { from: raw.tickets, rule: { a: a } }\n"), @"
        t.sql:2:1+6 every row is accepted: there is no rule (write `rules:` or `deduplicate:`, or take `accept` out)
        t.sql:2:30+4 unknown key `rule` (did you mean `rules`?)
        ");
    }
}
