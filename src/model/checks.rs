//! The key `checks` of a header: as written, and what is wrong with it.

use std::collections::BTreeMap;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use super::amount::{AmountFile, read_age};
use super::header::Meaning;
use super::{Amount, Check, Rule, Severity};
use crate::document::Path;
use crate::error::Finding;
use crate::name::TableName;
use crate::sql::Query;

/// One check: one rule, with a name and a severity if they are to differ from the usual.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckFile {
    /// The name of the check, unique in the model; made from the rule unless given.
    pub(super) name: Option<String>,
    /// What happens when the check fails.
    severity: Option<SeverityFile>,
    /// How much may fail without the check failing: a number of rows, or a share of them such as `0.1 %`. For `sum`, how
    /// far the two may lie apart.
    at_most: Option<AmountFile>,
    /// No NULL in any of these columns.
    not_null: Option<Vec<String>>,
    /// No two rows agree in all of these columns.
    unique: Option<Vec<String>>,
    /// Every value of the column that is not NULL is one of these.
    accepted_values: Option<BTreeMap<String, Vec<Literal>>>,
    /// Every value of the column that is not NULL lies between the bounds, both included.
    range: Option<BTreeMap<String, RangeFile>>,
    /// The regular expression is found in every value of the column that is not NULL; `^` and `$` hold it to the whole.
    pattern: Option<BTreeMap<String, String>>,
    /// Every value of the column that is not NULL stands in a column of another table: `layer.table.column`.
    relationship: Option<BTreeMap<String, String>>,
    /// A SQL expression that is true or NULL in every row.
    expression: Option<String>,
    /// At most this share of the column's values is NULL, from 0 to 1.
    null_share: Option<BTreeMap<String, f64>>,
    /// The number of rows lies between the bounds, both included.
    row_count: Option<RowCountFile>,
    /// The column's newest value is at most so old when the check is measured: `2 days`, `36 hours`, `90 min`.
    freshness: Option<BTreeMap<String, String>>,
    /// The sum of the column is that of a column of another table, `layer.table.column`, or the number of that table's
    /// rows, `layer.table.*`.
    sum: Option<BTreeMap<String, String>>,
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
    /// How far it may lie from the number of rows in the release before: rows, or a share of them such as `20 %`.
    change: Option<AmountFile>,
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

