//! Commands over the session that answers from a script.

use super::*;

#[test]
fn the_last_result_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("salida.csv");
    let text: &'static str =
        format!("SELECT 3;\n\\maxrows 1\n\\last\n\\last csv\n\\gx\n\\export {0}\n\\export {0}x\n", file.display())
            .leak();
    let (failure, out, said) = piped(text);
    assert_eq!(failure, Some(Kind::Usage));
    assert_snapshot!(out, @"
    ╭───╮
    │ n │
    ├───┤
    │ 0 │
    │ 1 │
    │ 2 │
    ╰───╯
    ╭───╮
    │ n │
    ├───┤
    │ 0 │
    │ 1 │
    │ 2 │
    ╰───╯
    n
    0
    1
    2
    ── row 1 ───────────────────────────────────────────────────
    n │ 0
    ── row 2 ───────────────────────────────────────────────────
    n │ 1
    ── row 3 ───────────────────────────────────────────────────
    n │ 2
    ");
    assert_snapshot!(said.replace(folder.path().to_str().unwrap(), "[TEMP]"), @"
    maxrows: 1
    3 rows
    3 rows
    3 rows
    3 rows written to [TEMP]/salida.csv
    error: the ending of `[TEMP]/salida.csvx` does not say its format
      hint: end the name in .csv, .tsv, .json, .jsonl, .md, .html, .txt, .parquet or .arrow, or add --format
    ");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "n\n0\n1\n2\n");
    assert_snapshot!(piped("\\last\n\\plot\n\\gset").2, @"
    error: there is no result yet
      hint: run a query first
    error: there is no result yet
      hint: run a query first
    error: there is no result yet
      hint: run a query first
    ");
}

#[test]
fn results_go_to_files_and_programs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let text: &'static str = format!(
        "\\o {0}\nSELECT 1;\nSELECT 2;\n\\o\n\\once {1}\nSELECT 1;\nSELECT 1;\n\\once |cat > {2}\nSELECT 2;\n\\o x.parquet",
        path("muchas.csv"),
        path("una.jsonl"),
        path("programa.txt")
    )
    .leak();
    let (failure, out, _) = piped(text);
    assert_eq!(failure, Some(Kind::Usage), "a file of many results cannot be Parquet");
    assert_eq!(out.lines().count(), 5, "only one result is shown: {out}");
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    assert_eq!(read("muchas.csv"), "n\n0\nn\n0\n1\n");
    assert_eq!(read("una.jsonl"), "{\"n\":0}\n");
    assert_eq!(read("programa.txt").lines().count(), 6);
}

