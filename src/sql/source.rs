//! A text of SQL with the name by which a person knows it, and places in it.

use std::ops::Range;
use std::sync::Arc;

use datafusion::sql::sqlparser::tokenizer::{Location, Span, TokenWithSpan};

use super::statement::Statement;
use super::syntax;
use super::tokens::{Kind, locate, read, scan};
use crate::error::{Error, Finding, Place, Result};

/// A text of SQL, whole or a part of a longer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    /// Whole lines, so that a place can quote its line.
    text: Arc<str>,
    /// The line of the longer text that `text` begins with, from 1.
    first_line: usize,
    /// Bytes at the beginning that are only there to be quoted.
    skipped: usize,
}

impl Source {
    /// The text `text`, which messages call `name`: a file, or a word such as `query`.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self::part(name, text, 1, 0)
    }

    /// A part of the text that messages call `name`: `text` begins with its line `first_line` (from 1), and is read from
    /// the byte `skipped` on.
    #[must_use]
    pub fn part(name: &str, text: &str, first_line: usize, skipped: usize) -> Self {
        Self { name: name.to_owned(), text: text.into(), first_line, skipped }
    }

    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The statements that end in a semicolon, and the one behind the last semicolon, if there is something. Empty
    /// statements (`;;`, comments alone) are left out; a statement need not be right, or even have an end.
    #[must_use]
    pub fn split(&self) -> (Vec<Statement>, Option<Statement>) {
        let mut ended = Vec::new();
        let mut open: Option<(Range<usize>, Location)> = None;
        for token in scan(&self.text, self.skipped) {
            if token.kind == Kind::Semicolon {
                ended.extend(open.take().map(|(range, start)| Statement::new(self.clone(), range, start)));
            } else if token.says_something() {
                let (range, _) = open.get_or_insert_with(|| (token.range.clone(), token.start));
                range.end = token.range.end;
            }
        }
        (ended, open.map(|(range, start)| Statement::new(self.clone(), range, start)))
    }

    /// All statements, whether or not the last one ends in a semicolon.
    #[must_use]
    pub fn statements(&self) -> Vec<Statement> {
        let (mut statements, open) = self.split();
        statements.extend(open);
        statements
    }

    /// The one statement of a text that is to hold one.
    ///
    /// # Errors
    /// None, or several.
    pub fn only_statement(&self) -> Result<Statement> {
        let mut statements = self.statements();
        match (statements.pop(), statements.is_empty()) {
            (Some(statement), true) => Ok(statement),
            (Some(second), false) => {
                Err(Error::query(format!("{} must hold one statement, and a second one is here", self.name))
                    .at(second.place()))
            }
            (None, _) => Err(Error::query(format!("{} holds no statement", self.name))),
        }
    }

    /// The tokens of the text, white space and comments included.
    ///
    /// # Errors
    /// A quote or comment that is not closed.
    pub fn tokens(&self) -> Result<Vec<TokenWithSpan>, Finding> {
        let range = self.skipped..self.text.len();
        read(&self.text[range.clone()], locate(&self.text, self.skipped))
            .map_err(|error| syntax::broken(self, range, &error))
    }

    /// The place of some bytes of the text, which stand on one line; no bytes mark one character.
    #[must_use]
    pub fn place(&self, bytes: Range<usize>) -> Place {
        let width = self.text.get(bytes.clone()).map_or(1, |marked| marked.chars().count());
        self.at(locate(&self.text, bytes.start), width)
    }

    /// The place behind the last character that is not blank.
    pub(super) fn end(&self) -> Place {
        let end = self.text.trim_end().len();
        self.place(end..end)
    }

    /// The place at a line and column of the text, both from 1, as the engine counts them.
    #[must_use]
    pub fn place_at(&self, line: usize, column: usize, width: usize) -> Place {
        let place = Place::in_text(&self.name, &self.text, line, column, width.max(1));
        Place { line: line + self.first_line - 1, ..place }
    }

    /// The place at a location that the parser tells.
    pub(super) fn at(&self, location: Location, width: usize) -> Place {
        self.place_at(number(location.line), number(location.column), width)
    }

    /// The place of a span that the parser tells; one of several lines is marked where it begins.
    pub(super) fn spanned(&self, span: Span) -> Place {
        let (start, end) = (span.start, span.end);
        let width = if start.line == end.line { number(end.column).saturating_sub(number(start.column)) } else { 1 };
        self.at(start, width)
    }
}

