//! From the text of a model's file to a [`Model`].

use std::collections::BTreeSet;

use super::Model;
use super::fingerprint::fingerprint;
use super::header::{self, Read};
use super::names::Known;
use crate::document::{Text, mistakes};
use crate::error::{Finding, Place, Result};
use crate::name::{Layer, TableName};
use crate::sql::{Kind, Query, Source, Token, tokens};

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
    // Some editors begin a file with a mark of its byte order; it means nothing in UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut findings = Vec::new();
    if let Some(finding) = wrong_name(&name, file) {
        findings.push(finding);
    }
    let source = Source::new(file, text);
    let (header, header_end) = match header::find(&source) {
        Ok(None) => (Read::default(), 0),
        Ok(Some(yaml)) => (header::read(Text::part(file, text, yaml.clone()), &name, known), yaml.end),
        // Without its end it is not clear where the SQL begins.
        Err(finding) => {
            findings.push(finding);
            return Err(findings);
        }
    };
    findings.extend(header.findings);
    let mut header_says = header.header;
    let accept = header_says.accept.as_ref().map(|accept| &accept.from).zip(header.accept_from);
    let tokens = match source.tokens() {
        Ok(tokens) => tokens,
        Err(finding) => {
            findings.push(finding);
            return Err(findings);
        }
    };
    findings.extend(late_headers(&source, header_end));
    let mut inputs = BTreeSet::new();
    match Query::read(&source) {
        Ok(query) => {
            findings.extend(query.findings);
            for reference in query.references {
                match resolve(&name, &reference.parts, known) {
                    Ok(table) => {
                        inputs.insert(table);
                    }
                    Err(finding) => findings.push(finding.at(reference.place)),
                }
            }
            if let Some((from, place)) = accept.filter(|(from, _)| !inputs.contains(*from)) {
                let finding = Finding::new(format!("the SELECT does not read {from}")).at(place);
                findings.push(finding.hint("`accept` is about a table that the model reads"));
            }
            findings.extend(header.edges.into_iter().filter_map(|edge| edge.wrong(&inputs)));
            let following = header.following.map(|following| following.among(&inputs, header_says.accept.as_ref()));
            match following.transpose() {
                Ok(incremental) => header_says.incremental = incremental,
                Err(finding) => findings.push(finding),
            }
        }
        Err(wrong) => findings.extend(wrong),
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    let fingerprint = fingerprint(&tokens, &header_says);
    Ok(Model {
        name,
        file: file.to_owned(),
        text: text.to_owned(),
        header: header_says,
        inputs: inputs.into_iter().collect(),
        check_inputs: header.check_inputs.into_iter().collect(),
        fingerprint,
    })
}

