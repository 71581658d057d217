//! Measuring the checks of a model.

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};

use super::compile::{Measure, compile};
use super::number::{Number, numbers};
use super::outcome::{Allowed, Compared, Outcome};
use crate::engine::{Engine, sql_name};
use crate::error::{Error, Kind, Result};
use crate::model::{Check, Model};
use crate::sql::Source;

/// Rows kept of those that fail a check.
pub const KEPT_ROWS: usize = 100;

/// What checks are measured against, besides the rows.
#[derive(Debug, Clone, Copy)]
pub struct Against {
    /// The time, for ages.
    pub now: DateTime<Utc>,
    /// The rows of the model in the release before, if it was there.
    pub rows_before: Option<u64>,
}

/// Measures all checks of `model` on what `engine` sees.
///
/// # Errors
/// A check that cannot be run, such as one that names a column the model does not have.
pub async fn measure(engine: &Engine, model: &Model, against: Against) -> Result<Vec<Outcome>> {
    let checks = &model.header.checks;
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let measures: Vec<Measure> = checks.iter().map(|check| compile(&check.rule, &model.name)).collect();
    let scanned = scan(engine, model, checks, &measures).await?;
    let mut scanned = scanned.into_iter();
    let rows = scanned.next().flatten().map_or(0, |rows| whole(rows.value));
    let mut outcomes = Vec::with_capacity(checks.len());
    for (check, measure) in checks.iter().zip(&measures) {
        let found = if measure.aggregate().is_some() { scanned.next().flatten() } else { None };
        let outcome = complete(engine, model, check, measure, Scanned { rows, found }, against).await;
        outcomes.push(outcome.map_err(|error| cannot_run(model, check, error))?);
    }
    Ok(outcomes)
}

/// What the scan that all checks of a model share found for one of them.
#[derive(Debug, Clone, Copy)]
struct Scanned {
    rows: u64,
    found: Option<Number>,
}

/// The outcome of one check: what the shared scan found, and what it asks for itself.
async fn complete(
    engine: &Engine,
    model: &Model,
    check: &Check,
    measure: &Measure,
    Scanned { rows, found }: Scanned,
    against: Against,
) -> Result<Outcome> {
    let mut compared = Compared::default();
    let sum = found;
    let found = found.map(|number| number.value);
    let value = match measure {
        Measure::Rows { .. } => found,
        Measure::Share { .. } if rows == 0 => Some(0.0),
        Measure::Share { .. } => found.map(|count| count / rows as f64),
        Measure::Count { .. } => Some(rows as f64),
        Measure::Newest { .. } => found.map(|seconds| against.now.timestamp_millis() as f64 / 1000.0 - seconds),
        Measure::Equal { other: query, .. } => {
            let (own, other) = (sum.unwrap_or_default(), number(engine, query).await?.unwrap_or_default());
            let (difference, is_exact) = own.minus(other);
            compared = Compared { own: own.value, other: other.value, is_exact };
            Some(difference)
        }
        Measure::Query { failing } => {
            let count = number(engine, &format!("SELECT count(*) FROM (\n{failing}\n) AS fallas")).await?;
            count.map(|count| count.value)
        }
    };
    let failing = match measure {
        Measure::Rows { .. } | Measure::Query { .. } => value.map_or(0, whole),
        Measure::Share { .. } => found.map_or(0, whole),
        Measure::Count { .. } | Measure::Newest { .. } | Measure::Equal { .. } => 0,
    };
    let allowed = Allowed::new(check, measure, against.rows_before, compared);
    let passed = allowed.holds(value, rows);
    let examples = if failing == 0 { Vec::new() } else { examples(engine, model, measure).await? };
    Ok(Outcome {
        model: model.name.clone(),
        check: check.name.clone(),
        rule: check.rule.as_str(),
        severity: check.severity,
        passed,
        value,
        allowed,
        failing,
        rows,
        examples,
    })
}

