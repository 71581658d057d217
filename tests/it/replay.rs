//! Corrected texts in the place of rejected records.

use std::fs;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::datatypes::Schema;
use cauce::ledger::SystemTable;
use cauce::table::stage_rows;
use futures::stream::{self, StreamExt};
use insta::assert_snapshot;

use crate::support::library::Opened;
use crate::support::project::{Outcome, SHOP_CATALOG, TestProject};

const VENTAS: &str = "\
id,cliente,monto,nota
1,ana,10.5,\"dos\nlíneas\"
2,luis,caro,\"y\nmás\"
3,eva,7
4,iris,8,x
5,omar,gratis,ñ
";

/// A shop in which most sales may be wrong.
fn shop() -> TestProject {
    let shop = TestProject::shop();
    let catalog = SHOP_CATALOG.replace("    columns:", "    on_reject: { max_ratio: 0.9 }\n    columns:");
    shop.write("catalog.yaml", catalog).write("data/ventas.csv", VENTAS);
    shop
}

fn csv(project: &TestProject, sql: &str) -> Outcome {
    project.cauce(&["query", "--format", "csv", sql])
}

/// Exports the rejects of the sales and replaces texts in them.
fn correct(shop: &TestProject, replacements: &[(&str, &str)]) {
    shop.cauce(&["rejects", "ventas", "--format", "csv", "--output", "malas.csv"]).success();
    let mut text = fs::read_to_string(shop.path("malas.csv")).unwrap();
    for (from, to) in replacements {
        assert!(text.contains(from), "{text}");
        text = text.replace(from, to);
    }
    shop.write("malas.csv", text);
}

