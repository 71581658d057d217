//! Checks: what a run says of them and keeps, and `cauce check` on what is published.

use insta::assert_snapshot;

use crate::support::project::TestProject;

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
fn without_a_release_there_is_nothing_to_check() {
    assert_snapshot!(TestProject::shop().cauce(&["check"]).code(1));
}
