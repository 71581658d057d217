//! `cauce shell` at a terminal: what a person sees who types, pastes, looks for, interrupts and resizes.

use insta::assert_snapshot;

use crate::support::project::TestProject;
use crate::support::s3_server::S3Server;
use crate::support::terminal::Person;

/// Enough pairs to keep a machine busy for hours.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 10000000) b WHERE a.value * b.value % 7 = 3;\r";

/// The shop, and an rc file that leaves out what differs from time to time.
fn shop() -> TestProject {
    let shop = TestProject::shop();
    shop.write("../home/.config/cauce/shellrc", "\\timing off\n");
    shop.cauce(&["run", "--quiet"]).success();
    shop
}

#[test]
fn lines_are_gathered_and_completed_pasted_and_paged() {
    let shop = shop();
    let visit = Person::at(&shop, &["shell"])
        .with_size(40, 100)
        .awaits("tienda:1> ")
        .types("SELECT total\r")
        .types("FROM total;\r")
        .awaits(r"17\.5")
        // Tab completes a column of the table that stands behind it, and a table.
        .types("SELECT max(mon")
        .tries("\t", "monto")
        .types(") AS m FROM vent")
        .tries("\t", "ventas")
        .types(";\r")
        .awaits(r"│\s+10\.5 │")
        // A paste of several statements is several statements.
        .types("\x1b[200~SELECT 'pri' || 'mera' AS a;\nSELECT 'segu' || 'nda' AS b;\x1b[201~\r")
        .awaits("primera[^ñ]*segunda")
        .looks("pasted")
        // More rows than lines: the pager, which q leaves; then the whole result without asking again.
        .types("SELECT 'f' || value AS f FROM generate_series(1, 3000);\r")
        .awaits("f30 ")
        .looks("pager")
        .types("q")
        .awaits(r"1,000 of 3,000 rows shown · .last shows all")
        .types("\\pset pager off\r")
        .awaits("pager: off")
        .types("\\last csv\r")
        .awaits("f3000")
        .types("\\history 2\r")
        .awaits(r"6  .last csv")
        .leaves();
    assert_snapshot!("pasted", visit.screen("pasted"));
    assert_snapshot!("pager", visit.screen("pager"));
}

#[test]
fn ctrl_c_stops_whatever_an_operator_does_and_never_the_shell() {
    let shop = shop();
    let operators = [
        ENDLESS.trim_end(),
        "SELECT count(*) FROM generate_series(1, 100000000000) a WHERE a.value % 7 = 8;",
        "SELECT count(*) FROM generate_series(1, 20000000) a JOIN generate_series(1, 20000000) b ON a.value % 1000 = b.value % 1000;",
        // Pairs of which none is a row: the join does not pause, and keeps its threads.
        "SELECT count(*) FROM generate_series(1, 20000) a JOIN generate_series(1, 20000000) b ON a.value + b.value < 0;",
        "SELECT value FROM generate_series(1, 50000000) ORDER BY value % 1000003, value DESC;",
        "SELECT value % 5000000, count(*), avg(value) FROM generate_series(1, 100000000) GROUP BY 1;",
        "SELECT sum(value) OVER (PARTITION BY value % 3 ORDER BY value) FROM generate_series(1, 50000000);",
    ];
    let mut person = Person::at(&shop, &["shell"]).awaits("tienda:1> ");
    for operator in operators {
        person = person.types(&format!("{operator}\r")).waits(0.7).presses("\x03").awaits("stopped");
        person = person.types("SELECT 'li' || 'bre' AS a;\r").awaits("libre");
    }
    // A second one, while nothing runs, only empties the line.
    let visit =
        person.types("SELECT 1\x03\x03").waits(0.2).types("SELECT 'si' || 'gue' AS a;\r").awaits("sigue").leaves();
    assert_eq!(visit.written.matches("stopped").count(), operators.len());
}

#[test]
fn results_fit_the_window_whatever_is_in_them() {
    let shop = shop();
    let columns: Vec<String> = (1..=20).map(|n| format!("{n} AS columna_{n}")).collect();
    let visit = Person::at(&shop, &["shell"])
        .awaits("tienda:1> ")
        .types(&format!("SELECT {};\r", columns.join(", ")))
        .awaits("shown vertically")
        .looks("twenty_columns")
        .types("\x0c")
        .types("SELECT '日本 😀' AS \"señal 😀\", 'reseña ñandú' AS t, NULL AS nada UNION ALL SELECT 'e\u{301}', repeat('muy largo ', 20), 'x' ORDER BY 3 NULLS FIRST;\r")
        .awaits("format box wraps it")
        .looks("unicode")
        .resizes(24, 50)
        .types("\\last\r")
        .awaits("2 rows")
        .looks("narrow")
        .leaves();
    assert_snapshot!("twenty_columns", visit.screen("twenty_columns"));
    assert_snapshot!("unicode", visit.screen("unicode"));
    assert_snapshot!("narrow", visit.screen("narrow"));
}

#[test]
fn a_line_is_kept_when_the_window_changes() {
    let shop = shop();
    let visit = Person::at(&shop, &["shell"])
        .awaits("tienda:1> ")
        .types("SELECT 'una línea que es más larga que la ventana' AS texto, 40 + 2 AS n")
        .resizes(30, 40)
        .waits(0.3)
        .types(";\r")
        .awaits(r"│ 42 │")
        .looks("resized")
        .leaves();
    assert_snapshot!("resized", visit.screen("resized"));
}

