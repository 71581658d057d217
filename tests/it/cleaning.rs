//! `cauce clean`: what no release reads goes, what one reads stays, and readers notice nothing.

use std::collections::BTreeMap;
use std::fs;
use std::time::SystemTime;

use cauce::plan::Wish;
use cauce::release::Unpublished;
use insta::assert_snapshot;

use crate::support::library::{Opened, rows};
use crate::support::project::{SHOP_CATALOG, TestProject};

/// The shop after `runs` releases, each with one sale more; the last one stays.
fn shop(runs: usize) -> TestProject {
    let shop = TestProject::shop();
    shop.write("catalog.yaml", SHOP_CATALOG.replace("lake: data/lake\n", "lake: data/lake\nreleases: { keep: 1 }\n"));
    for run in 1..=runs {
        shop.write("data/ventas.csv", sales(run));
        shop.cauce(&["run", "--quiet"]).success();
    }
    shop
}

fn sales(count: usize) -> String {
    let lines: Vec<String> = (1..=count).map(|id| format!("{id},ana,1,x\n")).collect();
    format!("id,cliente,monto,nota\n{}", lines.concat())
}

/// The data files of a table.
fn files(shop: &TestProject, table: &str) -> usize {
    let folder = fs::read_dir(shop.path(&format!("data/lake/{table}"))).unwrap();
    folder.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "parquet")).count()
}

#[test]
fn what_retention_lets_go_is_told_and_then_removed() {
    let shop = shop(3);
    assert_eq!(files(&shop, "processed/ventas"), 3);
    let runs = files(&shop, "system/runs");
    // All of it is younger than an hour.
    assert_snapshot!(shop.cauce(&["clean", "--yes"]).success());
    let told = shop.cauce(&["clean", "--older-than", "0"]).success();
    assert!(told.stdout.starts_with("table,files,bytes\nprocessed.ventas,2,"), "{told}");
    assert!(told.stderr.contains("would remove 2 releases (1 to 2), 2 files with"), "{told}");
    assert_eq!(files(&shop, "processed/ventas"), 3);
    let told = shop.cauce(&["clean", "--yes", "--older-than", "0"]).success();
    assert!(told.stderr.contains("removed 2 releases (1 to 2), 2 files with"), "{told}");
    assert_eq!((files(&shop, "processed/ventas"), files(&shop, "system/runs")), (1, runs));
    assert_snapshot!(shop.cauce(&["clean", "--older-than", "0"]).success());
    let total = shop.cauce(&["query", "--format", "csv", "SELECT ventas FROM total"]).success();
    assert_eq!(total.stdout, "ventas\n3\n");
    assert_snapshot!(shop.cauce(&["query", "--as-of", "1", "SELECT 1"]).code(1));
    // The lake works on, and numbers go on.
    shop.write("data/ventas.csv", sales(4));
    shop.cauce(&["run", "--quiet"]).success();
    assert_snapshot!(
        shop.cauce(&["query", "--format", "csv", "SELECT ventas FROM table_at('curated.total', 4)"]).success()
    );
}

#[test]
fn files_of_stopped_runs_go_when_they_are_old_enough() {
    let shop = shop(1);
    shop.write("data/lake/processed/ventas/part-0-perdido.parquet", "PAR1");
    shop.write("data/lake/curated/nunca/part-0-perdido.parquet", "PAR1");
    shop.cauce(&["clean", "--yes"]).success();
    assert_eq!((files(&shop, "processed/ventas"), files(&shop, "curated/nunca")), (2, 1));
    assert_snapshot!(shop.cauce(&["clean", "--yes", "--older-than", "0", "--format", "csv"]).success());
    assert_eq!((files(&shop, "processed/ventas"), files(&shop, "curated/nunca")), (1, 0));
    shop.cauce(&["query", "SELECT * FROM ventas"]).success();
}

#[test]
fn partitions_are_found_whatever_letters_their_values_have() {
    let shop = shop(0);
    let sql = shop.read("sql/processed/ventas.sql").replace("grain: [id]", "grain: [id]\npartition_by: [nota]");
    shop.write("sql/processed/ventas.sql", sql);
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,a,1,a b\n2,a,1,50%/ñ\n3,a,1,x=y:%20\n4,a,1,\n");
    shop.cauce(&["run", "--quiet"]).success();
    shop.cauce(&["clean", "--yes", "--older-than", "0"]).success();
    let told = shop.cauce(&["query", "--format", "csv", "SELECT id, nota FROM ventas ORDER BY id"]).success();
    assert_eq!(told.stdout, "id,nota\n1,a b\n2,50%/ñ\n3,x=y:%20\n4,\n");
}

