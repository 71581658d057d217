//! A run builds what a change concerns and nothing else, says why, and misses nothing.

use insta::assert_snapshot;

use crate::support::project::{Outcome, TestProject};

const NOTES: &str = "\
/*---
description: Ventas por nota.
grain: [nota]
---*/
SELECT coalesce(nota, '-') AS nota, count(*) AS ventas
FROM processed.ventas
GROUP BY 1
";

const CLIENTS: &str = "\
/*---
description: Lo vendido por cliente.
grain: [cliente]
---*/
SELECT cliente, sum(monto) AS total
FROM processed.ventas
GROUP BY cliente
";

/// A shop with a release of four models: `por_nota`, `por_cliente` and the view `total` read `processed.ventas`.
fn shop() -> TestProject {
    let shop = TestProject::shop().with_env("CAUCE_PSEUDONYM_KEY", "una clave");
    shop.write("sql/curated/por_nota.sql", NOTES).write("sql/curated/por_cliente.sql", CLIENTS);
    shop.cauce(&["run", "--quiet"]).success();
    shop
}

fn query(shop: &TestProject, sql: &str) -> Outcome {
    shop.cauce(&["query", "--format", "csv", sql]).success()
}

#[test]
fn where_nothing_changed_nothing_is_done() {
    let shop = shop();
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ nothing changed: release 1 is up to date, in [TIME]
    ");
    assert!(shop.cauce(&["plan"]).success().stderr.contains("nothing to do: release 1 is up to date"));
    let manifest: serde_json::Value =
        serde_json::from_str(&shop.cauce(&["run", "--quiet", "--json"]).success().stdout).unwrap();
    assert_eq!(manifest["release"], 1);
    assert!(shop.cauce(&["run", "--full-refresh"]).success().stderr.contains("release 2 published"));
}

