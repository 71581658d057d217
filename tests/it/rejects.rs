//! Rows that are not accepted: kept, counted, told, and never more than allowed.

use std::fs;
use std::process::{Child, Stdio};

use insta::assert_snapshot;

use crate::support::project::{Outcome, SHOP_CATALOG, TestProject};

/// Sales, of which each thousandth has an amount that is no number.
fn sales(rows: usize, wrong_every: usize) -> String {
    let amount = |id: usize| if id.is_multiple_of(wrong_every) { "caro".to_owned() } else { format!("{}.25", id % 50) };
    let lines: Vec<String> =
        (1..=rows).map(|id| format!("{id},C{},{},\"n\n{}\"\n", id % 97, amount(id), id % 5)).collect();
    format!("id,cliente,monto,nota\n{}", lines.concat())
}

/// A model that accepts some sales and keeps one of each customer and note.
const ACCEPTING: &str = "\
/*---
description: Una venta por cliente y nota.
accept:
  from: raw.ventas
  rules:
    con_monto: monto IS NOT NULL
    monto_hasta_48: monto < 49
  deduplicate: { key: [cliente, nota], keep: 'monto DESC, id' }
---*/
SELECT id, pseudonym(cliente) AS cliente, monto, nota
FROM raw.ventas
WHERE monto > 1
";

fn csv(project: &TestProject, sql: &str) -> Outcome {
    project.cauce(&["query", "--format", "csv", sql])
}