/// A finding for each comment behind the byte `after` that looks like a header.
fn late_headers(source: &Source, after: usize) -> Vec<Finding> {
    let is_late = |token: &Token| token.kind == Kind::Comment && token.range.start >= after;
    let comments = tokens(source.text()).into_iter().filter(is_late).map(|token| token.range.start);
    let headers = comments.filter(|start| source.text()[*start..].starts_with(header::OPENS));
    headers
        .map(|start| {
            Finding::new("a header stands before the SELECT, and there is one only")
                .at(source.place(start..start + header::OPENS.len()))
                .hint("move its keys into the first comment of the file")
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use datafusion::sql::parser::DFParser;
    use datafusion::sql::resolve::resolve_table_references;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::Catalog;
    use crate::document::render;
    use crate::model::Models;

    const TEXT: &str = "\
/*---
description: Un registro por cliente.
grain: [cliente_id]
checks:
  - expression: edad >= 18
---*/
WITH c AS (SELECT * FROM raw.clientes)
SELECT cliente_id, edad, 'Niño' AS \"Niño\" FROM c -- fin
";

    fn known() -> Known {
        let catalog = "version: 1\nproject: p\nlake: l\ndatasets:\n  clientes: { path: a.csv, columns: [{ name: a, type: int }] }\n";
        let catalog = Catalog::parse(catalog, "catalog.yaml").unwrap();
        let models = ["processed.clientes", "curated.clientes", "curated.kpi"].map(|name| name.parse().unwrap());
        Known::new(&catalog, &models)
    }

    fn parse(name: &str, text: &str) -> Result<Model, String> {
        Model::parse(name.parse().unwrap(), "m.sql", text, &known()).map_err(|error| render(error.all_findings()))
    }

    #[test]
    fn a_model_may_read_its_own_layer_and_those_below() {
        let model =
            parse("curated.clientes", "SELECT * FROM processed.clientes, curated.kpi, kpi, raw.clientes").unwrap();
        let inputs: Vec<String> = model.inputs.iter().map(ToString::to_string).collect();
        assert_eq!(inputs, ["raw.clientes", "processed.clientes", "curated.kpi"]);
        insta::assert_snapshot!(parse("processed.clientes", "SELECT *\nFROM curated.kpi, nada, raw.clints").unwrap_err(), @"
        m.sql:2:6+11 a processed model cannot read curated.kpi (data flows from raw to processed to curated; move what is needed to a lower layer)
        m.sql:2:19+4 unknown table `nada` (tables are the datasets of catalog.yaml and the files under sql/)
        m.sql:2:25+10 unknown table `raw.clints` (did you mean `raw.clientes`?)
        ");
        insta::assert_snapshot!(parse("curated.clientes", "SELECT * FROM clientes").unwrap_err(), @"m.sql:1:15+8 curated.clientes reads itself (write `processed.clientes` if you mean that one)");
        insta::assert_snapshot!(parse("curated.kpi", "SELECT * FROM kpi").unwrap_err(), @"m.sql:1:15+3 curated.kpi reads itself (read a table that does not depend on this one)");
        insta::assert_snapshot!(parse("curated.Kpi Canal", "SELECT 1").unwrap_err(), @"m.sql:1:1+0 `Kpi Canal` cannot be a model's name (name the file with small letters a to z, digits and _ only, beginning with a letter)");
    }

    #[test]
    fn a_fingerprint_follows_the_meaning_only() {
        let of = |text: &str| parse("processed.clientes", text).unwrap().fingerprint;
        let first = of(TEXT);
        assert_eq!(first.len(), 64);
        for same in [
            TEXT.replace(" -- fin", ";"),
            TEXT.replace("SELECT", "\n  select"),
            TEXT.replace("Un registro", "Una fila"),
            TEXT.replace("edad, '", "EDAD, '"),
        ] {
            assert_eq!(of(&same), first, "{same}");
        }
        for other in [
            TEXT.replace("'Niño'", "'niño'"),
            TEXT.replace("\"Niño\"", "\"niño\""),
            TEXT.replace("18", "21"),
            TEXT.replace("grain: [cliente_id]", "materialized: view"),
            TEXT.replace("cliente_id, edad", "edad, cliente_id"),
        ] {
            assert_ne!(of(&other), first, "{other}");
        }
    }

    #[test]
    fn a_byte_order_mark_means_nothing() {
        let model = parse("processed.clientes", &format!("\u{feff}{}", TEXT.replace('\n', "\r\n"))).unwrap();
        assert_eq!((model.header.grain.as_slice(), model.inputs.len()), (["cliente_id".to_owned()].as_slice(), 1));
    }

    #[test]
    fn the_banks_models_parse() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let catalog = fs::read_to_string(root.join("catalog.yaml")).unwrap();
        let catalog = Catalog::parse(&catalog, "catalog.yaml").map_err(|error| render(error.all_findings())).unwrap();
        let mut files = Vec::new();
        for layer in Layer::OF_MODELS {
            for entry in fs::read_dir(root.join("sql").join(layer.as_str())).into_iter().flatten() {
                let path = entry.unwrap().path();
                let name = TableName::new(layer, path.file_stem().unwrap().to_str().unwrap());
                files.push((name, path.display().to_string(), fs::read_to_string(&path).unwrap()));
            }
        }
        let models = Models::parse(files, &catalog).map_err(|error| render(error.all_findings())).unwrap();
        assert!(models.get(&TableName::new(Layer::Processed, "tickets")).is_some());
        for model in models.iter() {
            assert!(!model.header.description.is_empty(), "{}", model.file);
            // The engine must see the same tables as we do.
            let mut statements = DFParser::parse_sql_with_dialect(&model.text, &PostgreSqlDialect {}).unwrap();
            let (tables, _) = resolve_table_references(&statements.pop_front().unwrap(), true).unwrap();
            let inputs: BTreeSet<TableName> =
                tables.iter().map(|table| models.known().resolve(&table.to_vec()).unwrap()).collect();
            assert_eq!(model.inputs, inputs.into_iter().collect::<Vec<_>>(), "{}", model.file);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            drop(parse("processed.clientes", &text));
        }

        #[test]
        fn no_damaged_model_makes_it_panic(at in 0..TEXT.len(), length in 0..30_usize, with in "[\\[\\]{}():,;'\"*/|> \n\tñ0-9a-zA-Z-]{0,6}") {
            let start = (0..=at).rev().find(|i| TEXT.is_char_boundary(*i)).unwrap();
            let end = (at + length..TEXT.len()).find(|i| TEXT.is_char_boundary(*i)).unwrap_or(TEXT.len());
            let damaged = format!("{}{with}{}", &TEXT[..start], &TEXT[end..]);
            if let Err(error) = Model::parse("processed.clientes".parse().unwrap(), "m.sql", &damaged, &known()) {
                prop_assert!(!error.all_findings().is_empty());
                prop_assert!(error.all_findings().iter().all(|finding| finding.place.is_some()));
            }
        }
    }
}
