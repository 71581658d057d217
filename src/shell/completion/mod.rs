//! What Tab offers: commands, tables, columns of the tables a statement names, keywords and functions.
//!
//! Everything comes from one snapshot of the names, so that a key press never waits for a store.

use std::collections::BTreeSet;

use super::command::{Takes, commands, find};
use super::session::Session;
use super::showing::SETTINGS;
use super::vocabulary::{FUNCTIONS, KEYWORDS};
use crate::error::Result;
use crate::name::{Layer, TableName};
use crate::sql::{Kind, Token, tokens};

/// After these words a table is meant.
const BEFORE_TABLE: &[&str] = &["FROM", "JOIN", "DESCRIBE", "INTO", "TABLE"];

/// The names of a project at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    tables: Vec<(TableName, Vec<String>)>,
}

impl Names {
    pub(super) async fn of(session: &dyn Session) -> Result<Self> {
        let mut tables = Vec::new();
        for table in session.tables().await? {
            // A table that cannot be read has a name to complete, if no columns.
            let columns = session.columns(&table.name).await.unwrap_or_default();
            tables.push((table.name, columns.into_iter().map(|column| column.name).collect()));
        }
        Ok(Self { tables })
    }

    fn table_names(&self) -> impl Iterator<Item = String> + '_ {
        let own = self.tables.iter().map(|(table, _)| table.name.clone());
        own.chain(Layer::SEARCH_ORDER.into_iter().map(|layer| format!("{layer}.")))
    }

    /// The columns of the tables that `named` holds for.
    fn columns<'a>(&'a self, named: impl Fn(&TableName) -> bool + 'a) -> impl Iterator<Item = String> + 'a {
        self.tables.iter().filter(move |(table, _)| named(table)).flat_map(|(_, columns)| columns.iter().cloned())
    }
}

/// Where the word at `position` of `line` begins, and what it may become.
pub(super) fn complete(names: &Names, line: &str, position: usize) -> (usize, Vec<String>) {
    let before = &line[..position];
    let start = before
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .map_or(0, |index| index + before[index..].chars().next().map_or(1, char::len_utf8));
    let trimmed = before.trim_start();
    if trimmed.starts_with('\\') || (trimmed.starts_with('.') && !trimmed.contains('\n')) {
        return complete_command(names, before, trimmed);
    }
    let word = &before[start..];
    let tokens = tokens(before);
    if tokens.last().is_some_and(|token| token.unfinished) {
        return (start, Vec::new());
    }
    let candidates = match word.rsplit_once('.') {
        Some((qualifier, _)) => qualified(names, qualifier),
        None => unqualified(names, line, before, &tokens, word),
    };
    (start, matching(candidates, word))
}

fn complete_command(names: &Names, before: &str, trimmed: &str) -> (usize, Vec<String>) {
    let sign = &trimmed[..1];
    match trimmed.rsplit_once(char::is_whitespace) {
        None => {
            let commands = commands().flat_map(|command| command.names).map(|name| format!("{sign}{name}"));
            (before.len() - trimmed.len(), matching(commands, trimmed))
        }
        Some((earlier, word)) => {
            let start = before.len() - word.len();
            let (name, settings) = earlier[1..].split_once(char::is_whitespace).unwrap_or((&earlier[1..], ""));
            let offered: Vec<String> = match find(name).map(|command| command.takes) {
                Ok(Takes::Table) => {
                    let full = names.tables.iter().map(|(table, _)| table.to_string());
                    names.table_names().chain(full).collect()
                }
                Ok(Takes::Words(words)) => words.iter().map(ToString::to_string).collect(),
                Ok(Takes::ValueOf(setting)) => values_of(setting),
                Ok(Takes::Setting) if settings.trim().is_empty() => {
                    SETTINGS.iter().map(|setting| setting.name.to_owned()).collect()
                }
                Ok(Takes::Setting) => values_of(settings.trim()),
                _ => Vec::new(),
            };
            (start, matching(offered, word))
        }
    }
}

