//! `cauce init`: the project it makes runs as it is, and nothing that exists is overwritten.

use insta::assert_snapshot;

use crate::support::project::TestProject;

#[test]
fn the_new_project_runs_as_it_is() {
    let folder = TestProject::empty();
    assert_snapshot!(folder.cauce(&["init", "tienda"]).success(), @r#"
    exit code: 0
    ----- stderr -----
    ✓ made the project tienda in tienda: catalog.yaml and 2 models
    next
      cauce -C tienda run                               build, check, publish
      cauce -C tienda query "SELECT * FROM kpi_canal"   KPIs by channel
      cauce -C tienda shell                             ask in SQL
    "#);
    folder.cauce(&["-C", "tienda", "run"]).success();
    let kpis = folder.cauce(&["-C", "tienda", "query", "SELECT * FROM kpi_canal", "--format", "table"]);
    assert_snapshot!(kpis.success(), @"
    exit code: 0
    ----- stdout -----
    ╭──────────┬─────────┬──────────────┬─────────────────╮
    │ canal    │ tickets │ satisfaccion │ tasa_resolucion │
    ├──────────┼─────────┼──────────────┼─────────────────┤
    │ chat     │      10 │          4.4 │           100.0 │
    │ email    │       8 │         3.33 │            75.0 │
    │ telefono │      10 │         2.67 │            80.0 │
    ╰──────────┴─────────┴──────────────┴─────────────────╯
    ");

    // The data has what is hard in CSV: an empty value, and a line end and a quote between quotes.
    let sql = "SELECT ticket_id, satisfaccion, comentario FROM tickets WHERE ticket_id IN ('T-003', 'T-008', 'T-009')";
    let rows = folder.cauce(&["-C", "tienda", "query", &format!("{sql} ORDER BY 1"), "--format", "jsonl"]);
    assert_snapshot!(rows.success(), @r#"
    exit code: 0
    ----- stdout -----
    {"ticket_id":"T-003","satisfaccion":null,"comentario":null}
    {"ticket_id":"T-008","satisfaccion":5,"comentario":"Muy amables 😊\ny muy rápidos"}
    {"ticket_id":"T-009","satisfaccion":1,"comentario":"Me dijeron \"mañana\" hace una semana"}
    "#);
}

#[test]
fn a_project_in_the_working_directory_is_named_after_it() {
    let folder = TestProject::empty();
    assert_snapshot!(folder.cauce(&["init", "."]).success(), @r#"
    exit code: 0
    ----- stderr -----
    ✓ made the project project in .: catalog.yaml and 2 models
    next
      cauce run                               build, check, publish
      cauce query "SELECT * FROM kpi_canal"   KPIs by channel
      cauce shell                             ask in SQL
    "#);
    assert!(folder.read("catalog.yaml").contains("project: \"project\""));
    assert!(folder.read(".gitignore").contains("/data/lake/"));
    folder.cauce(&["run"]).success();
}

#[test]
fn a_file_that_exists_is_named_and_nothing_is_written() {
    let folder = TestProject::empty();
    folder.write("tienda/notes.txt", "mine").write("tienda/data/raw/tickets.csv", "mine");
    assert_snapshot!(folder.cauce(&["init", "tienda"]).code(5), @"
    exit code: 5
    ----- stderr -----
    error: tienda/data/raw/tickets.csv exists already
      hint: nothing is overwritten: name another folder, or move the file away
    ");
    assert!(!folder.path("tienda/catalog.yaml").exists());
    assert_eq!(folder.read("tienda/data/raw/tickets.csv"), "mine");

    std::fs::remove_file(folder.path("tienda/data/raw/tickets.csv")).unwrap();
    folder.cauce(&["init", "tienda"]).success();
    assert_eq!(folder.read("tienda/notes.txt"), "mine");
    folder.cauce(&["init", "tienda"]).code(5);
}

#[test]
fn wrong_usage_is_told() {
    let folder = TestProject::empty();
    assert_snapshot!(folder.cauce(&["init"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: the following required arguments were not provided:
      <DIR>

    Usage: cauce init <DIR>

    For more information, try '--help'.
    ");
    assert_snapshot!(folder.cauce(&["-C", "a", "init", "b"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: --project names a project that exists, and this command makes one
      hint: name the folder alone: init DIR
    ");
    folder.write("file", "");
    assert_snapshot!(folder.cauce(&["init", "file"]).code(3), @"
    exit code: 3
    ----- stderr -----
    error: cannot read file/catalog.yaml
      cause: Not a directory
    ");
}
