//! Measuring the checks of a model.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;

use super::compile::{Measure, compile, rows_where};
use crate::engine::{Engine, sql_name};
use crate::error::{Error, Kind, Result};
use crate::model::{Check, Model, Severity};
use crate::name::TableName;

/// Rows shown of those that fail a check.
const SHOWN_ROWS: usize = 5;

/// What a check measured.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The model.
    pub model: TableName,
    /// The check's name.
    pub check: String,
    /// What happens if it fails.
    pub severity: Severity,
    /// Whether it held.
    pub passed: bool,
    /// The rows that fail, or what the rule counts.
    pub failing: u64,
    /// The rows of the model.
    pub rows: u64,
    /// Some of the rows that fail.
    pub examples: Vec<RecordBatch>,
}

impl Outcome {
    /// Whether it keeps a release from being published.
    #[must_use]
    pub fn blocks(&self) -> bool {
        !self.passed && self.severity == Severity::Error
    }
}

/// Measures all checks of `model` on what `engine` sees.
///
/// # Errors
/// A check that cannot be run, such as one that names a column the model does not have.
pub async fn measure(engine: &Engine, model: &Model) -> Result<Vec<Outcome>> {
    let checks = &model.header.checks;
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let measures: Vec<Measure> = checks.iter().map(|check| compile(&check.rule, &model.name)).collect();
    let counts = scan(engine, model, checks, &measures).await?;
    let rows = counts[0];
    let mut outcomes = Vec::with_capacity(checks.len());
    let mut counted = counts[1..].iter().copied();
    for (check, measure) in checks.iter().zip(&measures) {
        let while_checking = |error: Error| cannot_run(model, check, error);
        let (failing, passed) = match measure {
            Measure::Rows { .. } => counted.next().map(|failing| (failing, failing == 0)),
            Measure::Share { max, .. } => counted.next().map(|count| (count, share(count, rows) <= *max)),
            Measure::Count { min, max } => {
                Some((rows, min.is_none_or(|min| rows >= min) && max.is_none_or(|max| rows <= max)))
            }
            Measure::Query { failing } => {
                let count = format!("SELECT count(*) FROM (\n{failing}\n) AS fallas");
                let failing = numbers(&engine.rows(&count).await.map_err(while_checking)?)?;
                failing.first().map(|failing| (*failing, *failing == 0))
            }
        }
        .ok_or_else(|| Error::bug(format!("{}: check {} was not measured", model.name, check.name)))?;
        let examples =
            if passed { Vec::new() } else { examples(engine, model, measure).await.map_err(while_checking)? };
        outcomes.push(Outcome {
            model: model.name.clone(),
            check: check.name.clone(),
            severity: check.severity,
            passed,
            failing,
            rows,
            examples,
        });
    }
    Ok(outcomes)
}

/// Counts the rows of the model, and for each rule of the shared scan those it is about.
async fn scan(engine: &Engine, model: &Model, checks: &[Check], measures: &[Measure]) -> Result<Vec<u64>> {
    let conditions: Vec<&str> = measures.iter().filter_map(condition).collect();
    // Named by number: two checks may have the same condition, and no two columns the same name.
    let filter = |(number, condition): (usize, &&str)| format!(", count(*) FILTER (WHERE {condition}) AS c{number}");
    let filters: Vec<String> = conditions.iter().enumerate().map(filter).collect();
    let table = sql_name(&model.name);
    match engine.rows(&format!("SELECT count(*){} FROM {table}", filters.concat())).await {
        Ok(counts) => numbers(&counts),
        // The scan fails as a whole: find the check that is to blame, to name it.
        Err(whole) => {
            for (check, measure) in checks.iter().zip(measures) {
                if let Some(condition) = condition(measure) {
                    let alone = format!("SELECT count(*) FILTER (WHERE {condition}) FROM {table}");
                    engine.rows(&alone).await.map_err(|error| cannot_run(model, check, error))?;
                }
            }
            Err(whole.while_doing(format_args!("checks of {}", model.name)))
        }
    }
}

fn condition(measure: &Measure) -> Option<&str> {
    match measure {
        Measure::Rows { failing } => Some(failing),
        Measure::Share { counted, .. } => Some(counted),
        Measure::Count { .. } | Measure::Query { .. } => None,
    }
}

