//! Files that do not fit what the catalog says of them: what is told, what is left out, and what is published.

use std::fs;

use insta::assert_snapshot;

use crate::support::project::{SHOP_CATALOG, TestProject};

const BRANCHES: &str = "  sucursales:
    path: data/sucursales
    format: csv
    columns:
      - { name: sucursal, type: string, required: true }
      - { name: zona, type: string }
";

/// The shop with a second dataset in two files, and a model of it.
fn shop() -> TestProject {
    let shop = TestProject::shop();
    shop.write("catalog.yaml", format!("{SHOP_CATALOG}{BRANCHES}"))
        .write("data/sucursales/a.csv", "sucursal,zona\nS1,norte\n")
        .write("data/sucursales/b.csv", "zona,sucursal\nsur,S2\n")
        .write("sql/processed/sucursales.sql", "SELECT sucursal, zona FROM raw.sucursales\n")
        .write("sql/curated/zonas.sql", "SELECT count(DISTINCT zona) AS zonas FROM processed.sucursales\n");
    shop
}

fn count(shop: &TestProject, table: &str) -> String {
    shop.cauce(&["query", "--format", "csv", &format!("SELECT count(*) AS n FROM {table}")]).success().stdout
}

#[test]
fn one_file_that_does_not_fit_is_left_out_loudly_and_the_rest_is_published() {
    let shop = shop();
    shop.write("data/sucursales/b.csv", "sucursal;zona\nS2;sur\n")
        .write("data/sucursales/c.csv", "SUCURSAL,zona\nS3,\n");
    assert_snapshot!("drift_plan", shop.cauce(&["plan"]).success());
    let told = shop.cauce(&["run", "--quiet", "--json"]).success();
    assert_eq!(count(&shop, "processed.sucursales"), "n\n1\n");
    let manifest: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let quarantined = &manifest["datasets"]["sucursales"]["quarantined"];
    assert_eq!(quarantined[0]["path"], "data/sucursales/b.csv");
    assert_eq!(quarantined[1]["reason"], "column `sucursal` is missing; did you mean `SUCURSAL`?");
    assert_snapshot!("drift_run", told.stderr);
}

#[test]
fn without_a_file_that_fits_models_stay_as_they_were() {
    let shop = shop();
    let unfit = "otra\n1\n";
    shop.write("data/sucursales/a.csv", unfit).write("data/sucursales/b.csv", unfit);
    assert_snapshot!("drift_first_run", shop.cauce(&["run", "--quiet"]).code(1));
    assert_eq!(count(&shop, "curated.total"), "n\n1\n");
    assert!(shop.cauce(&["query", "SELECT * FROM processed.sucursales"]).code(1).stderr.contains("sucursales"));

    shop.write("data/sucursales/a.csv", "sucursal,zona\nS1,norte\n");
    let whole = shop.cauce(&["run"]).success();
    assert_eq!(count(&shop, "processed.sucursales"), "n\n1\n", "{whole}");

    shop.write("data/sucursales/a.csv", unfit).write("data/ventas.csv", "id,cliente,monto,nota\n9,ana,1,\n");
    assert_snapshot!("drift_later_run", shop.cauce(&["run", "--quiet"]).code(1));
    assert_eq!(count(&shop, "processed.sucursales"), "n\n1\n");
    assert_eq!(count(&shop, "processed.ventas"), "n\n1\n");
    assert!(shop.cauce(&["query", "SELECT * FROM curated.zonas"]).success().stdout.contains('1'));
}

#[test]
fn on_drift_fail_stops_before_anything_is_read() {
    let shop = shop();
    let strict = BRANCHES.replace("    columns:", "    on_drift: fail\n    columns:");
    shop.write("catalog.yaml", format!("{SHOP_CATALOG}{strict}")).write("data/sucursales/b.csv", "x\n1\n");
    assert_snapshot!("drift_fail", shop.cauce(&["run"]).code(1));
    assert!(fs::read_dir(shop.path("data/lake")).is_err(), "nothing is written");
}

#[test]
fn a_query_reads_the_files_that_a_run_would_read() {
    let shop = TestProject::shop();
    let catalog = SHOP_CATALOG.replace("ventas.csv\n", "ventas/*.csv\n");
    shop.write("catalog.yaml", &catalog)
        .write("data/ventas/enero.csv", "id,cliente,monto,nota\n1,ana,1,\n")
        .write("data/ventas/febrero.csv", "id,cliente,importe,nota\n2,iris,5,\n")
        .write("data/ventas/marzo.csv", "");
    let count = ["query", "--format", "csv", "SELECT count(*) AS n FROM raw.ventas"];
    assert_snapshot!(shop.cauce(&count).success(), @"
    exit code: 0
    ----- stdout -----
    n
    1
    ----- stderr -----
    warning: raw.ventas: data/ventas/febrero.csv does not fit and is left out: column `importe` is not declared
    warning: raw.ventas: data/ventas/marzo.csv does not fit and is left out: it is empty
    ");
    shop.write("catalog.yaml", catalog.replace("    columns:", "    on_drift: fail\n    columns:"));
    assert_snapshot!(shop.cauce(&count).code(1), @"
    exit code: 1
    ----- stderr -----
    error: a file of raw.ventas does not fit, and it says `on_drift: fail`
      data/ventas/febrero.csv: column `importe` is not declared
      hint: write `- { name: importe, type: string }` in datasets.ventas.columns, or `on_drift: accept_new_columns`
    ");
    shop.write("catalog.yaml", catalog.replace("type: float", "type: float, required: true"));
    shop.write("data/ventas/enero.csv", "id;cliente;monto;nota\n1;ana;1;\n");
    assert_snapshot!(shop.cauce(&count).code(1), @r#"
    exit code: 1
    ----- stderr -----
    error: data/ventas/enero.csv: `;` stands between its fields
      hint: write `options: { delimiter: ";" }`

    error: data/ventas/febrero.csv: required column `monto` is missing
      hint: add it to the file, or take `required: true` from the column

    error: data/ventas/febrero.csv: column `importe` is not declared
      hint: write `- { name: importe, type: string }` in datasets.ventas.columns, or `on_drift: accept_new_columns`

    error: data/ventas/marzo.csv: it is empty
      hint: write the file again, or take it away

    error: no file of raw.ventas fits what catalog.yaml says of it
    "#);
}
