//! The key that a query's own words give its rows: what it groups by, or everything behind DISTINCT.

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Select, SelectItem, SetExpr, Statement as Tree, Value, ValueWithSpan,
};

use super::statement::Statement;

/// The columns of a query that no two of its rows agree in, by position; none where its words do not say so.
#[must_use]
pub fn key_columns(statement: &Statement) -> Option<Vec<usize>> {
    let Ok(Parsed::Statement(tree)) = statement.read() else { return None };
    let Tree::Query(query) = *tree else { return None };
    key_of(&query.body)
}

fn key_of(body: &SetExpr) -> Option<Vec<usize>> {
    let select = match body {
        SetExpr::Select(select) => select,
        SetExpr::Query(query) => return key_of(&query.body),
        _ => return None,
    };
    // Behind a `*` nobody knows which column is the how-manieth.
    let items: Vec<(&Expr, Option<String>)> = select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) => Some((expr, None)),
            SelectItem::ExprWithAlias { expr, alias } => Some((expr, Some(alias.value.clone()))),
            _ => None,
        })
        .collect::<Option<_>>()?;
    if matches!(select.distinct, Some(Distinct::Distinct)) {
        return Some((0..items.len()).collect());
    }
    grouped(select, &items)
}

/// The columns that a SELECT groups by, if it gives all of them.
fn grouped(select: &Select, items: &[(&Expr, Option<String>)]) -> Option<Vec<usize>> {
    let GroupByExpr::Expressions(keys, modifiers) = &select.group_by else { return None };
    if keys.is_empty() || !modifiers.is_empty() {
        return None;
    }
    keys.iter().map(|key| position(key, items)).collect()
}

/// The item that a key of GROUP BY means: by its number, by its expression, or by the name it is given.
fn position(key: &Expr, items: &[(&Expr, Option<String>)]) -> Option<usize> {
    if let Expr::Value(ValueWithSpan { value: Value::Number(number, _), .. }) = key {
        let number: usize = number.parse().ok()?;
        return number.checked_sub(1).filter(|at| *at < items.len());
    }
    let same = items
        .iter()
        .position(|(expr, _)| *expr == key || last_name(expr).is_some_and(|name| last_name(key) == Some(name)));
    same.or_else(|| items.iter().position(|(_, alias)| alias.is_some() && alias.as_deref() == last_name(key)))
}

/// The column's own name, with or without its table's before it.
fn last_name(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Identifier(name) => Some(&name.value),
        Expr::CompoundIdentifier(parts) => parts.last().map(|name| name.value.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Source;

    #[test]
    fn what_is_grouped_by_or_distinct_is_the_key() {
        let key = |sql: &str| key_columns(&Source::new("q", sql).only_statement().unwrap());
        for (sql, columns) in [
            ("SELECT canal, count(*) FROM t GROUP BY canal", vec![0]),
            ("SELECT count(*) AS n, t.canal FROM t GROUP BY canal", vec![1]),
            ("SELECT canal, mes, count(*) FROM t GROUP BY 2, 1 ORDER BY 1", vec![1, 0]),
            ("SELECT date_trunc('month', fecha) AS mes, 1 FROM t GROUP BY date_trunc('month', fecha)", vec![0]),
            ("SELECT date_trunc('month', fecha) AS mes, 1 FROM t GROUP BY mes", vec![0]),
            ("WITH a AS (SELECT 1 AS x) (SELECT x, count(*) FROM a GROUP BY x)", vec![0]),
            ("SELECT DISTINCT canal, mes FROM t", vec![0, 1]),
        ] {
            assert_eq!(key(sql), Some(columns), "{sql}");
        }
        for sql in [
            "SELECT canal FROM t",
            "SELECT count(*) FROM t GROUP BY canal",
            "SELECT *, count(*) FROM t GROUP BY canal",
            "SELECT canal, count(*) FROM t GROUP BY 3",
            "SELECT canal FROM t GROUP BY canal UNION ALL SELECT 'x'",
            "SELECT canal, mes, count(*) FROM t GROUP BY ROLLUP (canal, mes)",
            "SELECT DISTINCT ON (canal) canal, mes FROM t",
            "SELECT canal FROM",
        ] {
            assert_eq!(key(sql), None, "{sql}");
        }
    }
}
