//! Wrong input, and what the person who has to correct it is told: each snapshot is a message read as a whole.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::support::project::{Outcome, SHOP_CATALOG, TestProject};

/// A run in which only what went wrong is told.
fn run(project: &TestProject) -> Outcome {
    project.cauce(&["run", "--quiet"])
}

fn query(project: &TestProject, sql: &str) -> Outcome {
    project.cauce(&["query", "--format", "csv", sql])
}

/// The shop with one more curated model.
fn shop_with(model: &str) -> TestProject {
    let shop = TestProject::shop();
    shop.write("sql/curated/nuevo.sql", model);
    shop
}

#[test]
fn no_project() {
    let nowhere = TestProject::empty();
    assert_snapshot!("no_project", run(&nowhere).code(2));
    assert_snapshot!("no_project_by_name", nowhere.cauce(&["run", "--project", "otra"]).code(2));
}

#[test]
fn no_model() {
    let shop = TestProject::shop();
    fs::remove_dir_all(shop.path("sql")).unwrap();
    assert_snapshot!(run(&shop).code(2));
}

#[test]
fn all_mistakes_of_a_catalog_at_once() {
    let shop = TestProject::shop();
    let wrong = SHOP_CATALOG
        .replace("lake:", "laek:")
        .replace("name: id, type: int", "name: id, tipe: int")
        .replace("type: float", "type: flota")
        .replace("name: nota", "name: monto");
    shop.write("catalog.yaml", wrong);
    assert_snapshot!(run(&shop).code(2));
}

#[test]
fn missing_input_file() {
    let shop = TestProject::shop();
    fs::remove_file(shop.path("data/ventas.csv")).unwrap();
    assert_snapshot!("missing_input_file_of_a_run", run(&shop).code(3));
    assert_snapshot!("missing_input_file_of_a_query", query(&shop, "SELECT * FROM ventas").code(3));
}

#[test]
fn wrong_type_after_quoted_newlines_is_told_with_the_line_of_the_file() {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10.5,\"a\n\n\nb\"\n2,luis,doce,\n3,eva,7,x\n");
    let told = run(&shop).code(1);
    assert!(told.stderr.contains("data/ventas.csv:6 "), "{told}");
    assert_snapshot!(told);
}

#[test]
fn csv_rows_that_are_no_rows() {
    for (name, rows) in [
        ("too_few_fields", "1,ana,10.5\n"),
        ("quote_never_closed", "1,ana,10.5,\"x\n2,b,1,\n"),
        ("required_value_missing", ",ana,10.5,x\n"),
    ] {
        let shop = TestProject::shop();
        shop.write("data/ventas.csv", format!("id,cliente,monto,nota\n{rows}"));
        assert_snapshot!(name, run(&shop).code(1));
    }
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", "id,cliente,montos,nota\n1,ana,10.5,x\n");
    assert_snapshot!("column_missing", run(&shop).code(1));
}

#[test]
fn mistakes_in_models() {
    for (name, model) in [
        ("model_unknown_table", "SELECT sum(monto) AS total\nFROM procesed.ventas\n"),
        ("model_unknown_column", "SELECT\n  sum(mnto) AS total\nFROM processed.ventas\n"),
        ("model_two_statements", "SELECT 1 AS uno;\nSELECT 2 AS dos;\n"),
        ("model_syntax_error", "SELECT count(* AS filas\nFROM processed.ventas\n"),
        ("model_changes_something", "DELETE FROM processed.ventas\n"),
        ("model_empty", "-- nada\n"),
        ("model_header_unknown_keys", "/*---\ndescripcion: x\nmaterialized: tabel\n---*/\nSELECT 1 AS uno\n"),
        (
            "model_check_of_no_column",
            "/*---\nchecks:\n  - not_null: [notas]\n---*/\nSELECT nota FROM processed.ventas\n",
        ),
        ("model_personal_data", "SELECT id, upper(cliente) AS quien FROM raw.ventas\n"),
    ] {
        let shop = shop_with(model);
        assert_snapshot!(name, run(&shop).code(2));
        assert!(!shop.path("data/lake/releases").exists(), "{name}: nothing is published");
    }
}

#[test]
fn models_that_read_each_other() {
    let shop = shop_with("SELECT * FROM curated.otro\n");
    shop.write("sql/curated/otro.sql", "SELECT * FROM curated.nuevo\n");
    assert_snapshot!(run(&shop).code(2));
}

#[test]
fn a_failing_check_shows_rows_and_leaves_the_release_that_was() {
    let shop = TestProject::shop();
    run(&shop).success();
    let before = query(&shop, "SELECT * FROM total").success();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10.5,x\n1,luis,1,\n3,eva,7,x\n");
    assert_snapshot!(run(&shop).code(1));
    let after = query(&shop, "SELECT * FROM total").success();
    assert_eq!(after.stdout, before.stdout);
    assert_eq!(fs::read_dir(shop.path("data/lake/releases")).unwrap().count(), 1);
}

