//! The header of a model: the YAML of its first comment, as written and as meant.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

use super::accept::AcceptFile;
use super::names::Known;
use super::{Check, Header, Materialized, Rule, Severity};
use crate::document::{self, Notes, Path, Text};
use crate::error::{Finding, Place};
use crate::name::TableName;
use crate::sql::{Query, Reference, Source};

/// How a header begins.
pub(super) const OPENS: &str = "/*---";
/// How a header ends.
pub(super) const CLOSES: &str = "---*/";

/// The header of a model.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "model header")]
pub(super) struct HeaderFile {
    /// What a row is.
    #[serde(default)]
    description: String,
    /// How the model is kept.
    #[serde(default)]
    materialized: MaterializedFile,
    /// Columns the table is partitioned by.
    #[serde(default)]
    partition_by: Vec<String>,
    /// The columns that identify a row: checked to be unique and not null.
    #[serde(default)]
    grain: Vec<String>,
    /// Which rows of one input the model takes; the others are rejects.
    accept: Option<AcceptFile>,
    /// What must hold before a release.
    #[serde(default)]
    checks: Vec<CheckFile>,
    /// What the columns mean.
    #[serde(default)]
    columns: BTreeMap<String, String>,
    /// Words to select models by.
    #[serde(default)]
    tags: Vec<String>,
}

/// How a model is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum MaterializedFile {
    /// As a table, written by a run.
    #[default]
    Table,
    /// As SQL, planned afresh by each query.
    View,
}

/// One check: one rule, with a name and a severity if they are to differ from the usual.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckFile {
    /// The name of the check, unique in the model; made from the rule unless given.
    name: Option<String>,
    /// What happens when the check fails.
    severity: Option<SeverityFile>,
    /// No NULL in any of these columns.
    not_null: Option<Vec<String>>,
    /// No two rows agree in all of these columns.
    unique: Option<Vec<String>>,
    /// Every value of the column that is not NULL is one of these.
    accepted_values: Option<BTreeMap<String, Vec<Literal>>>,
    /// Every value of the column that is not NULL lies between the bounds, both included.
    range: Option<BTreeMap<String, RangeFile>>,
    /// Every value of the column that is not NULL stands in a column of another table: `layer.table.column`.
    relationship: Option<BTreeMap<String, String>>,
    /// A SQL expression that is true or NULL in every row.
    expression: Option<String>,
    /// At most this share of the column's values is NULL, from 0 to 1.
    null_share: Option<BTreeMap<String, f64>>,
    /// The number of rows lies between the bounds, both included.
    row_count: Option<RowCountFile>,
    /// A query that returns no row.
    sql: Option<String>,
}

/// What happens when a check fails.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SeverityFile {
    /// The run publishes nothing.
    Error,
    /// The run says so and goes on.
    Warn,
}

/// Bounds of values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RangeFile {
    /// The least value.
    min: Option<Literal>,
    /// The greatest value.
    max: Option<Literal>,
}

/// Bounds of a number of rows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RowCountFile {
    /// The least number.
    min: Option<u64>,
    /// The greatest number.
    max: Option<u64>,
}

/// A value: text, number or truth value; dates are texts.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Literal {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

impl Literal {
    /// The value in SQL.
    fn sql(&self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

/// What a header says and reads.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) header: Header,
    /// Where the header says from which table it accepts rows.
    pub(super) accept_from: Option<Place>,
    /// The tables that checks read, without the model itself.
    pub(super) check_inputs: BTreeSet<TableName>,
    pub(super) findings: Vec<Finding>,
}

/// The bytes of the header's YAML in a model's text, if it has a header. Blanks and ordinary comments may stand before
/// it, SQL may not.
pub(super) fn find(source: &Source) -> Result<Option<Range<usize>>, Finding> {
    let text = source.text();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
        } else if rest.starts_with(OPENS) {
            break;
        } else if rest.starts_with("--") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            match rest.find("*/") {
                Some(end) => at += end + 2,
                None => return Ok(None),
            }
        } else {
            return Ok(None);
        }
    }
    let start = at + OPENS.len();
    let place = |byte, width| source.place(byte..byte + width);
    let Some(end) = text[start..].find("*/").map(|end| start + end) else {
        let finding = Finding::new("the header is not closed").at(place(at, OPENS.len()));
        return Err(finding.hint(format!("write {CLOSES} behind its last line")));
    };
    if let Some(nested) = text[start..end].find("/*") {
        let finding = Finding::new("a header cannot hold `/*`").at(place(start + nested, 2));
        return Err(finding.hint(format!("close the header with {CLOSES}, or write it without `/*`")));
    }
    match text[start..end].strip_suffix("---") {
        Some(yaml) => Ok(Some(start..start + yaml.len())),
        None => {
            let finding = Finding::new(format!("the header ends with `*/` instead of `{CLOSES}`")).at(place(end, 2));
            Err(finding.hint(format!("write {CLOSES}")))
        }
    }
}

