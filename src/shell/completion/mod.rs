//! What Tab offers: commands, tables, columns of the tables a statement names, join keys, values, paths, functions and
//! keywords.
//!
//! Everything comes from one snapshot of the names, so that a key press never waits for a store. The values of a column
//! are read once somebody types `column =`, in the background: they are there when they are wanted.

mod matching;
mod names;
mod paths;
mod scope;

pub(super) use names::{Names, Wanted, read_values};

use self::matching::matching;
use self::names::Column;
use self::paths::{paths, store_folder};
use self::scope::{Relation, Word};
use super::command::{Takes, commands, find};
use super::showing::SETTINGS;
use super::vocabulary::KEYWORDS;
use crate::name::{Layer, TableName};
use crate::sql::{Kind, tokens};

/// After these words a table is meant.
const BEFORE_TABLE: &[&str] = &["FROM", "JOIN", "DESCRIBE", "DESC", "SUMMARIZE", "INTO", "TABLE"];

/// Something that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    kind: OfferKind,
    /// What is written.
    pub(super) text: String,
    /// What is said of it.
    pub(super) note: String,
}

/// What an offer is; the likeliest kind first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OfferKind {
    Value,
    JoinKey,
    Column,
    Table,
    Function,
    Keyword,
}

impl Offer {
    fn new(kind: OfferKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), note: String::new() }
    }

    fn noted(mut self, note: &str) -> Self {
        note.clone_into(&mut self.note);
        self
    }
}

/// Where the word at `position` of `line` begins, and what it may become.
pub(super) fn complete(names: &Names, line: &str, position: usize) -> (usize, Vec<Offer>) {
    let before = &line[..position];
    let trimmed = before.trim_start();
    if trimmed.starts_with('\\') || (trimmed.starts_with('.') && !trimmed.contains('\n')) {
        return complete_command(names, line, before, trimmed);
    }
    complete_sql(names, line, before)
}

/// What will be wanted at `position` and takes its time: the values of a column that is compared, or a folder of a store.
pub(super) fn wanted(names: &Names, line: &str, position: usize) -> Option<Wanted> {
    let before = &line[..position];
    let text = tokens(before).pop().filter(|token| token.kind == Kind::Text && token.unfinished);
    if let Some(text) = &text
        && let Some(folder) = store_folder(before[text.range.clone()].trim_start_matches('\''))
    {
        return Some(Wanted::Folder(folder.to_owned()));
    }
    let words = scope::statement(line, position);
    let start = text.map_or(position, |token| token.range.start);
    let (relations, _) = scope::relations(names, &words, position);
    let earlier: Vec<&Word<'_>> = words.iter().filter(|word| word.end <= start).collect();
    compared_column(&earlier, &relations).map(|(table, column)| Wanted::Values(table, column))
}

fn complete_command(names: &Names, line: &str, before: &str, trimmed: &str) -> (usize, Vec<Offer>) {
    let sign = &trimmed[..1];
    let value = |text: &str| Offer::new(OfferKind::Value, text);
    let Some((earlier, word)) = trimmed.rsplit_once(char::is_whitespace) else {
        let commands = commands().flat_map(|command| command.names.iter().map(|name| (name, command.help())));
        let offers = commands.map(|(name, help)| value(&format!("{sign}{name}")).noted(help));
        return (before.len() - trimmed.len(), matching(offers, trimmed));
    };
    // `+kpi_canal` chooses a model and what it reads.
    let word = word.trim_start_matches('+');
    let start = before.len() - word.len();
    let (name, argument) = earlier[1..].split_once(char::is_whitespace).unwrap_or((&earlier[1..], ""));
    let command = find(name);
    let options = command.as_ref().ok().and_then(|command| names.options.get(command.names[0]));
    if let Some(options) = options.filter(|_| word.starts_with('-')) {
        return (start, matching(options.iter().map(|(name, help)| value(name).noted(help)), word));
    }
    let offers: Vec<Offer> = match command.map(|command| command.takes) {
        Ok(Takes::Table) => table_names(names).chain(full_names(names)).collect(),
        Ok(Takes::Column) => match word.rsplit_once('.') {
            Some((table, _)) => qualified(names, &[], table),
            None => table_names(names).collect(),
        },
        Ok(Takes::Words(words)) => words.iter().map(|word| value(word)).collect(),
        Ok(Takes::File) => paths(names, word),
        Ok(Takes::Sql) => return complete_sql(names, line, before),
        Ok(Takes::ValueOf(setting)) => values_of(setting),
        Ok(Takes::Setting) if argument.trim().is_empty() => {
            SETTINGS.iter().map(|setting| value(setting.name).noted(setting.help)).collect()
        }
        Ok(Takes::Setting) => values_of(argument.trim()),
        Ok(Takes::Nothing) | Err(_) => Vec::new(),
    };
    (start, matching(offers, word))
}