#[test]
fn corrected_rejects_are_rows_of_the_next_release() {
    let shop = shop();
    shop.cauce(&["run", "--quiet"]).success();
    correct(
        &shop,
        &[
            ("2,luis,caro", "2,luis,7.25"),
            ("\"3,eva,7\"", "\"3,eva,7,\""),
            (",\"5,omar,gratis,ñ\"", ",\"5,omar,poco,ñ\""),
        ],
    );
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(1), @r#"
    exit code: 1
    ----- stderr -----
    ✓ raw.ventas: 2 corrections kept
    warning: raw.ventas: 1 correction is no row either
    ╭───────────────────┬───────────────┬──────────────────────────────╮
    │ record            │ corrected     │ message                      │
    ├───────────────────┼───────────────┼──────────────────────────────┤
    │ data/ventas.csv:8 │ 5,omar,poco,ñ │ monto: "poco" is not a float │
    ╰───────────────────┴───────────────┴──────────────────────────────╯
    hint: `cauce run` publishes a release with this
    error: 1 correction was not kept
      hint: correct their texts and replay the file again: what was kept stays
    "#);
    // What waits is known to all readers, and marked.
    let marked = "SELECT line, raw, corrected FROM system.rejects ORDER BY line";
    assert_snapshot!(csv(&shop, marked).success(), @r#"
    exit code: 0
    ----- stdout -----
    line,raw,corrected
    4,"2,luis,caro,""y
    más""","2,luis,7.25,""y
    más"""
    6,"3,eva,7","3,eva,7,"
    8,"5,omar,gratis,ñ",
    "#);
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.ventas                            4 rows    [TIME]
    warning: raw.ventas: 4 of 5 records are rows, 2 of them as corrected; 1 rejected; see `cauce rejects ventas`
    ✓ accounts: 5 records of 1 dataset = 4 rows + 1 reject
    ✓ 2 checks hold
    ✓ release 2 published: 1 table with 4 rows, 1 view, in [TIME]
    ");
    assert_snapshot!(csv(&shop, "SELECT * FROM processed.ventas ORDER BY id").success(), @r#"
    exit code: 0
    ----- stdout -----
    id,cliente,monto,nota
    1,5e6063f03e516033bff927ef47824a86,10.5,"dos
    líneas"
    2,a90655121008f34600c596f45d3df8d1,7.25,"y
    más"
    3,4e0841b463e4e129333522965bcb7399,7.0,
    4,0253a052b01e803149925d5a36714719,8.0,x
    "#);
    let runs = "SELECT release, rows_in, rows_out, rejected, replayed FROM system.runs WHERE table_name = 'raw.ventas' ORDER BY release";
    assert_snapshot!(csv(&shop, runs).success(), @"
    exit code: 0
    ----- stdout -----
    release,rows_in,rows_out,rejected,replayed
    1,5,2,3,0
    2,5,4,1,2
    ");
    let release = fs::read_to_string(shop.path("data/lake/releases/00000000000000000002.json")).unwrap();
    assert!(release.contains("\"replayed\": 2"), "{release}");

    // The file written anew is another file: what stands there now is read.
    shop.write("data/ventas.csv", VENTAS.replace("caro", "3").replace("3,eva,7", "3,eva,x").replace("gratis", "0"));
    shop.write("malas.csv", "file,line,raw\ndata/ventas.csv,8,\"5,omar,0,ñ\"\n");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(1), @"
    exit code: 1
    ----- stderr -----
    warning: raw.ventas: 1 record is not in the files any more: data/ventas.csv:8
    error: 1 correction was not kept
      hint: correct their texts and replay the file again: what was kept stays
    ");
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.ventas                            4 rows    [TIME]
    warning: raw.ventas: 4 of 5 records are rows; 1 rejected; see `cauce rejects ventas`
    ✓ accounts: 5 records of 1 dataset = 4 rows + 1 reject
    ✓ 2 checks hold
    ✓ release 3 published: 1 table with 4 rows, 1 view, in [TIME]
    ");
}

#[test]
fn a_correction_may_be_replaced_and_taken_back() {
    let shop = shop();
    shop.cauce(&["run", "--quiet"]).success();
    correct(&shop, &[("2,luis,caro", "2,luis,1")]);
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    let amount = "SELECT monto FROM raw.ventas WHERE id = 2";
    assert_eq!(csv(&shop, amount).success().stdout, "monto\n1.0\n");
    correct(&shop, &[("2,luis,caro", "2,luis,2")]);
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    assert_eq!(csv(&shop, amount).success().stdout, "monto\n2.0\n");
    correct(&shop, &[]);
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ raw.ventas: 1 correction taken back
    hint: 2 records are as they were rejected
    hint: `cauce run` publishes a release with this
    ");
    assert_eq!(csv(&shop, amount).success().stdout, "monto\n");
    assert_snapshot!(csv(&shop, "SELECT line, rejected, corrected FROM system.corrections ORDER BY corrected_at").success(), @r#"
    exit code: 0
    ----- stdout -----
    line,rejected,corrected
    4,"2,luis,caro,""y
    más""","2,luis,1,""y
    más"""
    4,"2,luis,caro,""y
    más""","2,luis,2,""y
    más"""
    4,"2,luis,caro,""y
    más""",
    "#);
}

#[test]
fn a_spreadsheet_may_have_written_the_corrections() {
    let shop = shop();
    shop.cauce(&["run", "--quiet"]).success();
    // Semicolons, Windows-1252, CRLF, columns moved and left out.
    let mut text = b"raw;file;line\r\n\"5,omar,0,\xf1\xf1\";data/ventas.csv;8\r\n".to_vec();
    shop.write("malas.csv", text.clone());
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    assert_eq!(csv(&shop, "SELECT nota FROM raw.ventas WHERE id = 5").success().stdout, "nota\nññ\n");
    text.extend(b"\"1,ana,1,x\";data/ventas.csv;2\r\n\"5,omar,1,x\";data/ventas.csv;8\r\n");
    shop.write("malas.csv", text);
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: malas.csv: line 3: data/ventas.csv:2 is no reject of raw.ventas

    error: malas.csv: line 4: data/ventas.csv:8 stands there twice

    error: malas.csv names records that cannot be corrected here; nothing was kept
      hint: `cauce rejects ventas` lists the rejects, and --all those of earlier runs
    ");
    shop.write("malas.csv", "archivo,line\nx,1\n");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: malas.csv: required column `file` is missing
      hint: export the rejects with `cauce rejects DATASET --format csv -o FILE`, correct the texts in its column `raw`, and keep its columns `file` and `line`; or add --columns, correct values, and keep `_file` and `_line`
    ");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "peores.csv"]).code(3), @"
    exit code: 3
    ----- stderr -----
    error: no input file: peores.csv does not exist or holds no .csv file
      hint: `cauce rejects ventas --format csv -o FILE` writes one to correct
    ");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "venta", "malas.csv"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: there is no dataset `venta` in catalog.yaml
      hint: did you mean `ventas`?
    ");
}

#[test]
fn values_can_be_corrected_in_the_columns_of_the_dataset() {
    let shop = shop();
    shop.write("data/ventas.csv", VENTAS.replace("4,iris,8,x", "4,iris,8,\"dijo \"x\"\"\n6,noé,9,a, b"));
    shop.cauce(&["run", "--quiet"]).success();
    shop.cauce(&["rejects", "ventas", "--columns", "--output", "malas.csv"]).success();
    assert_snapshot!(shop.read("malas.csv"), @r#"
    _file,_line,_byte_offset,id,cliente,monto,nota,_message
    data/ventas.csv,4,47,2,luis,caro,"y
    más","monto: ""caro"" is not a float"
    data/ventas.csv,6,68,3,eva,7,,"3 fields, but the header has 4"
    data/ventas.csv,7,76,4,iris,8,"""dijo ""x""""",text between a closing quote and the next delimiter
    data/ventas.csv,8,96,6,noé,9,"a, b","5 fields, but the header has 4"
    data/ventas.csv,9,110,5,omar,gratis,ñ,"monto: ""gratis"" is not a float"
    "#);
    // A spreadsheet moves columns and leaves some out; what is not there stays as it is.
    let text = "_line,monto,_file,nota,id\n4,7.25,data/ventas.csv,\"y\nmás\",2\n6,,data/ventas.csv,z,3\n\
                7,8,data/ventas.csv,x,4\n8,9,data/ventas.csv,\"a, b\",6\n9,gratis,data/ventas.csv,ñ,5\n";
    shop.write("malas.csv", text);
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ raw.ventas: 3 corrections kept
    hint: 2 records are as they were rejected
    hint: `cauce run` publishes a release with this
    ");
    assert_snapshot!(csv(&shop, "SELECT line, rejected, corrected FROM system.corrections ORDER BY line").success(), @r#"
    exit code: 0
    ----- stdout -----
    line,rejected,corrected
    4,"2,luis,caro,""y
    más""","2,luis,7.25,""y
    más"""
    6,"3,eva,7","3,eva,,z"
    7,"4,iris,8,""dijo ""x""""","4,iris,8,x"
    "#);
    assert_snapshot!(csv(&shop, "SELECT * FROM raw.ventas ORDER BY id").success(), @r#"
    exit code: 0
    ----- stdout -----
    id,cliente,monto,nota
    1,ana,10.5,"dos
    líneas"
    2,luis,7.25,"y
    más"
    3,eva,,z
    4,iris,8.0,x
    ----- stderr -----
    warning: 2 rows of raw.ventas rejected; see `cauce rejects ventas --scan`
    "#);
    // What was corrected needs no more correction.
    assert_snapshot!(shop.cauce(&["rejects", "ventas", "--columns", "--format", "csv"]).success(), @r#"
    exit code: 0
    ----- stdout -----
    _file,_line,_byte_offset,id,cliente,monto,nota,_message
    data/ventas.csv,8,96,6,noé,9,"a, b","5 fields, but the header has 4"
    data/ventas.csv,9,110,5,omar,gratis,ñ,"monto: ""gratis"" is not a float"
    "#);

    // Right as it is shown: somebody took the message away.
    shop.cauce(&["rejects", "ventas", "--columns", "--output", "malas.csv"]).success();
    let shown = shop.read("malas.csv").replace("\"5 fields, but the header has 4\"", "");
    shop.write("malas.csv", shown);
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    assert_eq!(
        csv(&shop, "SELECT * FROM raw.ventas WHERE id = 6").success().stdout,
        "id,cliente,monto,nota\n6,noé,9.0,\"a, b\"\n"
    );

    shop.write("malas.csv", "_file,_line,monto\ndata/otras.csv,2,1\ndata/ventas.csv,2,1\n");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: malas.csv: line 2: data/otras.csv:2 is no reject of raw.ventas

    error: malas.csv: line 3: data/ventas.csv:2 is no reject of raw.ventas

    error: malas.csv names records that cannot be corrected here; nothing was kept
      hint: `cauce rejects ventas` lists the rejects, and --all those of earlier runs
    ");
    assert_snapshot!(shop.cauce(&["rejects", "processed.ventas", "--columns"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: processed.ventas is no dataset
      hint: what a model rejects is corrected in the files of its datasets, or in the model's rule
    ");
}

/// The catalog of a shop in which most sales may be wrong and each has an id of its own.
fn unique_ids() -> String {
    let unique = SHOP_CATALOG.replace("type: int, required: true", "type: int, required: true, unique: true");
    unique.replace("    columns:", "    on_reject: { max_ratio: 0.9 }\n    columns:")
}

#[test]
fn a_row_that_repeats_a_value_can_be_given_its_own() {
    let shop = shop();
    shop.write("catalog.yaml", unique_ids())
        .write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,1,\n1,luis,2,\n2,eva,caro,\n1,noé,4,x\n3,iris,5,\n");
    shop.cauce(&["run", "--quiet"]).success();
    shop.cauce(&["rejects", "ventas", "--columns", "--output", "malas.csv"]).success();
    assert_snapshot!(shop.read("malas.csv"), @r#"
    _file,_line,_byte_offset,id,cliente,monto,nota,_message
    data/ventas.csv,3,,1,luis,2.0,,"id: ""1"" stands in an earlier row"
    data/ventas.csv,4,41,2,eva,caro,,"monto: ""caro"" is not a float"
    data/ventas.csv,5,,1,noé,4.0,x,"id: ""1"" stands in an earlier row"
    "#);
    // One takes the id of another row, one is right, and the text of the third repeats an id as soon as it is a row.
    shop.write(
        "malas.csv",
        "_file,_line,id,monto\ndata/ventas.csv,3,3,2\ndata/ventas.csv,4,1,3\ndata/ventas.csv,5,4,4\n",
    );
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(1), @r#"
    exit code: 1
    ----- stderr -----
    ✓ raw.ventas: 1 correction kept
    warning: raw.ventas: 2 corrections are no rows either
    ╭───────────────────┬──────────────────────────────────────────────┬──────────────────────────────────╮
    │ record            │ corrected                                    │ message                          │
    ├───────────────────┼──────────────────────────────────────────────┼──────────────────────────────────┤
    │ data/ventas.csv:3 │ {"id": "3", "cliente": "luis", "monto": "2"} │ id: "3" stands in another row    │
    │ data/ventas.csv:4 │ 1,eva,3,                                     │ id: "1" stands in an earlier row │
    ╰───────────────────┴──────────────────────────────────────────────┴──────────────────────────────────╯
    hint: `cauce run` publishes a release with this
    error: 2 corrections were not kept
      hint: correct their texts and replay the file again: what was kept stays
    "#);
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.ventas                            3 rows    [TIME]
    warning: raw.ventas: 3 of 5 records are rows, 1 of them as corrected; 2 rejected; see `cauce rejects ventas`
    ✓ accounts: 5 records of 1 dataset = 3 rows + 2 rejects
    ✓ 2 checks hold
    ✓ release 2 published: 1 table with 3 rows, 1 view, in [TIME]
    ");
    assert_snapshot!(csv(&shop, "SELECT line, rule, raw, corrected FROM system.rejects WHERE corrected IS NOT NULL").success(), @r#"
    exit code: 0
    ----- stdout -----
    line,rule,raw,corrected
    5,unique,"{""id"":1,""cliente"":""noé"",""monto"":4.0,""nota"":""x""}","{""id"": ""4"", ""cliente"": ""noé"", ""monto"": ""4"", ""nota"": ""x""}"
    "#);
    assert_eq!(
        csv(&shop, "SELECT id, monto FROM raw.ventas ORDER BY id").success().stdout,
        "id,monto\n1,1.0\n3,5.0\n4,4.0\n"
    );
    // A file that is delivered later has the id, too: a correction takes the place of no row.
    shop.write(
        "data/ventas.csv",
        "id,cliente,monto,nota\n1,ana,1,\n1,luis,2,\n2,eva,caro,\n1,noé,4,x\n3,iris,5,\n4,omar,6,\n",
    );
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(csv(&shop, "SELECT cliente FROM raw.ventas WHERE id = 4").success().stdout, "cliente\nomar\n");
    let last = "SELECT line, message FROM system.rejects WHERE release = 3 AND rule = 'unique' ORDER BY line";
    assert_snapshot!(csv(&shop, last).success(), @r#"
    exit code: 0
    ----- stdout -----
    line,message
    3,"id: ""1"" stands in an earlier row"
    5,"id: ""1"" stands in an earlier row; its correction is no row either: id: ""4"" stands in another row"
    "#);
}

#[test]
fn a_text_that_became_a_row_may_repeat_a_value_and_be_corrected_again() {
    let shop = shop();
    shop.write("catalog.yaml", unique_ids()).write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,1,\nuno,eva,3,\n");
    shop.cauce(&["run", "--quiet"]).success();
    // Kept while it was a row of its own.
    shop.write("malas.csv", "file,line,raw\ndata/ventas.csv,3,\"2,eva,3,\"\n");
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    shop.write("data/a.csv", "id,cliente,monto,nota\n2,omar,9,\n")
        .write("catalog.yaml", unique_ids().replace("data/ventas.csv", "data/*.csv"));
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(csv(&shop, "SELECT id FROM raw.ventas ORDER BY id").success().stdout, "id\n1\n2\n");
    correct(&shop, &[("\"\"id\"\":2", "\"\"id\"\":7")]);
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(csv(&shop, "SELECT id FROM raw.ventas ORDER BY id").success().stdout, "id\n1\n2\n7\n");
}

#[test]
fn rows_of_parquet_are_corrected_like_texts() {
    let shop = shop();
    let sales = "SELECT * FROM (VALUES (1, 'ana', '10.5', 'x'), (2, 'luis', 'caro', NULL), (3, 'eva', 'poco', '\"ñ\"')) \
                 AS v (id, cliente, monto, nota)";
    shop.cauce(&["query", "--format", "parquet", "--output", "data/ventas.parquet", sales]).success();
    let catalog = SHOP_CATALOG.replace("    columns:", "    on_reject: { max_ratio: 0.9 }\n    columns:");
    shop.write("catalog.yaml", catalog.replace("data/ventas.csv", "data/ventas.parquet"));
    shop.cauce(&["run", "--quiet"]).success();
    assert_snapshot!(csv(&shop, "SELECT line, byte_offset, raw, message FROM system.rejects ORDER BY line").success(), @r#"
    exit code: 0
    ----- stdout -----
    line,byte_offset,raw,message
    2,,"{""id"":2,""cliente"":""luis"",""monto"":""caro""}","monto: ""caro"" is not a float"
    3,,"{""id"":3,""cliente"":""eva"",""monto"":""poco"",""nota"":""\""ñ\""""}","monto: ""poco"" is not a float"
    "#);
    correct(&shop, &[("\"\"caro\"\"", "7.25")]);
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    shop.cauce(&["rejects", "ventas", "--columns", "--output", "malas.csv"]).success();
    assert_snapshot!(shop.read("malas.csv"), @r#"
    _file,_line,_byte_offset,id,cliente,monto,nota,_message
    data/ventas.parquet,3,,3,eva,poco,"""ñ""","monto: ""poco"" is not a float"
    "#);
    shop.write("malas.csv", shop.read("malas.csv").replace(",poco,", ",8,"));
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.ventas                            3 rows    [TIME]
    ✓ raw.ventas: 3 of 3 records are rows, 2 of them as corrected
    ✓ accounts: 3 records of 1 dataset = 3 rows
    ✓ 2 checks hold
    ✓ release 2 published: 1 table with 3 rows, 1 view, in [TIME]
    ");
    assert_snapshot!(csv(&shop, "SELECT id, monto, nota FROM raw.ventas").success(), @r#"
    exit code: 0
    ----- stdout -----
    id,monto,nota
    1,10.5,x
    2,7.25,
    3,8.0,"""ñ"""
    "#);
    assert_eq!(csv(&shop, "SELECT count(*) AS n FROM raw.ventas WHERE id > 1").success().stdout, "n\n2\n");
}

#[test]
fn what_a_model_does_not_accept_is_corrected_elsewhere() {
    let shop = shop();
    shop.write("malas.csv", "_file,_line,id\ndata/ventas.csv,3,7\n");
    assert_snapshot!(shop.cauce(&["rejects", "replay", "processed.ventas", "malas.csv"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: processed.ventas is a model: what it rejects are good records that its `accept` refuses
      hint: it rejects nothing: its header has no `accept`
    ");
    let accept =
        "/*---\naccept: { from: raw.ventas, rules: { barato: monto < 9 } }\n---*/\nSELECT id FROM raw.ventas\n";
    shop.write("sql/processed/baratas.sql", accept);
    assert_snapshot!(shop.cauce(&["rejects", "replay", "processed.baratas", "malas.csv"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: processed.baratas is a model: what it rejects are good records that its `accept` refuses
      hint: where the rule is wrong, correct it in sql/processed/baratas.sql and run; where a record is, write it anew in its file of raw.ventas (columns `file` and `line` of `cauce rejects processed.baratas`) and run
    ");
}

#[test]
fn objects_of_one_line_are_told_apart_by_their_offset() {
    let shop = shop();
    let catalog = SHOP_CATALOG.replace("ventas.csv", "ventas.json");
    let catalog = catalog.replace("    columns:", "    on_reject: { max_ratio: 0.9 }\n    columns:");
    shop.write("catalog.yaml", catalog);
    shop.write(
        "data/ventas.json",
        r#"[{"id": 1, "monto": "caro"}, {"id": 2, "monto": 2}, {"id": "tres", "monto": 3}]"#,
    );
    shop.cauce(&["run", "--quiet"]).success();
    correct(&shop, &[("\"\"caro\"\"}", "10}")]);
    assert_snapshot!(shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: malas.csv: line 2: data/ventas.json:1 is the line of several rejects: add the column `byte_offset` of system.rejects

    error: malas.csv: line 3: data/ventas.json:1 is the line of several rejects: add the column `byte_offset` of system.rejects

    error: malas.csv names records that cannot be corrected here; nothing was kept
      hint: `cauce rejects ventas` lists the rejects, and --all those of earlier runs
    ");
    let exported = "SELECT file, line, byte_offset, raw FROM system.rejects";
    let text = csv(&shop, exported).success().stdout.replace("\"\"caro\"\"}", "10}").replace("\"\"tres\"\"", "3");
    shop.write("malas.csv", &text);
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    let amounts = "SELECT id, monto FROM raw.ventas ORDER BY id";
    assert_eq!(csv(&shop, amounts).success().stdout, "id,monto\n1,10.0\n2,2.0\n3,3.0\n");
    // In columns the offset is there already.
    shop.cauce(&["rejects", "ventas", "--all", "--columns", "--output", "columnas.csv"]).success();
    assert_eq!(shop.read("columnas.csv").lines().count(), 1);
    shop.write("malas.csv", text.replace(": 10}", ": \"\"caro\"\"}"));
    shop.cauce(&["rejects", "replay", "ventas", "malas.csv"]).success();
    shop.cauce(&["rejects", "ventas", "--columns", "--output", "columnas.csv"]).success();
    shop.write("columnas.csv", shop.read("columnas.csv").replace(",caro,", ",11,"));
    shop.cauce(&["rejects", "replay", "ventas", "columnas.csv"]).success();
    assert_eq!(csv(&shop, amounts).success().stdout, "id,monto\n1,11.0\n2,2.0\n3,3.0\n");
}

#[tokio::test]
async fn a_lake_of_an_earlier_cauce_gains_the_column_with_the_next_run() {
    let shop = shop();
    // `system.runs` as it was before corrected rows were counted.
    let Opened { lake, .. } = Opened::new(&shop);
    let of_today = SystemTable::Runs.stored();
    let fields: Vec<_> = of_today.fields().iter().filter(|field| field.name() != "replayed").cloned().collect();
    let schema = Arc::new(Schema::new(fields));
    let columns = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let old = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let (rows, place) = (stream::iter([Ok(old)]).boxed(), lake.table(&SystemTable::Runs.name()));
    let staged = stage_rows(vec![rows], &schema, lake.stores(), &place, &[]).await.unwrap();
    staged.append(lake.stores(), "antes").await.unwrap();

    let counts = "SELECT count(*) AS n, count(run) AS mine, count(replayed) AS counted FROM system.runs";
    assert_eq!(csv(&shop, counts).success().stdout, "n,mine,counted\n1,0,0\n");
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(csv(&shop, counts).success().stdout, "n,mine,counted\n3,2,1\n");
}