#[test]
fn another_layout_or_alias_builds_nothing_and_is_published() {
    let shop = shop();
    shop.write(
        "sql/curated/por_nota.sql",
        NOTES.replace("coalesce(nota", "-- sin nota\n  coalesce(v.nota").replace("processed.ventas", "ventas AS v"),
    );
    assert_snapshot!(shop.plan(), @"
    skip processed.ventas: unchanged
    skip curated.por_cliente: unchanged
    skip curated.por_nota: only its text changed
    skip curated.total: unchanged
    ");
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ 4 models unchanged
    ✓ release 2 published: 3 tables with 9 rows, 1 view, in [TIME]
    ");
    assert!(shop.cauce(&["releases", "show", "--sql", "por_nota"]).success().stdout.contains("-- sin nota"));
    assert!(shop.plan().lines().all(|line| line.ends_with("unchanged")));
}

#[test]
fn a_changed_column_builds_what_reads_it() {
    let shop = shop();
    let sales = shop.read("sql/processed/ventas.sql");
    shop.write("sql/processed/ventas.sql", sales.replace("monto, nota", "2 * monto AS monto, nota"));
    assert_snapshot!(shop.plan(), @"
    build processed.ventas: monto is defined otherwise
    build curated.por_cliente: monto of processed.ventas changed
    skip curated.por_nota: unchanged
    build curated.total: monto of processed.ventas changed
    ");
    assert_snapshot!(shop.cauce(&["why", "por_cliente"]).success(), @"
    exit code: 0
    ----- stdout -----
    table,action,why
    curated.por_cliente,build,monto of processed.ventas changed
    processed.ventas,build,monto is defined otherwise
    ");
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(query(&shop, "SELECT sum(total) AS t FROM por_cliente").stdout, "t\n35.0\n");
    assert_eq!(query(&shop, "SELECT total FROM total").stdout, "total\n35.0\n");
    assert!(shop.plan().lines().all(|line| line.ends_with("unchanged")));

    // A column that is new, and one that nobody reads, concern no reader.
    shop.write("sql/processed/ventas.sql", sales.replace("monto, nota", "2 * monto AS monto, nota, 1 AS uno"));
    assert!(shop.plan().starts_with("build processed.ventas: uno is new\nskip curated.por_cliente: unchanged\n"));
    shop.write("sql/processed/ventas.sql", sales.replace("FROM raw.ventas", "FROM raw.ventas\nWHERE id > 1"));
    assert_snapshot!(shop.plan(), @"
    build processed.ventas: which rows it has is defined otherwise
    build curated.por_cliente: processed.ventas is built anew
    build curated.por_nota: processed.ventas is built anew
    build curated.total: processed.ventas is built anew
    ");
    assert_snapshot!(shop.cauce(&["why", "por_clente"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: there is no model `por_clente`
      hint: did you mean `por_cliente`?
    ");
}

#[test]
fn files_declarations_keys_and_checks_count_for_what_they_concern() {
    let shop = shop();
    shop.write(
        "sql/curated/por_nota.sql",
        NOTES.replace("[nota]", "[nota]\nchecks:\n  - range: { ventas: { min: 1 } }"),
    );
    assert!(shop.plan().contains("check curated.por_nota: its checks changed"), "{}", shop.plan());
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ 4 models unchanged
    ✓ 3 checks hold
    ✓ release 2 published: 3 tables with 9 rows, 1 view, in [TIME]
    ");

    shop.write(
        "sql/curated/por_nota.sql",
        NOTES.replace("[nota]", "[nota]\nchecks:\n  - range: { ventas: { min: 2 } }"),
    );
    shop.cauce(&["run", "--quiet"]).code(1);
    shop.write("sql/curated/por_nota.sql", NOTES);
    shop.cauce(&["run", "--quiet"]).success();

    let catalog = shop.read("catalog.yaml");
    shop.write(
        "catalog.yaml",
        catalog.replace("name: monto, type: float", "name: monto, type: float, description: Soles."),
    );
    assert!(shop.plan().lines().all(|line| line.ends_with("unchanged")), "{}", shop.plan());
    shop.write("catalog.yaml", catalog.replace("name: monto, type: float", "name: monto, type: float, min: 0"));
    assert!(
        shop.plan().starts_with("build processed.ventas: raw.ventas: its declaration in the catalog changed"),
        "{}",
        shop.plan()
    );
    shop.write("catalog.yaml", catalog);

    let rekeyed = shop.with_env("CAUCE_PSEUDONYM_KEY", "otra clave");
    assert!(rekeyed.plan().starts_with("build processed.ventas: the key of pseudonym() changed"), "{}", rekeyed.plan());
}

#[test]
fn what_reads_the_clock_is_built_each_time() {
    let shop = shop();
    shop.write("sql/curated/hoy.sql", "SELECT current_date AS hoy, count(*) AS ventas FROM processed.ventas\n");
    shop.cauce(&["run", "--quiet"]).success();
    assert!(shop.plan().contains("build curated.hoy: current_date gives another value each time"), "{}", shop.plan());
}

#[test]
fn a_skipped_table_is_read_by_what_is_built_and_keeps_its_rejects() {
    let shop = shop();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,caro,a\n2,luis,3,b\n3,eva,4,b\n");
    let catalog = shop.read("catalog.yaml");
    shop.write("catalog.yaml", catalog.replace("  ventas:\n", "  ventas:\n    on_reject: { max_ratio: 1 }\n"));
    shop.cauce(&["run", "--quiet"]).success();
    shop.write("sql/curated/otra.sql", "SELECT max(ventas) AS ventas FROM curated.por_nota\n");
    assert_snapshot!(shop.cauce(&["run"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ curated.otra                                1 rows    [TIME]
    ✓ 4 models unchanged
    ✓ release 3 published: 4 tables with 6 rows, 1 view, in [TIME]
    ");
    assert_eq!(query(&shop, "SELECT ventas FROM otra").stdout, "ventas\n2\n");
    let rejects = shop.cauce(&["rejects", "--format", "csv"]).success();
    assert!(rejects.stdout.contains("data/ventas.csv") && rejects.stdout.contains("caro"), "{rejects}");
}

#[test]
fn chosen_models_are_built_and_the_others_catch_up() {
    let shop = shop();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,1,a\n2,luis,3,b\n");
    assert_snapshot!("plan_of_chosen_models", shop.cauce(&["plan", "por_nota", "processed/"]).success());
    shop.cauce(&["run", "--quiet", "processed/", "por_nota"]).success();
    assert_eq!(query(&shop, "SELECT sum(ventas) AS n FROM por_nota").stdout, "n\n2\n");
    assert_eq!(query(&shop, "SELECT sum(total) AS t FROM por_cliente").stdout, "t\n17.5\n", "as it was");
    assert_snapshot!(shop.plan(), @"
    skip processed.ventas: unchanged
    build curated.por_cliente: processed.ventas is newer than what it was built from
    skip curated.por_nota: unchanged
    build curated.total: processed.ventas is newer than what it was built from
    ");
    shop.cauce(&["run", "--quiet", "--exclude", "curated.total"]).success();
    assert_eq!(query(&shop, "SELECT sum(total) AS t FROM por_cliente").stdout, "t\n4.0\n");
    assert_snapshot!("no_such_selection", shop.cauce(&["run", "por_clente+"]).code(2));
    assert_snapshot!("no_repository", shop.cauce(&["run", "git:main"]).code(2));
}
