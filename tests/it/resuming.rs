//! What a run has built and not published is taken up by the next run, as far as nothing of it changed.

use std::fs;

use cauce::plan::Wish;
use insta::assert_snapshot;

use crate::support::library::{Opened, rows};
use crate::support::project::TestProject;

const NOTES: &str = "\
/*---
description: Ventas por nota.
grain: [nota]
checks:
  - row_count: { min: 3 }
---*/
SELECT nota, count(*) AS ventas
FROM processed.ventas
GROUP BY 1
";

const DEAR: &str = "\
/*---
description: Ventas por cliente, sin las que no dicen cuánto.
accept:
  from: processed.ventas
  rules:
    con_monto: monto IS NOT NULL
---*/
SELECT id, monto
FROM processed.ventas
";

/// A shop whose first run is blocked: `por_nota` has two rows and must have three. One record is no sale, and one sale says
/// no amount.
fn blocked() -> TestProject {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10,a\n2,luis,,b\n3,eva,7,b\nx,eva,7,b\n");
    shop.write("sql/curated/por_nota.sql", NOTES).write("sql/curated/caras.sql", DEAR);
    let catalog = shop.read("catalog.yaml");
    shop.write("catalog.yaml", catalog.replace("  ventas:\n", "  ventas:\n    on_reject: { max_ratio: 1 }\n"));
    shop
}

/// The files of the folder of what runs have built and not published.
fn shelved(shop: &TestProject) -> usize {
    fs::read_dir(shop.path("data/lake/unpublished")).map_or(0, Iterator::count)
}

fn data_files(shop: &TestProject, table: &str) -> usize {
    glob::glob(shop.path(&format!("data/lake/{table}/*.parquet")).to_str().unwrap()).unwrap().count()
}

