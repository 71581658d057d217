//! What is wrong with SQL that cannot be read, in cauce's words and with its place.

use std::ops::Range;

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::TokenizerError;

use super::source::Source;
use super::statement::is_of_word;
use super::tokens::{Kind, scan};
use crate::error::{Finding, Place, lower_first};
use crate::name::closest;

/// What the parser of statements says; `end` is where the statement ends.
pub(super) fn refused(source: &Source, failure: &DataFusionError, end: Place) -> Finding {
    match failure.find_root() {
        DataFusionError::SQL(cause, _) => misread(source, cause, end),
        other => Finding::new(other.message().into_owned()).at(end),
    }
}

/// What the parser says; `end` is where the text it read ends.
pub(super) fn misread(source: &Source, error: &ParserError, end: Place) -> Finding {
    let said = match error {
        ParserError::TokenizerError(said) | ParserError::ParserError(said) => said.as_str(),
        ParserError::RecursionLimitExceeded => {
            return Finding::new("the SQL is nested too deeply").at(end).hint("move parts into a WITH");
        }
    };
    let (message, location) = split_location(said);
    let message = tidy(message);
    let Some((line, column)) = location.filter(|_| !message.ends_with(THE_END)) else {
        return Finding::new(message).at(end);
    };
    let place = source.place_at(line, column, 1);
    let rest = place.text.chars().skip(column.saturating_sub(1));
    let place = Place { width: rest.take_while(|c| is_of_word(*c)).count().max(1), ..place };
    let finding = Finding::new(message);
    match mistyped(&place) {
        Some(hint) => finding.at(place).hint(hint),
        None => finding.at(place),
    }
}

/// What the tokenizer says of the bytes `range` of a text: something opens and is not closed, nearly always.
pub(super) fn broken(source: &Source, range: Range<usize>, error: &TokenizerError) -> Finding {
    let text = &source.text()[..range.end];
    let Some(open) = scan(text, range.start).pop().filter(|token| token.unfinished) else {
        return Finding::new(lower_first(error.message.trim_end_matches('.'))).at(source.at(error.location, 1));
    };
    let begins_with = |sign: char| text[open.range.clone()].trim_start_matches(char::is_alphanumeric).starts_with(sign);
    let (message, hint, width) = match open.kind {
        Kind::Comment => ("a comment is not closed", "write */ at its end", 2),
        Kind::QuotedName => ("a name in double quotes is not closed", "write \" at its end", 1),
        _ if begins_with('$') => ("a text in dollar quotes is not closed", "write at its end what it begins with", 1),
        _ => ("a text in single quotes is not closed", "write ' at its end, and '' for a quote inside", 1),
    };
    Finding::new(message).at(source.at(open.start, width)).hint(hint)
}

/// How a message says that something is missing at the end.
const THE_END: &str = "found the end";

/// A hint if the word at or before a place is a mistyped word of SQL: `FORM t` reads as the name `FORM` and then `t`.
fn mistyped(place: &Place) -> Option<String> {
    const WORDS: [&str; 12] = [
        "SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "JOIN", "LIMIT", "UNION", "BETWEEN", "DISTINCT",
        "WINDOW",
    ];
    let before: String = place.text.chars().take(place.column - 1).collect();
    let at: String = place.text.chars().skip(place.column - 1).take_while(|c| is_of_word(*c)).collect();
    let previous = before.trim_end().rsplit(|c| !is_of_word(c)).next().unwrap_or_default();
    [previous, at.as_str()].into_iter().find_map(|word| {
        let meant = closest(word, WORDS).filter(|meant| !meant.eq_ignore_ascii_case(word) && word.len() > 2)?;
        Some(format!("did you mean `{meant}` by `{word}`?"))
    })
}

/// Splits `… at Line: 3, Column: 5` into the message and the place.
fn split_location(said: &str) -> (&str, Option<(usize, usize)>) {
    let Some((message, place)) = said.rsplit_once(" at Line: ") else { return (said, None) };
    let numbers = place.split_once(", Column: ");
    let numbers = numbers.and_then(|(line, column)| Some((line.parse().ok()?, column.trim().parse().ok()?)));
    (message, numbers.filter(|(line, column)| *line > 0 && *column > 0))
}

/// The parser's words in ours: `Expected: ), found: FROM` becomes ``expected `)`, found `FROM` ``.
fn tidy(said: &str) -> String {
    let Some((expected, found)) = said.strip_prefix("Expected: ").and_then(|said| said.rsplit_once(", found: ")) else {
        return lower_first(said);
    };
    let expected = if expected.contains(' ') { expected.to_owned() } else { format!("`{expected}`") };
    match found {
        "EOF" => format!("expected {expected}, {THE_END}"),
        found => format!("expected {expected}, found `{found}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind as ErrorKind;

    #[test]
    fn a_mistake_is_told_with_its_place_and_what_was_meant() {
        let mut told = String::new();
        for text in [
            "SELECT 1;\nSELECT a FRM t WHERE;",
            "SELECT a\nFORM t WHERE",
            "SELECT (1;\nSELECT 2",
            "SELECT 'abierto;\n",
            "SELECT $$abierto;",
            "SELECT e'\\';",
            "SELECT \"a FROM t",
            "SELECT 1 /* uno /* dos */",
            "EXPLAIN",
            "SELECT a,, b",
        ] {
            let statements = Source::new("a.sql", text).statements();
            let error = statements.iter().find_map(|statement| statement.parse().err()).unwrap();
            assert_eq!(error.kind(), ErrorKind::Query);
            let finding = &error.all_findings()[0];
            let place = finding.place.as_ref().unwrap();
            let hint = finding.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            told.push_str(&format!("{place}+{} {error}{hint}\n", place.width));
        }
        insta::assert_snapshot!(told, @r#"
        a.sql:2:14+1 syntax error: expected end of statement, found `t` (did you mean `FROM` by `FRM`?)
        a.sql:2:6+1 syntax error: expected end of statement, found `t` (did you mean `FROM` by `FORM`?)
        a.sql:1:10+1 syntax error: expected `)`, found the end
        a.sql:1:8+1 syntax error: a text in single quotes is not closed (write ' at its end, and '' for a quote inside)
        a.sql:1:8+1 syntax error: a text in dollar quotes is not closed (write at its end what it begins with)
        a.sql:1:8+1 syntax error: a text in single quotes is not closed (write ' at its end, and '' for a quote inside)
        a.sql:1:8+1 syntax error: a name in double quotes is not closed (write " at its end)
        a.sql:1:10+2 syntax error: a comment is not closed (write */ at its end)
        a.sql:1:8+1 syntax error: expected an SQL statement, found the end
        a.sql:1:10+1 syntax error: expected an expression, found `,`
        "#);
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let deep = format!("SELECT {}1{}", "(".repeat(500), ")".repeat(500));
        let error = Source::new("q", &deep).statements()[0].parse().unwrap_err();
        assert!(error.message().contains("nested too deeply"), "{error}");
    }
}
