//! `cauce query` and `cauce bench` as scripts use them: several texts, parameters, the truth in the exit code.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::project::TestProject;

fn shop() -> TestProject {
    let shop = TestProject::shop();
    shop.cauce(&["run", "--quiet"]).success();
    shop
}

#[test]
fn several_files_and_commands_are_one_batch() {
    let shop = shop();
    shop.write("a.sql", "SELECT id FROM ventas ORDER BY id LIMIT 1;\nFROM total").write("b.sql", "SELECT 'fin' AS b;");
    let told = shop.cauce(&["query", "-f", "a.sql", "-f", "b.sql"]).success();
    assert_eq!(told.stdout, "id\n1\nventas,total\n3,17.5\nb\nfin\n");
    let told = shop.cauce_with_input(&["query", "-f", "b.sql", "-f", "-"], "SELECT 2 AS dos").success();
    assert_eq!(told.stdout, "b\nfin\ndos\n2\n");
    let told = shop.cauce(&["query", "-c", "SELECT 1 AS a", "-c", "SELECT mnto FROM ventas", "-c", "SELECT 3"]);
    assert_snapshot!("batch_stops_at_the_first_failure", told.code(1));
}

#[test]
fn the_exit_code_tells_the_truth_also_when_it_goes_on() {
    let shop = shop();
    let sql = "SELECT 1 AS a;\nSELECT mnto FROM ventas;\nDROP TABLE ventas;\nSELECT 2 AS b";
    assert_snapshot!("batch_goes_on", shop.cauce(&["query", "--on-error", "continue", sql]).code(1));
    let sql = "DROP TABLE ventas;\nSELECT mnto FROM ventas;";
    shop.cauce(&["query", "--on-error", "continue", sql]).code(5);
    let told =
        shop.cauce(&["query", "--on-error", "continue", "-o", "r.csv", "SELECT 1 AS a; SELECT mnto FROM ventas"]);
    assert!(told.code(1).stdout.is_empty());
    assert!(!shop.path("r.csv").exists(), "a result stands only where everything succeeded");
}

#[test]
fn parameters_are_values_of_the_type_that_is_needed() {
    let shop = shop();
    let rows = |sql: &str, given: &[&str]| {
        let mut arguments = vec!["query", sql];
        arguments.extend(given.iter().flat_map(|given| ["--param", *given]));
        shop.cauce(&arguments).success().stdout
    };
    assert_eq!(rows("SELECT id FROM ventas WHERE id >= $desde ORDER BY id", &["desde=2"]), "id\n2\n3\n");
    assert_eq!(rows("SELECT id FROM ventas WHERE nota = $nota", &["nota=x"]), "id\n3\n");
    let hostile = "nota=x' OR 'a' = 'a";
    assert_eq!(rows("SELECT count(*) AS n FROM ventas WHERE nota = $nota", &[hostile]), "n\n0\n");
    let sql = "SELECT CAST($dia AS DATE) + INTERVAL '1 day' AS dia, $mes || '-01' AS mes, $n + 1 AS n";
    assert_eq!(rows(sql, &["dia=2024-02-28", "mes=2024-05", "n=4"]), "dia,mes,n\n2024-02-29,2024-05-01,5\n");

    let wrong = |sql: &str, given: &str, code| shop.cauce(&["query", sql, "--param", given]).code(code);
    assert_snapshot!("parameter_missing", wrong("SELECT id FROM ventas WHERE id = $desd", "desde=2", 1));
    assert_snapshot!("parameter_of_another_type", wrong("SELECT id FROM ventas WHERE id = $id", "id=dos", 2));
    assert_snapshot!("parameter_without_value", wrong("SELECT 1", "mes", 2));
}

#[test]
fn what_statements_took_is_told_to_programs() {
    let told = shop().cauce(&["query", "--stats", "--on-error", "continue", "FROM ventas; FROM nada"]).code(1);
    let lines: Vec<serde_json::Value> =
        told.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert_eq!((&lines[0]["rows"], &lines[0]["exit_code"], &lines[0]["file"]), (&3.into(), &0.into(), &"query".into()));
    assert!(lines[0]["bytes_read"].as_u64().unwrap() > 0);
    assert_eq!((&lines[1]["rows"], &lines[1]["exit_code"]), (&serde_json::Value::Null, &1.into()));
    assert_eq!(lines[1]["error"], "unknown table `nada`");
}

#[test]
fn a_statement_that_takes_too_long_is_stopped() {
    let pairs = "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b \
                 WHERE a.value * b.value % 7 = 3";
    let told = shop().cauce(&["query", "--timeout", "300ms", pairs]).code(4);
    assert!(told.stderr.starts_with("error: stopped: the statement took longer than [TIME]"), "{told}");
}

#[test]
fn a_reader_that_has_enough_ends_the_batch_quietly() {
    let shop = shop();
    for format in ["csv", "json", "jsonl", "parquet", "arrow", "table", "vertical", "markdown"] {
        let mut child = shop
            .command(&["query", "--format", format, "SELECT * FROM generate_series(1, 3000000)"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut beginning = [0; 100];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut beginning).unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(0), ""), "{format}");
    }
}

#[test]
fn bench_measures_each_statement() {
    let shop = shop();
    let told = shop.cauce(&["bench", "-n", "3", "--format", "csv", "FROM total; SELECT id FROM ventas"]).success();
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(lines[0], "statement,runs,min_ms,median_ms,max_ms,rows,bytes_read,memory_bytes");
    assert!(lines[1].starts_with("FROM total,3,") && lines[2].starts_with("SELECT id FROM ventas,3,"), "{told}");
    for line in &lines[1..] {
        let times: Vec<f64> = line.split(',').skip(2).take(3).map(|time| time.parse().unwrap()).collect();
        assert!(times[0] > 0.0 && times.is_sorted(), "{line}");
    }
    shop.cauce(&["bench", "SELECT mnto FROM ventas"]).code(1);
}

#[test]
fn commands_are_described_to_programs() {
    let told = shop().cauce(&["spec", "commands", "--json"]).success();
    let spec: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let names = |part: &str, name: &str| -> Vec<String> {
        spec[part].as_array().unwrap().iter().map(|it| it[name].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert!(names("commands", "name").contains(&"query".to_owned()));
    let query = spec["commands"].as_array().unwrap().iter().find(|it| it["name"] == "query").unwrap();
    let param = query["options"].as_array().unwrap().iter().find(|it| it["long"] == "param").unwrap();
    assert_eq!((&param["repeats"], &param["value"][0]), (&true.into(), &"NAME=VALUE".into()));
    assert_eq!(spec["shell"][0]["names"][0], "d");
    assert_eq!(spec["exit_codes"][4]["code"], 4);
}
