//! SQL text: splitting it into statements, parsing one, and finding the place of a mistake in it.
//!
//! One dialect and one parser serve models, the shell and batch files, so that a statement means the same everywhere.

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, TokenizerError, Whitespace};

use crate::error::{Error, Finding, Place, Result};

/// How deep expressions may nest before the parser refuses them.
const RECURSION_LIMIT: usize = 128;

/// The dialect of all SQL in cauce.
#[must_use]
pub fn dialect() -> &'static dyn Dialect {
    &PostgreSqlDialect {}
}

/// One statement of a text, parsed, with its place in the text.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What the statement says.
    pub parsed: Parsed,
    /// The statement's own text, without the `;` and the comments before it.
    pub text: String,
    /// The text it stands in.
    pub source: Source,
    /// Where it begins in that text: line and column, from 1.
    pub start: (usize, usize),
}

/// A text of SQL and the name by which a person knows it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file, or a name such as `query`.
    pub name: String,
    /// The whole text.
    pub text: std::sync::Arc<str>,
}

impl Source {
    /// The text `text`, known as `name`.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.into() }
    }

    /// The place at `line` and `column` of the text.
    #[must_use]
    pub fn place(&self, line: usize, column: usize, width: usize) -> Place {
        Place::in_text(&self.name, &self.text, line, column, width)
    }
}

impl Statement {
    /// The place in the source of a `line` and `column` that were counted inside the statement's text.
    #[must_use]
    pub fn place(&self, line: usize, column: usize, width: usize) -> Place {
        let (line, column) = shift(self.start, line, column);
        self.source.place(line, column, width)
    }
}

/// The statements of a text, in order; empty statements (`;;`, comments alone) are left out.
///
/// # Errors
/// The first syntax error, with its place in the text: nothing of a text with a mistake is run.
pub fn parse(source: &Source) -> Result<Vec<Statement>> {
    let mut statements = Vec::new();
    for piece in split(source)? {
        statements.push(parse_piece(source, &piece)?);
    }
    Ok(statements)
}

/// Whether the text ends inside something unfinished: an open quote, a comment, or a statement without its `;`.
#[must_use]
pub fn is_unfinished(text: &str) -> bool {
    match tokens(text) {
        // An unclosed quote or comment; any other fault is for the parser to tell.
        Err(fault) => fault.message.starts_with("Unterminated") || fault.message.contains("Unexpected EOF"),
        Ok(tokens) => {
            let last = tokens.iter().rev().find(|(token, _)| is_content(token));
            last.is_some_and(|(token, _)| *token != Token::SemiColon)
        }
    }
}

/// A statement's text and where it begins.
struct Piece {
    text: String,
    start: (usize, usize),
}

/// Cuts a text at the semicolons between statements.
fn split(source: &Source) -> Result<Vec<Piece>> {
    let tokens = tokens(&source.text).map_err(|fault| {
        let (line, column) = (size(fault.location.line), size(fault.location.column));
        mistake(lower_first(&fault.message), source.place(line, column, 1))
    })?;
    let mut pieces = Vec::new();
    let mut first: Option<(usize, usize)> = None;
    let mut end = (1, 1);
    for (token, (from, to)) in tokens {
        if token == Token::SemiColon {
            if let Some(start) = first.take() {
                pieces.push(Piece { text: between(&source.text, start, end), start });
            }
        } else if is_content(&token) {
            first.get_or_insert(from);
            end = to;
        }
    }
    if let Some(start) = first {
        pieces.push(Piece { text: between(&source.text, start, end), start });
    }
    Ok(pieces)
}

fn parse_piece(source: &Source, piece: &Piece) -> Result<Statement> {
    let parsed = DFParserBuilder::new(piece.text.as_str())
        .with_dialect(dialect())
        .with_recursion_limit(RECURSION_LIMIT)
        .build()
        .and_then(|mut parser| parser.parse_statements());
    match parsed {
        Ok(mut statements) if statements.len() == 1 => {
            let parsed = statements.remove(0).ok_or_else(|| Error::bug("a statement went missing"))?;
            Ok(Statement { parsed, text: piece.text.clone(), source: source.clone(), start: piece.start })
        }
        Ok(_) => Err(Error::bug("a piece of SQL without `;` was read as several statements")),
        Err(failure) => Err(syntax_error(source, piece, &failure)),
    }
}

/// The parser's complaint as an error with its place.
fn syntax_error(source: &Source, piece: &Piece, failure: &DataFusionError) -> Error {
    let message = match failure.find_root() {
        DataFusionError::SQL(cause, _) => match cause.as_ref() {
            ParserError::ParserError(message) | ParserError::TokenizerError(message) => message.clone(),
            ParserError::RecursionLimitExceeded => format!("expressions nest deeper than {RECURSION_LIMIT} levels"),
        },
        other => other.message().into_owned(),
    };
    let (message, at) = without_position(&message);
    let place = match at {
        Some((line, column)) => {
            let (line, column) = shift(piece.start, line, column);
            let width = word_at(&source.text, line, column);
            source.place(line, column, width)
        }
        // The end of the text: mark what stands last.
        None => {
            let last = piece.text.lines().last().unwrap_or_default();
            let (line, column) = shift(piece.start, piece.text.lines().count().max(1), last.chars().count().max(1));
            source.place(line, column, 1)
        }
    };
    let message = message.replace("found: EOF", "found: the end of the text");
    mistake(format!("syntax error: {}", lower_first(&message)), place)
}