/// What a setting may be.
fn values_of(name: &str) -> Vec<Offer> {
    let setting = SETTINGS.iter().find(|setting| setting.name == name);
    let values = setting.map(|setting| setting.values).unwrap_or_default();
    values.iter().map(|value| Offer::new(OfferKind::Value, *value)).collect()
}

fn complete_sql(names: &Names, line: &str, before: &str) -> (usize, Vec<Offer>) {
    let position = before.len();
    let words = scope::statement(line, position);
    let (relations, queries) = scope::relations(names, &words, position);
    if let Some(open) = tokens(before).pop().filter(|token| token.unfinished) {
        let earlier: Vec<&Word<'_>> = words.iter().filter(|word| word.end <= open.range.start).collect();
        return inside(names, &before[open.range.start..], open.range.start, open.kind, &earlier, &relations);
    }
    let start = before
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
        .map_or(0, |index| index + before[index..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    let earlier: Vec<&Word<'_>> = words.iter().filter(|word| word.end <= start).collect();
    if let Some((qualifier, _)) = word.rsplit_once('.') {
        return (start, matching(qualified(names, &relations, qualifier), word));
    }
    let previous = earlier.last().map(|word| word.upper.as_str()).unwrap_or_default();
    if BEFORE_TABLE.contains(&previous) {
        let given = queries.iter().map(|it| Offer::new(OfferKind::Table, it.alias.as_str()).noted("WITH"));
        return (start, matching(table_names(names).chain(given), word));
    }
    let mut offers: Vec<Offer> = Vec::new();
    if previous == "ON" {
        offers.extend(join_keys(names, &relations));
    }
    if let Some((table, column)) = compared_column(&earlier, &relations) {
        let values = names.values(&table, &column).unwrap_or_default();
        offers.extend(
            values.iter().map(|value| Offer::new(OfferKind::Value, format!("'{}'", value.replace('\'', "''")))),
        );
    }
    offers.extend(relations.iter().flat_map(columns_of));
    if word.is_empty() {
        return (start, matching(offers, word));
    }
    if relations.is_empty() {
        offers.extend(names.tables.iter().flat_map(|table| table.columns.iter().map(offer_of)));
    }
    offers.extend(relations.iter().map(|it| Offer::new(OfferKind::Table, it.alias.as_str())));
    offers.extend(table_names(names));
    let function = |(name, signature): &(String, String)| Offer::new(OfferKind::Function, name).noted(signature);
    offers.extend(names.functions.iter().map(function));
    let lower = word.chars().any(char::is_lowercase);
    let keyword = |keyword: &&str| {
        Offer::new(OfferKind::Keyword, if lower { keyword.to_lowercase() } else { (*keyword).to_owned() })
    };
    offers.extend(KEYWORDS.iter().map(keyword));
    (start, matching(offers, word))
}

/// What may stand inside quotes that are still open: a value of the column that is compared, or a path.
fn inside(
    names: &Names,
    open: &str,
    begin: usize,
    kind: Kind,
    earlier: &[&Word<'_>],
    relations: &[Relation],
) -> (usize, Vec<Offer>) {
    let start = begin + 1;
    let Some(typed) = open.strip_prefix('\'').filter(|_| kind == Kind::Text) else { return (start, Vec::new()) };
    if let Some((table, column)) = compared_column(earlier, relations) {
        let values = names.values(&table, &column).unwrap_or_default();
        let offers = values.iter().map(|value| Offer::new(OfferKind::Value, format!("{}'", value.replace('\'', "''"))));
        return (start, matching(offers, typed));
    }
    (start, matching(paths(names, typed), typed))
}

/// The column that stands before `=`, `<>` or `IN (` at the end of `earlier`.
fn compared_column(earlier: &[&Word<'_>], relations: &[Relation]) -> Option<(TableName, String)> {
    let mut words = earlier.iter().rev().peekable();
    // Values before this one: `IN ('a', 'b', `.
    while words.peek().is_some_and(|word| word.text == "," || word.kind == Kind::Text) {
        words.next();
    }
    let operator = words.next()?;
    let column = match operator.upper.as_str() {
        "=" | "<>" | "!=" => words.next()?,
        "(" if words.next()?.upper == "IN" => {
            words.next().and_then(|word| if word.upper == "NOT" { words.next() } else { Some(word) })?
        }
        _ => return None,
    };
    let qualifier = words.next().filter(|word| word.text == ".").and_then(|_| words.next()).map(|word| word.name());
    let found = relations
        .iter()
        .filter(|relation| qualifier.as_ref().is_none_or(|qualifier| *qualifier == relation.alias))
        .flat_map(|relation| &relation.columns)
        .find(|known| known.name == column.name())?;
    (found.type_name == "string").then_some(())?;
    Some((found.of.clone()?, found.name.clone()))
}

/// Conditions that join the last table to one before it: declared ones, or else columns of one name.
fn join_keys(names: &Names, relations: &[Relation]) -> Vec<Offer> {
    let Some((last, before)) = relations.split_last() else { return Vec::new() };
    let table = |relation: &Relation| relation.columns.iter().find_map(|column| column.of.clone());
    let mut declared = Vec::new();
    let mut alike = Vec::new();
    for other in before {
        let condition = |left: &str, right: &str| format!("{}.{left} = {}.{right}", other.alias, last.alias);
        for known in &names.relationships {
            let (from, to) = (Some(known.table.clone()), Some(known.to_table.clone()));
            if (table(other), table(last)) == (from.clone(), to.clone()) {
                declared.push(condition(&known.column, &known.to_column));
            } else if (table(other), table(last)) == (to, from) {
                declared.push(condition(&known.to_column, &known.column));
            }
        }
        let same = other.columns.iter().filter(|column| last.columns.iter().any(|it| it.name == column.name));
        alike.extend(same.map(|column| condition(&column.name, &column.name)));
    }
    let keys = if declared.is_empty() { alike } else { declared };
    keys.into_iter().map(|key| Offer::new(OfferKind::JoinKey, key)).collect()
}

/// The tables of a layer, or the columns of a table.
fn qualified(names: &Names, relations: &[Relation], qualifier: &str) -> Vec<Offer> {
    if let Ok(layer) = qualifier.parse::<Layer>() {
        return full_names(names).filter(|offer| offer.text.starts_with(layer.as_str())).collect();
    }
    let columns = match relations.iter().find(|relation| relation.alias == qualifier) {
        Some(relation) => &relation.columns,
        None => match names.table(qualifier) {
            Some(table) => &table.columns,
            None => return Vec::new(),
        },
    };
    let offer = |column: &Column| {
        Offer::new(OfferKind::Column, format!("{qualifier}.{}", column.name)).noted(&column.type_name)
    };
    columns.iter().map(offer).collect()
}

fn columns_of(relation: &Relation) -> impl Iterator<Item = Offer> + '_ {
    relation.columns.iter().map(offer_of)
}

fn offer_of(column: &Column) -> Offer {
    Offer::new(OfferKind::Column, column.name.as_str()).noted(&column.type_name)
}

/// Tables by their own names, and the layers.
fn table_names(names: &Names) -> impl Iterator<Item = Offer> + '_ {
    let own = names
        .tables
        .iter()
        .map(|table| Offer::new(OfferKind::Table, table.name.name.as_str()).noted(table.kind.as_str()));
    own.chain(Layer::SEARCH_ORDER.into_iter().map(|layer| Offer::new(OfferKind::Table, format!("{layer}."))))
}

fn full_names(names: &Names) -> impl Iterator<Item = Offer> + '_ {
    names.tables.iter().map(|table| Offer::new(OfferKind::Table, table.name.to_string()).noted(table.kind.as_str()))
}

#[cfg(test)]
mod tests;
