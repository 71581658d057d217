//! The header of a model: the YAML of its first comment, as written and as meant.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use schemars::JsonSchema;
use serde::Deserialize;

use super::accept::AcceptFile;
use super::checks::CheckFile;
use super::edges::{Edge, InputFile};
use super::incremental::{Following, IncrementalFile};
use super::names::Known;
use super::{Amount, Check, Header, Materialized, OnFailure, Rule, Severity};
use crate::document::{self, Notes, Path, Text};
use crate::error::{Finding, Place};
use crate::name::TableName;
use crate::sql::{Query, Reference, Source};

/// How a header begins.
pub(super) const OPENS: &str = "/*---";
/// How a header ends.
pub(super) const CLOSES: &str = "---*/";

/// The name of the check that no two rows have the same grain.
pub const GRAIN_CHECK: &str = "grain_unique";

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
    /// How the table follows the files of an input; for `materialized: incremental`.
    incremental: Option<IncrementalFile>,
    /// What must hold before a release.
    #[serde(default)]
    checks: Vec<CheckFile>,
    /// What becomes of the release when a check fails. With `warn`, checks have `severity: warn` unless they say otherwise.
    #[serde(default)]
    on_failure: OnFailure,
    /// What becomes of this model when a model that it reads fails, by the name of that model.
    #[serde(default)]
    inputs: BTreeMap<String, InputFile>,
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
    /// As a table to which a run adds what came of files that are new or changed.
    Incremental,
    /// As SQL, planned afresh by each query.
    View,
}

/// What a header says and reads.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) header: Header,
    /// Where the header says from which table it accepts rows.
    pub(super) accept_from: Option<Place>,
    /// The tables of `inputs`.
    pub(super) edges: Vec<Edge>,
    /// How the table follows files.
    pub(super) following: Option<Following>,
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
    let (file, notes) = document::read::<HeaderFile>(text, |_, _| None);
    let (inputs, edges, names) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    let mut meaning = Meaning { model, known, notes, inputs, edges, names };
    let (header, following) = file.map(|file| meaning.header(file)).unwrap_or_default();
    let from = Path::root().then("accept").then("from");
    let accept_from = header.accept.as_ref().map(|_| meaning.notes.place_of_value(&from));
    let Meaning { notes, inputs: check_inputs, edges, .. } = meaning;
    Read { header, accept_from, edges, following, check_inputs, findings: notes.into_findings() }
}

pub(super) struct Meaning<'a> {
    pub(super) model: &'a TableName,
    pub(super) known: &'a Known,
    pub(super) notes: Notes<'a>,
    /// The tables that checks read.
    pub(super) inputs: BTreeSet<TableName>,
    /// The tables of `inputs`.
    pub(super) edges: Vec<Edge>,
    /// The names of the checks so far.
    pub(super) names: BTreeSet<String>,
}

