//! Checks: what a run says of them and keeps, and `cauce check` on what is published.

use insta::assert_snapshot;

use crate::support::project::{SHOP_CATALOG, TestProject};

/// The shop, whose sales have these checks.
fn shop(checks: &str) -> TestProject {
    let shop = TestProject::shop();
    let sql = format!(
        "/*---\ndescription: Una venta por fila.\ngrain: [id]\nchecks:\n{checks}---*/\n\
         SELECT id, pseudonym(cliente) AS cliente, monto, nota\nFROM raw.ventas\n"
    );
    shop.write("sql/processed/ventas.sql", sql);
    shop
}

const MEASURED: &str = "SELECT check_name, rule, severity, passed, value, allowed, failing, rows, release, failing_rows \
                        FROM system.checks ORDER BY checked_at, model, check_name";

#[test]
fn every_check_of_every_run_is_kept_with_what_it_measured() {
    let shop = shop("  - { not_null: [monto], at_most: 1 }\n  - row_count: { min: 3, change: 10 % }\n");
    shop.cauce(&["run", "--quiet"]).success();
    // Two rows without a value, and four rows where there were three: this run publishes nothing.
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,,\n2,luis,,\n3,eva,7,x\n4,eva,7,x\n");
    assert_snapshot!(shop.cauce(&["run"]).code(1));
    assert_snapshot!(shop.cauce(&["query", "--format", "csv", MEASURED]).success());
    // What is published is as it was.
    assert_snapshot!(shop.cauce(&["check", "--all", "--format", "csv"]).success());
}

#[test]
fn what_is_published_can_be_checked_again_with_the_checks_of_now() {
    let shop = shop("  - not_null: [id]\n");
    shop.cauce(&["run", "--quiet"]).success();
    let checks =
        "grain: [id]\nchecks:\n  - not_null: [monto]\n  - { accepted_values: { nota: [x] }, severity: warn }\n";
    let sql = shop.read("sql/processed/ventas.sql").replace("grain: [id]\nchecks:\n  - not_null: [id]\n", checks);
    shop.write("sql/processed/ventas.sql", sql).write("sql/curated/nueva.sql", "SELECT count(*) AS n FROM ventas\n");
    assert_snapshot!(shop.cauce(&["check"]).code(1));
    assert_snapshot!(shop.cauce(&["check", "ventas", "--json"]).code(1));
    shop.cauce(&["check", "--release", "1", "--junit", "informe.xml", "--quiet"]).code(1);
    assert_snapshot!(shop.read("informe.xml"));
    shop.cauce(&["check", "total"]).success();
    assert_snapshot!(shop.cauce(&["check", "vetnas"]).code(2));
    assert_snapshot!(shop.cauce(&["check", "--release", "7"]).code(1));
}

#[test]
fn a_run_that_only_checks_has_its_release() {
    let shop = shop("  - not_null: [id]\n");
    shop.cauce(&["run", "--quiet"]).success();
    shop.write(
        "sql/processed/ventas.sql",
        shop.read("sql/processed/ventas.sql").replace("not_null: [id]", "not_null: [cliente]"),
    );
    shop.cauce(&["run", "--quiet"]).success();
    let rows = |sql: &str| shop.cauce(&["query", "--format", "csv", sql]).success().stdout;
    let checks = "SELECT release, count(*) AS checks FROM system.checks GROUP BY release ORDER BY release";
    assert_eq!(rows(checks), "release,checks\n1,3\n2,3\n");
    let runs = "SELECT release, table_name FROM system.runs ORDER BY release, table_name";
    assert_eq!(rows(runs), "release,table_name\n1,processed.ventas\n1,raw.ventas\n2,\n");
}

#[test]
fn without_a_release_there_is_nothing_to_check() {
    assert_snapshot!(TestProject::shop().cauce(&["check"]).code(1));
}

/// The shop with a second dataset, so that something is left to publish when the sales are wrong.
fn shop_that_goes_on(on_failure: &str) -> TestProject {
    let shop = shop(&format!("  - expression: monto > 0\non_failure: {on_failure}\n"));
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,5,\n2,luis,7,x\n")
        .write("data/tiendas.csv", "tienda\nLima\n")
        .write(
            "catalog.yaml",
            format!(
                "{SHOP_CATALOG}  tiendas:\n    path: data/tiendas.csv\n    columns: [{{ name: tienda, type: string }}]\n"
            ),
        )
        .write("sql/processed/tiendas.sql", "SELECT tienda FROM raw.tiendas\n")
        .write("sql/curated/por_nota.sql", "SELECT nota, count(*) AS n FROM processed.ventas GROUP BY nota\n");
    shop
}

