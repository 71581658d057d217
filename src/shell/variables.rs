//! Variables: what `\set` and `\gset` keep, and where a statement or command uses it.
//!
//! `:name` becomes the text itself, `:'name'` a SQL text, `:"name"` a quoted name, as in psql. A `$name` is left to the
//! engine, which binds it as a value of the type that its place needs: nothing in it is ever read as SQL.

use crate::engine::Parameters;
use crate::sql::{Kind, Source, Statement, tokens};

/// `statement` with the variables in the place of `:name`; as it is if it names none that is set.
pub(super) fn filled(statement: Statement, variables: &Parameters) -> Statement {
    let text = fill(statement.text(), variables);
    if text == statement.text() {
        return statement;
    }
    let source = Source::new(statement.source().name(), &text);
    source.only_statement().unwrap_or(statement)
}

/// `text` with the variables in the place of `:name`, `:'name'` and `:"name"`, but not inside texts, names and comments.
pub(super) fn fill(text: &str, variables: &Parameters) -> String {
    if variables.is_empty() || !text.contains(':') {
        return text.to_owned();
    }
    let tokens = tokens(text);
    let mut filled = String::with_capacity(text.len());
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        let written = &text[token.range.clone()];
        let after_colon = index > 0 && text[tokens[index - 1].range.clone()].ends_with(':');
        let next = tokens.get(index + 1).filter(|_| written == ":" && !after_colon);
        let value = next.and_then(|next| {
            let name = &text[next.range.clone()];
            let quoted = |sign: char| name.trim_matches(sign);
            match next.kind {
                Kind::Word => variables.get(name).cloned(),
                Kind::Text if name.starts_with('\'') => {
                    variables.get(quoted('\'')).map(|value| format!("'{}'", value.replace('\'', "''")))
                }
                Kind::QuotedName => {
                    variables.get(quoted('"')).map(|value| format!("\"{}\"", value.replace('"', "\"\"")))
                }
                _ => None,
            }
        });
        match value {
            Some(value) => {
                filled.push_str(&value);
                index += 2;
            }
            None => {
                filled.push_str(written);
                index += 1;
            }
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_stand_for_text_literals_and_names() {
        let variables: Parameters = [("mes", "2024-05"), ("t", "kpi_canal"), ("quien", "O'Higgins"), ("n", "5")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        for (text, expected) in [
            ("SELECT * FROM :t LIMIT :n", "SELECT * FROM kpi_canal LIMIT 5"),
            ("x = :'mes' OR y = :'quien'", "x = '2024-05' OR y = 'O''Higgins'"),
            ("SELECT 1 AS :\"mes\"", "SELECT 1 AS \"2024-05\""),
            ("SELECT ':t', x::t, a[1:n], \":t\" -- :t", "SELECT ':t', x::t, a[15], \":t\" -- :t"),
            ("SELECT :otra, $mes", "SELECT :otra, $mes"),
        ] {
            assert_eq!(fill(text, &variables), expected);
        }
    }
}
