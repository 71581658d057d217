//! Saying what is wrong with a statement: the place, the name that was probably meant, and no word of the engine's own.

use datafusion::common::{Diagnostic, SchemaError};
use datafusion::error::DataFusionError;

use super::relations::Relations;
use crate::error::{Error, Kind, engine_error, engine_kind, engine_message, our_error};
use crate::name::{Layer, TableName, closest};
use crate::sql::Statement;

/// The failure to plan a statement, with its place and what was probably meant.
pub(super) fn explain(failure: DataFusionError, statement: &Statement, relations: &Relations) -> Error {
    if our_error(&failure).is_some() || engine_kind(&failure) != Kind::Query {
        return engine_error(failure);
    }
    let (message, name, hint) = tell(&failure, relations);
    let place = span(&failure)
        .map(|(line, column, width)| statement.source().place_at(line, column, width))
        .or_else(|| name.and_then(|name| statement.find(&name)));
    let mut error = Error::query(message);
    if let Some(place) = place {
        error = error.at(place);
    }
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The message, the name it is about, and the hint.
fn tell(failure: &DataFusionError, relations: &Relations) -> (String, Option<String>, Option<String>) {
    if let DataFusionError::SchemaError(wrong, _) = failure.find_root() {
        return tell_column(wrong);
    }
    let message = plain_types(&engine_message(failure)).replace("While expanding wildcard, column", "column");
    if let Some((_, call)) = message.split_once("No function matches the given name and argument types '") {
        let call = call.split('\'').next().unwrap_or_default();
        let name = call.split('(').next().unwrap_or_default();
        let hint = "convert the values first: CAST(value AS double), CAST(value AS text)".to_owned();
        return (format!("there is no `{call}`: the function takes other values"), Some(name.to_owned()), Some(hint));
    }
    if let Some((said, _)) = message.split_once("\" must appear in the GROUP BY clause") {
        let column = said.rsplit(['"', '.']).next().unwrap_or_default();
        let hint = format!("add it to GROUP BY, or ask for one value of the group: max({column})");
        return (
            format!("the column `{column}` is neither grouped nor aggregated"),
            Some(column.to_owned()),
            Some(hint),
        );
    }
    if let Some(name) = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        return tell_table(name, relations);
    }
    if let Some((said, meant)) = message.split_once("\nDid you mean '") {
        let name = quoted_word(said);
        let meant = meant.trim_end_matches(['\'', '?']);
        let said = said.trim_end_matches('.').replace('\'', "`").replace("invalid function", "unknown function");
        return (said, name, Some(format!("did you mean `{meant}`?")));
    }
    let name = quoted_word(&message);
    (message, name, None)
}

fn tell_column(wrong: &SchemaError) -> (String, Option<String>, Option<String>) {
    match wrong {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut names: Vec<&str> = Vec::new();
            for field in valid_fields {
                if !names.contains(&field.name.as_str()) {
                    names.push(field.name.as_str());
                }
            }
            let hint = match closest(&field.name, names.iter().copied()) {
                Some(meant) if meant.chars().any(|c| c.is_uppercase() || !c.is_ascii()) => {
                    Some(format!("did you mean \"{meant}\"? (in double quotes: unquoted names are read in lower case)"))
                }
                Some(meant) => Some(format!("did you mean `{meant}`?")),
                None if names.is_empty() => None,
                None => Some(format!("the columns here are {}", list(&names))),
            };
            let shown = field
                .relation
                .as_ref()
                .map_or_else(|| field.name.clone(), |relation| format!("{}.{}", relation.table(), field.name));
            (format!("unknown column `{shown}`"), Some(field.name.clone()), hint)
        }
        SchemaError::AmbiguousReference { field } => (
            format!("the column `{}` stands in more than one table here", field.name),
            Some(field.name.clone()),
            Some(format!("write which one is meant, for example t.{}", field.name)),
        ),
        other => (other.to_string(), None, None),
    }
}

fn tell_table(name: &str, relations: &Relations) -> (String, Option<String>, Option<String>) {
    let written = name.trim_start_matches("cauce.").trim_start_matches("public.");
    let known = relations.names();
    let own = written.rsplit('.').next().unwrap_or(written);
    let full: Vec<String> = known.iter().map(TableName::to_string).collect();
    let nearly = || closest(own, known.iter().map(|table| table.name.as_str()));
    let meant = if own == written {
        nearly().map(str::to_owned)
    } else {
        // The right name in the wrong layer comes before a name that only looks alike.
        let elsewhere = relations.find(own);
        elsewhere
            .map(|table| table.to_string())
            .or_else(|| closest(written, full.iter().map(String::as_str)).map(str::to_owned))
            .or_else(|| relations.find(nearly()?).map(|table| table.to_string()))
    };
    let hint = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.iter().all(|table| matches!(table.layer, Layer::Raw | Layer::System)) => {
            "there is no release yet: `cauce run` makes the first one".to_owned()
        }
        None => "`SHOW TABLES` lists what there is".to_owned(),
    };
    (format!("unknown table `{written}`"), Some(own.to_owned()), Some(hint))
}