#[test]
fn rejects_are_kept_told_and_counted() {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", sales(3_000, 1_000)).write("sql/processed/una_por_cliente.sql", ACCEPTING);
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.una_por_cliente                 485 rows    [TIME]
    ✓ processed.ventas                        2,997 rows    [TIME]
    warning: raw.ventas: 2,997 of 3,000 records are rows; 3 rejected; see `cauce rejects ventas`
    ✓ processed.una_por_cliente: 485 of 2,997 rows; 60 rejected, 2,452 deduplicated
    ✓ accounts: 3,000 records of 1 dataset = 2,997 rows + 3 rejects
    ✓ 2 checks hold
    ✓ release 1 published: 2 tables with 3,482 rows, 1 view, in [TIME]
    ");
    let columns = "origin, rule, file, line, byte_length, \"column\", value, raw, message, release";
    let first = format!("SELECT {columns} FROM system.rejects WHERE origin = 'raw.ventas' ORDER BY line");
    assert_snapshot!(csv(&shop, &first).success(), @r#"
    exit code: 0
    ----- stdout -----
    origin,rule,file,line,byte_length,column,value,raw,message,release
    raw.ventas,type,data/ventas.csv,2000,19,monto,caro,"1000,C30,caro,""n
    0""","monto: ""caro"" is not a float",1
    raw.ventas,type,data/ventas.csv,4000,19,monto,caro,"2000,C60,caro,""n
    0""","monto: ""caro"" is not a float",1
    raw.ventas,type,data/ventas.csv,6000,19,monto,caro,"3000,C90,caro,""n
    0""","monto: ""caro"" is not a float",1
    "#);
    let counts = "SELECT origin, rule, count(*) AS n FROM rejects GROUP BY origin, rule ORDER BY origin, rule";
    assert_snapshot!(csv(&shop, counts).success(), @"
    exit code: 0
    ----- stdout -----
    origin,rule,n
    processed.una_por_cliente,deduplicate,2452
    processed.una_por_cliente,monto_hasta_48,60
    raw.ventas,type,3
    ");
    let runs = "SELECT release, table_name, rows_in, rows_out, rejected, deduplicated, filtered FROM system.runs ORDER BY table_name";
    assert_snapshot!(csv(&shop, runs).success(), @"
    exit code: 0
    ----- stdout -----
    release,table_name,rows_in,rows_out,rejected,deduplicated,filtered
    1,processed.una_por_cliente,2997,485,60,2452,0
    1,processed.ventas,2997,2997,0,0,0
    1,raw.ventas,3000,2997,3,,
    ");

    // A second run sees the same rows again, and they are its own.
    shop.cauce(&["run", "--quiet", "--full-refresh"]).success();
    assert_snapshot!(csv(&shop, "SELECT release, count(*) AS n FROM system.rejects GROUP BY release ORDER BY release").success(), @"
    exit code: 0
    ----- stdout -----
    release,n
    1,2515
    2,2515
    ");

    assert_snapshot!(shop.cauce(&["rejects", "--format", "table"]).success(), @r#"
    exit code: 0
    ----- stdout -----
    ╭───────────────────────────┬────────────────┬────────┬──────┬──────────────────────┬────────────────────────────────────────────────────╮
    │ origin                    │ rule           │ column │ rows │ example              │ value                                              │
    ├───────────────────────────┼────────────────┼────────┼──────┼──────────────────────┼────────────────────────────────────────────────────┤
    │ processed.una_por_cliente │ deduplicate    │ NULL   │ 2452 │ data/ventas.csv:2    │ {"id":1,"cliente":"C1","monto":1.25,"nota":"n\n1"} │
    │ processed.una_por_cliente │ monto_hasta_48 │ monto  │   60 │ data/ventas.csv:98   │ 49.25                                              │
    │ raw.ventas                │ type           │ monto  │    3 │ data/ventas.csv:2000 │ caro                                               │
    ╰───────────────────────────┴────────────────┴────────┴──────┴──────────────────────┴────────────────────────────────────────────────────╯
    "#);
    assert_snapshot!(shop.cauce(&["rejects", "ventas", "--limit", "1", "--format", "vertical"]).success(), @r#"
    exit code: 0
    ----- stdout -----
    ── row 1 ───────────────────────────────────────────────────
       file │ data/ventas.csv
       line │ 2000
       rule │ type
     column │ monto
      value │ caro
    message │ monto: "caro" is not a float
        raw │ 1000,C30,caro,"n
            │ 0"
    "#);
    assert_snapshot!(shop.cauce(&["rejects", "una_por_cliente", "--reason", "monto_hasta_48", "--limit", "1", "--format", "csv"]).success(), @r#"
    exit code: 0
    ----- stdout -----
    file,line,rule,column,value,message,raw
    data/ventas.csv,98,monto_hasta_48,monto,49.25,monto_hasta_48: monto < 49 is false,"{""id"":49,""cliente"":""C49"",""monto"":49.25,""nota"":""n\n4""}"
    "#);
    assert_snapshot!(shop.cauce(&["rejects", "vetnas"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: there is no dataset or model `vetnas`
      hint: did you mean `ventas`?
    ");
}

#[test]
fn too_many_rejects_publish_nothing_and_are_kept() {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", sales(100, 10));
    assert_snapshot!(shop.cauce(&["run"]).code(1), @r#"
    exit code: 1
    ----- stderr -----
    warning: raw.ventas: 10 of 100 records rejected; `on_reject` allows max_ratio 0.01
    warning: the reasons
    ╭────────────┬──────┬────────┬──────┬────────────────────┬───────┬──────────────────────────────╮
    │ origin     │ rule │ column │ rows │ example            │ value │ message                      │
    ├────────────┼──────┼────────┼──────┼────────────────────┼───────┼──────────────────────────────┤
    │ raw.ventas │ type │ monto  │   10 │ data/ventas.csv:20 │ caro  │ monto: "caro" is not a float │
    ╰────────────┴──────┴────────┴──────┴────────────────────┴───────┴──────────────────────────────╯
    hint: monto: correct the row, or declare the column as string in catalog.yaml
    error: raw.ventas has too many rejects; nothing was published
      hint: correct the files, or raise `on_reject: { max_ratio }` in catalog.yaml; `cauce rejects ventas --run last` lists the rows
    "#);
    assert!(!shop.path("data/lake/releases").exists());
    assert_snapshot!(csv(&shop, "SELECT count(*) AS n, count(release) AS published FROM system.rejects").success(), @"
    exit code: 0
    ----- stdout -----
    n,published
    10,0
    ");
    assert_snapshot!(csv(&shop, "SELECT release, table_name, rows_in, rows_out, rejected FROM system.runs").success(), @"
    exit code: 0
    ----- stdout -----
    release,table_name,rows_in,rows_out,rejected
    ,raw.ventas,100,90,10
    ");

    shop.write("catalog.yaml", SHOP_CATALOG.replace("    columns:", "    on_reject: { max_rows: 9 }\n    columns:"));
    assert_snapshot!(shop.cauce(&["run"]).code(1), @r#"
    exit code: 1
    ----- stderr -----
    warning: raw.ventas: 10 of 100 records rejected; `on_reject` allows max_rows 9
    warning: the reasons
    ╭────────────┬──────┬────────┬──────┬────────────────────┬───────┬──────────────────────────────╮
    │ origin     │ rule │ column │ rows │ example            │ value │ message                      │
    ├────────────┼──────┼────────┼──────┼────────────────────┼───────┼──────────────────────────────┤
    │ raw.ventas │ type │ monto  │   10 │ data/ventas.csv:20 │ caro  │ monto: "caro" is not a float │
    ╰────────────┴──────┴────────┴──────┴────────────────────┴───────┴──────────────────────────────╯
    hint: monto: correct the row, or declare the column as string in catalog.yaml
    error: raw.ventas has too many rejects; nothing was published
      hint: correct the files, or raise `on_reject: { max_rows }` in catalog.yaml; `cauce rejects ventas --run last` lists the rows
    "#);
    shop.write("catalog.yaml", SHOP_CATALOG.replace("    columns:", "    on_reject: { max_rows: 10 }\n    columns:"));
    shop.cauce(&["run", "--quiet"]).success();
    assert_snapshot!(csv(&shop, "SELECT count(*) AS n, count(release) AS published FROM system.rejects").success(), @"
    exit code: 0
    ----- stdout -----
    n,published
    30,10
    ");
}

#[test]
fn a_query_answers_and_says_which_rows_are_missing() {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", sales(100, 10));
    assert_snapshot!(shop.cauce(&["query", "--format", "csv", "SELECT count(*) AS n FROM raw.ventas"]).success(), @"
    exit code: 0
    ----- stdout -----
    n
    90
    ----- stderr -----
    warning: 10 rows of raw.ventas rejected; see `cauce rejects ventas --scan`
    ");
    assert_snapshot!(shop.cauce(&["query", "--format", "csv", "SELECT sum(id) AS n FROM raw.ventas"]).success().stderr, @"warning: 10 rows of raw.ventas rejected; see `cauce rejects ventas --scan`");
    assert_snapshot!(shop.cauce(&["rejects", "ventas", "--scan", "--limit", "2", "--format", "csv"]).success(), @r#"
    exit code: 0
    ----- stdout -----
    origin,rule,file,line,byte_offset,byte_length,column,value,raw,message
    raw.ventas,type,data/ventas.csv,20,166,17,monto,caro,"10,C10,caro,""n
    0""","monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,40,355,17,monto,caro,"20,C20,caro,""n
    0""","monto: ""caro"" is not a float"
    ----- stderr -----
    warning: raw.ventas: 10 rejects; the reasons
    ╭────────────┬──────┬────────┬──────┬────────────────────┬───────┬──────────────────────────────╮
    │ origin     │ rule │ column │ rows │ example            │ value │ message                      │
    ├────────────┼──────┼────────┼──────┼────────────────────┼───────┼──────────────────────────────┤
    │ raw.ventas │ type │ monto  │   10 │ data/ventas.csv:20 │ caro  │ monto: "caro" is not a float │
    ╰────────────┴──────┴────────┴──────┴────────────────────┴───────┴──────────────────────────────╯
    hint: monto: correct the row, or declare the column as string in catalog.yaml
    "#);
    let session = "SELECT count(*) AS n FROM raw.ventas;\n\\maxrows 2\n\\rejects\nSELECT 1 AS uno;\n\\rejects\n";
    assert_snapshot!(shop.cauce_with_input(&["shell", "--format", "csv"], session).success(), @r#"
    exit code: 0
    ----- stdout -----
    n
    90
    origin,rule,file,line,column,value,message
    raw.ventas,type,data/ventas.csv,20,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,40,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,60,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,80,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,100,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,120,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,140,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,160,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,180,monto,caro,"monto: ""caro"" is not a float"
    raw.ventas,type,data/ventas.csv,200,monto,caro,"monto: ""caro"" is not a float"
    uno
    1
    origin,rule,file,line,column,value,message
    ----- stderr -----
    warning: 10 rows of raw.ventas rejected; see `\rejects`
    maxrows: 2
    10 rows
    0 rows
    "#);
}

#[test]
fn system_tables_are_there_before_the_first_run() {
    let shop = TestProject::shop();
    let empty = "SELECT * FROM system.rejects; SELECT * FROM system.runs; SELECT count(*) AS n FROM rejects";
    assert_snapshot!(csv(&shop, empty).success(), @"
    exit code: 0
    ----- stdout -----
    origin,rule,file,line,byte_offset,byte_length,column,value,raw,message,run,release,seen_at,corrected
    run,release,ended_at,table_name,inputs,rows_in,rows_out,rejected,deduplicated,filtered,replayed
    n
    0
    ");
    assert_snapshot!(shop.cauce_with_input(&["shell", "--format", "csv"], "\\dt\n\\d system.rejects\n").success(), @r#"
    exit code: 0
    ----- stdout -----
    layer,name,kind,description
    raw,ventas,dataset,
    system,rejects,table,"Rows that were not accepted, one row each: where, why and as they were written."
    system,runs,table,What became of the rows of each table in each run; one row for a run that computed none.
    system,checks,table,"What every check of every run measured, one row each."
    system,corrections,table,"Texts that readers take instead of rejected records, as `cauce rejects replay` kept them."
    system,models,table,"The models of the release, one row each."
    system,columns,table,"The columns of datasets and of the models of the release, one row each."
    system,lineage,table,"What the models of the release are made from: a row for each column, or the rows of a model (column NULL), and each column it is made from, or the rows of a table (from_column NULL)."
    system,releases,table,"All releases, one row each."
    system,definitions,table,"The definitions that models ever had, one row each, also of releases that are gone."
    column,type,nullable,description
    origin,string,yes,The dataset or model that did not accept the row.
    rule,string,yes,"The rule it breaks; the first, if there are several."
    file,string,yes,The file it stands in.
    line,int,yes,"Its physical line in the file, from 1."
    byte_offset,int,yes,"Its first byte in the file, from 0."
    byte_length,int,yes,Its bytes in the file.
    column,string,yes,"The column that is wrong, if one is."
    value,string,yes,The value that is wrong.
    raw,string,yes,"The row as it is written, or as JSON."
    message,string,yes,All that is wrong with it.
    run,string,yes,The run that saw it.
    release,int,yes,The release that the run published; NULL if it published none.
    seen_at,timestamp(UTC),yes,When the run ended.
    corrected,string,yes,The text that later runs read in its place; NULL if nobody corrected it.
    ----- stderr -----
    table system.rejects: Rows that were not accepted, one row each: where, why and as they were written.
    "#);
}

#[test]
fn runs_at_once_all_keep_what_they_saw_and_one_publishes() {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", sales(3_000, 1_000));
    let mut published = 0;
    for round in 1..=3 {
        let start = || -> Child {
            shop.command(&["run", "--quiet", "--full-refresh"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        };
        let runs = [start(), start(), start()].map(|mut run| run.wait().unwrap().code());
        assert!(runs.iter().all(|code| matches!(code, Some(0 | 5))), "{runs:?}");
        published += runs.iter().filter(|code| **code == Some(0)).count();
        let counted = csv(
            &shop,
            "SELECT count(DISTINCT run) AS a, count(*) AS b, count(DISTINCT release) AS c FROM system.rejects",
        )
        .success();
        assert_eq!(counted.stdout, format!("a,b,c\n{},{},{published}\n", 3 * round, 9 * round), "{counted}");
        let runs =
            csv(&shop, "SELECT count(DISTINCT run) AS a, count(DISTINCT release) AS b FROM system.runs").success();
        assert_eq!(runs.stdout, format!("a,b\n{},{published}\n", 3 * round), "{runs}");
    }
    assert_eq!(fs::read_dir(shop.path("data/lake/releases")).unwrap().count(), published);
}

#[test]
fn accounts_of_a_run_that_was_stopped_are_made_up_for() {
    let shop = TestProject::shop();
    shop.cauce(&["run", "--quiet"]).success();
    // As if the run had been killed between its release and the table.
    fs::remove_dir_all(shop.path("data/lake/system/runs")).unwrap();
    shop.cauce(&["run", "--quiet", "--full-refresh"]).success();
    assert_snapshot!(csv(&shop, "SELECT release, table_name, rows_out FROM system.runs ORDER BY release, table_name").success(), @"
    exit code: 0
    ----- stdout -----
    release,table_name,rows_out
    1,processed.ventas,3
    1,raw.ventas,3
    2,processed.ventas,3
    2,raw.ventas,3
    ");
}

#[test]
fn after_a_rollback_the_rejects_are_those_of_the_run_that_built_the_tables() {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", sales(300, 200));
    shop.cauce(&["run", "--quiet"]).success();
    shop.write("data/ventas.csv", sales(300, 400));
    shop.cauce(&["run", "--quiet"]).success();
    assert_snapshot!(shop.cauce(&["rejects"]).success(), @"
    exit code: 0
    ----- stdout -----
    origin,rule,column,rows,example,value
    ");
    shop.cauce(&["rollback", "1"]).success();
    shop.cauce(&["rollback", "2"]).success();
    shop.cauce(&["rollback", "3"]).success();
    assert_snapshot!(shop.cauce(&["rejects"]).success(), @"
    exit code: 0
    ----- stdout -----
    origin,rule,column,rows,example,value
    raw.ventas,type,monto,1,data/ventas.csv:400,caro
    ");
}

#[test]
fn no_two_rows_have_a_value_that_is_unique() {
    let shop = TestProject::shop();
    let catalog =
        SHOP_CATALOG.replace("{ name: id, type: int, required: true }", "{ name: id, type: int, unique: true }");
    let catalog = catalog.replace("ventas.csv\n", "ventas/*.csv\n    on_reject: { max_ratio: 0.5 }\n");
    shop.write("catalog.yaml", catalog)
        .write("data/ventas/enero.csv", "id,cliente,monto,nota\n1,ana,1,\n2,luis,caro,\n3,eva,3,\"a\nb\"\n1,omar,4,\n")
        .write("data/ventas/febrero.csv", "id,cliente,monto,nota\n2,iris,5,\n3,raúl,6,x\n4,saúl,7,\n");
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.ventas                            4 rows    [TIME]
    warning: raw.ventas: 4 of 7 records are rows; 3 rejected; see `cauce rejects ventas`
    ✓ accounts: 7 records of 1 dataset = 4 rows + 3 rejects
    ✓ 2 checks hold
    ✓ release 1 published: 1 table with 4 rows, 1 view, in [TIME]
    ");
    assert_snapshot!(shop.cauce(&["rejects", "ventas"]).success(), @r#"
    exit code: 0
    ----- stdout -----
    file,line,rule,column,value,message,raw
    data/ventas/enero.csv,3,type,monto,caro,"monto: ""caro"" is not a float","2,luis,caro,"
    data/ventas/enero.csv,6,unique,id,1,"id: ""1"" stands in an earlier row","{""id"":1,""cliente"":""omar"",""monto"":4.0}"
    data/ventas/febrero.csv,3,unique,id,3,"id: ""3"" stands in an earlier row","{""id"":3,""cliente"":""raúl"",""monto"":6.0,""nota"":""x""}"
    "#);
    assert_snapshot!(csv(&shop, "SELECT id, monto FROM processed.ventas ORDER BY id").success(), @"
    exit code: 0
    ----- stdout -----
    id,monto
    1,1.0
    2,5.0
    3,3.0
    4,7.0
    ");
    assert_snapshot!(csv(&shop, "SELECT sum(monto) AS suma FROM raw.ventas").success(), @"
    exit code: 0
    ----- stdout -----
    suma
    16.0
    ----- stderr -----
    warning: 3 rows of raw.ventas rejected; see `cauce rejects ventas --scan`
    ");
    // What is rejected because of other rows is corrected as it is shown, and a correction may repeat a value.
    shop.write("malas.csv", "file,line,raw\ndata/ventas/febrero.csv,3,\"9,raúl,6,x\"\n");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(1), @"
    exit code: 1
    ----- stderr -----
    warning: raw.ventas: 1 correction is no row either
    ╭───────────────────────────┬────────────┬────────────────────────────────────────────╮
    │ record                    │ corrected  │ message                                    │
    ├───────────────────────────┼────────────┼────────────────────────────────────────────┤
    │ data/ventas/febrero.csv:3 │ 9,raúl,6,x │ it is no JSON object: it is a single value │
    ╰───────────────────────────┴────────────┴────────────────────────────────────────────╯
    error: 1 correction was not kept
      hint: correct their texts and replay the file again: what was kept stays
    ");
    shop.write("malas.csv", "file,line,raw\ndata/ventas/enero.csv,3,\"1,luis,2,\"\n");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(1), @r#"
    exit code: 1
    ----- stderr -----
    warning: raw.ventas: 1 correction is no row either
    ╭─────────────────────────┬───────────┬──────────────────────────────────╮
    │ record                  │ corrected │ message                          │
    ├─────────────────────────┼───────────┼──────────────────────────────────┤
    │ data/ventas/enero.csv:3 │ 1,luis,2, │ id: "1" stands in an earlier row │
    ╰─────────────────────────┴───────────┴──────────────────────────────────╯
    error: 1 correction was not kept
      hint: correct their texts and replay the file again: what was kept stays
    "#);
}
