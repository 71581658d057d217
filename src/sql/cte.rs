//! One step of a query: what a name of its WITH holds, as a query by itself.

use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::{Ident, Statement as Tree};

use super::source::Source;
use crate::error::Finding;

/// The query that returns what the name `cte` of the outermost WITH of `source` holds.
///
/// # Errors
/// A text that is no query, or one whose WITH has no such name: a finding without a place.
pub fn step_of(source: &Source, cte: &str) -> Result<String, Finding> {
    let statements = source.statements();
    let statement = statements.first().ok_or_else(|| Finding::new("there is no SELECT"))?;
    let Parsed::Statement(tree) = statement.read()? else {
        return Err(Finding::new("this is not a query"));
    };
    let Tree::Query(mut query) = *tree else { return Err(Finding::new("this is not a query")) };
    let names: Vec<String> =
        query.with.iter().flat_map(|with| &with.cte_tables).map(|table| normal(&table.alias.name)).collect();
    if !names.iter().any(|name| name == cte) {
        let finding = Finding::new(format!("the model has no `WITH {cte} AS`"));
        return Err(match crate::name::closest(cte, names.iter().map(String::as_str)) {
            Some(meant) => finding.hint(format!("did you mean `{meant}`?")),
            None if names.is_empty() => finding.hint("it has no WITH at all; leave `cte` out"),
            None => finding.hint(format!("its steps are {}", names.join(", "))),
        });
    }
    let with = query.with.take();
    let all = format!("SELECT * FROM \"{}\"", cte.replace('"', "\"\""));
    let select = Source::new("step", &all);
    let of_step = select.statements().first().map(super::Statement::read);
    let Some(Ok(Parsed::Statement(tree))) = of_step else { return Err(Finding::new("this is not a name")) };
    let Tree::Query(mut step) = *tree else { return Err(Finding::new("this is not a name")) };
    step.with = with;
    Ok(step.to_string())
}

/// A name in its normal case: lower unless quoted.
fn normal(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_a_query_with_the_steps_before_it() {
        let text =
            "-- nota\nWITH A AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a)\nSELECT * FROM b ORDER BY x LIMIT 1";
        let source = Source::new("m.sql", text);
        let step = step_of(&source, "a").unwrap();
        assert_eq!(step, "WITH A AS (SELECT 1 AS x), b AS (SELECT x + 1 AS x FROM a) SELECT * FROM \"a\"");
        let told = |text: &str, cte: &str| {
            let finding = step_of(&Source::new("m.sql", text), cte).unwrap_err();
            format!("{} ({})", finding.message, finding.hint.unwrap_or_default())
        };
        assert_eq!(told(text, "bb"), "the model has no `WITH bb AS` (did you mean `b`?)");
        assert_eq!(told(text, "sumas"), "the model has no `WITH sumas AS` (its steps are a, b)");
        assert_eq!(told("SELECT 1", "a"), "the model has no `WITH a AS` (it has no WITH at all; leave `cte` out)");
    }
}
