//! SQL text in tokens, also while it is unfinished: what highlighting, completion and the end of a statement need.
//!
//! The tokens are those of the SQL parser, so that the shell never sees a statement end where the parser does not.

use std::ops::Range;

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token as SqlToken, Tokenizer, Whitespace};

/// What a token is, as far as the shell cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word without quotes: a keyword or a name.
    Word,
    /// A name in double quotes.
    QuotedName,
    Number,
    Text,
    Comment,
    Space,
    Semicolon,
    /// Operators, brackets and what is no SQL.
    Other,
}

/// One token and its bytes in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
    /// Whether it is a text, quoted name or comment whose end is still missing.
    pub(super) unfinished: bool,
}

/// The tokens of `sql`, without gaps.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let whole = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location_into_buf(&mut found).is_ok();
    let mut offsets = Offsets::new(sql);
    let mut tokens: Vec<Token> = Vec::with_capacity(found.len() + 1);
    let mut end = 0;
    for token in found {
        let next = offsets.of(token.span.end).max(end);
        tokens.push(Token { kind: kind(&token.token), range: end..next, unfinished: false });
        end = next;
    }
    if !whole && end < sql.len() {
        let (kind, unfinished) = match opening(&sql[end..]) {
            Some(kind) => (kind, true),
            None => (Kind::Other, false),
        };
        tokens.push(Token { kind, range: end..sql.len(), unfinished });
    }
    tokens
}

/// The byte ranges of the statements that `sql` holds, each with its semicolon, and where the rest begins.
pub(super) fn statements(sql: &str) -> (Vec<Range<usize>>, usize) {
    let mut ranges = Vec::new();
    let mut start = None;
    let mut rest = 0;
    for token in tokens(sql) {
        match token.kind {
            Kind::Space | Kind::Comment => {}
            Kind::Semicolon => {
                if let Some(start) = start.take() {
                    ranges.push(start..token.range.end);
                }
                rest = token.range.end;
            }
            _ => start = start.or(Some(token.range.start)),
        }
    }
    (ranges, rest)
}

/// Where `sql` begins to say something, after spaces and finished comments; none where it never does.
pub(super) fn beginning_of(sql: &str) -> Option<usize> {
    let said = |token: &Token| token.unfinished || !matches!(token.kind, Kind::Space | Kind::Comment);
    tokens(sql).into_iter().find(said).map(|token| token.range.start)
}

/// Whether `sql` says nothing.
pub(super) fn is_blank(sql: &str) -> bool {
    beginning_of(sql).is_none()
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

/// Turns places of ascending order into byte offsets.
struct Offsets<'a> {
    rest: std::str::CharIndices<'a>,
    length: usize,
    line: u64,
    column: u64,
}

impl<'a> Offsets<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.char_indices(), length: text.len(), line: 1, column: 1 }
    }

    fn of(&mut self, place: Location) -> usize {
        while (self.line, self.column) < (place.line, place.column) {
            match self.rest.next() {
                Some((_, '\n')) => (self.line, self.column) = (self.line + 1, 1),
                Some(_) => self.column += 1,
                None => return self.length,
            }
        }
        self.length - self.rest.as_str().len()
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::parser::Parser;
    use proptest::prelude::*;

    use super::*;

    fn split(sql: &str) -> (Vec<&str>, &str) {
        let (ranges, rest) = statements(sql);
        (ranges.into_iter().map(|range| &sql[range]).collect(), &sql[rest..])
    }

    #[test]
    fn statements_end_at_semicolons_that_are_sql() {
        assert_eq!(split("SELECT 1; SELECT 2"), (vec!["SELECT 1;"], " SELECT 2"));
        assert_eq!(split("SELECT 'a;b' -- ;\n, \"c;d\" /* ; */;"), (vec!["SELECT 'a;b' -- ;\n, \"c;d\" /* ; */;"], ""));
        assert_eq!(split("SELECT $$a;b$$; -- fin\n"), (vec!["SELECT $$a;b$$;"], " -- fin\n"));
        assert_eq!(split("SELECT 'ñ😀;';SELECT 2;"), (vec!["SELECT 'ñ😀;';", "SELECT 2;"], ""));
        assert_eq!(split(";; ;"), (vec![], ""));
    }

    #[test]
    fn an_open_quote_or_comment_ends_nothing() {
        for open in ["SELECT 'it;", "SELECT \"a;", "SELECT 1 /* ;", "SELECT $$;", "SELECT e'\\';", "SELECT /* /* */ ;"]
        {
            assert_eq!(split(open), (vec![], open), "{open}");
            assert!(tokens(open).last().unwrap().unfinished, "{open}");
        }
        assert_eq!(split("SELECT 1; SELECT 'a;"), (vec!["SELECT 1;"], " SELECT 'a;"));
    }

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

        #[test]
        fn the_parser_finds_as_many_statements(texts in prop::collection::vec("[a;'ñ -]{0,6}", 1..5)) {
            let sql: String = texts.iter().map(|text| format!("SELECT '{}' -- ;\n;\n", text.replace('\'', "''"))).collect();
            let parsed = Parser::parse_sql(&PostgreSqlDialect {}, &sql).unwrap().len();
            prop_assert_eq!(statements(&sql).0.len(), parsed);
        }
    }
}