/// The number of rows of the model, and for each rule that has part in the shared scan what it asks for.
async fn scan(engine: &Engine, model: &Model, checks: &[Check], measures: &[Measure]) -> Result<Vec<Option<Number>>> {
    let aggregates = measures.iter().filter_map(Measure::aggregate);
    // Named by number: two checks may ask for the same, and no two columns have the same name.
    let named: Vec<String> = aggregates.enumerate().map(|(number, what)| format!(", {what} AS c{number}")).collect();
    let table = sql_name(&model.name);
    match engine.rows(&format!("SELECT count(*) AS filas{} FROM {table}", named.concat())).await {
        Ok(found) => numbers(&found),
        // The scan fails as a whole: find the check that is to blame, to name it.
        Err(whole) => {
            for (check, measure) in checks.iter().zip(measures) {
                if let Some(aggregate) = measure.aggregate() {
                    let alone = format!("SELECT {aggregate} FROM {table}");
                    engine.rows(&alone).await.map_err(|error| cannot_run(model, check, error))?;
                }
            }
            Err(whole.while_doing(format_args!("checks of {}", model.name)))
        }
    }
}

/// Some of the rows that fail. None of a query that shows personal data: what a check leaves behind is read by everybody.
async fn examples(engine: &Engine, model: &Model, measure: &Measure) -> Result<Vec<RecordBatch>> {
    let Some(failing) = measure.failing_rows(&model.name) else { return Ok(Vec::new()) };
    let some = format!("SELECT * FROM (\n{failing}\n) AS fallas LIMIT {KEPT_ROWS}");
    if engine.model_schema(&Source::new("check", some.as_str())).await.is_err() {
        return Ok(Vec::new());
    }
    engine.rows(&some).await
}

/// The number that a query returns, if it returns one.
async fn number(engine: &Engine, query: &str) -> Result<Option<Number>> {
    Ok(numbers(&engine.rows(query).await?)?.into_iter().next().flatten())
}

/// A count as the whole number that it is.
fn whole(count: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are whole and not negative")]
    let whole = count as u64;
    whole
}

/// A check that cannot be run is a mistake in the model file.
fn cannot_run(model: &Model, check: &Check, error: Error) -> Error {
    if error.kind() != Kind::Query {
        return error;
    }
    // The place would be one in the SQL that cauce made of the rule, which nobody wrote.
    let wrong = Error::usage(format!("{}: check `{}` cannot be run: {}", model.file, check.name, error.message()));
    match error.next_step() {
        Some(hint) => wrong.hint(hint),
        None => wrong,
    }
}

#[cfg(test)]
mod tests {
    use arrow::util::pretty::pretty_format_batches;

    use super::*;
    use crate::engine::testing::TestEngine;
    use crate::model::Models;
    use crate::name::TableName;

    /// The model `processed.visitas` with these checks, and an engine that sees its rows.
    fn visitas(checks: &str, rows: &str) -> (TestEngine, Model) {
        let test = TestEngine::new().with_view("processed.visitas", rows);
        let sql = format!("/*---\ndescription: Una visita.\nchecks:\n{checks}---*/\nSELECT * FROM raw.visitas\n");
        let name: TableName = "processed.visitas".parse().unwrap();
        let file = "sql/processed/visitas.sql".to_owned();
        let models = Models::parse(vec![(name.clone(), file, sql)], &test.catalog).unwrap();
        let model = models.get(&name).unwrap().clone();
        (test, model)
    }

    /// Noon of the day after the newest visit; the release before had eight visits.
    fn against() -> Against {
        let now = DateTime::parse_from_rfc3339("2025-03-02T12:00:00Z").unwrap().to_utc();
        Against { now, rows_before: Some(8) }
    }