/// A line or column of the parser, which counts from 1 and says 0 where it does not know.
fn number(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::parser::Parser;
    use proptest::prelude::*;

    use super::super::dialect;
    use super::*;

    /// The statements that have ended, and the open one.
    fn split(sql: &str) -> (Vec<String>, String) {
        let (ended, open) = Source::new("q", sql).split();
        let text = |statement: Statement| statement.text().to_owned();
        (ended.into_iter().map(text).collect(), open.map(text).unwrap_or_default())
    }

    fn pair(ended: &[&str], open: &str) -> (Vec<String>, String) {
        (ended.iter().map(ToString::to_string).collect(), open.to_owned())
    }

    #[test]
    fn statements_end_at_semicolons_that_are_sql() {
        assert_eq!(split("SELECT 1; SELECT 2"), pair(&["SELECT 1"], "SELECT 2"));
        assert_eq!(split("SELECT 'a;b' -- ;\n, \"c;d\" /* ; */;"), pair(&["SELECT 'a;b' -- ;\n, \"c;d\""], ""));
        assert_eq!(split("SELECT $$a;b$$; -- fin\n"), pair(&["SELECT $$a;b$$"], ""));
        assert_eq!(split("SELECT 'ñ😀;';SELECT 2;"), pair(&["SELECT 'ñ😀;'", "SELECT 2"], ""));
        assert_eq!(split(" ;; -- nada\n;"), pair(&[], ""));
    }

    #[test]
    fn an_open_quote_or_comment_ends_nothing() {
        for open in ["SELECT 'it;", "SELECT \"a;", "SELECT 1 /* ;", "SELECT $$;", "SELECT e'\\';", "SELECT /* /* */ ;"]
        {
            assert_eq!(split(open), pair(&[], open), "{open}");
        }
        assert_eq!(split("SELECT 1; SELECT 'a;"), pair(&["SELECT 1"], "SELECT 'a;"));
    }

    #[test]
    fn a_part_quotes_its_lines_and_counts_in_the_whole() {
        let part = Source::part("stdin", "SELECT 1; SELECT ñ2\n", 5, 9);
        let [statement] = part.statements().try_into().unwrap();
        assert_eq!((statement.text(), statement.place().to_string().as_str()), ("SELECT ñ2", "stdin:5:11"));
        assert_eq!(statement.place().text, "SELECT 1; SELECT ñ2");
        assert_eq!(part.place(17..20), Place { column: 18, width: 2, ..statement.place() });
        assert_eq!(part.end(), Place { column: 20, width: 1, ..statement.place() });
    }

    proptest! {
        #[test]
        fn the_parser_finds_as_many_statements(texts in prop::collection::vec("[a;'ñ -]{0,6}", 1..5)) {
            let sql: String = texts.iter().map(|text| format!("SELECT '{}' -- ;\n;\n", text.replace('\'', "''"))).collect();
            let parsed = Parser::parse_sql(dialect(), &sql).unwrap().len();
            prop_assert_eq!(split(&sql).0.len(), parsed);
        }

        #[test]
        fn a_part_has_the_tokens_of_the_whole(before in "[a;'ñ \n]{0,9}", after in "[a;ñ \n-]{0,9}") {
            let text = format!("{before}{after}");
            for token in scan(&text, before.len()) {
                prop_assert_eq!(locate(&text, token.range.start), token.start);
            }
        }
    }
}