#[test]
fn a_run_after_a_failed_one_builds_what_was_corrected_and_nothing_else() {
    let shop = blocked();
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).code(1), @"
    exit code: 1
    ----- stderr -----
    ✓ processed.ventas                            3 rows    [TIME]
    ✓ curated.caras                               2 rows    [TIME]
    ✓ curated.por_nota                            2 rows    [TIME]
    warning: raw.ventas: 3 of 4 records are rows; 1 rejected; see `cauce rejects ventas`
    ✓ curated.caras: 2 of 3 rows; 1 rejected
    ✓ accounts: 4 records of 1 dataset = 3 rows + 1 reject
    warning: curated.por_nota: check `row_count` fails: there are 2 rows; there should be at least 3
    error: 1 check fails; nothing was published
      hint: correct the data or the model and run again: what is built and unchanged is taken up; a check with `severity: warn` does not keep a release back
    ");
    shop.write("sql/curated/por_nota.sql", NOTES.replace("SELECT nota", "SELECT nota || '.' || id AS nota"));
    assert_snapshot!(shop.cauce(&["plan"]).success(), @"
    exit code: 0
    ----- stdout -----
    model,action,as,why,input_rows,input_bytes,last_took
    processed.ventas,take up,table,there is no release yet,,,
    curated.caras,take up,table,there is no release yet,,,
    curated.por_nota,build,table,there is no release yet,,,
    curated.total,build,view,there is no release yet,,,
    ----- stderr -----
    release 1 would build 2 of 4 models and take up 2 that a run built and did not publish, from 1 file with 63 bytes
    ");
    assert_snapshot!(shop.cauce(&["run", "--threads", "1"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.ventas                            3 rows  taken up
    ✓ curated.caras                               2 rows  taken up
    ✓ curated.por_nota                            3 rows    [TIME]
    warning: raw.ventas: 3 of 4 records are rows; 1 rejected; see `cauce rejects ventas`
    ✓ curated.caras: 2 of 3 rows; 1 rejected
    ✓ accounts: 4 records of 1 dataset = 3 rows + 1 reject
    ✓ 5 checks hold
    ✓ release 1 published: 3 tables with 8 rows, 1 view, in [TIME]
    ");
    assert_eq!(shelved(&shop), 0);
    assert_eq!((data_files(&shop, "processed/ventas"), data_files(&shop, "curated/por_nota")), (1, 2));

    // The rejects of the release are those of the run that read the files.
    let rejects = shop.cauce(&["rejects", "--format", "csv"]).success();
    assert_eq!(rejects.stdout.lines().count(), 3, "{rejects}");
    let sql = "SELECT release, table_name, rows_in, rows_out, rejected FROM system.runs WHERE release = 1 ORDER BY 2";
    assert_snapshot!(shop.cauce(&["query", "--format", "csv", sql]).success(), @"
    exit code: 0
    ----- stdout -----
    release,table_name,rows_in,rows_out,rejected
    1,curated.caras,3,2,1
    1,curated.por_nota,3,3,0
    1,processed.ventas,3,3,0
    1,raw.ventas,4,3,1
    ");
    assert!(shop.cauce(&["run"]).success().stderr.contains("nothing changed: release 1 is up to date"));
    let all = |table: &str| {
        shop.cauce(&["query", "--format", "csv", &format!("SELECT * FROM {table} ORDER BY 1")]).success().stdout
    };
    let taken_up = ["ventas", "por_nota", "caras"].map(all);
    shop.cauce(&["run", "--full-refresh", "--quiet"]).success();
    assert_eq!(["ventas", "por_nota", "caras"].map(all), taken_up);
}

#[test]
fn what_changed_since_is_built_again() {
    let shop = blocked();
    shop.cauce(&["run", "--quiet"]).code(1);
    let actions = || {
        let plan = shop.cauce(&["plan"]).success().stdout;
        let actions: Vec<String> =
            plan.lines().skip(1).map(|line| line.split(',').take(2).collect::<Vec<_>>().join(" ")).collect();
        actions.join(", ")
    };
    let all = "processed.ventas take up, curated.caras take up, curated.por_nota take up, curated.total build";
    assert_eq!(actions(), all);
    // A check, a comment, a description: the rows are what they were.
    shop.write("sql/curated/por_nota.sql", NOTES.replace("min: 3", "min: 2").replace("SELECT", "-- todas\nSELECT"));
    assert_eq!(actions(), all);
    let sales = shop.read("data/ventas.csv");
    shop.write("data/ventas.csv", sales.clone() + "4,ana,1,c\n");
    assert_eq!(actions(), all.replace("take up", "build"));
    // A file whose data is gone, as after a cleaning.
    let shop = blocked();
    shop.cauce(&["run", "--quiet"]).code(1);
    let told = shop.cauce(&["clean", "--yes"]).success();
    assert!(told.stderr.contains("nothing to remove"), "{told}");
    let told = shop.cauce(&["clean", "--yes", "--older-than", "0"]).success();
    assert!(told.stderr.contains("removed no release, the unpublished work of 1 run, 3 files"), "{told}");
    shop.write("sql/curated/por_nota.sql", NOTES.replace("min: 3", "min: 2"));
    let told = shop.cauce(&["run"]).success();
    assert!(!told.stderr.contains("taken up"), "{told}");
}

#[test]
fn a_model_that_fails_loses_nothing_of_the_others() {
    let shop = blocked();
    shop.write("sql/curated/por_nota.sql", "SELECT CAST(nota AS INT) AS nota FROM processed.ventas\n");
    shop.cauce(&["run", "--quiet", "--threads", "1"]).code(1);
    shop.write("sql/curated/por_nota.sql", NOTES.replace("min: 3", "min: 2"));
    let told = shop.cauce(&["run", "--threads", "1"]).success();
    assert_eq!(told.stderr.matches("rows  taken up").count(), 2, "{told}");
    let query = shop.cauce(&["query", "--format", "csv", "SELECT * FROM por_nota ORDER BY 1"]).success();
    assert_eq!(query.stdout, "nota,ventas\na,1\nb,2\n");
}

#[tokio::test]
async fn wherever_a_run_is_stopped_the_next_one_takes_up_what_is_whole() {
    let mut most = 0;
    for event in 0.. {
        let shop = blocked();
        shop.write("sql/curated/por_nota.sql", NOTES.replace("min: 3", "min: 2"));
        let opened = Opened::new(&shop);
        let wish = Wish::default();
        let (ended, _) = opened.run_until("uno", &wish, event).await.unwrap();
        if ended.is_some() {
            assert!(event > 5, "the run has no more than {event} events");
            break;
        }
        let (_, taken_up) = opened.run_until("dos", &wish, usize::MAX).await.unwrap();
        most = most.max(taken_up.len());
        let engine = opened.engine().await;
        let sql = "SELECT (SELECT count(*) FROM ventas) AS a, (SELECT sum(ventas) FROM por_nota) AS b, (SELECT count(*) FROM caras) AS c";
        assert_eq!(rows(&engine, sql).await.unwrap(), [["3", "3", "2"]], "stopped at event {event}");
        let release = opened.lake.releases().unwrap().newest().await.unwrap().unwrap();
        let account = release.datasets["ventas"].account.unwrap();
        assert_eq!((account.records, account.rows, account.rejected), (4, 3, 1), "stopped at event {event}");
        let rejects: usize = {
            let told = shop.cauce(&["rejects", "--format", "csv"]).success();
            told.stdout.lines().count() - 1
        };
        assert_eq!(rejects, 2, "stopped at event {event}");
        assert_eq!(shelved(&shop), 0, "stopped at event {event}");
    }
    assert_eq!(most, 3, "nothing was ever taken up");
}