#[test]
fn variables_are_set_used_and_forgotten() {
    let (failure, out, said) = piped(
        "\\format csv\n\\set filas 2\nSELECT :filas;\nSELECT $filas;\nSELECT 1 \\gset v_\nSELECT :v_n;\n\\set\n\\unset filas\n\\unset \
         filas\n\\set a-b 1\nSELECT 2 \\gset",
    );
    assert_eq!(failure, Some(Kind::Usage));
    assert_snapshot!(out, @"
    n
    0
    1
    n
    0
    1
    n
    variable,value
    filas,2
    v_n,0
    ");
    assert_snapshot!(said, @r"
    format: csv
    error: there is no variable `filas`
      hint: \set lists them
    error: `a-b` is no name of a variable
      hint: use letters, digits and _
    error: \gset keeps one row, and the last result has 2
      hint: add LIMIT 1 or an aggregate
    ");
}

#[test]
fn files_are_run_beside_one_another() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("b")).unwrap();
    std::fs::write(folder.path().join("a.sql"), "\\format csv\n\\ir b/b.sql\nSELECT 1;\n").unwrap();
    std::fs::write(folder.path().join("b/b.sql"), "SELECT 0;\n\\ir c.sql\n").unwrap();
    std::fs::write(folder.path().join("b/c.sql"), "SELECT 2;\n").unwrap();
    std::fs::write(folder.path().join("circulo.sql"), "\\ir circulo.sql\n").unwrap();
    let a = format!("\\i {0}/a.sql\n\\i {0}/circulo.sql\n\\i {0}/nada.sql\n", folder.path().display());
    let (failure, out, said) = piped(a.leak());
    assert_eq!((failure, out.as_str()), (Some(Kind::Usage), "n\nn\n0\n1\nn\n0\n"));
    assert_snapshot!(said.replace(folder.path().to_str().unwrap(), "[TEMP]"), @"
    format: csv
    error: [TEMP]/circulo.sql is read by a file that is read by a file …, 16 of them
    error: cannot read `[TEMP]/nada.sql`: no such file or directory
      hint: check the path
    ");
}

#[test]
fn a_query_is_handed_to_a_command() {
    let (failure, out, said) = piped("SELECT 3 \\plot bar\nSELECT 4 \\g csv\nSELECT 2 \\crosstab\n\\explain");
    assert_eq!(failure, Some(Kind::Usage));
    assert_snapshot!(out, @"
    1 0 │
    2 1 │█████████████████████████████████████
    3 2 │██████████████████████████████████████████████████████████████████████████
    n
    0
    1
    2
    3
    0
    1
    ");
    assert_snapshot!(said, @r"
    4 rows
    error: \crosstab needs three columns: row, column and value
      hint: SELECT canal, anio_mes, count(*) FROM tickets GROUP BY 1, 2 \crosstab
    ");
}

#[test]
fn what_is_meant_is_looked_at() {
    let (failure, out, said) = piped(
        "SHOW TABLES;\nDESCRIBE kpi_nps;\n\\d+ tickets\n\\d+\n\\d kpi*\n\\l\n\\df up\n\\schema kpi_nps\n\\schema \
         tickets_soporte\n\\conf\n\\pset\n",
    );
    assert_eq!(failure, Some(Kind::Query));
    assert_snapshot!(out, @"
    ╭───────────┬─────────────────┬─────────┬────────────────────╮
    │ layer     │ name            │ kind    │ description        │
    ├───────────┼─────────────────┼─────────┼────────────────────┤
    │ curated   │ kpi_nps         │ view    │ NPS por mes        │
    │ processed │ tickets         │ table   │                    │
    │ raw       │ tickets_soporte │ dataset │ Un ticket por fila │
    ╰───────────┴─────────────────┴─────────┴────────────────────╯
    ╭─────────┬───────┬──────────┬─────────────╮
    │ column  │ type  │ nullable │ description │
    ├─────────┼───────┼──────────┼─────────────┤
    │ periodo │ date  │ no       │ de kpi_nps  │
    │ nps     │ float │ yes      │ de kpi_nps  │
    ╰─────────┴───────┴──────────┴─────────────╯
    ╭─────────┬───────┬──────────┬─────────────╮
    │ column  │ type  │ nullable │ description │
    ├─────────┼───────┼──────────┼─────────────┤
    │ periodo │ date  │ no       │ de tickets  │
    │ nps     │ float │ yes      │ de tickets  │
    ╰─────────┴───────┴──────────┴─────────────╯
    ╭───────────┬─────────────────┬─────────┬───────┬────────┬────────────────────╮
    │ layer     │ name            │ kind    │  rows │ size   │ description        │
    ├───────────┼─────────────────┼─────────┼───────┼────────┼────────────────────┤
    │ curated   │ kpi_nps         │ view    │  NULL │ NULL   │ NPS por mes        │
    │ processed │ tickets         │ table   │ 75000 │ 3.4 MB │                    │
    │ raw       │ tickets_soporte │ dataset │  NULL │ NULL   │ Un ticket por fila │
    ╰───────────┴─────────────────┴─────────┴───────┴────────┴────────────────────╯
    ╭─────────┬─────────┬──────┬─────────────╮
    │ layer   │ name    │ kind │ description │
    ├─────────┼─────────┼──────┼─────────────┤
    │ curated │ kpi_nps │ view │ NPS por mes │
    ╰─────────┴─────────┴──────┴─────────────╯
    ╭───────────┬────────┬───────┬────────┬────────╮
    │ layer     │ tables │ views │ rows   │ size   │
    ├───────────┼────────┼───────┼────────┼────────┤
    │ curated   │ 0      │ 1     │ 0      │ 0 B    │
    │ processed │ 1      │ 0     │ 75,000 │ 3.4 MB │
    │ raw       │ 1      │ 0     │ 0      │ 0 B    │
    │ system    │ 0      │ 0     │ 0      │ 0 B    │
    ╰───────────┴────────┴───────┴────────┴────────╯
    ╭────────┬───────────────────┬────────────────────────╮
    │ kind   │ function          │ description            │
    ├────────┼───────────────────┼────────────────────────┤
    │ scalar │ upper(expression) │ Converts to upper case │
    ╰────────┴───────────────────┴────────────────────────╯
    SELECT 1 AS nps
    ╭─────────┬──────────────────────╮
    │ what    │ value                │
    ├─────────┼──────────────────────┤
    │ project │ satisfaccion_cliente │
    │ history │ none                 │
    │ rc file │ none                 │
    │ pager   │ none                 │
    │ editor  │ none                 │
    ╰─────────┴──────────────────────╯
    ╭─────────────┬───────┬───────────────────────────┬───────────────────────────╮
    │ setting     │ value │ may be                    │ what it does              │
    ├─────────────┼───────┼───────────────────────────┼───────────────────────────┤
    │ edit        │ emacs │ emacs, vi                 │ keys of the line editor   │
    │ expanded    │ off   │ on, off, auto             │ one line a column instea… │
    │ format      │ table │ table, box, csv, tsv, js… │ how results are written   │
    │ maxrows     │ 1000  │ all, 100, 1000            │ the most rows of a resul… │
    │ null        │ NULL  │ NULL, ∅, ''               │ how a null is shown in f… │
    │ pager       │ on    │ on, off                   │ results longer than the … │
    │ timeout     │ off   │ off, 30s, 5min            │ the longest that a state… │
    │ timing      │ on    │ on, off                   │ time, bytes read and mem… │
    │ tuples_only │ off   │ on, off                   │ rows alone, without head… │
    │ types       │ off   │ on, off                   │ types of columns in the … │
    ╰─────────────┴───────┴───────────────────────────┴───────────────────────────╯
    ");
    assert_snapshot!(said, @r"
    view curated.kpi_nps: NPS por mes
    table processed.tickets
    grain: periodo
    error: raw.tickets_soporte is no model of the release
      hint: \d raw.tickets_soporte shows its columns
    10 rows · long text cut at …, format box wraps it
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_stopped() {
    let (mut shell, _) = shell();
    shell.run(Input::Command("pset timeout 50ms".to_owned()), true).await.unwrap();
    let error = shell.run(inputs("statement 1", "hang;").remove(0), true).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Limit, "stopped: the statement took longer than 50 ms"));
    shell.run(inputs("statement 2", "SELECT 1;").remove(0), true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_goes_on_until_it_is_stopped() {
    let (mut shell, capture) = shell();
    shell.run(inputs("statement 1", "SELECT 1;").remove(0), true).await.unwrap();
    shell.interrupt = || Box::pin(tokio::time::sleep(Duration::from_millis(500)));
    let error = shell.run(Input::Command("watch 10ms".to_owned()), true).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert!(capture.take_stdout().matches("│ n │").count() > 2);
}
