//! SQL text in tokens, also while it is unfinished: what splitting, highlighting and completion need.
//!
//! The tokens are those of the SQL parser, so that a statement never seems to end where the parser does not see its end.

use std::ops::Range;

use datafusion::sql::sqlparser::tokenizer::{
    Location, Span, Token as SqlToken, TokenWithSpan, Tokenizer, TokenizerError, Whitespace,
};

use super::dialect;

/// What a token is, as far as those who do not parse care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word without quotes: a keyword or a name.
    Word,
    /// A name in double quotes.
    QuotedName,
    /// A number.
    Number,
    /// A text in quotes of any sort.
    Text,
    /// A comment of either sort.
    Comment,
    /// White space.
    Space,
    /// The end of a statement.
    Semicolon,
    /// Operators, brackets and what is no SQL.
    Other,
}

/// One token and its bytes in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub range: Range<usize>,
    /// Whether it is a text, quoted name or comment whose end is still missing.
    pub unfinished: bool,
    /// Where it begins.
    pub(super) start: Location,
}

impl Token {
    /// Whether it is more than white space or a finished comment.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.unfinished || !matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// The tokens of `sql`, without gaps, whatever it holds.
#[must_use]
pub fn tokens(sql: &str) -> Vec<Token> {
    scan(sql, 0)
}

/// Whether `sql` is nothing but white space and comments.
#[must_use]
pub fn is_blank(sql: &str) -> bool {
    !tokens(sql).iter().any(Token::says_something)
}

/// Whether a token of the parser is more than white space or a comment.
#[must_use]
pub fn is_significant(token: &SqlToken) -> bool {
    !matches!(token, SqlToken::Whitespace(_) | SqlToken::EOF)
}

/// The tokens of `text` from the byte `from` on, placed in the whole of it.
pub(super) fn scan(text: &str, from: usize) -> Vec<Token> {
    let mut found = Vec::new();
    let whole = Tokenizer::new(dialect(), &text[from..]).tokenize_with_location_into_buf(&mut found).is_ok();
    let mut cursor = Cursor::at(text, from);
    let mut tokens: Vec<Token> = Vec::with_capacity(found.len() + 1);
    let first = cursor.location;
    for token in found {
        let (begin, start) = (cursor.byte(), cursor.location);
        cursor.advance(moved(token.span.end, first));
        tokens.push(Token { kind: kind(&token.token), range: begin..cursor.byte(), unfinished: false, start });
    }
    let (end, start) = (cursor.byte(), cursor.location);
    if !whole && end < text.len() {
        let (kind, unfinished) = opening(&text[end..]).map_or((Kind::Other, false), |kind| (kind, true));
        tokens.push(Token { kind, range: end..text.len(), unfinished, start });
    }
    tokens
}

/// The parser's tokens of `text`, which begins at `start` of a longer text: their spans are those of the longer one.
pub(super) fn read(text: &str, start: Location) -> Result<Vec<TokenWithSpan>, TokenizerError> {
    let mut tokens = Tokenizer::new(dialect(), text)
        .tokenize_with_location()
        .map_err(|error| TokenizerError { location: moved(error.location, start), ..error })?;
    for token in &mut tokens {
        token.span = Span { start: moved(token.span.start, start), end: moved(token.span.end, start) };
    }
    Ok(tokens)
}

/// The location of a byte of `text`.
pub(super) fn locate(text: &str, byte: usize) -> Location {
    let before = text.get(..byte).unwrap_or(text);
    let (above, last) = before.rsplit_once('\n').map_or((None, before), |(above, last)| (Some(above), last));
    let lines = above.map_or(0, |above| above.matches('\n').count() + 1);
    Location { line: lines as u64 + 1, column: last.chars().count() as u64 + 1 }
}

/// A location counted in a text that begins at `start` of a longer one, counted in the longer one.
fn moved(location: Location, start: Location) -> Location {
    match location.line {
        // The parser does not know.
        0 => location,
        1 => Location { line: start.line, column: location.column + start.column - 1 },
        line => Location { line: line + start.line - 1, column: location.column },
    }
}

fn kind(token: &SqlToken) -> Kind {
    match token {
        SqlToken::Word(word) if word.quote_style.is_some() => Kind::QuotedName,
        SqlToken::Word(_) => Kind::Word,
        SqlToken::Number(..) => Kind::Number,
        SqlToken::SingleQuotedString(_)
        | SqlToken::DollarQuotedString(_)
        | SqlToken::EscapedStringLiteral(_)
        | SqlToken::UnicodeStringLiteral(_)
        | SqlToken::NationalStringLiteral(_)
        | SqlToken::HexStringLiteral(_)
        | SqlToken::SingleQuotedByteStringLiteral(_) => Kind::Text,
        SqlToken::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => Kind::Comment,
        SqlToken::Whitespace(_) => Kind::Space,
        SqlToken::SemiColon => Kind::Semicolon,
        _ => Kind::Other,
    }
}

/// What `text`, which the tokenizer could not finish, is the beginning of.
fn opening(text: &str) -> Option<Kind> {
    if text.starts_with("/*") {
        return Some(Kind::Comment);
    }
    // Texts may carry a prefix such as `e'` or `U&'`.
    let unprefixed = text.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '&');
    match unprefixed.chars().next() {
        Some('\'' | '$') => Some(Kind::Text),
        Some('"') => Some(Kind::QuotedName),
        _ => None,
    }
}

/// Walks a text, counting lines and columns.
struct Cursor<'a> {
    rest: std::str::Chars<'a>,
    length: usize,
    location: Location,
}

impl<'a> Cursor<'a> {
    fn at(text: &'a str, byte: usize) -> Self {
        Self { rest: text[byte..].chars(), length: text.len(), location: locate(text, byte) }
    }

    /// The byte it stands before.
    fn byte(&self) -> usize {
        self.length - self.rest.as_str().len()
    }

    /// Goes on to a location; one that lies behind it is where it stands already.
    fn advance(&mut self, to: Location) {
        while (self.location.line, self.location.column) < (to.line, to.column) {
            match self.rest.next() {
                Some('\n') => self.location = Location { line: self.location.line + 1, column: 1 },
                Some(_) => self.location.column += 1,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_said_by_spaces_and_comments() {
        for blank in ["", " \n\t", "-- hola", "/* a */ -- b\n"] {
            assert!(is_blank(blank), "{blank}");
        }
        for said in ["x", ";", "/* open", "'"] {
            assert!(!is_blank(said), "{said}");
        }
    }

    #[test]
    fn kinds_are_told_apart() {
        let sql = "SELECT \"a\", 'b', 1.5 -- c";
        let kinds: Vec<(Kind, &str)> = tokens(sql)
            .into_iter()
            .filter(|token| !matches!(token.kind, Kind::Space | Kind::Other))
            .map(|token| (token.kind, &sql[token.range]))
            .collect();
        assert_eq!(
            kinds,
            [
                (Kind::Word, "SELECT"),
                (Kind::QuotedName, "\"a\""),
                (Kind::Text, "'b'"),
                (Kind::Number, "1.5"),
                (Kind::Comment, "-- c")
            ]
        );
    }

    proptest! {
        #[test]
        fn tokens_cover_any_text_without_gaps(sql in "[a-z0-9'\"$;/*\\-\\\\ \n\tñ😀().]{0,40}") {
            let mut end = 0;
            for token in tokens(&sql) {
                prop_assert_eq!(token.range.start, end);
                end = token.range.end;
            }
            prop_assert_eq!(end, sql.len());
        }
    }
}
