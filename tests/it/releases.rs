//! Releases beside one another: listing, showing, comparing, reading an earlier one, going back.

use std::fs;

use insta::assert_snapshot;

use crate::support::project::TestProject;

const TOTAL: &str = "\
/*---
materialized: view
grain: [nota]
---*/
SELECT nota, count(*) AS ventas, sum(monto) AS total, array_agg(id) AS ids
FROM processed.ventas
GROUP BY nota
";

/// A shop with three releases: the second has another file, the third a view more and one defined anew.
fn three_releases() -> TestProject {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10.5,a\n2,luis,,b\n3,eva,7,b\n");
    shop.write("sql/curated/por_nota.sql", TOTAL);
    shop.cauce(&["run", "--quiet"]).success();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10.5,a\n3,eva,7.5,b\n4,eva,1,c\n");
    shop.cauce(&["run", "--quiet"]).success();
    shop.write(
        "sql/curated/total.sql",
        "/*---\nmaterialized: view\n---*/\nSELECT count(*) AS ventas\nFROM processed.ventas\n",
    );
    shop.write("sql/curated/otra.sql", "SELECT 1 AS uno\n");
    shop.cauce(&["run", "--quiet"]).success();
    shop
}

#[test]
fn releases_are_listed_and_shown() {
    let shop = three_releases();
    assert_snapshot!("list", shop.cauce(&["releases"]).success());
    assert_snapshot!("list_the_newest", shop.cauce(&["releases", "--limit", "1"]).success());
    assert_snapshot!("show", shop.cauce(&["releases", "show", "2"]).success());
    assert_snapshot!("show_sql", shop.cauce(&["releases", "show", "1", "--sql", "total"]).success());
    assert_snapshot!("show_sql_of_no_model", shop.cauce(&["releases", "show", "--sql", "tutal"]).code(1));
    assert_snapshot!("show_no_release", shop.cauce(&["releases", "show", "9"]).code(1));
    let json = shop.cauce(&["releases", "show", "3", "--json"]).success().stdout;
    let manifest: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(manifest["models"]["curated.total"]["definition"], 2);
    assert_eq!(manifest["definitions"]["curated.total"], 2);
    assert_eq!(manifest["models"]["processed.ventas"]["definition"], 1);
}

#[test]
fn before_the_first_release_there_is_nothing_to_read() {
    let shop = TestProject::shop();
    assert_snapshot!("list_of_none", shop.cauce(&["releases"]).success());
    assert_snapshot!("as_of_before_the_first", shop.cauce(&["query", "--as-of", "2020-01-01", "SELECT 1"]).code(1));
    assert_snapshot!("rollback_of_none", shop.cauce(&["rollback", "2020-01-01"]).code(1));
    assert_snapshot!("as_of_nonsense", shop.cauce(&["query", "--as-of", "ayer", "SELECT 1"]).code(2));
}

#[test]
fn an_earlier_release_is_read_as_it_was() {
    let shop = three_releases();
    let query = |arguments: &[&str]| shop.cauce(&[&["query", "--format", "csv"], arguments].concat()).success().stdout;
    assert_eq!(query(&["SELECT * FROM total"]), "ventas\n3\n");
    assert_eq!(query(&["--as-of", "1", "SELECT * FROM total"]), "ventas,total\n3,17.5\n");
    assert_eq!(query(&["--as-of", "2099-12-31", "SELECT * FROM total"]), "ventas\n3\n");
    // A view of then over the tables of then, beside those of now.
    assert_eq!(
        query(&["SELECT a.total, b.total AS despues, (SELECT ventas FROM total) AS ahora
                 FROM table_at('curated.total', 1) AS a CROSS JOIN table_at('total', 2) AS b"]),
        "total,despues,ahora\n17.5,19.0,3\n"
    );
    assert_eq!(query(&["SELECT max(ventas.id) FROM table_at('processed.ventas', 1)"]), "max(ventas.id)\n3\n");
    let wrong = |sql: &str| shop.cauce(&["query", sql]).code(1);
    assert_snapshot!("table_at_without_the_table", wrong("SELECT * FROM table_at('curated.otra', 2)"));
    assert_snapshot!("table_at_without_the_release", wrong("SELECT *\nFROM table_at('curated.total', 77)"));
    assert_snapshot!("table_at_nonsense", wrong("SELECT *\nFROM table_at('curated.total', 'ayer')"));
    assert_snapshot!("table_at_a_column", wrong("SELECT *\nFROM table_at(total, 1)"));
    shop.write("sql/curated/vieja.sql", "SELECT *\nFROM table_at('curated.total', 1)\n");
    assert_snapshot!("table_at_in_a_model", shop.cauce(&["run", "--quiet"]).code(2));
}

#[test]
fn what_differs_is_told_down_to_values() {
    let shop = three_releases();
    assert_snapshot!("diff_of_data", shop.cauce(&["diff", "1", "2"]).success());
    assert_snapshot!("diff_of_definitions", shop.cauce(&["diff", "--sql"]).success());
    assert_snapshot!(
        "diff_of_a_table",
        shop.cauce(&["diff", "1", "3", "--model", "processed.ventas", "--values", "1"]).success()
    );
    assert_snapshot!("diff_of_no_model", shop.cauce(&["diff", "1", "3", "--model", "processed.nada"]).code(1));
    assert_snapshot!("diff_of_the_first", shop.cauce(&["diff", "--", "newest", "1"]).success());
    let json = shop.cauce(&["diff", "1", "2", "--json"]).success().stdout;
    let difference: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(difference["rows"]["processed.ventas"], serde_json::json!({"added": 1, "removed": 1, "changed": 1}));
}

#[test]
fn rolled_back_readers_see_the_earlier_release_under_a_new_number() {
    let shop = three_releases();
    let total = |arguments: &[&str]| {
        shop.cauce(&[&["query", "--format", "csv"], arguments, &["SELECT * FROM total"]].concat()).success().stdout
    };
    assert_snapshot!("rollback", shop.cauce(&["rollback", "1"]).success());
    assert_eq!(total(&[]), "ventas,total\n3,17.5\n");
    assert_eq!(total(&["--as-of", "3"]), "ventas\n3\n");
    assert_snapshot!("rollback_listed", shop.cauce(&["releases", "--limit", "2"]).success());
    assert_snapshot!("rollback_to_itself", shop.cauce(&["rollback", "4"]).code(5));
    assert_snapshot!("diff_of_a_rollback", shop.cauce(&["diff", "1", "4"]).success());
    // The next run builds on it, and does not give a definition number twice.
    shop.cauce(&["run", "--quiet"]).success();
    assert_eq!(total(&[]), "ventas\n3\n");
    let json = shop.cauce(&["releases", "show", "--json"]).success().stdout;
    let manifest: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&manifest["release"], &manifest["models"]["curated.total"]["definition"]), (&5.into(), &3.into()));
}

#[test]
fn a_release_whose_tables_are_lost_is_not_restored() {
    let shop = three_releases();
    fs::remove_dir_all(shop.path("data/lake/processed/ventas/_delta_log")).unwrap();
    let outcome = shop.cauce(&["rollback", "1"]);
    assert!(
        outcome
            .stderr
            .contains("release 1 cannot be restored: version 0 of the Delta table data/lake/processed/ventas"),
        "{outcome}"
    );
    assert!(!shop.path("data/lake/releases/00000000000000000004.json").exists());
}
