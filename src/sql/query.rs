//! One query: that it is one, and the tables it reads.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, Query as QueryTree, Select, SetExpr, Spanned as _, Statement as Tree, TableFactor, Visit,
    Visitor,
};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::source::Source;
use super::statement::{Parsed, Statement};
use super::{RECURSION_LIMIT, dialect, past, syntax};
use crate::error::{Finding, Place};

/// A table's name as it stands in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its parts in their normal case: lower unless quoted.
    pub parts: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// What a query, or an expression, reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The tables, in the order of the text; a table may stand here more than once.
    pub references: Vec<Reference>,
    /// What is wrong with a query that could be parsed.
    pub findings: Vec<Finding>,
}

impl Query {
    /// Reads a text that is to be exactly one query.
    ///
    /// # Errors
    /// What keeps the text from being parsed as one.
    pub fn read(source: &Source) -> Result<Self, Vec<Finding>> {
        let statements = source.statements();
        let Some((statement, seconds)) = statements.split_first() else {
            return Err(vec![Finding::new("there is no SELECT").at(source.end()).hint("write one SELECT")]);
        };
        let seconds = seconds.iter().map(|second| {
            Finding::new("a second statement begins here")
                .at(second.place())
                .hint("write one SELECT; another one needs a file of its own")
        });
        let parsed = match refuse_by_first_word(statement) {
            Some(finding) => Err(finding),
            None => statement.read(),
        };
        match parsed {
            Ok(Parsed::Statement(tree)) if matches!(*tree, Tree::Query(_)) => {
                let mut reader = Reader::new(source);
                reader.read(tree.as_ref());
                reader.found.findings.extend(seconds);
                Ok(reader.found)
            }
            Ok(_) => Err(vec![Finding::new("this is not a query").at(statement.place()).hint("write one SELECT")]),
            Err(finding) => Err([finding].into_iter().chain(seconds).collect()),
        }
    }

    /// Reads a text that is to be one expression.
    ///
    /// # Errors
    /// What keeps the text from being parsed as one.
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method alone is for one lifetime")]
    pub fn read_expression(source: &Source) -> Result<Self, Vec<Finding>> {
        Self::read_part(source, "expression", |parser| parser.parse_expr())
    }

    /// Reads a text that is to stand behind ORDER BY.
    ///
    /// # Errors
    /// What keeps the text from being parsed as one.
    pub fn read_order(source: &Source) -> Result<Self, Vec<Finding>> {
        Self::read_part(source, "order", |parser| parser.parse_comma_separated(Parser::parse_order_by_expr))
    }

    fn read_part<T: Visit>(
        source: &Source,
        what: &str,
        parse: impl for<'a, 'b> FnOnce(&'a mut Parser<'b>) -> Result<T, ParserError>,
    ) -> Result<Self, Vec<Finding>> {
        let tokens = source.tokens().map_err(|finding| vec![finding])?;
        let parser = Parser::new(dialect()).with_tokens_with_locations(tokens);
        let mut parser = parser.with_recursion_limit(RECURSION_LIMIT);
        let part = parse(&mut parser).map_err(|error| vec![syntax::misread(source, &error, source.end())])?;
        let next = parser.peek_token();
        if next.token != Token::EOF {
            let finding = Finding::new(format!("the {what} ends before `{}`", next.token));
            return Err(vec![finding.at(source.spanned(next.span))]);
        }
        let mut reader = Reader::new(source);
        reader.read(&part);
        Ok(reader.found)
    }
}

/// A finding if a statement, by its first word, is not a query.
fn refuse_by_first_word(statement: &Statement) -> Option<Finding> {
    let word = statement.first_word().to_uppercase();
    if matches!(word.as_str(), "SELECT" | "WITH" | "VALUES" | "(") {
        return None;
    }
    let finding = Finding::new(format!("only a SELECT can stand here, this is `{word}`"));
    Some(finding.at(statement.place()).hint("write the SELECT alone; cauce keeps what it returns"))
}