/// A wrong statement, told at its place.
fn mistake(message: String, place: Place) -> Error {
    Error::query(message.clone()).finding(Finding::new(message).at(place))
}

/// Takes `at Line: 3, Column: 7` off a message of the parser.
fn without_position(message: &str) -> (String, Option<(usize, usize)>) {
    let Some((said, position)) = message.split_once(" at Line: ") else {
        return (message.to_owned(), None);
    };
    let mut numbers = position.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok());
    let at = numbers.next().zip(numbers.next()).filter(|(line, column)| *line > 0 && *column > 0);
    (said.to_owned(), at)
}

/// The tokens of a text, each with its first place and the place after its last character.
type PlacedToken = (Token, ((usize, usize), (usize, usize)));

fn tokens(text: &str) -> Result<Vec<PlacedToken>, TokenizerError> {
    let tokens = Tokenizer::new(dialect(), text).tokenize_with_location()?;
    Ok(tokens
        .into_iter()
        .map(|token| {
            let (start, end) = (token.span.start, token.span.end);
            (token.token, ((size(start.line), size(start.column)), (size(end.line), size(end.column))))
        })
        .collect())
}

/// Whether a token is part of a statement, rather than white space or a comment around it.
fn is_content(token: &Token) -> bool {
    !matches!(
        token,
        Token::Whitespace(
            Whitespace::Space
                | Whitespace::Newline
                | Whitespace::Tab
                | Whitespace::SingleLineComment { .. }
                | Whitespace::MultiLineComment(_)
        ) | Token::EOF
    )
}

/// The text from one place up to, not including, another.
fn between(text: &str, from: (usize, usize), to: (usize, usize)) -> String {
    let (start, end) = (offset(text, from), offset(text, to));
    text.get(start..end.max(start)).unwrap_or_default().to_owned()
}

/// The byte at which a place begins.
fn offset(text: &str, (line, column): (usize, usize)) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    before + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(index, _)| index)
}

/// A place counted inside a text that begins at `start` of a larger one, counted in the larger one.
fn shift(start: (usize, usize), line: usize, column: usize) -> (usize, usize) {
    if line <= 1 { (start.0, start.1 + column.saturating_sub(1)) } else { (start.0 + line - 1, column) }
}

/// How many characters the word at a place has, at least one.
fn word_at(text: &str, line: usize, column: usize) -> usize {
    let line = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    let word = line.chars().skip(column.saturating_sub(1)).take_while(|c| c.is_alphanumeric() || *c == '_');
    word.count().max(1)
}

fn lower_first(message: &str) -> String {
    let message = message.trim_start_matches("sql parser error: ");
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        parse(&Source::new("query", sql)).unwrap().into_iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn statements_are_split_where_the_language_says() {
        assert_eq!(texts("SELECT 1; SELECT 2"), ["SELECT 1", "SELECT 2"]);
        assert_eq!(
            texts("SELECT ';' AS a; -- fin; \nSELECT \"a;b\" FROM t /* ; */ ;"),
            ["SELECT ';' AS a", "SELECT \"a;b\" FROM t"]
        );
        assert_eq!(texts("SELECT 'ñ😊';SELECT $$;$$"), ["SELECT 'ñ😊'", "SELECT $$;$$"]);
        assert_eq!(texts("  ;; -- nada\n;"), Vec::<String>::new());
    }

    #[test]
    fn a_statement_knows_where_it_stands() {
        let source = Source::new("a.sql", "SELECT 1;\n  SELECT x\n  FROM t;");
        let statements = parse(&source).unwrap();
        assert_eq!(statements[1].start, (2, 3));
        assert_eq!(statements[1].place(1, 8, 1).to_string(), "a.sql:2:10");
        assert_eq!(statements[1].place(2, 3, 1).to_string(), "a.sql:3:3");
    }

    #[test]
    fn a_mistake_is_shown_at_its_place() {
        let source = Source::new("a.sql", "SELECT 1;\nSELECT a FRM t WHERE;");
        let error = parse(&source).unwrap_err();
        let place = error.all_findings()[0].place.clone().unwrap();
        assert_eq!((place.line, place.text.as_str()), (2, "SELECT a FRM t WHERE;"), "{error}");
        assert!(error.message().starts_with("syntax error: expected"), "{error}");
        let unclosed = parse(&Source::new("a.sql", "SELECT 'abierto")).unwrap_err();
        assert!(unclosed.message().contains("unterminated string"), "{unclosed}");
    }

    #[test]
    fn a_text_is_unfinished_until_its_semicolon() {
        for (text, unfinished) in [
            ("SELECT 1", true),
            ("SELECT 1;", false),
            ("SELECT 1; -- listo", false),
            ("SELECT ';", true),
            ("SELECT /* ;", true),
            ("", false),
            ("-- nota", false),
        ] {
            assert_eq!(is_unfinished(text), unfinished, "{text}");
        }
    }
}