/// Some of the rows that fail.
async fn examples(engine: &Engine, model: &Model, measure: &Measure) -> Result<Vec<RecordBatch>> {
    let failing = match measure {
        Measure::Rows { failing } => rows_where(&model.name, failing),
        Measure::Query { failing } => failing.clone(),
        // A share or a number of rows has no row that is wrong.
        Measure::Share { .. } | Measure::Count { .. } => return Ok(Vec::new()),
    };
    engine.rows(&format!("SELECT * FROM (\n{failing}\n) AS fallas LIMIT {SHOWN_ROWS}")).await
}

/// The numbers of a result of one row.
fn numbers(batches: &[RecordBatch]) -> Result<Vec<u64>> {
    let row = batches.iter().find(|batch| batch.num_rows() > 0).ok_or_else(|| Error::bug("a count without a row"))?;
    row.columns()
        .iter()
        .map(|column| {
            let number = column.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(0));
            number.and_then(|number| u64::try_from(number).ok()).ok_or_else(|| Error::bug("a count that is no number"))
        })
        .collect()
}

fn share(count: u64, rows: u64) -> f64 {
    if rows == 0 { 0.0 } else { count as f64 / rows as f64 }
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

    async fn measured(checks: &str, rows: &str) -> String {
        let (test, model) = visitas(checks, rows);
        let mut told = String::new();
        for outcome in measure(&test.engine, &model).await.unwrap() {
            let Outcome { check, passed, failing, rows, examples, .. } = &outcome;
            let says = if *passed { "holds" } else { "fails" };
            told.push_str(&format!(
                "{check} {says}: {failing} of {rows}{}\n",
                if outcome.blocks() { ", blocks" } else { "" }
            ));
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
";
        insta::assert_snapshot!(measured(checks, "SELECT * FROM raw.visitas").await, @"
        not_null_cliente_id_nota fails: 1 of 4, blocks
        +------------+-------+------+
        | cliente_id | canal | nota |
        +------------+-------+------+
        | C9         | web   |      |
        +------------+-------+------+
        not_null_canal holds: 0 of 4
        unique_cliente_id_canal fails: 1 of 4, blocks
        +------------+-------+-------+
        | cliente_id | canal | filas |
        +------------+-------+-------+
        | C1         | web   | 2     |
        +------------+-------+-------+
        accepted_values_canal fails: 1 of 4, blocks
        +------------+----------+------+
        | cliente_id | canal    | nota |
        +------------+----------+------+
        | C2         | telefono | 1    |
        +------------+----------+------+
        range_nota fails: 1 of 4
        +------------+----------+------+
        | cliente_id | canal    | nota |
        +------------+----------+------+
        | C2         | telefono | 1    |
        +------------+----------+------+
        relationship_cliente_id fails: 1 of 4, blocks
        +------------+-------+------+
        | cliente_id | canal | nota |
        +------------+-------+------+
        | C9         | web   |      |
        +------------+-------+------+
        expression_nota_1 holds: 0 of 4
        pocos_nulos holds: 1 of 4
        menos_nulos fails: 1 of 4, blocks
        hasta_cuatro holds: 4 of 4
        desde_cinco fails: 4 of 4, blocks
        sin_telefono fails: 1 of 4, blocks
        +----------+
        | canal    |
        +----------+
        | telefono |
        +----------+
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
        not_null_nota holds: 0 of 0
        unique_nota holds: 0 of 0
        null_share_nota holds: 0 of 0
        row_count fails: 0 of 0, blocks
        ");
    }

    #[tokio::test]
    async fn a_check_that_cannot_be_run_is_named() {
        for checks in ["- expression: notas > 1\n", "- unique: [notas]\n"] {
            let checks = format!("- not_null: [canal]\n{checks}");
            let (test, model) = visitas(&checks, "SELECT * FROM raw.visitas");
            let error = measure(&test.engine, &model).await.unwrap_err();
            assert_eq!(error.kind(), Kind::Usage);
            let check = &model.header.checks[1].name;
            let expected = format!("sql/processed/visitas.sql: check `{check}` cannot be run: unknown column `notas`");
            assert_eq!(error.message(), expected);
            assert_eq!(error.next_step(), Some("did you mean `nota`?"));
        }
    }
}