/// Reads the YAML of a header.
pub(super) fn read(text: Text<'_>, model: &TableName, known: &Known) -> Read {
    if text.yaml().trim().is_empty() {
        return Read::default();
    }
    let (file, notes) = document::read::<HeaderFile>(text, unknown);
    let mut meaning = Meaning { model, known, notes, inputs: BTreeSet::new(), names: BTreeSet::new() };
    let header = file.map(|file| meaning.header(file)).unwrap_or_default();
    let from = Path::root().then("accept").then("from");
    let accept_from = header.accept.as_ref().map(|_| meaning.notes.place_of_value(&from));
    Read { header, accept_from, check_inputs: meaning.inputs, findings: meaning.notes.into_findings() }
}

fn unknown(key: &str, value: Option<&str>) -> Option<Finding> {
    match (key, value) {
        ("materialized", Some("incremental")) => {
            Some(Finding::new("incremental models are not built yet").hint("write `materialized: table`"))
        }
        _ => None,
    }
}

pub(super) struct Meaning<'a> {
    pub(super) model: &'a TableName,
    pub(super) known: &'a Known,
    pub(super) notes: Notes<'a>,
    inputs: BTreeSet<TableName>,
    /// The names of the checks so far.
    names: BTreeSet<String>,
}

impl Meaning<'_> {
    fn header(&mut self, file: HeaderFile) -> Header {
        let root = Path::root();
        let materialized = match file.materialized {
            MaterializedFile::Table => Materialized::Table,
            MaterializedFile::View => Materialized::View,
        };
        self.columns(&file.partition_by, &root.then("partition_by"));
        self.columns(&file.grain, &root.then("grain"));
        if materialized == Materialized::View && !file.partition_by.is_empty() {
            let finding =
                Finding::new("a view has no partitions").hint("take `partition_by` out, or keep it as a table");
            self.notes.key(&root.then("partition_by"), finding);
        }
        let accept = file.accept.and_then(|accept| self.accept(accept, materialized, &root.then("accept")));
        let mut checks = Vec::new();
        if !file.grain.is_empty() {
            for (name, rule) in [
                ("grain_not_null", Rule::NotNull(file.grain.clone())),
                ("grain_unique", Rule::Unique(file.grain.clone())),
            ] {
                self.names.insert(name.to_owned());
                checks.push(Check { name: name.to_owned(), rule, severity: Severity::Error });
            }
        }
        // Given names come first, so that a made name gives way to them.
        for (i, check) in file.checks.iter().enumerate() {
            if let Some(name) = &check.name {
                self.given_name(name, &root.then("checks").then(i).then("name"));
            }
        }
        for (i, check) in file.checks.into_iter().enumerate() {
            self.check(check, &root.then("checks").then(i), &mut checks);
        }
        Header {
            description: file.description,
            materialized,
            partition_by: file.partition_by,
            grain: file.grain,
            accept,
            checks,
            columns: file.columns,
            tags: file.tags,
        }
    }

    /// Notes empty and repeated names in a list of columns.
    pub(super) fn columns(&mut self, columns: &[String], here: &Path) {
        let mut seen = BTreeSet::new();
        for (i, column) in columns.iter().enumerate() {
            if column.trim().is_empty() {
                self.notes.value(&here.then(i), Finding::new("a column has no name"));
            } else if !seen.insert(column) {
                self.notes.value(&here.then(i), Finding::new(format!("column `{column}` stands here twice")));
            }
        }
    }

    fn given_name(&mut self, name: &str, here: &Path) {
        if name.trim().is_empty() {
            self.notes.value(here, Finding::new("the check's name is empty").hint("write a name or leave it out"));
        } else if !self.names.insert(name.to_owned()) {
            let finding = Finding::new(format!("a second check has the name `{name}`"));
            self.notes.value(here, finding.hint("each check of a model has a name of its own"));
        }
    }

    fn check(&mut self, file: CheckFile, here: &Path, checks: &mut Vec<Check>) {
        let severity = match file.severity {
            None | Some(SeverityFile::Error) => Severity::Error,
            Some(SeverityFile::Warn) => Severity::Warn,
        };
        let given = file.name.clone();
        let rules = self.rules(file, here);
        let several = rules.len() > 1;
        for (made, rule) in rules {
            let name = match &given {
                Some(given) if several => self.free_name(&format!("{given}_{}", column_of(&rule))),
                Some(given) => given.clone(),
                None => self.free_name(&made),
            };
            checks.push(Check { name, rule, severity });
        }
    }

    /// A name like `made` that no check has yet.
    fn free_name(&mut self, made: &str) -> String {
        let numbered = (2..).map(|n| format!("{made}_{n}"));
        let free = std::iter::once(made.to_owned()).chain(numbered).find(|name| !self.names.contains(name));
        let name = free.unwrap_or_default();
        self.names.insert(name.clone());
        name
    }

    /// The rules of a check with the names made from them: one, or one a column where the rule is a map of columns.
    fn rules(&mut self, file: CheckFile, here: &Path) -> Vec<(String, Rule)> {
        let mut rules = Vec::new();
        let mut kinds: Vec<&str> = Vec::new();
        if let Some(columns) = file.not_null {
            kinds.push("not_null");
            self.some(&columns, &here.then("not_null"));
            rules.push((made("not_null", &columns.join("_")), Rule::NotNull(columns)));
        }
        if let Some(columns) = file.unique {
            kinds.push("unique");
            self.some(&columns, &here.then("unique"));
            rules.push((made("unique", &columns.join("_")), Rule::Unique(columns)));
        }
        if let Some(columns) = file.accepted_values {
            kinds.push("accepted_values");
            self.any_column(columns.len(), &here.then("accepted_values"));
            for (column, values) in columns {
                if values.is_empty() {
                    let path = here.then("accepted_values").then(column.as_str());
                    self.notes.key(&path, Finding::new(format!("no value of `{column}` is accepted")));
                }
                let values = values.iter().map(Literal::sql).collect();
                rules.push((made("accepted_values", &column), Rule::AcceptedValues { column, values }));
            }
        }
        if let Some(columns) = file.range {
            kinds.push("range");
            self.any_column(columns.len(), &here.then("range"));
            for (column, range) in columns {
                self.bounds(&column, &range, &here.then("range").then(column.as_str()));
                let (min, max) = (range.min.map(|min| min.sql()), range.max.map(|max| max.sql()));
                rules.push((made("range", &column), Rule::Range { column, min, max }));
            }
        }
        if let Some(columns) = file.relationship {
            kinds.push("relationship");
            self.any_column(columns.len(), &here.then("relationship"));
            for (column, target) in columns {
                let path = here.then("relationship").then(column.as_str());
                if let Some((table, to_column)) = self.relationship(&target, &path) {
                    let rule = Rule::Relationship { column: column.clone(), table, to_column };
                    rules.push((made("relationship", &column), rule));
                }
            }
        }
        if let Some(expression) = file.expression {
            kinds.push("expression");
            self.sql(&here.then("expression"), &expression, Query::read_expression);
            rules.push((made("expression", &expression), Rule::Expression(expression)));
        }
        if let Some(columns) = file.null_share {
            kinds.push("null_share");
            self.any_column(columns.len(), &here.then("null_share"));
            for (column, max) in columns {
                if !(0.0..=1.0).contains(&max) {
                    let path = here.then("null_share").then(column.as_str());
                    let finding = Finding::new(format!("a share lies between 0 and 1, this is {max}"));
                    self.notes.value(&path, finding.hint("write 0.1 for ten per cent"));
                }
                rules.push((made("null_share", &column), Rule::NullShare { column, max }));
            }
        }
        if let Some(RowCountFile { min, max }) = file.row_count {
            kinds.push("row_count");
            let path = here.then("row_count");
            match (min, max) {
                (None, None) => {
                    self.notes.value(&path, Finding::new("`row_count` has no bound").hint("write `min:` or `max:`"));
                }
                (Some(min), Some(max)) if min > max => {
                    self.notes.key(&path, Finding::new(format!("no number lies between {min} and {max}")));
                }
                _ => {}
            }
            rules.push(("row_count".to_owned(), Rule::RowCount { min, max }));
        }
        if let Some(query) = file.sql {
            kinds.push("sql");
            self.sql(&here.then("sql"), &query, Query::read);
            rules.push(("sql".to_owned(), Rule::Sql(query)));
        }
        match kinds.as_slice() {
            [_] => {}
            [] => self.notes.value(
                here,
                Finding::new("the check has no rule").hint(
                    "one of not_null, unique, accepted_values, range, relationship, expression, null_share, row_count, sql",
                ),
            ),
            [_, second, ..] => self.notes.key(
                &here.then(*second),
                Finding::new(format!("a check has one rule, this one has {}: {}", kinds.len(), kinds.join(", ")))
                    .hint(format!("begin a new item of the list with `- {second}:`")),
            ),
        }
        rules
    }

    fn some(&mut self, columns: &[String], here: &Path) {
        self.any_column(columns.len(), here);
        self.columns(columns, here);
    }

    fn any_column(&mut self, columns: usize, here: &Path) {
        if columns == 0 {
            self.notes.key(here, Finding::new("the rule names no column"));
        }
    }

    fn bounds(&mut self, column: &str, range: &RangeFile, here: &Path) {
        match (&range.min, &range.max) {
            (None, None) => self.notes.value(
                here,
                Finding::new(format!("the range of `{column}` has no bound")).hint("write `min:` or `max:`"),
            ),
            (Some(Literal::Int(min)), Some(Literal::Int(max))) if min > max => {
                self.notes.key(here, Finding::new(format!("no value lies between {min} and {max}")));
            }
            _ => {}
        }
    }

    /// Reads `layer.table.column`.
    fn relationship(&mut self, target: &str, here: &Path) -> Option<(TableName, String)> {
        let mut parts: Vec<String> = target.split('.').map(|part| part.trim().to_owned()).collect();
        let column = parts.pop().filter(|column| !column.is_empty());
        let (Some(column), false) = (column, parts.is_empty()) else {
            let finding = Finding::new(format!("`{target}` is not a column of a table"));
            self.notes.value(here, finding.hint("write layer.table.column, such as processed.clientes.cliente_id"));
            return None;
        };
        match self.known.resolve(&parts) {
            Ok(table) => {
                self.input(table.clone());
                Some((table, column))
            }
            Err(finding) => {
                self.notes.value(here, finding);
                None
            }
        }
    }

    /// Parses the SQL of a check, and takes its tables as inputs.
    fn sql(&mut self, here: &Path, text: &str, read: impl Fn(&Source) -> Result<Query, Vec<Finding>>) {
        let references = self.parse(here, text, read);
        let unresolved: Vec<(Option<Place>, Finding)> = references
            .into_iter()
            .filter_map(|Reference { parts, place }| match self.known.resolve(&parts) {
                Ok(table) => {
                    self.input(table);
                    None
                }
                Err(finding) => Some((Some(place), finding)),
            })
            .collect();
        for (inner, finding) in unresolved {
            self.note_inside(here, text, inner, finding);
        }
    }

    /// Parses SQL that stands at `here`, notes what is wrong with it, and returns the tables it names.
    pub(super) fn parse(
        &mut self,
        here: &Path,
        text: &str,
        read: impl Fn(&Source) -> Result<Query, Vec<Finding>>,
    ) -> Vec<Reference> {
        let (references, findings) = match read(&Source::new("header", text)) {
            Ok(query) => (query.references, query.findings),
            Err(findings) => (Vec::new(), findings),
        };
        for mut finding in findings {
            let inner = finding.place.take();
            self.note_inside(here, text, inner, finding);
        }
        references
    }

    /// Notes a mistake in the SQL `text` that stands at `here`.
    pub(super) fn note_inside(&mut self, here: &Path, text: &str, inner: Option<Place>, finding: Finding) {
        match inner.and_then(|inner| self.inside(here, text, &inner)) {
            Some(place) => self.notes.push(finding.at(place)),
            None => self.notes.value(here, finding),
        }
    }

    /// The place in the file of a place in a check's SQL, where it stands there as it was read.
    fn inside(&self, here: &Path, text: &str, inner: &Place) -> Option<Place> {
        let mut place = self.notes.place_of_value(here);
        let from: String = place.text.chars().skip(place.column - 1).collect();
        let quotes = usize::from(from.starts_with(['\'', '"']));
        let written: String = from.chars().skip(quotes).collect();
        if inner.line != 1 || text.contains('\n') || !written.starts_with(text) {
            return None;
        }
        place.column += quotes + inner.column - 1;
        place.width = inner.width;
        Some(place)
    }

    fn input(&mut self, table: TableName) {
        if table != *self.model {
            self.inputs.insert(table);
        }
    }
}

