//! What a model accepts, held against what a person would compute by hand.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt;
use proptest::prelude::*;

use super::super::Settings;
use super::super::testing::TestEngine;
use crate::engine::Engine;
use crate::error::{Kind, Result};
use crate::ledger::Reading;
use crate::model::{Model, Models};
use crate::name::TableName;

/// A model with this header over `raw.visitas`.
fn model(test: &TestEngine, header: &str, from: &str) -> Model {
    let name: TableName = "processed.m".parse().unwrap();
    let sql = format!("/*---\naccept:\n  from: {from}\n{header}---*/\nSELECT * FROM {from}\n");
    let mut files = vec![(name.clone(), "sql/processed/m.sql".to_owned(), sql)];
    // A table that `with_view` made is a model too.
    for known in test.engine.relations().names().into_iter().filter(|known| known.to_string() == "processed.t") {
        files.push((known, "sql/processed/t.sql".to_owned(), "SELECT 1 AS uno".to_owned()));
    }
    Models::parse(files, &test.catalog).unwrap().get(&name).unwrap().clone()
}

/// The rows that the model accepts, and the reading that found them.
async fn accepted(engine: &Engine, model: &Model, sql: &str) -> Result<(Vec<RecordBatch>, std::sync::Arc<Reading>)> {
    let (scoped, table) = engine.accepting(model, model.header.accept.as_ref().unwrap()).await?;
    let rows = scoped.rows(sql).await?;
    Ok((rows, table.complete_reading().unwrap()))
}

async fn rejects(engine: &Engine, columns: &[usize]) -> String {
    let batches: Vec<RecordBatch> = engine.ledger().rows().unwrap().try_collect().await.unwrap();
    let batches: Vec<RecordBatch> = batches.iter().map(|batch| batch.project(columns).unwrap()).collect();
    pretty_format_batches(&batches).unwrap().to_string()
}

#[tokio::test]
async fn rows_that_break_a_rule_or_repeat_a_key_stay_behind_with_their_reason() {
    let test = TestEngine::new();
    let header = "  rules: { canal_conocido: \"canal <> 'telefono'\", nota_alta: nota > 2 }\n  deduplicate: { key: [cliente_id], keep: nota DESC }\n";
    let model = model(&test, header, "raw.visitas");
    let sql = "SELECT canal, nota, cliente_id FROM visitas ORDER BY cliente_id";
    let (rows, reading) = accepted(&test.engine, &model, sql).await.unwrap();
    insta::assert_snapshot!(pretty_format_batches(&rows).unwrap(), @"
    +-------+------+------------+
    | canal | nota | cliente_id |
    +-------+------+------------+
    | web   | 5    | C1         |
    | web   |      | C9         |
    +-------+------+------------+
    ");
    assert_eq!((reading.rows_in(), reading.rejected(), reading.deduplicated()), (4, 1, 1));
    assert_eq!(test.engine.ledger().summary().count(), 0, "nothing counts before it is absorbed");
    test.engine.ledger().absorb(&reading).unwrap();
    insta::assert_snapshot!(rejects(&test.engine, &[0, 1, 6, 7, 8, 9]).await, @r#"
    +-------------+----------------+------------+----------+-------------------------------------------------+----------------------------------------------------------------------------+
    | origin      | rule           | column     | value    | raw                                             | message                                                                    |
    +-------------+----------------+------------+----------+-------------------------------------------------+----------------------------------------------------------------------------+
    | processed.m | canal_conocido | canal      | telefono | {"cliente_id":"C2","canal":"telefono","nota":1} | canal_conocido: canal <> 'telefono' is false; nota_alta: nota > 2 is false |
    | processed.m | deduplicate    | cliente_id | C1       | {"cliente_id":"C1","canal":"web","nota":5}      | another row has cliente_id C1; visitas.csv:2 stays                         |
    +-------------+----------------+------------+----------+-------------------------------------------------+----------------------------------------------------------------------------+
    "#);
}

#[tokio::test]
async fn personal_data_is_guarded_behind_accept_too() {
    let test = TestEngine::new();
    let model = model(&test, "  rules: { con_id: cliente_id IS NOT NULL }\n", "raw.clientes");
    let (scoped, _) = test.engine.accepting(&model, model.header.accept.as_ref().unwrap()).await.unwrap();
    let error =
        scoped.model_plan(&crate::sql::Source::new("m.sql", "SELECT nombre FROM raw.clientes")).await.unwrap_err();
    assert!(error.message().contains("personal data"), "{error}");
}

#[tokio::test]
async fn what_does_not_fit_the_table_is_a_mistake_in_the_model() {
    let test = TestEngine::new();
    let mut told = String::new();
    for header in [
        "  rules: { a: notas > 1 }\n",
        "  rules: { a: sum(nota) > 1 }\n",
        "  rules: { a: nota + 1 }\n",
        "  deduplicate: { key: [cliente] }\n",
        "  deduplicate: { key: [cliente_id], keep: fecha DESC }\n",
    ] {
        let model = model(&test, header, "raw.visitas");
        let error = accepted(&test.engine, &model, "SELECT 1").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Usage, "{error}");
        told.push_str(&format!("{error} ({})\n", error.next_step().unwrap_or_default()));
    }
    insta::assert_snapshot!(told, @"
    sql/processed/m.sql: rule `a`: unknown column `notas` (did you mean `nota`?)
    sql/processed/m.sql: rule `a`: a rule sees one row, and cannot count or rank others (write a check, or compute it in the SELECT)
    sql/processed/m.sql: rule `a`: it gives a value that is neither true nor false (compare the value: x > 0)
    sql/processed/m.sql: the key of `deduplicate`: raw.visitas has no column `cliente` (did you mean `cliente_id`?)
    sql/processed/m.sql: `keep` of `deduplicate`: unknown column `fecha` (the columns here are cliente_id, canal, nota)
    ");
}

#[tokio::test]
async fn rows_wait_in_a_file_where_memory_is_short() {
    let settings = Settings { memory_limit: 12 << 20, threads: 1, pseudonym_key: Vec::new() };
    let sql = "SELECT value % 49990 AS id, repeat('x', 400) || CAST(value AS VARCHAR) AS texto FROM generate_series(1, 50000)";
    let test = TestEngine::with_settings(&settings).with_view("processed.t", sql);
    let model = model(&test, "  deduplicate: { key: [id], keep: length(texto) DESC }\n", "processed.t");
    let sql = "SELECT id, length(texto) AS letras FROM processed.t";
    let (rows, reading) = accepted(&test.engine, &model, sql).await.unwrap();
    assert_eq!((reading.rows_in(), reading.deduplicated()), (50_000, 10));
    let ids = rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    assert_eq!(ids.collect::<BTreeSet<i64>>().len(), 49_990);
    // Of 1 to 10 and 49991 to 50000 the longer numbers stay.
    let long = rows.iter().flat_map(|batch| batch.column(1).as_primitive::<Int32Type>().values().to_vec());
    assert_eq!(long.filter(|letters| *letters == 405).count(), 40_001);
}

type Row = (Option<i64>, Option<i64>, Option<i64>);

fn rows_of(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let value = |at: usize| column(at).is_valid(row).then(|| column(at).value(row));
            rows.push((value(0), value(1), value(2)));
        }
    }
    rows.sort_unstable();
    rows
}

