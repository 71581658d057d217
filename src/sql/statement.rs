//! One statement of a text: its words, its place, its parse.

use std::ops::Range;

use datafusion::sql::parser::DFParserBuilder;
use datafusion::sql::sqlparser::tokenizer::{Location, Span, TokenWithSpan};

use super::source::Source;
use super::tokens::{Kind, read, tokens};
use super::{RECURSION_LIMIT, dialect, past, syntax};
use crate::error::{Error, Finding, Place, Result};

/// A statement as the parser understands it; the places in it are those of its text's source.
pub type Parsed = datafusion::sql::parser::Statement;

/// One statement of a [`Source`], right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    source: Source,
    /// Its bytes in the source.
    range: Range<usize>,
    /// Where it begins.
    start: Location,
    /// Words that its writer left out, read before it.
    implied: &'static str,
}

impl Statement {
    pub(super) fn new(source: Source, range: Range<usize>, start: Location) -> Self {
        Self { source, range, start, implied: "" }
    }

    /// The same statement, understood as if `words` stood before it; places stay those of what was written.
    #[must_use]
    pub fn after(mut self, words: &'static str) -> Self {
        self.implied = words;
        self
    }

    /// The statement's own text, without the semicolon and the comments around it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text()[self.range.clone()]
    }

    /// The statement's text with the words that its writer left out.
    #[must_use]
    pub fn whole(&self) -> String {
        format!("{}{}", self.implied, self.text())
    }

    /// Its bytes in the source.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The text it stands in.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The place of its first word.
    #[must_use]
    pub fn place(&self) -> Place {
        self.source.at(self.start, self.first_word().chars().count())
    }

    /// Its first word as it is written, or its first sign if that is no word.
    #[must_use]
    pub fn first_word(&self) -> &str {
        let text = self.text();
        let end = text.find(|c: char| !is_of_word(c)).unwrap_or(text.len());
        let sign = text.chars().next().map_or(0, char::len_utf8);
        &text[..end.max(sign)]
    }

    /// The first place where a name stands in it, in any case and with or without quotes; not inside a text or comment.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Place> {
        let text = self.text();
        let wanted = name.to_lowercase();
        let is_it = |written: &str| written.trim_matches('"').to_lowercase() == wanted;
        let names = tokens(text).into_iter().filter(|token| matches!(token.kind, Kind::Word | Kind::QuotedName));
        let found = names.map(|token| token.range).find(|range| is_it(&text[range.clone()]))?;
        Some(self.source.place(self.range.start + found.start..self.range.start + found.end))
    }

    /// What the statement says, with tables of other releases in the place of `table_at(…)`.
    ///
    /// # Errors
    /// The first syntax error, with its place.
    pub fn parse(&self) -> Result<Parsed> {
        let mut parsed = self
            .read()
            .map_err(|finding| Error::query(format!("syntax error: {}", finding.message)).finding(finding))?;
        past::resolve(&mut parsed, &self.source)
            .map_err(|finding| Error::query(finding.message.clone()).finding(finding))?;
        Ok(parsed)
    }

    /// What the statement says, or what is wrong with it.
    pub(super) fn read(&self) -> Result<Parsed, Finding> {
        let parsed = DFParserBuilder::new(self.tokens()?)
            .with_dialect(dialect())
            .with_recursion_limit(RECURSION_LIMIT)
            .build()
            .and_then(|mut parser| parser.parse_statements());
        let end = || self.source.place(self.range.end..self.range.end);
        match parsed {
            Ok(mut statements) if statements.len() == 1 => {
                statements.pop_front().ok_or_else(|| Finding::new("the statement is empty").at(end()))
            }
            Ok(_) => Err(Finding::new("this is more than one statement").at(self.place())),
            Err(failure) => Err(syntax::refused(&self.source, &failure, end())),
        }
    }

    fn tokens(&self) -> Result<Vec<TokenWithSpan>, Finding> {
        let broken = |error| syntax::broken(&self.source, self.range(), &error);
        let mut tokens = read(self.implied, self.start).map_err(broken)?;
        for token in &mut tokens {
            token.span = Span { start: self.start, end: self.start };
        }
        tokens.extend(read(self.text(), self.start).map_err(broken)?);
        Ok(tokens)
    }
}

/// Whether a character is part of a word of SQL.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_knows_where_it_stands() {
        let source = Source::new("a.sql", "SELECT 1;\n  SELECT ñ\n  FROM t;");
        let [first, second] = source.statements().try_into().unwrap();
        assert_eq!((first.text(), first.place().to_string().as_str()), ("SELECT 1", "a.sql:1:1"));
        assert_eq!((second.text(), second.place().to_string().as_str()), ("SELECT ñ\n  FROM t", "a.sql:2:3"));
        assert_eq!((second.first_word(), second.place().width), ("SELECT", 6));
        assert_eq!(second.find("T").unwrap().to_string(), "a.sql:3:8");
        assert_eq!(second.find("ñ").unwrap().to_string(), "a.sql:2:10");
        assert_eq!(second.find("a"), None);
    }

    #[test]
    fn words_left_out_do_not_move_places() {
        let [statement] = Source::new("q", "FROM t;").statements().try_into().unwrap();
        assert!(statement.parse().is_err());
        let whole = statement.after("SELECT * ");
        assert_eq!((whole.parse().unwrap().to_string().as_str(), whole.text()), ("SELECT * FROM t", "FROM t"));
        let [wrong] = Source::new("q", "FROM t WHER x = = 1").statements().try_into().unwrap();
        let error = wrong.after("SELECT * ").parse().unwrap_err();
        assert_eq!(error.all_findings()[0].place.clone().unwrap().to_string(), "q:1:13");
    }

    #[test]
    fn a_name_is_not_found_in_a_text_or_comment() {
        let source = Source::new("q", "SELECT 'canal' /* canal */, \"Canal\", canal2 FROM t");
        assert_eq!(source.statements()[0].find("canal").unwrap().to_string(), "q:1:29");
    }

    #[test]
    fn the_parser_counts_places_in_the_source() {
        let part = Source::part("stdin", "SELECT 'a\nb'; SELECT x FRM t y;\n", 7, 14);
        let [statement] = part.statements().try_into().unwrap();
        let error = statement.parse().unwrap_err();
        let place = error.all_findings()[0].place.clone().unwrap();
        assert_eq!(
            (place.to_string().as_str(), place.text.as_str()),
            ("stdin:8:18", "b'; SELECT x FRM t y;"),
            "{error}"
        );
    }
}
