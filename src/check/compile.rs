//! A rule as SQL.

use crate::engine::{quoted, sql_name};
use crate::model::Rule;
use crate::name::TableName;

/// How a rule is measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measure {
    /// Rows for which the condition is true fail; counted in the scan that all such rules of a model share.
    Rows {
        /// The condition.
        failing: String,
    },
    /// At most this share of rows may fulfil the condition; counted in the same scan.
    Share {
        /// The condition.
        counted: String,
        /// The greatest share, from 0 to 1.
        max: f64,
    },
    /// The number of rows must lie between the bounds.
    Count {
        /// The least number.
        min: Option<u64>,
        /// The greatest number.
        max: Option<u64>,
    },
    /// The rows of a query fail.
    Query {
        /// The query, as a SELECT.
        failing: String,
    },
}

/// The way to measure `rule` on `table`.
pub(super) fn compile(rule: &Rule, table: &TableName) -> Measure {
    let name = sql_name(table);
    match rule {
        Rule::NotNull(columns) => {
            let nulls: Vec<String> = columns.iter().map(|column| format!("{} IS NULL", quoted(column))).collect();
            Measure::Rows { failing: nulls.join(" OR ") }
        }
        Rule::AcceptedValues { column, values } => {
            Measure::Rows { failing: format!("{} NOT IN ({})", quoted(column), values.join(", ")) }
        }
        Rule::Range { column, min, max } => {
            let column = quoted(column);
            let below = min.iter().map(|min| format!("{column} < {min}"));
            let outside: Vec<String> = below.chain(max.iter().map(|max| format!("{column} > {max}"))).collect();
            Measure::Rows { failing: outside.join(" OR ") }
        }
        Rule::Expression(expression) => Measure::Rows { failing: format!("NOT ({expression}\n)") },
        Rule::NullShare { column, max } => Measure::Share { counted: format!("{} IS NULL", quoted(column)), max: *max },
        Rule::RowCount { min, max } => Measure::Count { min: *min, max: *max },
        Rule::Unique(columns) => {
            let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
            let columns = columns.join(", ");
            Measure::Query {
                failing: format!(
                    "SELECT {columns}, count(*) AS filas FROM {name} GROUP BY {columns} HAVING count(*) > 1"
                ),
            }
        }
        Rule::Relationship { column, table: other, to_column } => {
            let (column, to_column, other) = (quoted(column), quoted(to_column), sql_name(other));
            Measure::Query {
                failing: format!(
                    "SELECT este.* FROM {name} AS este WHERE este.{column} IS NOT NULL AND NOT EXISTS \
                     (SELECT 1 FROM {other} AS otro WHERE otro.{to_column} = este.{column})"
                ),
            }
        }
        Rule::Sql(sql) => Measure::Query { failing: sql.trim().trim_end_matches(';').to_owned() },
    }
}

/// The rows of `table` that fail a condition, as a SELECT.
pub(super) fn rows_where(table: &TableName, condition: &str) -> String {
    format!("SELECT * FROM {} WHERE {condition}", sql_name(table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Layer;

    #[test]
    fn rules_become_the_sql_a_person_would_write() {
        let table = TableName::new(Layer::Processed, "resenas");
        let sql = |rule: Rule| match compile(&rule, &table) {
            Measure::Rows { failing } | Measure::Query { failing } => failing,
            other => format!("{other:?}"),
        };
        assert_eq!(sql(Rule::NotNull(vec!["a".into(), "reseña_id".into()])), "\"a\" IS NULL OR \"reseña_id\" IS NULL");
        let range = Rule::Range { column: "nps".into(), min: Some("0".into()), max: Some("10".into()) };
        assert_eq!(sql(range), "\"nps\" < 0 OR \"nps\" > 10");
        assert_eq!(
            sql(Rule::Unique(vec!["a".into()])),
            "SELECT \"a\", count(*) AS filas FROM processed.\"resenas\" GROUP BY \"a\" HAVING count(*) > 1"
        );
        // A comment at the end of an expression must not swallow the parenthesis.
        assert_eq!(sql(Rule::Expression("a > 0 -- sí".into())), "NOT (a > 0 -- sí\n)");
    }
}