fn column_of(rule: &Rule) -> String {
    match rule {
        Rule::AcceptedValues { column, .. }
        | Rule::Range { column, .. }
        | Rule::Relationship { column, .. }
        | Rule::NullShare { column, .. } => column.clone(),
        Rule::NotNull(columns) | Rule::Unique(columns) => columns.join("_"),
        Rule::Expression(_) | Rule::RowCount { .. } | Rule::Sql(_) => "rows".to_owned(),
    }
}

/// A name from a rule and what it is about: letters and digits, joined by `_`, short enough for a table.
fn made(rule: &str, about: &str) -> String {
    let words = about.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let mut name = rule.to_owned();
    for word in words {
        if name.chars().count() + word.chars().count() >= 60 {
            break;
        }
        name.push('_');
        name.push_str(&word.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::render;
    use crate::model::Model;
    use crate::name::Layer;

    fn known() -> Known {
        let catalog = "version: 1\nproject: p\nlake: l\ndatasets:\n  clientes: { path: a.csv, columns: [{ name: a, type: int }] }\n";
        let catalog = crate::catalog::Catalog::parse(catalog, "catalog.yaml").unwrap();
        let models = ["processed.clientes", "processed.tickets"].map(|name| name.parse::<TableName>().unwrap());
        Known::new(&catalog, &models)
    }

    fn parse(text: &str) -> Result<Model, String> {
        let name = TableName::new(Layer::Processed, "tickets");
        Model::parse(name, "sql/processed/tickets.sql", text, &known()).map_err(|error| render(error.all_findings()))
    }

    #[test]
    fn a_header_means_what_it_says() {
        let text = "\
-- Copyright of the bank.
/* nada */ /*---
description: Un registro por ticket.
materialized: table
partition_by: [anio_mes]
grain: [ticket_id]
columns: { canal: Canal de ingreso. }
tags: [diario]
checks:
  - not_null: [canal, estado]
  - unique: [a, b]
  - accepted_values: { canal: [no, \"it's\", 5, 1.5, true, 010, '7'] }
  - range: { a: { min: 1 }, b: { max: 2024-12-31 } }
  - name: sin_huerfanos
    severity: warn
    relationship: { cliente_id: processed.clientes.cliente_id }
  - relationship: { x: raw.clientes.a }
  - expression: tiempo >= 0
  - expression: tiempo >= 0
  - null_share: { a: 0.1 }
  - row_count: { min: 1 }
  - sql: |
      SELECT * FROM processed.tickets t
      JOIN raw.clientes c ON true
---*/
SELECT 1 AS a
\u{20}";
        let model = parse(text).unwrap();
        let header = &model.header;
        assert_eq!(header.description, "Un registro por ticket.");
        assert_eq!((header.materialized, &*header.partition_by), (Materialized::Table, &["anio_mes".to_owned()][..]));
        assert_eq!(header.columns["canal"], "Canal de ingreso.");
        assert_eq!(header.tags, ["diario"]);
        let inputs: Vec<String> = model.check_inputs.iter().map(ToString::to_string).collect();
        assert_eq!(inputs, ["raw.clientes", "processed.clientes"]);
        let checks: Vec<String> = header
            .checks
            .iter()
            .map(|check| format!("{} {:?} {:?}\n", check.name, check.severity, check.rule))
            .collect();
        insta::assert_snapshot!(checks.concat(), @r#"
        grain_not_null Error NotNull(["ticket_id"])
        grain_unique Error Unique(["ticket_id"])
        not_null_canal_estado Error NotNull(["canal", "estado"])
        unique_a_b Error Unique(["a", "b"])
        accepted_values_canal Error AcceptedValues { column: "canal", values: ["'no'", "'it''s'", "5", "1.5", "true", "'010'", "'7'"] }
        range_a Error Range { column: "a", min: Some("1"), max: None }
        range_b Error Range { column: "b", min: None, max: Some("'2024-12-31'") }
        sin_huerfanos Warn Relationship { column: "cliente_id", table: TableName { layer: Processed, name: "clientes" }, to_column: "cliente_id" }
        relationship_x Error Relationship { column: "x", table: TableName { layer: Raw, name: "clientes" }, to_column: "a" }
        expression_tiempo_0 Error Expression("tiempo >= 0")
        expression_tiempo_0_2 Error Expression("tiempo >= 0")
        null_share_a Error NullShare { column: "a", max: 0.1 }
        row_count Error RowCount { min: Some(1), max: None }
        sql Error Sql("SELECT * FROM processed.tickets t\nJOIN raw.clientes c ON true\n")
        "#);
    }

    #[test]
    fn a_model_needs_no_header() {
        for text in ["SELECT 1", "/* sin cabecera */ SELECT 1", "/*------*/ SELECT 1", "/*---\n---*/\nSELECT 1"] {
            assert_eq!(parse(text).unwrap().header, Header::default(), "{text}");
        }
    }

    #[test]
    fn all_mistakes_of_a_header_are_told_with_their_places_in_the_file() {
        let text = "\
-- una nota
/*---
descripcion: x
materialized: incremental
partition_by: [a, a]
grain: id
severity: warn
checks:
  - {}
  - name: uno
    not_null: [a]
  - name: uno
    not_null: []
  - not_null: [a]
    unique: [b]
  - uniqe: [b]
  - accepted_values: { canal: [] }
  - accepted_values: { canal: x }
  - range: { a: {}, b: { min: 5, max: 1 }, c: { least: 1 } }
  - relationship: { a: clientes, b: processed.client.id, c: nada.de.nada }
  - expression: a >= >= 0
  - expression: 'b IN (SELECT x FROM raw.clintes)'
  - expression: >
      a + b
      c
  - null_share: { a: 10, b: x }
  - row_count: { min: 5, max: 1 }
  - row_count: { min: -1 }
  - sql: DELETE FROM processed.clientes
  - sql: SELECT 1 FROM nada
---*/
SELECT * FROM raw.client
";
        insta::assert_snapshot!(parse(text).unwrap_err(), @"
        sql/processed/tickets.sql:3:1+11 unknown key `descripcion` (did you mean `description`?)
        sql/processed/tickets.sql:4:15+11 incremental models are not built yet (write `materialized: table`)
        sql/processed/tickets.sql:5:19+1 column `a` stands here twice
        sql/processed/tickets.sql:6:8+2 `grain` must be a list, this is a text (write [id])
        sql/processed/tickets.sql:7:1+8 unknown key `severity` (the keys here are description, materialized, partition_by, grain, accept, checks, columns, tags)
        sql/processed/tickets.sql:9:5+1 the check has no rule (one of not_null, unique, accepted_values, range, relationship, expression, null_share, row_count, sql)
        sql/processed/tickets.sql:12:11+3 a second check has the name `uno` (each check of a model has a name of its own)
        sql/processed/tickets.sql:13:5+8 the rule names no column
        sql/processed/tickets.sql:15:5+6 a check has one rule, this one has 2: not_null, unique (begin a new item of the list with `- unique:`)
        sql/processed/tickets.sql:16:5+5 unknown key `uniqe` (did you mean `unique`?)
        sql/processed/tickets.sql:17:24+5 no value of `canal` is accepted
        sql/processed/tickets.sql:18:31+1 `canal` must be a list, this is a text (write [x])
        sql/processed/tickets.sql:19:17+1 the range of `a` has no bound (write `min:` or `max:`)
        sql/processed/tickets.sql:19:21+1 no value lies between 5 and 1
        sql/processed/tickets.sql:19:49+5 unknown key `least` (the keys here are min, max)
        sql/processed/tickets.sql:20:24+8 `clientes` is not a column of a table (write layer.table.column, such as processed.clientes.cliente_id)
        sql/processed/tickets.sql:20:37+19 unknown table `processed.client` (did you mean `processed.clientes`?)
        sql/processed/tickets.sql:20:61+12 unknown layer `nada` (the layers are raw, processed, curated and system)
        sql/processed/tickets.sql:21:22+1 expected an expression, found `>=`
        sql/processed/tickets.sql:22:38+11 unknown table `raw.clintes` (did you mean `raw.clientes`?)
        sql/processed/tickets.sql:24:7+16 the expression ends before `c`
        sql/processed/tickets.sql:26:22+2 a share lies between 0 and 1, this is 10 (write 0.1 for ten per cent)
        sql/processed/tickets.sql:26:29+1 `b` must be a number, this is a text
        sql/processed/tickets.sql:27:5+9 no number lies between 5 and 1
        sql/processed/tickets.sql:28:23+2 `min` must be at least 0
        sql/processed/tickets.sql:29:10+6 only a SELECT can stand here, this is `DELETE` (write the SELECT alone; cauce keeps what it returns)
        sql/processed/tickets.sql:30:24+4 unknown table `nada` (tables are the datasets of catalog.yaml and the files under sql/)
        sql/processed/tickets.sql:32:15+10 unknown table `raw.client` (did you mean `raw.clientes`?)
        ");
    }

    #[test]
    fn a_header_must_be_closed() {
        insta::assert_snapshot!(parse("/*---\ngrain: [a]\nSELECT 1").unwrap_err(), @"sql/processed/tickets.sql:1:1+5 the header is not closed (write ---*/ behind its last line)");
        insta::assert_snapshot!(parse("/*---\ngrain: [a]\n*/\nSELECT 1").unwrap_err(), @"sql/processed/tickets.sql:3:1+2 the header ends with `*/` instead of `---*/` (write ---*/)");
        insta::assert_snapshot!(parse("/*---\ndescription: de data/*.csv\n---*/\nSELECT 1").unwrap_err(), @"sql/processed/tickets.sql:2:21+2 a header cannot hold `/*` (close the header with ---*/, or write it without `/*`)");
        insta::assert_snapshot!(parse("SELECT 1\n/*---\ngrain: [a]\n---*/").unwrap_err(), @"sql/processed/tickets.sql:2:1+5 a header stands before the SELECT, and there is one only (move its keys into the first comment of the file)");
        insta::assert_snapshot!(parse("/*---\ngrain: [a\n---*/\nSELECT x FROM y").unwrap_err(), @"
        sql/processed/tickets.sql:2:8+1 unclosed bracket '['
        sql/processed/tickets.sql:4:15+1 unknown table `y` (tables are the datasets of catalog.yaml and the files under sql/)
        ");
        insta::assert_snapshot!(parse("/*---\nmaterialized: view\npartition_by: [a]\n---*/\nSELECT 1").unwrap_err(), @"sql/processed/tickets.sql:3:1+12 a view has no partitions (take `partition_by` out, or keep it as a table)");
    }
}