    async fn measured(checks: &str, rows: &str) -> String {
        let (test, model) = visitas(checks, rows);
        let mut told = String::new();
        for outcome in measure(&test.engine, &model, against()).await.unwrap() {
            let Outcome { check, passed, failing, rows, examples, allowed, .. } = &outcome;
            let says = if *passed { "holds" } else { "fails" };
            let value = outcome.measured();
            let blocks = if outcome.blocks() { ", blocks" } else { "" };
            told.push_str(&format!("{check} {says}: {value}, allowed {allowed}; {failing} of {rows}{blocks}\n"));
            if !examples.is_empty() {
                told.push_str(&format!("{}\n", pretty_format_batches(examples).unwrap()));
            }
        }
        told
    }

    #[tokio::test]
    async fn every_kind_of_rule_is_measured() {
        let checks = "\
- not_null: [cliente_id, nota]
- not_null: [canal]
- unique: [cliente_id, canal]
- accepted_values: { canal: [web, app] }
- { range: { nota: { min: 2, max: 5 } }, severity: warn }
- relationship: { cliente_id: raw.clientes.cliente_id }
- expression: nota >= 1
- { name: pocos_nulos, null_share: { nota: 0.25 } }
- { name: menos_nulos, null_share: { nota: 0.2 } }
- { name: hasta_cuatro, row_count: { max: 4 } }
- { name: desde_cinco, row_count: { min: 5 } }
- { name: sin_telefono, sql: \"SELECT canal FROM processed.visitas WHERE canal = 'telefono'\" }
- pattern: { canal: '^w' }
- { name: uno_puede, at_most: 1, pattern: { canal: '^w' } }
- { name: un_cuarto_puede, at_most: 25 %, not_null: [nota] }
- { name: menos_de_un_cuarto, at_most: 24.9 %, not_null: [nota] }
- { name: la_mitad_de_antes, row_count: { change: 50 % } }
- { name: dos_menos, row_count: { change: 2 } }
- sum: { nota: raw.visitas.nota }
- { name: como_filas, sum: { nota: raw.visitas.* } }
- { name: cerca_de_filas, at_most: 8, sum: { nota: raw.visitas.* } }
";
        insta::assert_snapshot!(measured(checks, "SELECT * FROM raw.visitas").await, @"
        not_null_cliente_id_nota fails: 1, allowed none; 1 of 4, blocks
        +------------+-------+------+
        | cliente_id | canal | nota |
        +------------+-------+------+
        | C9         | web   |      |
        +------------+-------+------+
        not_null_canal holds: 0, allowed none; 0 of 4
        unique_cliente_id_canal fails: 1, allowed none; 1 of 4, blocks
        +------------+-------+-------+
        | cliente_id | canal | filas |
        +------------+-------+-------+
        | C1         | web   | 2     |
        +------------+-------+-------+
        accepted_values_canal fails: 1, allowed none; 1 of 4, blocks
        +------------+----------+------+
        | cliente_id | canal    | nota |
        +------------+----------+------+
        | C2         | telefono | 1    |
        +------------+----------+------+
        range_nota fails: 1, allowed none; 1 of 4
        +------------+----------+------+
        | cliente_id | canal    | nota |
        +------------+----------+------+
        | C2         | telefono | 1    |
        +------------+----------+------+
        relationship_cliente_id fails: 1, allowed none; 1 of 4, blocks
        +------------+-------+------+
        | cliente_id | canal | nota |
        +------------+-------+------+
        | C9         | web   |      |
        +------------+-------+------+
        expression_nota_1 holds: 0, allowed none; 0 of 4
        pocos_nulos holds: 25 %, allowed at most 25 %; 1 of 4
        menos_nulos fails: 25 %, allowed at most 20 %; 1 of 4, blocks
        hasta_cuatro holds: 4, allowed at most 4; 0 of 4
        desde_cinco fails: 4, allowed at least 5; 0 of 4, blocks
        sin_telefono fails: 1, allowed none; 1 of 4, blocks
        +----------+
        | canal    |
        +----------+
        | telefono |
        +----------+
        pattern_canal fails: 1, allowed none; 1 of 4, blocks
        +------------+----------+------+
        | cliente_id | canal    | nota |
        +------------+----------+------+
        | C2         | telefono | 1    |
        +------------+----------+------+
        uno_puede holds: 1, allowed at most 1; 1 of 4
        +------------+----------+------+
        | cliente_id | canal    | nota |
        +------------+----------+------+
        | C2         | telefono | 1    |
        +------------+----------+------+
        un_cuarto_puede holds: 1, allowed at most 25 %; 1 of 4
        +------------+-------+------+
        | cliente_id | canal | nota |
        +------------+-------+------+
        | C9         | web   |      |
        +------------+-------+------+
        menos_de_un_cuarto fails: 1, allowed at most 24.9 %; 1 of 4, blocks
        +------------+-------+------+
        | cliente_id | canal | nota |
        +------------+-------+------+
        | C9         | web   |      |
        +------------+-------+------+
        la_mitad_de_antes holds: 4, allowed at most 50 % away from 8; 0 of 4
        dos_menos fails: 4, allowed at most 2 away from 8; 0 of 4, blocks
        sum_nota holds: 11, allowed equal to 11; 0 of 4
        como_filas fails: 11, allowed equal to 4; 0 of 4, blocks
        cerca_de_filas holds: 11, allowed at most 8 away from 4; 0 of 4
        ");
    }

    #[tokio::test]
    async fn a_table_without_rows_fails_only_what_counts_rows() {
        let checks = "\
- not_null: [nota]
- unique: [nota]
- null_share: { nota: 0 }
- row_count: { min: 1 }
";
        insta::assert_snapshot!(measured(checks, "SELECT * FROM raw.visitas WHERE false").await, @"
        not_null_nota holds: 0, allowed none; 0 of 0
        unique_nota holds: 0, allowed none; 0 of 0
        null_share_nota holds: 0 %, allowed at most 0 %; 0 of 0
        row_count fails: 0, allowed at least 1; 0 of 0, blocks
        ");
    }

    #[tokio::test]
    async fn the_newest_value_has_an_age_if_there_is_one() {
        let checks = "\
- freshness: { fecha: 36 hours }
- { name: de_un_dia, freshness: { fecha: 1 day } }
- { name: hora, freshness: { momento: 90 min } }
- { name: sin_valor, freshness: { nunca: 10 days }, severity: warn }
";
        let rows = "SELECT DATE '2025-03-01' AS fecha, TIMESTAMP '2025-03-02T10:30:00' AS momento, CAST(NULL AS DATE) AS nunca";
        insta::assert_snapshot!(measured(checks, rows).await, @"
        freshness_fecha holds: 36 hours, allowed at most 36 hours; 0 of 1
        de_un_dia fails: 36 hours, allowed at most 24 hours; 0 of 1, blocks
        hora holds: 90 minutes, allowed at most 90 minutes; 0 of 1
        sin_valor fails: no value, allowed at most 10 days; 0 of 1
        ");
    }

    #[tokio::test]
    async fn rows_that_show_personal_data_are_counted_and_not_kept() {
        let checks = "- { name: mayores, sql: SELECT * FROM raw.clientes WHERE edad < 35 }\n";
        insta::assert_snapshot!(measured(checks, "SELECT * FROM raw.visitas").await, @"mayores fails: 1, allowed none; 1 of 4, blocks");
    }

    #[tokio::test]
    async fn a_check_that_cannot_be_run_is_named() {
        for checks in ["- expression: notas > 1\n", "- unique: [notas]\n"] {
            let checks = format!("- not_null: [canal]\n{checks}");
            let (test, model) = visitas(&checks, "SELECT * FROM raw.visitas");
            let error = measure(&test.engine, &model, against()).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            let check = &model.header.checks[1].name;
            let expected = format!("sql/processed/visitas.sql: check `{check}` cannot be run: unknown column `notas`");
            assert_eq!(error.message(), expected);
            assert_eq!(error.next_step(), Some("did you mean `nota`?"));
        }
    }
}