/// What a setting may be.
fn values_of(name: &str) -> Vec<String> {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    setting.map(|setting| setting.values.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// The tables of a layer, or the columns of a table.
fn qualified(names: &Names, qualifier: &str) -> Vec<String> {
    if let Ok(layer) = qualifier.parse::<Layer>() {
        let tables = names.tables.iter().filter(|(table, _)| table.layer == layer);
        return tables.map(|(table, _)| table.to_string()).collect();
    }
    let is_meant = |table: &TableName| table.name == qualifier || table.to_string() == qualifier;
    names.columns(is_meant).map(|column| format!("{qualifier}.{column}")).collect()
}

fn unqualified(names: &Names, line: &str, before: &str, tokens: &[Token], word: &str) -> Vec<String> {
    let mut earlier = tokens.iter().rev().filter(|token| token.kind != Kind::Space && token.range.end <= before.len());
    let previous = if word.is_empty() { earlier.next() } else { earlier.nth(1) };
    let previous = previous.map(|token| before[token.range.clone()].to_ascii_uppercase()).unwrap_or_default();
    if BEFORE_TABLE.contains(&previous.as_str()) {
        return names.table_names().collect();
    }
    // Columns may stand before the FROM that names their table, so the whole line is looked at.
    let words: BTreeSet<&str> = self::tokens(line)
        .into_iter()
        .filter(|token| token.kind == Kind::Word)
        .map(|token| &line[token.range])
        .collect();
    let mut candidates: Vec<String> = names.columns(|table| words.contains(table.name.as_str())).collect();
    if word.is_empty() {
        return candidates;
    }
    if candidates.is_empty() {
        candidates = names.columns(|_| true).collect();
    }
    let lower = word.chars().any(char::is_lowercase);
    candidates.extend(names.table_names());
    candidates.extend(FUNCTIONS.iter().map(|function| (*function).to_owned()));
    candidates
        .extend(KEYWORDS.iter().map(|keyword| if lower { keyword.to_lowercase() } else { (*keyword).to_owned() }));
    candidates
}

/// Those that begin as `word` does, in any case; sorted, each once.
fn matching(candidates: impl IntoIterator<Item = String>, word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    let begins = |candidate: &String| candidate.to_lowercase().starts_with(&word);
    candidates.into_iter().filter(begins).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let table = |name: &str, columns: &[&str]| {
            (name.parse().unwrap(), columns.iter().map(|column| (*column).to_owned()).collect())
        };
        Names {
            tables: vec![
                table("curated.kpi_canal", &["canal", "satisfaccion", "reseñas"]),
                table("curated.kpi_nps", &["nps", "periodo"]),
                table("processed.tickets", &["ticket_id", "canal", "fecha_hora"]),
            ],
        }
    }

    /// Completes at `|`.
    fn offered(line: &str) -> Vec<String> {
        let position = line.find('|').unwrap();
        complete(&names(), &line.replace('|', ""), position).1
    }

    #[test]
    fn tables_stand_after_from() {
        assert_eq!(offered("SELECT * FROM kpi|"), ["kpi_canal", "kpi_nps"]);
        assert_eq!(offered("select * from t join |").len(), 7, "three tables and four layers");
        assert_eq!(offered("SELECT * FROM curated.|"), ["curated.kpi_canal", "curated.kpi_nps"]);
    }

    #[test]
    fn columns_are_those_of_the_tables_named() {
        assert_eq!(
            offered("SELECT s| FROM kpi_canal"),
            [
                "satisfaccion",
                "select",
                "set",
                "sets",
                "show",
                "similar",
                "some",
                "split_part",
                "stddev",
                "string_agg",
                "substr",
                "sum",
                "system."
            ]
        );
        assert_eq!(offered("SELECT | FROM kpi_nps"), ["nps", "periodo"]);
        assert_eq!(offered("SELECT 1 FROM tickets WHERE tickets.f|"), ["tickets.fecha_hora"]);
        assert_eq!(offered("SELECT n|"), ["natural", "not", "now", "nps", "null", "nullif", "nulls"]);
    }

    #[test]
    fn keywords_follow_the_case_of_the_person() {
        assert_eq!(offered("SEL|"), ["SELECT"]);
        assert_eq!(offered("sel|"), ["select"]);
    }

    #[test]
    fn commands_and_their_tables() {
        assert_eq!(offered("\\d|"), ["\\d", "\\d+", "\\databases", "\\describe", "\\df", "\\diff", "\\dt", "\\dv"]);
        assert_eq!(offered(".tab|"), [".tables"]);
        assert_eq!(offered("\\d tick|"), ["tickets"]);
        assert_eq!(offered("\\d processed.t|"), ["processed.tickets"]);
    }

    #[test]
    fn nothing_is_offered_inside_a_text() {
        assert!(offered("SELECT 'sel|").is_empty());
        assert!(offered("SELECT 1 /* sel|").is_empty());
        assert_eq!(complete(&names(), "SELECT ñ", 9), (7, vec![]));
    }
}
