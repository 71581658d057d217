//! From the text of a model's file to a [`Model`].

use std::collections::BTreeSet;

use super::Model;
use super::fingerprint::fingerprint;
use super::header::{self, Read};
use super::names::Known;
use super::sql::{self, Sql};
use crate::document::{Text, mistakes};
use crate::error::{Finding, Place, Result};
use crate::name::{Layer, TableName};

impl Model {
    /// Reads the text of a model's file.
    ///
    /// `file` is what messages call it; `known` says which tables there are. Everything that is wrong in header and SQL
    /// is reported in one error.
    pub fn parse(name: TableName, file: &str, text: &str, known: &Known) -> Result<Self> {
        read(name, file, text, known).map_err(|findings| mistakes(file, findings))
    }
}

/// Reads a model, or says all that is wrong with it.
pub(super) fn read(name: TableName, file: &str, text: &str, known: &Known) -> Result<Model, Vec<Finding>> {
    let mut findings = Vec::new();
    if let Some(finding) = wrong_name(&name, file) {
        findings.push(finding);
    }
    let header = match header::find(file, text) {
        Ok(None) => Read::default(),
        Ok(Some(yaml)) => header::read(Text::part(file, text, yaml), &name, known),
        // Without its end it is not clear where the SQL begins.
        Err(finding) => {
            findings.push(finding);
            return Err(findings);
        }
    };
    findings.extend(header.findings);
    let sql = Sql::new(file, text);
    let tokens = match sql.tokens() {
        Ok(tokens) => tokens,
        Err(finding) => {
            findings.push(finding);
            return Err(findings);
        }
    };
    let headers = tokens.iter().filter(|token| sql::comment(&token.token).is_some_and(|text| text.starts_with("---")));
    let first = usize::from(matches!(header::find(file, text), Ok(Some(_))));
    for late in headers.skip(first) {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let place = Place::in_text(file, text, number(late.span.start.line), number(late.span.start.column), 5);
        let finding = Finding::new("a header stands before the SELECT, and there is one only").at(place);
        findings.push(finding.hint("move its keys into the first comment of the file"));
    }
    let mut inputs = BTreeSet::new();
    match sql.query(&tokens) {
        Ok(parsed) => {
            findings.extend(parsed.findings);
            for reference in parsed.references {
                match resolve(&name, &reference.parts, known) {
                    Ok(table) => {
                        inputs.insert(table);
                    }
                    Err(finding) => findings.push(finding.at(reference.place)),
                }
            }
        }
        Err(wrong) => findings.extend(wrong),
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let fingerprint = fingerprint(&tokens, &header.header);
    Ok(Model {
        name,
        file: file.to_owned(),
        text: text.to_owned(),
        header: header.header,
        inputs: inputs.into_iter().collect(),
        check_inputs: header.check_inputs.into_iter().collect(),
        fingerprint,
    })
}

/// The table a model means by a name, if it may read it.
fn resolve(model: &TableName, parts: &[String], known: &Known) -> Result<TableName, Finding> {
    let table = known.resolve(parts)?;
    if table == *model {
        let finding = Finding::new(format!("{model} reads itself"));
        let below = [Layer::Processed, Layer::Raw].into_iter().map(|layer| TableName::new(layer, &model.name));
        return Err(match below.filter(|table| table.layer < model.layer).find(|table| known.contains(table)) {
            Some(meant) if parts.len() == 1 => finding.hint(format!("write `{meant}` if you mean that one")),
            _ => finding.hint("read a table that does not depend on this one"),
        });
    }
    if table.layer > model.layer {
        let finding = Finding::new(format!("a {} model cannot read {table}", model.layer));
        return Err(finding.hint("data flows from raw to processed to curated; move what is needed to a lower layer"));
    }
    Ok(table)
}

fn wrong_name(name: &TableName, file: &str) -> Option<Finding> {
    let good = name.name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    (!good).then(|| {
        let place = Place { file: file.to_owned(), line: 1, column: 1, width: 0, text: String::new() };
        Finding::new(format!("`{}` cannot be a model's name", name.name))
            .at(place)
            .hint("name the file with small letters a to z, digits and _ only, beginning with a letter")
    })
}
