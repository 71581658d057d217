//! What an unfinished statement says so far: the tables in FROM with their aliases, also of subqueries and of WITH.
//!
//! The statement cannot be parsed while it is typed, so its words are read for what they show: a name behind FROM or JOIN
//! is a table, a word behind it an alias, the end of an item of SELECT the name of a column.

use super::names::{Column, Names};
use crate::shell::vocabulary::is_keyword;
use crate::sql::{Kind, tokens};

/// Words that end the list of tables.
const AFTER_TABLES: &[&str] =
    &["WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "UNION", "EXCEPT", "INTERSECT", "QUALIFY", "WINDOW"];

/// A word, name or sign of a statement.
#[derive(Debug, Clone)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) upper: String,
    pub(super) kind: Kind,
    /// Its first byte in the line.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Brackets open before it.
    depth: usize,
}

impl Word<'_> {
    /// Whether it can name something.
    pub(super) fn is_name(&self) -> bool {
        self.kind == Kind::QuotedName || (self.kind == Kind::Word && !is_keyword(self.text))
    }

    /// The name without its quotes.
    pub(super) fn name(&self) -> String {
        self.text.trim_matches('"').to_owned()
    }
}

/// A table of FROM by the name that its columns are called with.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub(super) alias: String,
    pub(super) columns: Vec<Column>,
}

/// The words of the statement around the byte `position` of `line`.
pub(super) fn statement(line: &str, position: usize) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut depth: usize = 0;
    for token in tokens(line) {
        if token.kind == Kind::Semicolon {
            if token.range.start >= position {
                break;
            }
            words.clear();
            depth = 0;
            continue;
        }
        if !token.says_something() {
            continue;
        }
        let text = &line[token.range.clone()];
        if text == ")" {
            depth = depth.saturating_sub(1);
        }
        words.push(Word {
            text,
            upper: text.to_ascii_uppercase(),
            kind: token.kind,
            start: token.range.start,
            end: token.range.end,
            depth,
        });
        if text == "(" {
            depth += 1;
        }
    }
    words
}

/// The tables that a word at `position` may speak of, those of the innermost query first; and the names that WITH gives.
pub(super) fn relations(names: &Names, words: &[Word<'_>], position: usize) -> (Vec<Relation>, Vec<Relation>) {
    let queries = with(names, words);
    let mut found: Vec<Relation> = Vec::new();
    for query in around(words, position) {
        for relation in from(names, &queries, query) {
            if !found.iter().any(|known| known.alias == relation.alias) {
                found.push(relation);
            }
        }
    }
    (found, queries)
}

/// The queries around `position`, the innermost first: the words inside each pair of brackets, and all of them.
fn around<'a, 'w>(words: &'a [Word<'w>], position: usize) -> Vec<&'a [Word<'w>]> {
    let mut found = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if word.text != "(" || word.end > position {
            continue;
        }
        let end = close(words, index);
        if words.get(end).is_none_or(|close| close.start >= position) && is_query(&words[index + 1..end]) {
            found.insert(0, &words[index + 1..end]);
        }
    }
    found.push(words);
    found
}