impl Meaning<'_> {
    pub(super) fn given_name(&mut self, name: &str, here: &Path) {
        if name.trim().is_empty() {
            self.notes.value(here, Finding::new("the check's name is empty").hint("write a name or leave it out"));
        } else if !self.names.insert(name.to_owned()) {
            let finding = Finding::new(format!("a second check has the name `{name}`"));
            self.notes.value(here, finding.hint("each check of a model has a name of its own"));
        }
    }

    /// Adds what a check means to `checks`; its severity is the `usual` one if it says nothing else.
    pub(super) fn check(&mut self, file: CheckFile, usual: Severity, here: &Path, checks: &mut Vec<Check>) {
        let severity = match file.severity {
            None => usual,
            Some(SeverityFile::Error) => Severity::Error,
            Some(SeverityFile::Warn) => Severity::Warn,
        };
        let given = file.name.clone();
        let at_most = file.at_most.clone();
        let rules = self.rules(file, here);
        let at_most = match (&at_most, rules.first()) {
            (Some(at_most), Some((_, rule))) => self.at_most(at_most, rule, &here.then("at_most")),
            _ => Amount::NONE,
        };
        let several = rules.len() > 1;
        for (made, rule) in rules {
            let name = match &given {
                Some(given) if several => self.free_name(&format!("{given}_{}", column_of(&rule))),
                Some(given) => given.clone(),
                None => self.free_name(&made),
            };
            checks.push(Check { name, rule, severity, at_most });
        }
    }

    /// How much of what `rule` looks at may fail.
    fn at_most(&mut self, written: &AmountFile, rule: &Rule, here: &Path) -> Amount {
        let amount = self.amount(written, here);
        if !rule.tolerates() {
            let finding = Finding::new(format!("`{}` says itself how much is allowed", rule.as_str()));
            self.notes.key(here, finding.hint("take `at_most` out"));
        } else if let (Amount::Number(number), false) = (amount, matches!(rule, Rule::Sum { .. }))
            && number.fract() != 0.0
        {
            let finding = Finding::new(format!("{number} is no number of rows"));
            self.notes.value(here, finding.hint(format!("write a whole number, or a share of the rows: {number} %")));
        }
        amount
    }

    fn amount(&mut self, written: &AmountFile, here: &Path) -> Amount {
        written.read().unwrap_or_else(|| {
            let finding = Finding::new("this is no amount");
            self.notes.value(here, finding.hint("write a number that is not negative, or a share such as `0.1 %`"));
            Amount::NONE
        })
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
        if let Some(columns) = file.pattern {
            kinds.push("pattern");
            self.any_column(columns.len(), &here.then("pattern"));
            for (column, pattern) in columns {
                if let Err(wrong) = Regex::new(&pattern) {
                    let finding = Finding::new(format!("`{pattern}` is not a regular expression"));
                    let reason = wrong.to_string().lines().last().unwrap_or_default().replace("error: ", "");
                    self.notes.value(&here.then("pattern").then(column.as_str()), finding.hint(reason));
                }
                rules.push((made("pattern", &column), Rule::Pattern { column, pattern }));
            }
        }
        if let Some(columns) = file.relationship {
            kinds.push("relationship");
            self.any_column(columns.len(), &here.then("relationship"));
            for (column, target) in columns {
                let path = here.then("relationship").then(column.as_str());
                if let Some((table, to_column)) = self.column_of_table(&target, &path) {
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
        if let Some(RowCountFile { min, max, change }) = file.row_count {
            kinds.push("row_count");
            let path = here.then("row_count");
            let change = change.map(|change| self.amount(&change, &path.then("change")));
            match (min, max) {
                (None, None) if change.is_none() => {
                    let finding = Finding::new("`row_count` has no bound");
                    self.notes.value(&path, finding.hint("write `min:`, `max:` or `change:`"));
                }
                (Some(min), Some(max)) if min > max => {
                    self.notes.key(&path, Finding::new(format!("no number lies between {min} and {max}")));
                }
                _ => {}
            }
            rules.push(("row_count".to_owned(), Rule::RowCount { min, max, change }));
        }
        if let Some(columns) = file.freshness {
            kinds.push("freshness");
            self.any_column(columns.len(), &here.then("freshness"));
            for (column, within) in columns {
                let Some(within) = read_age(&within) else {
                    let finding = Finding::new(format!("`{within}` is no age"));
                    let path = here.then("freshness").then(column.as_str());
                    self.notes
                        .value(&path, finding.hint("write a number and a unit: 90 min, 36 hours, 2 days, 1 week"));
                    continue;
                };
                rules.push((made("freshness", &column), Rule::Freshness { column, within }));
            }
        }
        if let Some(columns) = file.sum {
            kinds.push("sum");
            self.any_column(columns.len(), &here.then("sum"));
            for (column, target) in columns {
                let path = here.then("sum").then(column.as_str());
                if let Some((table, of)) = self.column_of_table(&target, &path) {
                    let of = Some(of).filter(|of| of != "*");
                    rules.push((made("sum", &column), Rule::Sum { column, table, of }));
                }
            }
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
                    "one of not_null, unique, accepted_values, range, pattern, relationship, expression, null_share, \
                     row_count, freshness, sum, sql",
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
    fn column_of_table(&mut self, target: &str, here: &Path) -> Option<(TableName, String)> {
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
}

fn column_of(rule: &Rule) -> String {
    match rule {
        Rule::AcceptedValues { column, .. }
        | Rule::Range { column, .. }
        | Rule::Pattern { column, .. }
        | Rule::Relationship { column, .. }
        | Rule::NullShare { column, .. }
        | Rule::Freshness { column, .. }
        | Rule::Sum { column, .. } => column.clone(),
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
