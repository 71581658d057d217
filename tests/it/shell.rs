//! `cauce shell` from a pipe, and what its document says.

use insta::assert_snapshot;

use crate::support::project::{TestProject, repository};

fn shop() -> TestProject {
    let shop = TestProject::shop();
    shop.cauce(&["run", "--quiet"]).success();
    shop
}

#[test]
fn a_pipe_is_read_to_its_end_and_the_first_failure_is_the_exit_code() {
    let told = shop().cauce_with_input(
        &["shell", "--format", "csv"],
        "SELECT id\n  FROM ventas -- varias líneas\n  ORDER BY id;\nSELECT mnto FROM ventas;\nDROP TABLE ventas;\nSELECT 2 AS dos; SELECT 3 AS tres",
    );
    assert_snapshot!(told.code(1));
}

#[test]
fn its_own_commands_describe_what_there_is() {
    let shop = shop();
    assert_snapshot!(
        "shell_describe",
        shop.cauce_with_input(&["shell"], "\\d\n\\dt\n\\d ventas\n\\d total\n").success()
    );
    assert_snapshot!(
        "shell_unknown",
        shop.cauce_with_input(&["shell"], "\\d ventaz\n\\zz\nSELECT 1 AS uno;\n").code(1)
    );
    let help = shop.cauce_with_input(&["shell"], "\\?\n\\q\nSELECT 1;\n").success();
    assert!(help.stdout.contains("\\q") || help.stderr.contains("\\q"), "{help}");
    assert!(!help.stdout.contains("Int64"), "nothing is read after \\q: {help}");
}

#[test]
fn the_examples_of_its_document_run() {
    let document = std::fs::read_to_string(repository("docs/shell.md")).unwrap();
    let (_, rest) = document.split_once("```sql\n").unwrap();
    let (examples, _) = rest.split_once("```").unwrap();
    let shop = shop();
    let told = shop.cauce_with_input(&["shell"], examples).success();
    assert!(examples.lines().count() > 10 && !told.stderr.contains("error"), "{told}");
    assert!(shop.path("ventas.parquet").is_file());

    let spec = shop.cauce(&["spec", "commands"]).success();
    let spec: serde_json::Value = serde_json::from_str(&spec.stdout).unwrap();
    for command in spec["shell"].as_array().unwrap() {
        for name in command["names"].as_array().unwrap() {
            let name = format!("\\{}", name.as_str().unwrap());
            let stands = document.match_indices(&name).any(|(at, _)| document[..at].ends_with(['`', '(']));
            assert!(stands, "docs/shell.md does not tell of {name}");
        }
    }
}

#[test]
fn a_profile_tells_what_is_there() {
    let shop = shop();
    let told = shop
        .cauce_with_input(&["shell", "--format", "csv"], "\\profile ventas\n\\pset types on\nFROM total;")
        .success();
    assert_snapshot!("shell_profile", told);
}

#[test]
fn commands_of_the_command_line_say_the_same_in_it() {
    let shop = shop();
    for line in ["plan", "plan ventas --json", "why total", "lineage ventas.monto", "check --all", "diff", "why nada"] {
        let words: Vec<&str> = line.split(' ').collect();
        let (outside, inside) = (shop.cauce(&words), shop.cauce_with_input(&["shell"], &format!("\\{line}\n")));
        assert_eq!((outside.stdout, outside.stderr), (inside.stdout, inside.stderr), "{line}");
    }
    let told = shop.cauce_with_input(&["shell"], "\\plan --jsn\n\\why\n\\why --help\n").code(2);
    assert_snapshot!("shell_misread", told);
}

#[test]
fn a_run_in_it_is_followed_and_a_release_that_was_asked_for_is_kept() {
    let shop = shop();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10.5,x\n2,luis,5,\n");
    let count = "SELECT ventas FROM total;\n";
    let told =
        shop.cauce_with_input(&["shell", "--format", "csv"], &format!("{count}\\run\n{count}\\check\n")).success();
    assert_eq!(told.stdout, "ventas\n3\nventas\n2\n", "{told}");
    assert!(told.stderr.contains("release 2 published") && told.stderr.contains("hold in release 2"), "{told}");

    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10.5,x\n");
    let lines = format!("{count}\\run\n{count}\\check\n\\asof newest\n{count}");
    let told = shop.cauce_with_input(&["shell", "--format", "csv", "--as-of", "1"], &lines).success();
    assert_eq!(told.stdout, "ventas\n3\nventas\n3\nventas\n1\n", "{told}");
    assert!(told.stderr.contains("release 3 published") && told.stderr.contains("hold in release 1"), "{told}");
}

#[test]
fn a_query_becomes_a_model() {
    let shop = shop();
    let query = "SELECT nota, count(*) AS n\nFROM ventas WHERE nota IS NOT NULL GROUP BY nota;\n";
    let save = "\\save curated.kpi_nota Las ventas de cada nota.\n";
    let told = shop.cauce_with_input(&["shell", "--format", "csv"], &format!("{query}{save}{save}")).code(5);
    assert_snapshot!("shell_save", told);
    assert_snapshot!("shell_saved_model", shop.read("sql/curated/kpi_nota.sql"));
    let told =
        shop.cauce_with_input(&["shell", "--format", "csv"], "\\run kpi_nota\nFROM kpi_nota ORDER BY 1;").success();
    assert_eq!(told.stdout, "nota,n\n\"dos\nlíneas\",1\nx,1\n", "{told}");

    let again = "SELECT max(id) AS ultima FROM processed.ventas;\n\\save curated.kpi_nota --force\n";
    shop.cauce_with_input(&["shell", "--format", "csv"], again).success();
    let saved = shop.read("sql/curated/kpi_nota.sql");
    assert!(
        saved.starts_with("/*---\nmaterialized: view\nchecks:\n  - not_null: [ultima]\n---*/\nSELECT max"),
        "{saved}"
    );
}

#[test]
fn what_cannot_be_a_model_is_told_and_nothing_is_written() {
    let shop = shop();
    let lines = "\\save curated.a\nSELECT cliente FROM raw.ventas;\n\\save\n\\save a\n\\save raw.a\n\\save curated.a --hard\n\
                 \\save curated.a\n\\save curated.Mayor\n\\save processed.ventas\n\\set mes 5\nSELECT id FROM ventas WHERE id < $mes;\n\
                 \\save curated.a\nSELECT 1 AS uno, * FROM table_at('curated.total', 1);\n\\save curated.a\n";
    assert_snapshot!("shell_save_refused", shop.cauce_with_input(&["shell", "--format", "csv"], lines).code(2));
    assert!(!shop.path("sql/curated/a.sql").exists());
}

#[test]
fn habits_of_psql() {
    let rows = "SELECT 1 AS n, NULL AS nada UNION ALL SELECT 22, 'x' ORDER BY 1;\n";
    let long = "SELECT 1 AS n, repeat('largo ', 30) AS texto;\n";
    let lines = format!(
        "\\format table\n\\pset null '∅'\n{rows}\\t\n{rows}\\format csv\n{rows}\\t off\n\\pset null ''\n\\a\n\\a\n{rows}\
         \\x auto\n{long}{rows}\\x\n\\format markdown\n\\pset null nada\n{rows}\\echo 'dos palabras'\n\\dn\n"
    );
    assert_snapshot!("shell_psql", shop().cauce_with_input(&["shell"], &lines).success());
}