/// The names of types as SQL has them; the engine keeps texts in several ways that a person need not tell apart.
fn plain_types(message: &str) -> String {
    [("LargeUtf8", "text"), ("Utf8View", "text"), ("Utf8", "text"), ("Float64", "double"), ("Int64", "bigint")]
        .into_iter()
        .fold(message.to_owned(), |message, (engine, plain)| message.replace(engine, plain))
}

/// The place the engine marked: line, column and width in the text that the statement stands in.
fn span(failure: &DataFusionError) -> Option<(usize, usize, usize)> {
    let span = failure.diagnostic().and_then(|Diagnostic { span, .. }| *span)?;
    let number = |n: u64| usize::try_from(n).unwrap_or(0);
    let (line, column) = (number(span.start.line), number(span.start.column));
    let width = if span.end.line == span.start.line { number(span.end.column).saturating_sub(column) } else { 1 };
    (line > 0 && column > 0).then_some((line, column, width.max(1)))
}

/// The first word in single quotes of a message.
fn quoted_word(message: &str) -> Option<String> {
    let mut parts = message.split('\'');
    parts.next();
    parts.next().filter(|word| !word.is_empty() && !word.contains(' ')).map(str::to_owned)
}

/// Names in a sentence, the first dozen of them.
fn list(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().copied().take(12).collect();
    let more =
        if names.len() > shown.len() { format!(" and {} more", names.len() - shown.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::testing::TestEngine;
    use crate::sql::Source;

    #[tokio::test]
    async fn mistakes_are_told_at_their_place_and_in_our_words() {
        let test = TestEngine::new().with_view("curated.rota", "SELECT x FROM nada");
        let mut told = String::new();
        for sql in [
            "SELECT edad,\n  nombr FROM clientes",
            "SELECT v.nombre FROM visitas v",
            "SELECT Canal, \"Canal\" FROM visitas",
            "SELECT zzz FROM visitas",
            "SELECT cliente_id FROM clientes, visitas",
            "SELECT * FROM client",
            "SELECT * FROM curated.clientes",
            "SELECT * FROM zzz",
            "SELECT * FROM rota",
            "SELECT pseudonim(nombre) FROM clientes",
            "SELECT nombre, count(*) FROM clientes",
            "SELECT sum(nombre) FROM clientes",
            "SELECT edad + 'x' FROM clientes",
            "SELECT (SELECT edad, dni FROM clientes)",
            "SELECT edad FROM clientes UNION SELECT 1, 2",
            "SELECT 1 FROM clientes WHERE sum(edad) > 1",
            "  DELETE FROM clientes",
            "CREATE VIEW v AS SELECT 1",
        ] {
            let statement = Source::new("q", sql).only_statement().unwrap();
            let Err(error) = test.engine.answer(&statement).await else { panic!("{sql} is no mistake") };
            let place = error.all_findings().iter().find_map(|finding| finding.place.clone());
            let place = place.map_or_else(|| "nowhere".to_owned(), |place| format!("{place}+{}", place.width));
            let hint = error.next_step().map(|hint| format!("\n    {hint}")).unwrap_or_default();
            told.push_str(&format!("{place} {error}{hint}\n"));
        }
        insta::assert_snapshot!(told, @"
        q:2:3+5 unknown column `nombr`
            did you mean `nombre`?
        q:1:8+8 unknown column `v.nombre`
            the columns here are cliente_id, canal, nota
        q:1:15+7 unknown column `Canal`
            did you mean `canal`?
        q:1:8+3 unknown column `zzz`
            the columns here are cliente_id, canal, nota
        q:1:8+10 the column `cliente_id` stands in more than one table here
            write which one is meant, for example t.cliente_id
        q:1:15+6 unknown table `client`
            did you mean `clientes`?
        q:1:15+16 unknown table `curated.clientes`
            did you mean `raw.clientes`?
        q:1:15+3 unknown table `zzz`
            `SHOW TABLES` lists what there is
        vista.sql:1:15+4 view curated.rota: unknown table `nada`
            `SHOW TABLES` lists what there is
        q:1:8+9 unknown function `pseudonim`
            did you mean `pseudonym`?
        q:1:8+6 the column `nombre` is neither grouped nor aggregated
            add it to GROUP BY, or ask for one value of the group: max(nombre)
        q:1:8+3 there is no `sum(text)`: the function takes other values
            convert the values first: CAST(value AS double), CAST(value AS text)
        q:1:8+4 cannot coerce arithmetic expression bigint + text to valid types
        nowhere too many columns! The subquery should only return one column: clientes.edad, clientes.dni
        q:1:1+43 UNION queries have different number of columns
        nowhere aggregate functions are not allowed in the WHERE clause. Consider using HAVING instead
        q:1:3+6 DELETE would change something; here statements only read
            write a model in sql/ and `cauce run` it; to keep a result use `cauce query -o FILE`
        q:1:1+6 CREATE would change something; here statements only read
            write a model in sql/ and `cauce run` it; to keep a result use `cauce query -o FILE`
        ");
    }
}