#[test]
fn the_history_is_searched_and_vi_keys_edit() {
    let shop = shop();
    let visit = Person::at(&shop, &["shell"])
        .awaits("tienda:1> ")
        .types("SELECT 'uno' AS primero;\r")
        .awaits("│ uno ")
        .types("SELECT 'dos' AS segundo;\r")
        .awaits("│ dos ")
        .types("\x12prim")
        .awaits("reverse-i-search")
        .looks("search")
        .types("\r")
        .awaits("│ uno ")
        .types("\\pset edit vi\r")
        .awaits("edit: vi")
        // Out of inserting, back to the word, another one in its place.
        .types("SELECT 'tres' AS tercero;\x1b")
        .waits(0.2)
        .types("0ftcwcuatro\x1b")
        .waits(0.2)
        .types("A\r")
        .awaits("│ cuatro ")
        .leaves();
    assert_snapshot!("search", visit.screen("search"));
}

#[test]
fn the_rc_file_is_read_and_told_where_it_is_wrong() {
    let shop = shop();
    shop.write("../home/.config/cauce/shellrc", "\\timing off\n\\pset null ∅\n\\set desde 2\n\\nada\n");
    let visit = Person::at(&shop, &["shell"])
        .awaits("unknown command")
        .awaits("tienda:1> ")
        .types("SELECT id, nota FROM ventas WHERE id >= $desde ORDER BY id;\r")
        .awaits("2 rows")
        .looks("rc")
        .leaves();
    assert_snapshot!("rc", visit.screen("rc"));
}

#[test]
fn an_editor_and_programs_have_the_terminal_and_their_ctrl_c() {
    let shop = shop();
    // An editor that writes the statement anew when it is interrupted, and then ends as if nothing had been.
    shop.write(
        "editor.sh",
        "trap 'sed -i s/1/7/ \"$1\"; echo editado; exit 0' INT\necho 'editando'\nwhile :; do sleep 0.1; done\n",
    );
    let shop = shop.with_env("EDITOR", "sh editor.sh");
    let visit = Person::at(&shop, &["shell"])
        .awaits("tienda:1> ")
        .types("SELECT 1 * 6 AS n;\r")
        .awaits("│ 6 │")
        .types("\\e\r")
        .awaits("editando")
        .presses("\x03")
        .awaits("editado")
        .awaits("SELECT 7 [*] 6")
        .types("\r")
        .awaits("│ 42 │")
        .types("\\sh echo empieza; sleep 30\r")
        .awaits("empieza\r")
        .waits(0.3)
        .presses("\x03")
        .awaits("was stopped by a signal|ended with 130")
        .types("SELECT 'si' || 'gue' AS a;\r")
        .awaits("sigue")
        .looks("editor")
        .leaves();
    assert_snapshot!("editor", visit.screen("editor"));
}

#[test]
fn a_release_of_somebody_else_is_told_once() {
    let shop = shop();
    let run = format!("{} run --quiet", env!("CARGO_BIN_EXE_cauce"));
    let visit = Person::at(&shop, &["shell"])
        .awaits("tienda:1> ")
        .types("\\sh echo 4,ana,1,x >> data/ventas.csv\r")
        .awaits("tienda:1> ")
        .types(&format!("\\sh {run}\r"))
        .awaits("release 2 is out; .asof newest reads it")
        .types("\x0c")
        .types("SELECT ventas FROM total;\r")
        .awaits("│ +3 │")
        .types("\\asof newest\r")
        .awaits("tienda:2> ")
        .types("SELECT ventas FROM total;\r")
        .awaits("│ +4 │")
        .looks("newer")
        .leaves();
    assert_eq!(visit.written.matches("is out").count(), 1);
    assert_snapshot!("newer", visit.screen("newer"));
}

#[test]
fn a_run_shows_how_far_it_is_and_ctrl_c_stops_it() {
    let shop = shop();
    let slow = ENDLESS.trim_end().trim_end_matches(';').replace("count(*)", "count(*) AS n, min(v.id) AS id");
    let slow = slow.replace(" b WHERE", " b, processed.ventas v WHERE");
    shop.write("sql/processed/lento.sql", slow);
    let visit = Person::at(&shop, &["shell"])
        .awaits("tienda:1> ")
        .types("\\run\r")
        .awaits("processed.lento.*left")
        .presses("\x03")
        .awaits("stopped; nothing was published")
        .awaits("tienda:1> ")
        .types("SELECT ventas FROM total;\r")
        .awaits("│ +3 │")
        // What is typed while the program runs would be its own.
        .types("\\sh rm sql/processed/lento.sql; echo 4,ana,1,x >> data/ventas.csv; echo he''cho\r")
        .awaits("hecho")
        .awaits("tienda:1> ")
        .types("\\run\r")
        .awaits("tienda:2> ")
        .types("SELECT ventas FROM total;\r")
        .awaits("│ +4 │")
        .leaves();
    assert!(visit.written.contains("release 2 published"), "{}", visit.written);
}

#[tokio::test]
async fn folders_of_a_store_are_completed() {
    use object_store::{ObjectStoreExt as _, PutPayload, path::Path};

    let server = S3Server::start();
    for file in ["raw/2024/ventas.csv", "raw/2025/ventas.csv", "raw/notas.csv"] {
        server.client().put(&Path::from(file), PutPayload::from("id\n1\n")).await.unwrap();
    }
    let mut shop = shop();
    for (name, value) in server.environment() {
        shop = shop.with_env(name, value);
    }
    let catalog = shop.read("catalog.yaml") + &server.catalog_section();
    shop.write("catalog.yaml", catalog);
    let url = server.url();
    Person::at(&shop, &["shell"])
        .awaits("tienda:1> ")
        .types("SELECT 's3://")
        .tries("\t", &format!("{}/", url.trim_start_matches("s3://")))
        .types("raw/")
        .tries("\t", "2025/.*notas.csv")
        .types("\x03")
        .awaits("tienda:1> ")
        .leaves();
}