/// By hand: `v < 5` may not be false; of equal keys the greatest `v` stays, then the least `w`.
fn by_hand(rows: &[Row]) -> (Vec<Row>, usize, usize) {
    let passing: Vec<Row> = rows.iter().copied().filter(|row| row.1.is_none_or(|v| v < 5)).collect();
    let rejected = rows.len() - passing.len();
    let mut kept: Vec<Row> = passing.iter().copied().filter(|row| row.0.is_none()).collect();
    let mut best: BTreeMap<i64, Row> = BTreeMap::new();
    for row in &passing {
        let Some(key) = row.0 else { continue };
        let rank = |row: &Row| (row.1.is_none(), row.1.map(|v| -v), row.2);
        match best.get(&key) {
            Some(other) if rank(other) <= rank(row) => {}
            _ => drop(best.insert(key, *row)),
        }
    }
    kept.extend(best.into_values());
    kept.sort_unstable();
    let deduplicated = passing.len() - kept.len();
    (kept, rejected, deduplicated)
}

fn small() -> impl Strategy<Value = Option<i64>> {
    prop::option::weighted(0.85, 0_i64..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn rules_and_keys_mean_what_they_say(rows in prop::collection::vec((small(), small(), small()), 1..60)) {
        let text = |value: &Option<i64>| value.map_or_else(|| "CAST(NULL AS BIGINT)".to_owned(), |value| format!("CAST({value} AS BIGINT)"));
        let values: Vec<String> = rows.iter().map(|(k, v, w)| format!("({}, {}, {})", text(k), text(v), text(w))).collect();
        let sql = format!("SELECT * FROM (VALUES {}) AS t (k, v, w)", values.join(", "));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let test = TestEngine::new().with_view("processed.t", &sql);
            let header = "  rules: { corto: v < 5 }\n  deduplicate: { key: [k], keep: v DESC NULLS LAST }\n";
            let model = model(&test, header, "processed.t");
            let (found, reading) = accepted(&test.engine, &model, "SELECT k, v, w FROM processed.t").await.unwrap();
            let (kept, rejected, deduplicated) = by_hand(&rows);
            assert_eq!(rows_of(&found), kept);
            assert_eq!((reading.rejected(), reading.deduplicated()), (rejected as u64, deduplicated as u64));
            test.engine.ledger().absorb(&reading).unwrap();
            let entries: Vec<RecordBatch> = test.engine.ledger().rows().unwrap().try_collect().await.unwrap();
            let rules: BTreeSet<String> = entries.iter().flat_map(|batch| batch["rule"].as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>()).collect();
            assert!(rules.iter().all(|rule| rule == "corto" || rule == "deduplicate"));
            assert_eq!(entries.iter().map(RecordBatch::num_rows).sum::<usize>(), rejected + deduplicated);
        });
    }
}