/// Collects the tables of a query. A name that a WITH in scope defines is none.
struct Reader<'a> {
    source: &'a Source,
    found: Query,
    /// Names of WITH in scope, innermost last.
    names: Vec<String>,
    /// Queries of WITH that were read before their name came into scope.
    read_already: HashSet<*const QueryTree>,
    /// How many such queries the walk is inside of.
    skipping: usize,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source) -> Self {
        Self { source, found: Query::default(), names: Vec::new(), read_already: HashSet::new(), skipping: 0 }
    }

    fn read(&mut self, what: &impl Visit) {
        // The walk never breaks off; it has nothing to say at its end.
        let _: ControlFlow<()> = what.visit(self);
    }

    fn table(&mut self, name: &ObjectName) {
        let idents: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
        let Some(idents) = idents else { return };
        let parts: Vec<String> = idents.iter().map(|ident| normal(ident)).collect();
        if let [name] = parts.as_slice()
            && self.names.contains(name)
        {
            return;
        }
        let place = self.source.spanned(name.span());
        self.found.references.push(Reference { parts, place });
    }

    fn refuse(&mut self, what: &str, place: Place) {
        let finding = Finding::new(format!("`{what}` writes, and only a SELECT can stand here")).at(place);
        self.found.findings.push(finding.hint("write only the SELECT"));
    }

    fn body(&mut self, body: &SetExpr) {
        let what = match body {
            SetExpr::SetOperation { left, right, .. } => {
                self.body(left);
                return self.body(right);
            }
            SetExpr::Insert(_) => "INSERT",
            SetExpr::Update(_) => "UPDATE",
            SetExpr::Delete(_) => "DELETE",
            SetExpr::Merge(_) => "MERGE",
            SetExpr::Table(table) => {
                let name = table.table_name.as_deref().unwrap_or_default();
                let place = self.source.end();
                let finding = Finding::new(format!("`TABLE {name}` is not read")).at(place);
                self.found.findings.push(finding.hint(format!("write SELECT * FROM {name}")));
                return;
            }
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => return,
        };
        let place = self.source.at(body.span().start, what.len());
        self.refuse(what, place);
    }
}

impl Visitor for Reader<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &QueryTree) -> ControlFlow<()> {
        if self.skipping > 0 || self.read_already.contains(&std::ptr::from_ref(query)) {
            self.skipping += 1;
            return ControlFlow::Continue(());
        }
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = normal(&cte.alias.name);
            let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
            // `WITH t AS (SELECT … FROM t)` reads the table `t`, so the name comes into scope after its query.
            if recursive {
                self.names.push(name);
            } else {
                cte.query.visit(self)?;
                self.read_already.insert(std::ptr::from_ref(cte.query.as_ref()));
                self.names.push(name);
            }
        }
        self.body(&query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &QueryTree) -> ControlFlow<()> {
        if self.skipping > 0 {
            self.skipping -= 1;
            return ControlFlow::Continue(());
        }
        let defined = query.with.as_ref().map_or(0, |with| with.cte_tables.len());
        self.names.truncate(self.names.len().saturating_sub(defined));
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if self.skipping == 0
            && let Some(into) = &select.into
        {
            let place = self.source.at(into.name.span().start, 1);
            self.refuse("INTO", place);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        // A name with arguments is a table function, such as generate_series(1, 10).
        if self.skipping == 0
            && let TableFactor::Table { name, args, .. } = factor
        {
            match args {
                None => self.table(name),
                Some(_) if past::is_past(name) => {
                    let finding = Finding::new(format!("`{}` is for queries, not for models", past::FUNCTION));
                    let place = self.source.spanned(name.span());
                    let hint = "a model reads the release that is being made; name the table alone";
                    self.found.findings.push(finding.at(place).hint(hint));
                }
                Some(_) => {}
            }
        }
        ControlFlow::Continue(())
    }
}

