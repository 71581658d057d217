//! The SQL of models and checks: one query, the tables it names, and places for what is wrong.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, Query, Select, SetExpr, Spanned as _, Statement, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, TokenizerError, Whitespace};

use crate::error::{Finding, Place};
use crate::name::closest;

/// A text with SQL in it: the whole of a file, so that places are those of the file.
#[derive(Debug, Clone, Copy)]
pub struct Sql<'a> {
    file: &'a str,
    text: &'a str,
}

/// A table's name as it stands in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its parts in their normal case: lower unless quoted.
    pub parts: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// One query and what it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The tables, in the order of the text; a table may stand here more than once.
    pub references: Vec<Reference>,
    /// What is wrong with a query that could be parsed.
    pub findings: Vec<Finding>,
}

impl<'a> Sql<'a> {
    /// The SQL `text` of `file`.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text }
    }

    /// The tokens of the text, white space and comments included.
    pub fn tokens(&self) -> Result<Vec<TokenWithSpan>, Finding> {
        Tokenizer::new(&PostgreSqlDialect {}, self.text).tokenize_with_location().map_err(|error| self.broken(&error))
    }

    /// Parses the tokens as exactly one query.
    pub fn query(&self, tokens: &[TokenWithSpan]) -> Result<Parsed, Vec<Finding>> {
        let mut statements = statements(tokens);
        let Some(statement) = statements.next() else {
            let end = self.end();
            return Err(vec![Finding::new("there is no SELECT").at(end).hint("write one SELECT")]);
        };
        let seconds: Vec<Finding> = statements.filter_map(|second| self.second(second)).collect();
        if let Some(finding) = self.not_a_query(statement) {
            return Err([finding].into_iter().chain(seconds).collect());
        }
        let mut parser = Parser::new(&PostgreSqlDialect {}).with_tokens_with_locations(statement.to_vec());
        let parsed = parser.parse_statements();
        let parsed = parsed
            .map_err(|error| [self.syntax(&error)].into_iter().chain(seconds.iter().cloned()).collect::<Vec<_>>())?;
        match parsed.as_slice() {
            [Statement::Query(query)] => {
                let mut reader = Reader::new(*self);
                reader.read(query.as_ref());
                reader.parsed.findings.extend(seconds);
                Ok(reader.parsed)
            }
            _ => {
                Err(vec![Finding::new("this is not a query").at(self.first_place(statement)).hint("write one SELECT")])
            }
        }
    }

    /// Parses the text as one expression.
    pub fn expression(&self) -> Result<Parsed, Vec<Finding>> {
        let tokens = self.tokens().map_err(|finding| vec![finding])?;
        let mut parser = Parser::new(&PostgreSqlDialect {}).with_tokens_with_locations(tokens);
        let expression = parser.parse_expr().map_err(|error| vec![self.syntax(&error)])?;
        let next = parser.peek_token();
        if next.token != Token::EOF {
            let finding = Finding::new(format!("the expression ends before `{}`", next.token));
            return Err(vec![finding.at(self.place(next.span.start, width(&next)))]);
        }
        let mut reader = Reader::new(*self);
        reader.read(&expression);
        Ok(reader.parsed)
    }

    /// What the parser says, with its place.
    pub fn syntax(&self, error: &ParserError) -> Finding {
        let said = match error {
            ParserError::TokenizerError(said) | ParserError::ParserError(said) => said.as_str(),
            ParserError::RecursionLimitExceeded => {
                return Finding::new("the SQL is nested too deeply").at(self.end()).hint("move parts into a WITH");
            }
        };
        let (message, location) = split_location(said);
        let message = tidy(message);
        match location.filter(|_| !message.ends_with("the text ends")) {
            Some((line, column)) => {
                let width = self.word_at(line, column);
                let place = Place::in_text(self.file, self.text, line, column, width);
                let hint = self.mistyped(&place);
                let finding = Finding::new(message).at(place);
                match hint {
                    Some(hint) => finding.hint(hint),
                    None => finding,
                }
            }
            None => Finding::new(message).at(self.end()),
        }
    }

    /// What the tokenizer says: something opens and is not closed, nearly always.
    fn broken(&self, error: &TokenizerError) -> Finding {
        let said = error.message.to_lowercase();
        let (message, hint) = if said.contains("comment") {
            ("a comment is not closed", "write */ at its end")
        } else if said.contains("string literal") {
            ("a text in single quotes is not closed", "write ' at its end, and '' for a quote inside")
        } else if said.contains("close delimiter") {
            ("a name in double quotes is not closed", "write \" at its end")
        } else {
            (said.trim_end_matches('.'), "")
        };
        let place = if said.contains("comment") {
            self.text.rfind("/*").map(|at| place_of_byte(self.file, self.text, at, 2))
        } else {
            (error.location.line > 0).then(|| self.place(error.location, 1))
        };
        let finding = Finding::new(message).at(place.unwrap_or_else(|| self.end()));
        if hint.is_empty() { finding } else { finding.hint(hint) }
    }

    /// A finding if the statement, by its first word, is not a query.
    fn not_a_query(&self, statement: &[TokenWithSpan]) -> Option<Finding> {
        let first = statement.iter().find(|token| is_significant(&token.token))?;
        let word = match &first.token {
            Token::Word(word) if matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES) => {
                return None;
            }
            Token::LParen => return None,
            Token::Word(word) => word.value.to_uppercase(),
            other => other.to_string(),
        };
        let finding = Finding::new(format!("only a SELECT can stand here, this is `{word}`"));
        Some(
            finding
                .at(self.place(first.span.start, width(first)))
                .hint("write the SELECT alone; cauce keeps what it returns"),
        )
    }

    fn second(&self, statement: &[TokenWithSpan]) -> Option<Finding> {
        statement.iter().find(|token| is_significant(&token.token)).map(|first| {
            Finding::new("a second statement begins here")
                .at(self.place(first.span.start, width(first)))
                .hint("write one SELECT; another one needs a file of its own")
        })
    }

    fn first_place(&self, statement: &[TokenWithSpan]) -> Place {
        match statement.iter().find(|token| is_significant(&token.token)) {
            Some(first) => self.place(first.span.start, width(first)),
            None => self.end(),
        }
    }

    fn place(&self, location: Location, width: usize) -> Place {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
        Place::in_text(self.file, self.text, number(location.line), number(location.column), width)
    }

    /// A hint if the word at or before a place is a mistyped word of SQL: `FORM t` reads as the name `FORM` and then `t`.
    fn mistyped(&self, place: &Place) -> Option<String> {
        const WORDS: [&str; 12] = [
            "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "JOIN", "LIMIT", "UNION", "BETWEEN", "DISTINCT",
            "WINDOW",
        ];
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let before: String = place.text.chars().take(place.column - 1).collect();
        let at: String = place.text.chars().skip(place.column - 1).take_while(|c| is_word(*c)).collect();
        let previous = before.trim_end().rsplit(|c| !is_word(c)).next().unwrap_or_default().to_owned();
        [previous, at].into_iter().find_map(|word| {
            let meant = closest(&word, WORDS).filter(|meant| !meant.eq_ignore_ascii_case(&word) && word.len() > 2)?;
            Some(format!("did you mean `{meant}` by `{word}`?"))
        })
    }

    /// The place behind the last character that is not blank.
    fn end(&self) -> Place {
        place_of_byte(self.file, self.text, self.text.trim_end().len(), 1)
    }

    /// How many characters the word at a place has.
    fn word_at(&self, line: usize, column: usize) -> usize {
        let line = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let rest = line.chars().skip(column.saturating_sub(1));
        rest.take_while(|c| c.is_alphanumeric() || *c == '_').count().max(1)
    }
}