#[test]
fn a_model_may_stay_as_it_was_when_its_checks_fail() {
    let shop = shop_that_goes_on("keep_last_good");
    // Without a release there is nothing to keep.
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,-5,\n");
    shop.cauce(&["run", "--quiet"]).code(1);
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,5,\n2,luis,7,x\n");
    shop.cauce(&["run", "--quiet"]).success();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,-5,\n2,luis,7,y\n3,eva,7,x\n");
    shop.write("data/tiendas.csv", "tienda\nLima\nCusco\n");
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).code(1));
    let rows = |sql: &str| shop.cauce(&["query", "--format", "csv", sql]).success().stdout;
    assert_eq!(rows("SELECT count(*) AS n FROM ventas"), "n\n2\n");
    assert_eq!(rows("SELECT count(*) AS n FROM por_nota"), "n\n2\n");
    assert_eq!(rows("SELECT count(*) AS n FROM tiendas"), "n\n2\n");
    // What was kept is not forgotten.
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,5,\n2,luis,7,y\n3,eva,7,x\n");
    assert_snapshot!(shop.cauce(&["plan"]).success());
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(rows("SELECT count(*) AS n FROM por_nota"), "n\n3\n");
}

#[test]
fn what_checks_against_a_kept_model_is_checked_again() {
    let shop = shop_that_goes_on("keep_last_good");
    let sql = "/*---\nchecks:\n  - relationship: { venta: processed.ventas.id }\n---*/\nSELECT count(*) + 1 AS venta FROM raw.tiendas\n";
    shop.write("sql/processed/tiendas.sql", sql);
    shop.cauce(&["run", "--quiet"]).success();
    // The new store refers to a sale that is there only in the table that is not published.
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,-5,\n2,luis,7,y\n3,eva,7,x\n");
    shop.write("data/tiendas.csv", "tienda\nLima\nCusco\n");
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).code(1));
}

#[test]
fn what_checks_against_a_model_that_is_left_out_goes_along() {
    let shop = shop_that_goes_on("keep_last_good");
    shop.cauce(&["run", "--quiet"]).success();
    // Both are new: the first is made of what is kept, the second is held against the first.
    shop.write("sql/curated/nuevas.sql", "SELECT id, monto * 2 AS doble FROM processed.ventas\n");
    let sql = "/*---\nchecks:\n  - relationship: { id: curated.nuevas.id }\n---*/\nSELECT id FROM raw.ventas\n";
    shop.write("sql/curated/otras.sql", sql);
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,-5,\n2,luis,7,y\n");
    shop.write("data/tiendas.csv", "tienda\nLima\nCusco\n");
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).code(1), @"
    exit code: 1
    ----- stderr -----
    ✓ processed.tiendas                           2 rows    [TIME]
    ✓ processed.ventas                            2 rows    [TIME]
    ✓ curated.otras                               2 rows    [TIME]
    ✓ curated.nuevas                              2 rows    [TIME]
    ✓ curated.por_nota                            2 rows    [TIME]
    warning: processed.ventas: check `expression_monto_0` fails for 1 of 2 rows
    ╭────┬──────────────────────────────────┬───────┬──────╮
    │ id │ cliente                          │ monto │ nota │
    ├────┼──────────────────────────────────┼───────┼──────┤
    │  1 │ 5e6063f03e516033bff927ef47824a86 │  -5.0 │ NULL │
    ╰────┴──────────────────────────────────┴───────┴──────╯
    hint: the run goes on without processed.ventas
    ✓ accounts: 2 records of 1 dataset = 2 rows
    ✓ release 2 published: 3 tables with 6 rows, 1 view, in [TIME]
    error: release 2 is not whole; kept as they were: processed.ventas, curated.por_nota, curated.total; left out: curated.otras, curated.nuevas
      hint: `cauce plan` says why; correct the files or catalog.yaml and run again
    ");
    let told = shop.cauce(&["releases", "show"]).success();
    assert!(!told.stdout.contains("nuevas") && !told.stdout.contains("otras"), "{told}");
}

/// The shop that goes on, with a model that reads the sales and the stores and says so of the sales.
fn shop_with_a_reader(edge: &str) -> TestProject {
    let shop = shop_that_goes_on("keep_last_good");
    let header = format!("inputs:\n  processed.ventas: {{ on_failure: {edge} }}\n");
    let sql = "SELECT tienda, (SELECT count(*) FROM processed.ventas) AS ventas FROM processed.tiendas";
    shop.write("sql/curated/resumen.sql", format!("/*---\n{header}---*/\n{sql}\n"));
    shop.cauce(&["run", "--quiet"]).success();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,-5,\n2,luis,7,y\n3,eva,7,x\n");
    shop.write("data/tiendas.csv", "tienda\nLima\nCusco\n");
    shop
}