#[test]
fn a_damaged_lake_is_left_alone() {
    let shop = shop(2);
    for entry in fs::read_dir(shop.path("data/lake/processed/ventas")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let told = shop.cauce(&["clean", "--yes", "--older-than", "0"]).code(3);
    assert!(told.stderr.contains("error: processed.ventas needs the file "), "{told}");
    assert!(told.stderr.contains("nothing is removed while the lake is damaged"), "{told}");
}

#[test]
fn every_definition_outlives_its_releases() {
    let shop = shop(1);
    let total = shop.read("sql/curated/total.sql");
    for (text, run) in [(total.replace("sum(monto)", "max(monto)"), 2), (total.clone() + "-- así\n", 3)] {
        shop.write("sql/curated/total.sql", text).write("data/ventas.csv", sales(run));
        shop.cauce(&["run", "--quiet"]).success();
    }
    let told = || shop.cauce(&["releases", "definitions", "--format", "csv"]).success().stdout;
    let before = told();
    shop.cauce(&["clean", "--yes", "--older-than", "0", "--quiet"]).success();
    assert_snapshot!(shop.cauce(&["releases", "definitions", "--format", "csv"]).success(), @"
    exit code: 0
    ----- stdout -----
    model,definition,first_release,last_release,published_at,file
    processed.ventas,v1,1,3,[INSTANT],sql/processed/ventas.sql
    curated.total,v1,1,1,[INSTANT],sql/curated/total.sql
    curated.total,v2,2,2,[INSTANT],sql/curated/total.sql
    curated.total,v3,3,3,[INSTANT],sql/curated/total.sql
    ");
    assert_eq!(told(), before);
    assert_snapshot!(shop.cauce(&["releases", "definitions", "total", "--sql", "2"]).success(), @"
    exit code: 0
    ----- stdout -----
    /*---
    description: Lo vendido.
    materialized: view
    ---*/
    SELECT count(*) AS ventas, max(monto) AS total
    FROM processed.ventas
    ----- stderr -----
    curated.total v2 in release 2, from sql/curated/total.sql
    ");
    assert_snapshot!(shop.cauce(&["releases", "definitions", "total", "--sql", "7"]).code(1), @"
    exit code: 1
    ----- stderr -----
    error: curated.total has no definition 7
      hint: there are v1, v2, v3
    ");
    assert_snapshot!(shop.cauce(&["releases", "definitions", "totla"]).code(1), @"
    exit code: 1
    ----- stderr -----
    error: no release ever had a model `totla`
      hint: did you mean `total`?
    ");
    let sql = "SELECT definition FROM system.definitions WHERE table_name = 'curated.total' AND sql LIKE '%max(%'";
    assert_eq!(shop.cauce(&["query", "--format", "csv", sql]).success().stdout, "definition\n2\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_an_old_release_notices_neither_runs_nor_rollbacks_nor_cleaning() {
    let shop = shop(2);
    let reader = Opened::new(&shop).engine().await;
    let sql = "SELECT (SELECT count(*) FROM processed.ventas) AS a, (SELECT ventas FROM curated.total) AS b";
    for round in 0..10 {
        shop.write("data/ventas.csv", sales(10 + round));
        shop.cauce(&["run", "--quiet"]).success();
        if round % 3 == 1 {
            shop.cauce(&["rollback", "2", "--quiet"]).success();
        }
        shop.cauce(&["clean", "--yes", "--quiet"]).success();
        assert_eq!(rows(&reader, sql).await.unwrap(), [["2", "2"]], "round {round}");
        // A reader that opens its first table only now holds the release all the same.
        assert_eq!(rows(&Opened::new(&shop).engine_as_of(2).await, sql).await.unwrap(), [["2", "2"]]);
    }
}

#[tokio::test]
async fn what_somebody_is_about_to_publish_again_stays() {
    let shop = shop(0);
    let opened = Opened::new(&shop);
    for run in 1..=3 {
        shop.write("data/ventas.csv", sales(run));
        opened.run().await.unwrap();
    }
    let data = || glob::glob(shop.path("data/lake/processed/ventas/*.parquet").to_str().unwrap()).unwrap();
    for file in data() {
        fs::File::options().write(true).open(file.unwrap()).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    let shelf = opened.lake.shelf().unwrap();
    let manifest = opened.lake.releases().unwrap().read(1).await.unwrap();
    let name = shelf.put(&Unpublished { manifest, staged: BTreeMap::new() }, 0).await.unwrap();
    let told = shop.cauce(&["clean", "--yes"]).success();
    assert!(told.stderr.contains("removed 2 releases (1 to 2), 1 file with"), "{told}");
    assert_eq!(data().count(), 2);
    shelf.remove(&name).await.unwrap();
    let told = shop.cauce(&["clean", "--yes"]).success();
    assert!(told.stderr.contains("removed no release, 1 file with"), "{told}");
    assert_eq!(data().count(), 1);
}

#[tokio::test]
async fn many_small_files_are_gathered_and_their_rows_stay() {
    let shop = shop(0);
    let opened = Opened::new(&shop);
    for run in 0..17 {
        opened.run_as(&format!("día {run}"), &Wish { full_refresh: true, ..Wish::default() }).await.unwrap();
    }
    let history = "SELECT run, release, table_name, rows_out FROM system.runs ORDER BY 2, 3";
    let before = rows(&opened.engine().await, history).await.unwrap();
    assert_eq!((before.len(), files(&shop, "system/runs")), (34, 17));
    let told = shop.cauce(&["clean"]).success();
    assert!(told.stderr.contains("would gather 17 files of system.runs into few"), "{told}");
    let told = shop.cauce(&["clean", "--yes"]).success();
    assert!(told.stderr.contains("system.runs: 17 files gathered into few"), "{told}");
    // What is added later stands beside them.
    opened.run_as("otro", &Wish { full_refresh: true, ..Wish::default() }).await.unwrap();
    let after = rows(&opened.engine().await, history).await.unwrap();
    assert_eq!((&after[..34], after.len()), (&before[..], 36));
    let told = shop.cauce(&["clean", "--yes", "--older-than", "0"]).success();
    assert!(told.stdout.contains("system.runs,17,"), "{told}");
    assert!(files(&shop, "system/runs") < 5);
    assert_eq!(rows(&opened.engine().await, history).await.unwrap(), after);
}