/// The place of a byte of a text.
pub(super) fn place_of_byte(file: &str, text: &str, byte: usize, width: usize) -> Place {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place::in_text(file, text, line, column, width)
}

/// Whether a token is more than white space or a comment.
pub(super) fn is_significant(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_) | Token::EOF)
}

/// The text of a comment token.
pub(super) fn comment(token: &Token) -> Option<&str> {
    match token {
        Token::Whitespace(Whitespace::MultiLineComment(text)) => Some(text),
        _ => None,
    }
}

/// The statements of a text, without empty ones. Queries have no `;` inside.
fn statements(tokens: &[TokenWithSpan]) -> impl Iterator<Item = &[TokenWithSpan]> {
    tokens
        .split(|token| token.token == Token::SemiColon)
        .filter(|statement| statement.iter().any(|token| is_significant(&token.token)))
}

fn width(token: &TokenWithSpan) -> usize {
    let (start, end) = (token.span.start, token.span.end);
    if start.line == end.line { usize::try_from(end.column.saturating_sub(start.column)).unwrap_or(1) } else { 1 }
}

/// Splits `… at Line: 3, Column: 5` into the message and the place.
fn split_location(said: &str) -> (&str, Option<(usize, usize)>) {
    let Some((message, place)) = said.rsplit_once(" at Line: ") else { return (said, None) };
    let numbers = place.split_once(", Column: ");
    let numbers = numbers.and_then(|(line, column)| Some((line.parse().ok()?, column.trim().parse().ok()?)));
    (message, numbers)
}