#[test]
fn a_reader_may_be_built_from_what_stays() {
    let shop = shop_with_a_reader("warn");
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).code(1), @"
    exit code: 1
    ----- stderr -----
    ✓ processed.tiendas                           2 rows    [TIME]
    ✓ processed.ventas                            3 rows    [TIME]
    ✓ curated.por_nota                            3 rows    [TIME]
    ✓ curated.resumen                             2 rows    [TIME]
    warning: processed.ventas: check `expression_monto_0` fails for 1 of 3 rows
    ╭────┬──────────────────────────────────┬───────┬──────╮
    │ id │ cliente                          │ monto │ nota │
    ├────┼──────────────────────────────────┼───────┼──────┤
    │  1 │ 5e6063f03e516033bff927ef47824a86 │  -5.0 │ NULL │
    ╰────┴──────────────────────────────────┴───────┴──────╯
    hint: the run goes on without processed.ventas
    ✓ curated.resumen                             2 rows    [TIME]
    ✓ accounts: 2 records of 1 dataset = 2 rows
    ✓ release 2 published: 4 tables with 8 rows, 1 view, in [TIME]
    error: release 2 is not whole; kept as they were: processed.ventas, curated.por_nota, curated.total
      hint: `cauce plan` says why; correct the files or catalog.yaml and run again
    ");
    let summary = || shop.cauce(&["query", "--format", "csv", "FROM resumen ORDER BY tienda"]).success().stdout;
    assert_eq!(summary(), "tienda,ventas\nCusco,2\nLima,2\n");
    // The release is what it says, and stays so until the sales are right.
    shop.cauce(&["run", "--quiet"]).code(1);
    assert_eq!(summary(), "tienda,ventas\nCusco,2\nLima,2\n");
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,5,\n2,luis,7,y\n3,eva,7,x\n");
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(summary(), "tienda,ventas\nCusco,3\nLima,3\n");
}

#[test]
fn a_reader_may_keep_everything_back() {
    let shop = shop_with_a_reader("block");
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).code(1), @"
    exit code: 1
    ----- stderr -----
    ✓ processed.tiendas                           2 rows    [TIME]
    ✓ processed.ventas                            3 rows    [TIME]
    ✓ curated.por_nota                            3 rows    [TIME]
    ✓ curated.resumen                             2 rows    [TIME]
    ✓ accounts: 5 records of 2 datasets = 5 rows
    warning: processed.ventas: check `expression_monto_0` fails for 1 of 3 rows
    ╭────┬──────────────────────────────────┬───────┬──────╮
    │ id │ cliente                          │ monto │ nota │
    ├────┼──────────────────────────────────┼───────┼──────┤
    │  1 │ 5e6063f03e516033bff927ef47824a86 │  -5.0 │ NULL │
    ╰────┴──────────────────────────────────┴───────┴──────╯
    warning: curated.resumen says `on_failure: block` of processed.ventas, which stays as it was: its checks fail
    error: 1 check fails; nothing was published
      hint: correct the data or the model and run again: what is built and unchanged is taken up; a check with `severity: warn` does not keep a release back
    ");
    let stores = shop.cauce(&["query", "--format", "csv", "SELECT count(*) AS n FROM tiendas"]).success().stdout;
    assert_eq!(stores, "n\n1\n");
    // The same where it is known before the run: no file of the sales fits.
    shop.write("data/ventas.csv", "");
    assert_snapshot!(shop.cauce(&["run"]).code(1), @"
    exit code: 1
    ----- stderr -----
    warning: 1 file does not fit and is left out
    ╭─────────┬─────────────────┬─────────────┬──────────┬───────────────────────────────────────╮
    │ dataset │ file            │ what        │ then     │ what to do                            │
    ├─────────┼─────────────────┼─────────────┼──────────┼───────────────────────────────────────┤
    │ ventas  │ data/ventas.csv │ it is empty │ left out │ write the file again, or take it away │
    ╰─────────┴─────────────────┴─────────────┴──────────┴───────────────────────────────────────╯
    error: curated.resumen says `on_failure: block` of processed.ventas, which stays as it was: raw.ventas: no file fits; nothing was published
      hint: correct the files or catalog.yaml; `cauce plan` says for each model why
    ");
}

#[test]
fn a_report_has_the_checks_of_what_stays() {
    let shop = shop_with_a_reader("warn");
    shop.cauce(&["run", "--quiet", "--junit", "informe.xml"]).code(1);
    let report = shop.read("informe.xml");
    let count = |what: &str| report.matches(what).count();
    assert_eq!((count("<failure"), count("name=\"expression_monto_0\"")), (1, 1), "{report}");
}

#[test]
fn failures_may_only_be_told() {
    let shop = shop_that_goes_on("warn");
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,-5,\n1,luis,7,y\n");
    let told = shop.cauce(&["run"]).success();
    assert!(told.stderr.contains("warning") && told.stderr.contains("release 1 published"), "{told}");
}

#[test]
fn a_run_writes_what_its_checks_measured_for_continuous_integration() {
    let shop = shop("  - expression: monto > 100\n");
    shop.cauce(&["run", "--quiet", "--junit", "informe.xml"]).code(1);
    assert_snapshot!(shop.read("informe.xml"));
}