#[test]
fn wrong_statements() {
    let shop = TestProject::shop();
    assert_snapshot!("query_before_the_first_run", query(&shop, "SELECT * FROM total").code(1));
    run(&shop).success();
    for (name, sql) in [
        ("query_unknown_table", "SELECT * FROM totall"),
        ("query_unknown_table_of_a_layer", "SELECT * FROM curated.ventas"),
        ("query_unknown_column", "SELECT id,\n       mnto\nFROM ventas"),
        ("query_unknown_function", "SELECT lengthh(nota) FROM ventas"),
        ("query_wrong_argument", "SELECT sum(nota) FROM ventas"),
        ("query_column_outside_group_by", "SELECT id, count(*) FROM ventas GROUP BY nota"),
        ("query_syntax_error", "SELECT id\nFROM ventas WHERE"),
        ("query_quote_never_closed", "SELECT 'abierto"),
        ("query_division_by_zero", "SELECT id / (id - 1) FROM ventas"),
        ("query_wrong_number", "SELECT CAST('x' AS int)"),
    ] {
        assert_snapshot!(name, query(&shop, sql).code(1));
    }
    assert_snapshot!("query_nothing", query(&shop, "/* nada */").code(2));
    assert_snapshot!("query_missing_file", shop.cauce(&["query", "-f", "consulta.sql"]).code(3));
}

#[test]
fn more_memory_than_allowed() {
    let shop = TestProject::shop();
    let sql = "SELECT cardinality(array_agg(value)) AS todos FROM generate_series(1, 3000000)";
    assert_snapshot!(shop.cauce(&["query", "--memory-limit", "1MiB", "--format", "csv", sql]).code(4));
}

#[test]
fn statements_that_change_something_are_refused() {
    let shop = TestProject::shop();
    run(&shop).success();
    assert_snapshot!("query_insert", query(&shop, "INSERT INTO ventas VALUES (1)").code(5));
    for sql in [
        "UPDATE ventas SET monto = 1",
        "DELETE FROM ventas",
        "TRUNCATE ventas",
        "DROP TABLE ventas",
        "DROP VIEW total",
        "ALTER TABLE ventas ADD COLUMN x int",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY ventas TO 'salida.csv'",
        "/* a */ insert INTO ventas SELECT * FROM ventas",
        "EXPLAIN ANALYZE INSERT INTO ventas SELECT * FROM ventas",
    ] {
        let told = query(&shop, sql).code(5);
        assert!(told.stderr.contains("here statements only read"), "{sql}: {told}");
    }
    assert!(!shop.path("salida.csv").exists());
    let rows = query(&shop, "SELECT count(*) AS filas FROM ventas").success();
    assert_eq!(rows.stdout, "filas\n3\n");
}

#[test]
fn a_file_of_statements_stops_at_the_first_error() {
    let shop = TestProject::shop();
    run(&shop).success();
    for (name, second) in
        [("file_unknown_column", "SELECT mnto\n  FROM ventas"), ("file_syntax_error", "SELECT id FRM ventas v")]
    {
        shop.write("consulta.sql", format!("-- tres\nSELECT 1 AS uno;\n{second};\nSELECT 3 AS tres;\n"));
        let told = shop.cauce(&["query", "-f", "consulta.sql", "--format", "csv"]).code(1);
        assert!(!told.stdout.contains("tres"), "{told}");
        assert_snapshot!(name, told);
    }
}

#[test]
fn a_full_disk_below_the_output() {
    let shop = TestProject::shop();
    let output = shop
        .command(&["query", "SELECT * FROM generate_series(1, 100000)", "--format", "csv"])
        .stdout(File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert_snapshot!(told);
}

#[test]
fn a_lake_that_cannot_be_written() {
    // Refused to everybody, root included; the words differ with the machine.
    let shop = TestProject::shop();
    shop.write("catalog.yaml", SHOP_CATALOG.replace("data/lake", "/sys/cauce"));
    let told = run(&shop).code(3);
    let words = ["read-only file system", "permission denied", "operation not permitted"];
    assert!(words.iter().any(|words| told.stderr.contains(words)), "{told}");
    assert!(told.stderr.contains("cannot write /sys/cauce/processed/ventas"), "{told}");
    assert!(told.stderr.contains("hint: give this user the right to it"), "{told}");
    assert!(!told.stderr.contains("panicked"), "{told}");

    let shop = TestProject::shop();
    shop.write("catalog.yaml", SHOP_CATALOG.replace("data/lake", "data/ventas.csv"));
    assert_snapshot!("lake_is_a_file", run(&shop).code(3));
}

#[test]
fn a_store_that_nobody_answers_for() {
    let shop = TestProject::shop().with_env("AWS_ACCESS_KEY_ID", "a").with_env("AWS_SECRET_ACCESS_KEY", "b");
    let stores = "stores:\n  s3://lago: { region: us-east-1, endpoint: \"http://127.0.0.1:1\", allow_http: true }\n";
    shop.write("catalog.yaml", SHOP_CATALOG.replace("data/lake", "s3://lago/lake") + stores);
    let begun = Instant::now();
    let told = run(&shop).code(3);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(told.stderr.contains("cannot list s3://lago/lake/releases: connection refused"), "{told}");
    assert!(told.stderr.contains("hint: check that the endpoint in `stores:` is right"), "{told}");
}

#[test]
fn a_place_of_an_unknown_kind() {
    let shop = TestProject::shop();
    shop.write("catalog.yaml", SHOP_CATALOG.replace("data/lake", "gs://lago/lake"));
    assert_snapshot!(run(&shop).code(2));
}
