//! `cauce shell`: from a pipe, and at a terminal of its own.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::project::{TestProject, repository};
use crate::support::python;

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
fn at_a_terminal_lines_are_gathered_ctrl_c_stops_the_statement_and_q_leaves() {
    let shop = shop();
    let command = shop.command(&["shell"]);
    let output = python::script("terminal.py")
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(shop.path(""))
        .env("HOME", shop.path(""))
        .env("CAUCE_PSEUDONYM_KEY", "clave")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let screen = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{screen}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(screen.contains("tienda:1"), "the prompt names project and release: {screen}");
    assert!(screen.contains("17.5"), "{screen}");
    assert!(screen.contains("stopped"), "{screen}");
    assert!(screen.contains("sigue"), "the shell goes on after Ctrl-C: {screen}");
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