impl Meaning<'_> {
    fn header(&mut self, file: HeaderFile) -> (Header, Option<Following>) {
        let root = Path::root();
        let materialized = match file.materialized {
            MaterializedFile::Table => Materialized::Table,
            MaterializedFile::Incremental => Materialized::Incremental,
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
        let here = root.then("incremental");
        let following = self.incremental(file.incremental, materialized, &file.partition_by, &here);
        if following.is_some() && accept.as_ref().is_some_and(|accept| accept.deduplicate.is_some()) {
            let finding = Finding::new("rows of one key may stand in several files, which are read one by one");
            let path = root.then("accept").then("deduplicate");
            self.notes.key(&path, finding.hint("write `strategy: merge` with `unique_key`, which keeps one of them"));
        }
        let usual = if file.on_failure == OnFailure::Warn { Severity::Warn } else { Severity::Error };
        let mut checks = Vec::new();
        if !file.grain.is_empty() {
            for (name, rule) in
                [("grain_not_null", Rule::NotNull(file.grain.clone())), (GRAIN_CHECK, Rule::Unique(file.grain.clone()))]
            {
                self.names.insert(name.to_owned());
                checks.push(Check { name: name.to_owned(), rule, severity: usual, at_most: Amount::NONE });
            }
        }
        // Given names come first, so that a made name gives way to them.
        for (i, check) in file.checks.iter().enumerate() {
            if let Some(name) = &check.name {
                self.given_name(name, &root.then("checks").then(i).then("name"));
            }
        }
        for (i, check) in file.checks.into_iter().enumerate() {
            self.check(check, usual, &root.then("checks").then(i), &mut checks);
        }
        let inputs = self.edges(file.inputs, &root.then("inputs"));
        let header = Header {
            description: file.description,
            materialized,
            partition_by: file.partition_by,
            grain: file.grain,
            accept,
            incremental: None,
            checks,
            on_failure: file.on_failure,
            inputs,
            columns: file.columns,
            tags: file.tags,
        };
        (header, following)
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

    /// Parses the SQL of a check, and takes its tables as inputs.
    pub(super) fn sql(&mut self, here: &Path, text: &str, read: impl Fn(&Source) -> Result<Query, Vec<Finding>>) {
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

    pub(super) fn input(&mut self, table: TableName) {
        if table != *self.model {
            self.inputs.insert(table);
        }
    }
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
  - row_count: { min: 1, change: 20 % }
  - pattern: { dni: '^\\d{8}$' }
  - { freshness: { fecha: 36 hours }, severity: warn }
  - { sum: { total: processed.clientes.a }, at_most: 0.5 }
  - { sum: { filas: processed.clientes.* }, at_most: 0.1 % }
  - { not_null: [b], at_most: 5 }
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
            .map(|check| format!("{} {:?} {} {:?}\n", check.name, check.severity, check.at_most, check.rule))
            .collect();
        insta::assert_snapshot!(checks.concat(), @r#"
        grain_not_null Error 0 NotNull(["ticket_id"])
        grain_unique Error 0 Unique(["ticket_id"])
        not_null_canal_estado Error 0 NotNull(["canal", "estado"])
        unique_a_b Error 0 Unique(["a", "b"])
        accepted_values_canal Error 0 AcceptedValues { column: "canal", values: ["'no'", "'it''s'", "5", "1.5", "true", "'010'", "'7'"] }
        range_a Error 0 Range { column: "a", min: Some("1"), max: None }
        range_b Error 0 Range { column: "b", min: None, max: Some("'2024-12-31'") }
        sin_huerfanos Warn 0 Relationship { column: "cliente_id", table: TableName { layer: Processed, name: "clientes" }, to_column: "cliente_id" }
        relationship_x Error 0 Relationship { column: "x", table: TableName { layer: Raw, name: "clientes" }, to_column: "a" }
        expression_tiempo_0 Error 0 Expression("tiempo >= 0")
        expression_tiempo_0_2 Error 0 Expression("tiempo >= 0")
        null_share_a Error 0 NullShare { column: "a", max: 0.1 }
        row_count Error 0 RowCount { min: Some(1), max: None, change: Some(Share(0.2)) }
        pattern_dni Error 0 Pattern { column: "dni", pattern: "^\\d{8}$" }
        freshness_fecha Warn 0 Freshness { column: "fecha", within: 129600s }
        sum_total Error 0.5 Sum { column: "total", table: TableName { layer: Processed, name: "clientes" }, of: Some("a") }
        sum_filas Error 0.1 % Sum { column: "filas", table: TableName { layer: Processed, name: "clientes" }, of: None }
        not_null_b Error 5 NotNull(["b"])
        sql Error 0 Sql("SELECT * FROM processed.tickets t\nJOIN raw.clientes c ON true\n")
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
  - row_count: { change: more }
  - pattern: { a: '[0-9' }
  - freshness: { a: soon }
  - { sum: { a: processed.clientes }, at_most: -1 }
  - { expression: a > 0, at_most: 0.5 }
  - { null_share: { a: 0.1 }, at_most: 3 }
  - sql: DELETE FROM processed.clientes
  - sql: SELECT 1 FROM nada
---*/
SELECT * FROM raw.client
";
        insta::assert_snapshot!(parse(text).unwrap_err(), @"
        sql/processed/tickets.sql:3:1+11 unknown key `descripcion` (did you mean `description`?)
        sql/processed/tickets.sql:4:15+11 the header does not say how files that come and go change the table (write `incremental: { strategy: append }`; the others are merge and partition)
        sql/processed/tickets.sql:5:19+1 column `a` stands here twice
        sql/processed/tickets.sql:6:8+2 `grain` must be a list, this is a text (write [id])
        sql/processed/tickets.sql:7:1+8 unknown key `severity` (the keys here are description, materialized, partition_by, grain, accept, incremental, checks, on_failure, inputs, columns, tags)
        sql/processed/tickets.sql:9:5+1 the check has no rule (one of not_null, unique, accepted_values, range, pattern, relationship, expression, null_share, row_count, freshness, sum, sql)
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
        sql/processed/tickets.sql:29:26+4 this is no amount (write a number that is not negative, or a share such as `0.1 %`)
        sql/processed/tickets.sql:30:19+6 `[0-9` is not a regular expression (unclosed character class)
        sql/processed/tickets.sql:31:21+4 `soon` is no age (write a number and a unit: 90 min, 36 hours, 2 days, 1 week)
        sql/processed/tickets.sql:32:17+18 unknown table `processed` (tables are the datasets of catalog.yaml and the files under sql/)
        sql/processed/tickets.sql:33:35+3 0.5 is no number of rows (write a whole number, or a share of the rows: 0.5 %)
        sql/processed/tickets.sql:34:31+7 `null_share` says itself how much is allowed (take `at_most` out)
        sql/processed/tickets.sql:35:10+6 only a SELECT can stand here, this is `DELETE` (write the SELECT alone; cauce keeps what it returns)
        sql/processed/tickets.sql:36:24+4 unknown table `nada` (tables are the datasets of catalog.yaml and the files under sql/)
        sql/processed/tickets.sql:38:15+10 unknown table `raw.client` (did you mean `raw.clientes`?)
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
