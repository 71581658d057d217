//! Files that cannot be read to their end, which is seen only by who reads them: a run goes on without them.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::project::{SHOP_CATALOG, TestProject};

const NOTES: &str = "  notas:
    path: data/notas
    format: csv
    columns:
      - { name: id, type: int, required: true }
      - { name: nota, type: string }
";
const FOLLOWING: &str = "\
/*---
materialized: incremental
incremental: { strategy: append, from: raw.notas }
---*/
SELECT id, nota FROM raw.notas
";

/// One of the files in `tests/data/dirty`.
fn dirty(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dirty").join(name)).unwrap()
}

/// The shop with notes in a good file and a damaged one.
fn shop() -> TestProject {
    let shop = TestProject::shop();
    shop.write("catalog.yaml", format!("{SHOP_CATALOG}{NOTES}"))
        .write("data/notas/a.csv", "id,nota\n101,buena\n")
        .write("data/notas/b.csv", dirty("bit_cambiado.csv.gz"))
        .write("sql/processed/notas.sql", "SELECT id, nota FROM raw.notas\n");
    shop
}

fn ids(shop: &TestProject, table: &str) -> String {
    let sql = format!("SELECT min(id) AS least, max(id) AS greatest, count(*) AS n FROM {table}");
    shop.cauce(&["query", "--format", "csv", &sql]).success().stdout.lines().nth(1).unwrap().to_owned()
}

#[test]
fn a_run_begins_again_without_files_that_are_damaged_within() {
    let shop = shop();
    shop.write("data/notas/c.csv", dirty("sin_final.csv.zst"));
    let told = shop.cauce(&["run", "--quiet", "--json"]).success();
    assert_snapshot!("damage_run", told.stderr);
    assert_eq!(
        (ids(&shop, "processed.notas").as_str(), ids(&shop, "processed.ventas").as_str()),
        ("101,101,1", "1,3,3")
    );
    let manifest: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let notes = &manifest["datasets"]["notas"];
    assert_eq!(notes["files"].as_array().unwrap().len(), 1);
    let damage = "the gzip data is damaged after 0 bytes of content: corrupt deflate stream";
    assert_eq!(
        (&notes["quarantined"][0]["reason"], &notes["quarantined"][0]["damage"]),
        (&damage.into(), &damage.into())
    );
    assert_eq!(notes["quarantined"][1]["path"], "data/notas/c.csv");

    // Nobody reads them again while they are the same, and everybody knows.
    assert_snapshot!("damage_plan", shop.cauce(&["plan"]).success());
    let again = shop.cauce(&["run"]).success();
    assert!(again.stderr.contains("2 files do not fit") && again.stderr.contains("nothing changed"), "{again}");

    shop.write("data/notas/b.csv", "id,nota\n102,entera\n");
    let mended = shop.cauce(&["run"]).success();
    assert!(mended.stderr.contains("1 file does not fit"), "{mended}");
    assert_eq!(ids(&shop, "processed.notas"), "101,102,2");
    // Who is asked to look again does.
    let anew = shop.cauce(&["run", "--full-refresh"]).success();
    assert!(anew.stderr.contains("data/notas/c.csv") && anew.stderr.contains("release 3 published"), "{anew}");
}

#[test]
fn models_without_another_file_stay_as_they_were() {
    let shop = shop();
    shop.write("data/notas/b.csv", "id,nota\n102,entera\n");
    assert_eq!(shop.cauce(&["run"]).success().stdout, "");
    fs::remove_file(shop.path("data/notas/a.csv")).unwrap();
    shop.write("data/notas/b.csv", dirty("bit_cambiado.csv.gz"))
        .write("data/ventas.csv", "id,cliente,monto,nota\n9,ana,1,\n");
    assert_snapshot!("damage_kept", shop.cauce(&["run", "--quiet"]).code(1));
    assert_eq!(
        (ids(&shop, "processed.notas").as_str(), ids(&shop, "processed.ventas").as_str()),
        ("101,102,2", "9,9,1")
    );
    let again = shop.cauce(&["run"]).code(1);
    assert!(again.stderr.contains("nothing changed: release 2"), "{again}");
}

#[test]
fn on_drift_fail_holds_for_damage_too() {
    let shop = shop();
    let strict = NOTES.replace("    columns:", "    on_drift: fail\n    columns:");
    shop.write("catalog.yaml", format!("{SHOP_CATALOG}{strict}"));
    assert_snapshot!("damage_fail", shop.cauce(&["run", "--quiet"]).code(1));
    assert!(shop.cauce(&["releases", "--format", "csv"]).success().stdout.lines().count() <= 1);
}

#[test]
fn a_model_that_follows_files_does_without_them() {
    let shop = shop();
    shop.write("sql/processed/notas.sql", FOLLOWING);
    let first = shop.cauce(&["run"]).success();
    assert!(first.stderr.contains("data/notas/b.csv") && first.stderr.contains("1 of 1 file read"), "{first}");
    assert_eq!(ids(&shop, "processed.notas"), "101,101,1");

    shop.write("data/notas/b.csv", "id,nota\n102,entera\n");
    assert!(shop.cauce(&["run"]).success().stderr.contains("1 of 2 files read"));
    assert_eq!(ids(&shop, "processed.notas"), "101,102,2");

    // What was made of a file that is damaged now is taken back, and no half of it is there.
    shop.write("data/notas/b.csv", dirty("sin_final.csv.zst"));
    let replaced = shop.cauce(&["run"]).success();
    assert!(replaced.stderr.contains("data/notas/b.csv"), "{replaced}");
    assert_eq!(ids(&shop, "processed.notas"), "101,101,1");
}

#[test]
fn a_query_says_which_file_is_damaged() {
    assert_snapshot!(shop().cauce(&["query", "SELECT count(*) FROM raw.notas"]).code(1), @"
    exit code: 1
    ----- stdout -----
    count(*)
    ----- stderr -----
    error: data/notas/b.csv: the gzip data is damaged after 0 bytes of content: corrupt deflate stream
      hint: copy the file again and test it with `gzip -t`
    ");
}

#[test]
fn columns_are_found_in_the_other_files() {
    let shop = shop();
    let (undeclared, _) = NOTES.split_once("    columns:").unwrap();
    shop.write("catalog.yaml", format!("{SHOP_CATALOG}{undeclared}"));
    let told = shop.cauce(&["run"]).success();
    assert!(told.stderr.contains("data/notas/b.csv"), "{told}");
    assert_eq!(ids(&shop, "processed.notas"), "101,101,1");
    let added = shop.cauce(&["catalog", "add", "data/notas", "--name", "otras"]).success();
    assert!(added.stderr.contains("data/notas/b.csv: the gzip data is damaged"), "{added}");
}
