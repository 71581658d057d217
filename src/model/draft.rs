//! A model in the making: a query, and what is known of its rows.

use super::Materialized;
use super::header::{CLOSES, OPENS};
use crate::document::scalar;
use crate::name::{Layer, TableName};

/// A query that is to become a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The model's name.
    pub name: TableName,
    /// What a row is; empty where nobody said it.
    pub description: String,
    /// The query.
    pub query: String,
    /// The columns that identify a row, if they are known.
    pub grain: Vec<String>,
    /// Other columns that always have a value.
    pub not_null: Vec<String>,
}

impl Draft {
    /// The text of the model's file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![OPENS.to_owned()];
        if !self.description.is_empty() {
            lines.push(format!("description: {}", scalar(&self.description)));
        }
        // A KPI is a view, so that it is always as fresh as the release; what it is made of is kept.
        let materialized = if self.name.layer == Layer::Curated { Materialized::View } else { Materialized::Table };
        lines.push(format!("materialized: {}", materialized.as_str()));
        if !self.grain.is_empty() {
            lines.push(format!("grain: {}", list(&self.grain)));
        }
        if !self.not_null.is_empty() {
            lines.push(format!("checks:\n  - not_null: {}", list(&self.not_null)));
        }
        format!("{}\n{CLOSES}\n{}\n", lines.join("\n"), self.query.trim())
    }
}

fn list(names: &[String]) -> String {
    format!("[{}]", names.iter().map(|name| scalar(name)).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Known, Model};

    #[test]
    fn a_draft_is_read_back_as_it_was_meant() {
        let mut draft = Draft {
            name: "curated.kpi_canal".parse().unwrap(),
            description: "NPS por canal: \"todos\"".to_owned(),
            query: "SELECT canal, 1 AS \"n: 1\"\nFROM (VALUES ('a')) t (canal)".to_owned(),
            grain: vec!["canal".to_owned()],
            not_null: vec!["n: 1".to_owned()],
        };
        insta::assert_snapshot!(draft.text(), @r#"
        /*---
        description: "NPS por canal: \"todos\""
        materialized: view
        grain: [canal]
        checks:
          - not_null: ["n: 1"]
        ---*/
        SELECT canal, 1 AS "n: 1"
        FROM (VALUES ('a')) t (canal)
        "#);
        let read = |draft: &Draft| Model::parse(draft.name.clone(), "m.sql", &draft.text(), &Known::default()).unwrap();
        let model = read(&draft);
        assert_eq!((&model.header.description, &model.header.grain), (&draft.description, &draft.grain));
        assert_eq!(model.header.checks.len(), 3);

        draft = Draft { name: "processed.t".parse().unwrap(), description: String::new(), ..draft };
        (draft.grain, draft.not_null) = (Vec::new(), Vec::new());
        assert!(draft.text().starts_with("/*---\nmaterialized: table\n---*/\nSELECT"), "{}", draft.text());
        assert_eq!(read(&draft).header.checks, []);
    }
}