/// A name as the engine compares it: lower case unless quoted.
fn normal(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::render;

    fn parse(text: &str) -> Result<Query, Vec<Finding>> {
        Query::read(&Source::new("m.sql", text))
    }

    fn tables(text: &str) -> String {
        let parsed = parse(text).map_err(|findings| render(&findings)).unwrap();
        assert_eq!(parsed.findings, []);
        let tables: Vec<String> = parsed
            .references
            .iter()
            .map(|r| format!("{}@{}:{}+{}", r.parts.join("."), r.place.line, r.place.column, r.place.width))
            .collect();
        tables.join(" ")
    }

    fn wrong(text: &str) -> String {
        render(&match parse(text) {
            Ok(parsed) => parsed.findings,
            Err(findings) => findings,
        })
    }

    #[test]
    fn tables_are_found_with_their_places() {
        for (text, expected) in [
            ("SELECT 1", ""),
            ("SELECT * FROM raw.A\nJOIN \"Bñ\" b ON true", "raw.a@1:15+5 Bñ@2:6+4"),
            (
                "SELECT (SELECT max(x) FROM a) FROM (SELECT * FROM b) s WHERE EXISTS (SELECT 1 FROM cauce.raw.c)",
                "a@1:28+1 b@1:51+1 cauce.raw.c@1:84+11",
            ),
            ("WITH t AS (SELECT * FROM a), u AS (SELECT * FROM t) SELECT * FROM u, t;", "a@1:26+1"),
            ("WITH t AS (SELECT * FROM t) SELECT * FROM t", "t@1:26+1"),
            ("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t", ""),
            (
                "WITH o AS (WITH i AS (SELECT * FROM a) SELECT * FROM i) SELECT * FROM o JOIN i ON true",
                "a@1:37+1 i@1:78+1",
            ),
            (
                "SELECT * FROM generate_series(1, 3), unnest(ARRAY[1]) u, a CROSS JOIN LATERAL (SELECT a.x) l",
                "a@1:58+1",
            ),
            ("SELECT * FROM a UNION SELECT * FROM b ORDER BY 1", "a@1:15+1 b@1:37+1"),
            ("(SELECT * FROM a)", "a@1:16+1"),
            ("VALUES (1)", ""),
        ] {
            assert_eq!(tables(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_single_query_is_refused_at_its_place() {
        let mut out = String::new();
        for text in [
            "",
            "-- nada\n;\n",
            "SELECT 1;\nSELECT 2",
            "-- uno\nINSERT INTO t SELECT 1",
            "CREATE TABLE t AS SELECT 1",
            "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
            "WITH d AS (SELECT 1) INSERT INTO t SELECT * FROM d",
            "SELECT 1 INTO t",
            "SELECT *\nFROM table_at('t', 1)",
            "TABLE t",
            "SELECT * FROM\n  (TABLE t)",
            "SELECT a\nFORM t WHERE",
            "SELECT (1",
            "SELECT a,, b FROM t",
            "SELECT a FROM t WHERE",
            "SELECT 'abierto\nFROM t",
            "SELECT /* abierto\nFROM t",
            "SELECT \"a FROM t",
            "42",
        ] {
            out.push_str(&format!("{text:?}\n{}", wrong(text)));
        }
        insta::assert_snapshot!(out, @r#"
        ""
        m.sql:1:1+1 there is no SELECT (write one SELECT)
        "-- nada\n;\n"
        m.sql:2:2+1 there is no SELECT (write one SELECT)
        "SELECT 1;\nSELECT 2"
        m.sql:2:1+6 a second statement begins here (write one SELECT; another one needs a file of its own)
        "-- uno\nINSERT INTO t SELECT 1"
        m.sql:2:1+6 only a SELECT can stand here, this is `INSERT` (write the SELECT alone; cauce keeps what it returns)
        "CREATE TABLE t AS SELECT 1"
        m.sql:1:1+6 only a SELECT can stand here, this is `CREATE` (write the SELECT alone; cauce keeps what it returns)
        "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d"
        m.sql:1:12+6 `DELETE` writes, and only a SELECT can stand here (write only the SELECT)
        "WITH d AS (SELECT 1) INSERT INTO t SELECT * FROM d"
        m.sql:1:22+6 `INSERT` writes, and only a SELECT can stand here (write only the SELECT)
        "SELECT 1 INTO t"
        m.sql:1:15+1 `INTO` writes, and only a SELECT can stand here (write only the SELECT)
        "SELECT *\nFROM table_at('t', 1)"
        m.sql:2:6+8 `table_at` is for queries, not for models (a model reads the release that is being made; name the table alone)
        "TABLE t"
        m.sql:1:1+5 only a SELECT can stand here, this is `TABLE` (write the SELECT alone; cauce keeps what it returns)
        "SELECT * FROM\n  (TABLE t)"
        m.sql:2:10+1 expected `(`, found `t`
        "SELECT a\nFORM t WHERE"
        m.sql:2:6+1 expected end of statement, found `t` (did you mean `FROM` by `FORM`?)
        "SELECT (1"
        m.sql:1:10+1 expected `)`, found the end
        "SELECT a,, b FROM t"
        m.sql:1:10+1 expected an expression, found `,`
        "SELECT a FROM t WHERE"
        m.sql:1:22+1 expected an expression, found the end
        "SELECT 'abierto\nFROM t"
        m.sql:1:8+1 a text in single quotes is not closed (write ' at its end, and '' for a quote inside)
        "SELECT /* abierto\nFROM t"
        m.sql:1:8+2 a comment is not closed (write */ at its end)
        "SELECT \"a FROM t"
        m.sql:1:8+1 a name in double quotes is not closed (write " at its end)
        "42"
        m.sql:1:1+2 only a SELECT can stand here, this is `42` (write the SELECT alone; cauce keeps what it returns)
        "#);
    }

    #[test]
    fn an_expression_is_read_to_its_end() {
        let read = |text| Query::read_expression(&Source::new("e", text)).map_err(|findings| render(&findings));
        assert_eq!(read("a >= 0 AND b IN (SELECT x FROM c)").unwrap().references.len(), 1);
        insta::assert_snapshot!(read("a >= 0 b").unwrap_err(), @"e:1:8+1 the expression ends before `b`");
        insta::assert_snapshot!(read("a >=").unwrap_err(), @"e:1:5+1 expected an expression, found the end");
        insta::assert_snapshot!(read("").unwrap_err(), @"e:1:1+1 expected an expression, found the end");
    }
}