/// The parser's words in ours: `Expected: ), found: FROM` becomes ``expected `)`, found `FROM` ``.
fn tidy(said: &str) -> String {
    let Some((expected, found)) = said.strip_prefix("Expected: ").and_then(|said| said.rsplit_once(", found: ")) else {
        return lower_first(said);
    };
    let quoted = |what: &str| if what.contains(' ') { what.to_owned() } else { format!("`{what}`") };
    match found {
        "EOF" => format!("expected {}, but the text ends", quoted(expected)),
        found => format!("expected {}, found `{found}`", quoted(expected)),
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Collects the tables of a query. A name that a WITH in scope defines is none.
struct Reader<'a> {
    sql: Sql<'a>,
    parsed: Parsed,
    /// Names of WITH in scope, innermost last.
    names: Vec<String>,
    /// Queries of WITH that were read before their name came into scope.
    read_already: HashSet<*const Query>,
    /// How many such queries the walk is inside of.
    skipping: usize,
}

impl<'a> Reader<'a> {
    fn new(sql: Sql<'a>) -> Self {
        Self { sql, parsed: Parsed::default(), names: Vec::new(), read_already: HashSet::new(), skipping: 0 }
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
        let span = name.span();
        let width =
            if span.start.line == span.end.line { span.end.column.saturating_sub(span.start.column) } else { 1 };
        let place = self.sql.place(span.start, usize::try_from(width).unwrap_or(1));
        self.parsed.references.push(Reference { parts, place });
    }

    fn refuse(&mut self, what: &str, place: Place) {
        let finding = Finding::new(format!("`{what}` writes, and only a SELECT can stand here")).at(place);
        self.parsed.findings.push(finding.hint("write only the SELECT"));
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
                let place = self.sql.end();
                let finding = Finding::new(format!("`TABLE {name}` is not read")).at(place);
                self.parsed.findings.push(finding.hint(format!("write SELECT * FROM {name}")));
                return;
            }
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => return,
        };
        let place = self.sql.place(body.span().start, what.len());
        self.refuse(what, place);
    }
}

impl Visitor for Reader<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
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

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
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
            let place = self.sql.place(into.name.span().start, 1);
            self.refuse("INTO", place);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        // A name with arguments is a table function, such as generate_series(1, 10).
        if self.skipping == 0
            && let TableFactor::Table { name, args: None, .. } = factor
        {
            self.table(name);
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

    fn parse(text: &str) -> Result<Parsed, Vec<Finding>> {
        let sql = Sql::new("m.sql", text);
        let tokens = sql.tokens().map_err(|finding| vec![finding])?;
        sql.query(&tokens)
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
        "TABLE t"
        m.sql:1:1+5 only a SELECT can stand here, this is `TABLE` (write the SELECT alone; cauce keeps what it returns)
        "SELECT * FROM\n  (TABLE t)"
        m.sql:2:10+1 expected `(`, found `t`
        "SELECT a\nFORM t WHERE"
        m.sql:2:6+1 expected end of statement, found `t` (did you mean `FROM` by `FORM`?)
        "SELECT (1"
        m.sql:1:10+1 expected `)`, but the text ends
        "SELECT a,, b FROM t"
        m.sql:1:10+1 expected an expression, found `,`
        "SELECT a FROM t WHERE"
        m.sql:1:22+1 expected an expression, but the text ends
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
    fn deep_nesting_is_an_error() {
        assert!(wrong(&format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500))).contains("nested too deeply"));
    }

    #[test]
    fn an_expression_is_read_to_its_end() {
        let read = |text| Sql::new("e", text).expression().map_err(|findings| render(&findings));
        assert_eq!(read("a >= 0 AND b IN (SELECT x FROM c)").unwrap().references.len(), 1);
        insta::assert_snapshot!(read("a >= 0 b").unwrap_err(), @"e:1:8+1 the expression ends before `b`");
        insta::assert_snapshot!(read("a >=").unwrap_err(), @"e:1:5+1 expected an expression, but the text ends");
        insta::assert_snapshot!(read("").unwrap_err(), @"e:1:1+1 expected an expression, but the text ends");
    }
}