fn is_query(words: &[Word<'_>]) -> bool {
    words.first().is_some_and(|word| matches!(word.upper.as_str(), "SELECT" | "WITH" | "FROM"))
}

/// The place of the bracket that closes the one at `open`, or the end.
fn close(words: &[Word<'_>], open: usize) -> usize {
    let depth = words[open].depth;
    let closes = |word: &Word<'_>| word.text == ")" && word.depth == depth;
    words[open + 1..].iter().position(closes).map_or(words.len(), |at| open + 1 + at)
}

/// The queries that WITH names: `WITH a AS (SELECT …), b AS (…)`.
fn with(names: &Names, words: &[Word<'_>]) -> Vec<Relation> {
    let mut queries: Vec<Relation> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let [name, as_word, open] = [index, index + 1, index + 2].map(|at| words.get(at));
        let (Some(name), Some(as_word), Some(open)) = (name, as_word, open) else { break };
        if !word.is_name() || as_word.upper != "AS" || open.text != "(" {
            continue;
        }
        let inside = &words[index + 3..close(words, index + 2)];
        if is_query(inside) {
            let columns = outputs(names, &queries, inside);
            queries.push(Relation { alias: name.name(), columns });
        }
    }
    queries
}

/// The tables of a query's own FROM.
fn from(names: &Names, queries: &[Relation], query: &[Word<'_>]) -> Vec<Relation> {
    let Some(base) = query.first().map(|word| word.depth) else { return Vec::new() };
    let mut found = Vec::new();
    let (mut in_tables, mut expected) = (false, false);
    let mut index = 0;
    while let Some(word) = query.get(index) {
        index += 1;
        if word.depth != base {
            continue;
        }
        match word.upper.as_str() {
            "FROM" | "JOIN" => (in_tables, expected) = (true, true),
            "," => expected = in_tables,
            upper if AFTER_TABLES.contains(&upper) => (in_tables, expected) = (false, false),
            "ON" | "USING" => expected = false,
            "(" if expected => {
                let end = close(query, index - 1);
                let inside = &query[index..end];
                index = (end + 1).min(query.len());
                let columns = outputs(names, queries, inside);
                if let Some((alias, next)) = alias(query, index) {
                    found.push(Relation { alias, columns });
                    index = next;
                }
                expected = false;
            }
            _ if expected && word.is_name() => {
                let (mut written, mut own) = (word.name(), word.name());
                while let (Some(dot), Some(part)) = (query.get(index), query.get(index + 1)) {
                    if dot.text != "." {
                        break;
                    }
                    own = part.name();
                    written = format!("{written}.{own}");
                    index += 2;
                }
                let (alias, next) = alias(query, index).unwrap_or((own, index));
                index = next;
                let columns = columns_of(names, queries, &written);
                found.push(Relation { alias, columns });
                expected = false;
            }
            _ => {}
        }
    }
    found
}

/// The alias at `index`, with or without AS, and what follows it.
fn alias(query: &[Word<'_>], index: usize) -> Option<(String, usize)> {
    let word = query.get(index)?;
    let (word, next) = if word.upper == "AS" { (query.get(index + 1)?, index + 2) } else { (word, index + 1) };
    word.is_name().then(|| (word.name(), next))
}

fn columns_of(names: &Names, queries: &[Relation], written: &str) -> Vec<Column> {
    match queries.iter().find(|relation| relation.alias == written) {
        Some(relation) => relation.columns.clone(),
        None => names.table(written).map(|table| table.columns.clone()).unwrap_or_default(),
    }
}

/// The columns that a query gives, by the last name of each item of its SELECT.
fn outputs(names: &Names, queries: &[Relation], query: &[Word<'_>]) -> Vec<Column> {
    let Some(base) = query.first().map(|word| word.depth) else { return Vec::new() };
    let begin = query.iter().position(|word| word.depth == base && word.upper == "SELECT").map_or(0, |at| at + 1);
    let end = query.iter().skip(begin).position(|word| word.depth == base && word.upper == "FROM");
    let items = &query[begin..end.map_or(query.len(), |end| begin + end)];
    let mut columns: Vec<Column> = Vec::new();
    let sources = from(names, queries, query);
    for item in items.split(|word| word.depth == base && word.text == ",") {
        let qualifier = || item.first().filter(|_| item.len() > 1).map(Word::name);
        match item.last() {
            Some(last) if last.text == "*" => {
                let of = qualifier();
                let wanted = sources.iter().filter(|it| of.as_ref().is_none_or(|of| *of == it.alias));
                columns.extend(wanted.flat_map(|it| it.columns.iter().cloned()));
            }
            Some(last) if last.is_name() => {
                let name = last.name();
                let origin = sources.iter().flat_map(|it| &it.columns).find(|column| column.name == name);
                let renamed = item.len() > 3 || (item.len() == 2 && item[0].is_name());
                columns.push(match origin.filter(|_| !renamed) {
                    Some(column) => column.clone(),
                    None => Column { name, type_name: String::new(), of: None },
                });
            }
            _ => {}
        }
    }
    columns
}
