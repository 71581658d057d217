//! A rule as SQL.

use std::time::Duration;

use crate::engine::{quoted, sql_name};
use crate::model::{Amount, Rule};
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
    /// The number of rows must lie between the bounds, and near to what it was.
    Count {
        /// The least number.
        min: Option<u64>,
        /// The greatest number.
        max: Option<u64>,
        /// The greatest difference to the release before.
        change: Option<Amount>,
    },
    /// The newest instant must not be older than this; found in the same scan.
    Newest {
        /// Its seconds since 1970, as an aggregate.
        seconds: String,
        /// The greatest age.
        within: Duration,
    },
    /// Two numbers must be the same, the first found in the same scan.
    Equal {
        /// The model's own, as an aggregate.
        own: String,
        /// The other, as a SELECT.
        other: String,
    },
    /// The rows of a query fail.
    Query {
        /// The query, as a SELECT.
        failing: String,
    },
}

impl Measure {
    /// What it needs of the scan that the rules of a model share.
    pub(super) fn aggregate(&self) -> Option<String> {
        match self {
            Self::Rows { failing: condition } | Self::Share { counted: condition, .. } => {
                Some(format!("count(*) FILTER (WHERE {condition})"))
            }
            Self::Newest { seconds: aggregate, .. } | Self::Equal { own: aggregate, .. } => Some(aggregate.clone()),
            Self::Count { .. } | Self::Query { .. } => None,
        }
    }

    /// The rows that fail, as a SELECT; none where no single row is wrong.
    pub(super) fn failing_rows(&self, table: &TableName) -> Option<String> {
        match self {
            Self::Rows { failing } => Some(format!("SELECT * FROM {} WHERE {failing}", sql_name(table))),
            Self::Query { failing } => Some(failing.clone()),
            Self::Share { .. } | Self::Count { .. } | Self::Newest { .. } | Self::Equal { .. } => None,
        }
    }
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
        Rule::RowCount { min, max, change } => Measure::Count { min: *min, max: *max, change: *change },
        Rule::Pattern { column, pattern } => {
            let pattern = pattern.replace('\'', "''");
            Measure::Rows { failing: format!("NOT regexp_like(CAST({} AS VARCHAR), '{pattern}')", quoted(column)) }
        }
        Rule::Freshness { column, within } => {
            let seconds = format!("date_part('epoch', CAST(max({}) AS TIMESTAMP))", quoted(column));
            Measure::Newest { seconds, within: *within }
        }
        Rule::Sum { column, table: other, of } => {
            let total = of.as_ref().map_or_else(|| "count(*)".to_owned(), |of| format!("sum({})", quoted(of)));
            Measure::Equal {
                own: format!("sum({})", quoted(column)),
                other: format!("SELECT {total} FROM {}", sql_name(other)),
            }
        }
        Rule::Unique(columns) => {
            let count = if columns.iter().any(|column| column == "filas") { "filas_iguales" } else { "filas" };
            let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
            let columns = columns.join(", ");
            Measure::Query {
                failing: format!(
                    "SELECT {columns}, count(*) AS {count} FROM {name} GROUP BY {columns} HAVING count(*) > 1"
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
