//! `table_at('curated.kpi_nps', 41)`: a table as it was in another release.
//!
//! The parser reads it as a table function. Here it becomes the table of that name in the schema of that release,
//! `cauce."@41"."curated.kpi_nps"`, so that everything behind the parser treats it as any other table. What the schema
//! `@41` holds is for `engine` to say.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Spanned as _, TableAlias, TableFactor, TableFunctionArgs,
    Value, VisitMut, VisitorMut,
};

use super::source::Source;
use super::statement::Parsed;
use crate::error::Finding;
use crate::name::CATALOG;

/// The name of the function.
pub(super) const FUNCTION: &str = "table_at";

/// How the name of a release's schema begins; a number or a time follows.
pub const PAST_SCHEMA: char = '@';

/// Puts a table in the place of each `table_at(…)` of `statement`, which stands in `source`.
pub(super) fn resolve(statement: &mut Parsed, source: &Source) -> Result<(), Finding> {
    let tree = match statement {
        Parsed::Statement(tree) => tree,
        Parsed::Explain(explain) => return resolve(&mut explain.statement, source),
        _ => return Ok(()),
    };
    match tree.visit(&mut Resolver { source }) {
        ControlFlow::Break(finding) => Err(finding),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Whether `name` is the function's.
pub(super) fn is_past(name: &ObjectName) -> bool {
    matches!(name.0.as_slice(), [only] if only.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(FUNCTION)))
}

struct Resolver<'a> {
    source: &'a Source,
}

impl VisitorMut for Resolver<'_> {
    type Break = Finding;

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Finding> {
        let TableFactor::Table { name, alias, args, .. } = factor else { return ControlFlow::Continue(()) };
        let Some(arguments) = args.take_if(|_| is_past(name)) else { return ControlFlow::Continue(()) };
        let Some((table, release)) = literals(&arguments) else {
            let finding = Finding::new(format!("{FUNCTION} wants the name of a table and a release"));
            return ControlFlow::Break(
                finding
                    .at(self.source.spanned(name.span()))
                    .hint(format!("write {FUNCTION}('curated.kpi_resumen', 41), or a time such as '2024-12-31'")),
            );
        };
        let own_name = table.rsplit('.').next().unwrap_or(&table).trim_matches('"').to_owned();
        let quoted = |text: String| Ident { value: text, quote_style: Some('"'), span: name.span() };
        alias.get_or_insert_with(|| TableAlias {
            explicit: true,
            name: quoted(own_name),
            columns: Vec::new(),
            at: None,
        });
        *name = vec![quoted(CATALOG.to_owned()), quoted(format!("{PAST_SCHEMA}{release}")), quoted(table)].into();
        ControlFlow::Continue(())
    }
}

/// The table's name and the release, if the arguments are two such literals.
fn literals(arguments: &TableFunctionArgs) -> Option<(String, String)> {
    let literal = |argument: &FunctionArg| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(literal))) => match &literal.value {
            Value::SingleQuotedString(text) => Some((true, text.clone())),
            Value::Number(number, _) => Some((false, number.clone())),
            _ => None,
        },
        _ => None,
    };
    match arguments.args.as_slice() {
        [table, release] => match (literal(table)?, literal(release)?) {
            ((true, table), (_, release)) => Some((table, release)),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> String {
        let statement = Source::new("q", text).only_statement().unwrap();
        match statement.parse() {
            Ok(parsed) => parsed.to_string(),
            Err(error) => crate::document::render(error.all_findings()),
        }
    }

    #[test]
    fn the_function_becomes_a_table_of_the_release() {
        assert_eq!(
            resolved("SELECT * FROM table_at('curated.kpi_nps', 41) JOIN kpi USING (a)"),
            r#"SELECT * FROM "cauce"."@41"."curated.kpi_nps" AS "kpi_nps" JOIN kpi USING(a)"#
        );
        assert_eq!(
            resolved("SELECT (SELECT max(x) FROM TABLE_AT('kpi', '2024-12-31') AS t)"),
            r#"SELECT (SELECT max(x) FROM "cauce"."@2024-12-31"."kpi" AS t)"#
        );
        assert_eq!(
            resolved("EXPLAIN SELECT * FROM table_at('a', 1)"),
            r#"EXPLAIN SELECT * FROM "cauce"."@1"."a" AS "a""#
        );
        assert_eq!(resolved("SELECT * FROM generate_series(1, 3)"), "SELECT * FROM generate_series(1, 3)");
    }

    #[test]
    fn other_arguments_are_refused_at_their_place() {
        for text in ["SELECT * FROM\n table_at(kpi, 41)", "SELECT * FROM\n table_at('kpi')"] {
            insta::allow_duplicates! {
                insta::assert_snapshot!(resolved(text), @"q:2:2+8 table_at wants the name of a table and a release (write table_at('curated.kpi_resumen', 41), or a time such as '2024-12-31')");
            }
        }
    }
}
