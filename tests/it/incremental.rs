//! Incremental models: a run reads the files that changed, and the tables are what a run over all files would make them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use cauce::plan::Wish;
use insta::assert_snapshot;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::library::{Opened, rows};
use crate::support::project::TestProject;

const CATALOG: &str = "\
version: 1
project: banco
lake: data/lake
datasets:
  movimientos:
    description: Una fila por movimiento.
    path: data/movimientos
    format: csv
    on_reject: { max_ratio: 1 }
    columns:
      - { name: cuenta, type: string }
      - { name: mes, type: string }
      - { name: monto, type: int }
      - { name: version, type: int }
  cuentas:
    description: Una fila por cuenta.
    path: data/cuentas.csv
    columns:
      - { name: cuenta, type: string, required: true }
      - { name: titular, type: string }
";

const APPEND: &str = "\
/*---
description: Los movimientos aceptados, con su titular.
materialized: incremental
incremental: { strategy: append, from: raw.movimientos }
accept:
  from: raw.movimientos
  rules: { con_monto: monto IS NOT NULL }
---*/
SELECT m.cuenta, m.mes, m.monto, m.version, c.titular
FROM raw.movimientos AS m
LEFT JOIN raw.cuentas AS c ON c.cuenta = m.cuenta
WHERE m.monto <> 0
";

const MERGE: &str = "\
/*---
description: La última versión de cada cuenta.
materialized: incremental
incremental:
  strategy: merge
  unique_key: [cuenta]
  latest: version DESC NULLS LAST
  deleted: monto < 0
---*/
SELECT cuenta, mes, monto, version
FROM raw.movimientos
";

const PARTITION: &str = "\
/*---
description: Lo movido por mes y cuenta; las cuentas con un solo movimiento no cuentan.
materialized: incremental
incremental: { strategy: partition }
partition_by: [mes]
---*/
SELECT mes, cuenta, sum(monto) AS total, count(*) AS movimientos
FROM raw.movimientos
GROUP BY mes, cuenta
HAVING count(*) > 1
";

const CHAINED: &str = "\
/*---
description: Lo movido por mes, de los movimientos aceptados.
materialized: incremental
incremental: { strategy: partition }
partition_by: [mes]
---*/
SELECT mes, sum(monto) AS total, max(titular) AS titular
FROM processed.aceptados
GROUP BY mes
";

fn bank() -> TestProject {
    let bank = TestProject::empty();
    bank.write("catalog.yaml", CATALOG)
        .write("data/cuentas.csv", "cuenta,titular\nA,Ana\nB,Benito\n")
        .write("sql/processed/aceptados.sql", APPEND)
        .write("sql/processed/actuales.sql", MERGE)
        .write("sql/curated/por_mes_y_cuenta.sql", PARTITION)
        .write("sql/curated/por_mes.sql", CHAINED);
    bank
}

const HEADER: &str = "cuenta,mes,monto,version\n";

fn with_two_files() -> TestProject {
    let bank = bank();
    bank.write("data/movimientos/2024-01.csv", format!("{HEADER}A,2024-01,10,1\nA,2024-01,5,2\nB,2024-01,,1\n"));
    bank.write("data/movimientos/2024-02.csv", format!("{HEADER}A,2024-02,7,3\nB,2024-02,x,1\nB,2024-02,0,2\n"));
    bank.cauce(&["run", "--quiet"]).success();
    bank
}

fn query(bank: &TestProject, sql: &str) -> String {
    bank.cauce(&["query", "--format", "csv", sql]).success().stdout
}

#[test]
fn a_new_file_is_the_only_one_that_is_read() {
    let bank = with_two_files();
    bank.write("data/movimientos/2024-03.csv", format!("{HEADER}B,2024-03,1,9\nB,2024-03,2,10\n"));
    assert_snapshot!(bank.plan(), @"
    build processed.aceptados by files: raw.movimientos: 1 new file
    build processed.actuales by files: raw.movimientos: 1 new file
    build curated.por_mes_y_cuenta by files: raw.movimientos: 1 new file
    build curated.por_mes by files: processed.aceptados is built anew
    ");
    assert_snapshot!(bank.cauce(&["plan"]).success(), @"
    exit code: 0
    ----- stdout -----
    model,action,as,why,input_rows,input_bytes,last_took
    processed.aceptados,build part,incremental,raw.movimientos: 1 new file,,84,[TIME]
    processed.actuales,build part,incremental,raw.movimientos: 1 new file,,54,[TIME]
    curated.por_mes_y_cuenta,build part,incremental,raw.movimientos: 1 new file,,54,[TIME]
    curated.por_mes,build part,incremental,processed.aceptados is built anew,,3276,[TIME]
    ----- stderr -----
    release 2 would build 4 of 4 models, from 4 files with 218 bytes; built one after another they took [TIME] last
    ");
    // What is not read cannot be missed.
    let old = bank.path("data/movimientos/2024-01.csv");
    let modified = fs::metadata(&old).unwrap().modified().unwrap();
    let damaged: String = fs::read_to_string(&old).unwrap().replace("2024", "????");
    fs::write(&old, damaged).unwrap();
    File::options().write(true).open(&old).unwrap().set_modified(modified).unwrap();
    assert_snapshot!(bank.cauce(&["run", "--threads", "1"]), @"
    exit code: 0
    ----- stderr -----
    ✓ processed.aceptados                         5 rows    [TIME]  1 of 3 files read
    ✓ processed.actuales                          2 rows    [TIME]  1 of 3 files read
    ✓ curated.por_mes_y_cuenta                    2 rows    [TIME]  1 of 3 files read
    ✓ curated.por_mes                             3 rows    [TIME]  1 of 3 files read
    warning: raw.movimientos: 7 of 8 records are rows; 1 rejected; see `cauce rejects movimientos`
    ✓ processed.aceptados: 5 rows; 1 rejected
    ✓ processed.actuales: 2 of 7 rows; 5 deduplicated
    ✓ accounts: 10 records of 2 datasets = 9 rows + 1 reject
    ✓ release 2 published: 4 tables with 12 rows, 0 views, in [TIME]
    ");
    assert_snapshot!(query(&bank, "SELECT * FROM actuales ORDER BY cuenta"), @"
    cuenta,mes,monto,version
    A,2024-02,7,3
    B,2024-03,2,10
    ");
    assert_snapshot!(query(&bank, "SELECT * FROM por_mes ORDER BY mes"), @"
    mes,total,titular
    2024-01,15,Ana
    2024-02,7,Ana
    2024-03,3,Benito
    ");
    assert_snapshot!(query(&bank, "SELECT * FROM por_mes_y_cuenta ORDER BY mes, cuenta"), @"
    mes,cuenta,total,movimientos
    2024-01,A,15,2
    2024-03,B,3,2
    ");
}

#[test]
fn rejects_and_accounts_are_those_of_the_files_of_the_release() {
    let bank = with_two_files();
    bank.write("data/movimientos/2024-03.csv", format!("{HEADER}B,2024-03,y,9\nB,2024-03,2,10\n"));
    bank.cauce(&["run", "--quiet"]).success();
    let rejects = || bank.cauce(&["rejects", "--format", "csv"]).success().stdout;
    let short = |text: &str| -> String {
        text.lines().map(|line| line.split(',').take(5).collect::<Vec<_>>().join(",") + "\n").collect()
    };
    assert_snapshot!(short(&rejects()), @"
    origin,rule,column,rows,example
    raw.movimientos,type,monto,2,data/movimientos/2024-02.csv:3
    processed.aceptados,con_monto,monto,1,data/movimientos/2024-01.csv:4
    ");
    let accounts = "SELECT table_name, rows_in, rows_out, rejected, deduplicated, filtered FROM system.runs \
                    WHERE release = (SELECT max(release) FROM system.runs) ORDER BY 1";
    assert_snapshot!(query(&bank, accounts), @"
    table_name,rows_in,rows_out,rejected,deduplicated,filtered
    curated.por_mes,4,3,0,0,
    curated.por_mes_y_cuenta,6,1,0,0,
    processed.aceptados,8,4,1,0,
    processed.actuales,6,2,0,4,0
    raw.cuentas,2,2,0,,
    raw.movimientos,8,6,2,,
    ");
    // A file that is gone takes its rejects along.
    fs::remove_file(bank.path("data/movimientos/2024-02.csv")).unwrap();
    bank.cauce(&["run", "--quiet"]).success();
    assert_snapshot!(short(&rejects()), @"
    origin,rule,column,rows,example
    processed.aceptados,con_monto,monto,1,data/movimientos/2024-01.csv:4
    raw.movimientos,type,monto,1,data/movimientos/2024-03.csv:2
    ");
    bank.cauce(&["rollback", "1"]).success();
    assert_snapshot!(short(&rejects()), @"
    origin,rule,column,rows,example
    processed.aceptados,con_monto,monto,1,data/movimientos/2024-01.csv:4
    raw.movimientos,type,monto,1,data/movimientos/2024-02.csv:3
    ");
}

#[test]
fn what_else_changes_builds_the_whole_table() {
    let bank = with_two_files();
    bank.write("data/cuentas.csv", "cuenta,titular\nA,Ana\nB,Berta\n");
    assert_snapshot!(bank.plan(), @"
    build processed.aceptados: raw.cuentas: 1 replaced file
    skip processed.actuales: unchanged
    skip curated.por_mes_y_cuenta: unchanged
    build curated.por_mes by files: processed.aceptados is built anew
    ");
    bank.write("sql/processed/actuales.sql", MERGE.replace("monto < 0", "monto <= 0"));
    bank.write("catalog.yaml", CATALOG.replace("name: titular,", "name: titular, required: true,"));
    assert_snapshot!(bank.plan(), @"
    build processed.aceptados: raw.cuentas: 1 replaced file
    build processed.actuales: its header says otherwise how it is kept or what it accepts
    skip curated.por_mes_y_cuenta: unchanged
    build curated.por_mes by files: processed.aceptados is built anew
    ");
    assert!(with_two_files().plan().lines().all(|line| line.ends_with("unchanged")));
}

#[test]
fn after_a_rollback_the_files_that_came_since_are_read_again() {
    let bank = with_two_files();
    bank.write("data/movimientos/2024-01.csv", format!("{HEADER}A,2024-01,1,1\nA,2024-01,1,1\n"));
    bank.cauce(&["run", "--quiet"]).success();
    bank.cauce(&["rollback", "1"]).success();
    let expected = query(&bank, "SELECT * FROM por_mes ORDER BY mes");
    assert_snapshot!(expected, @"
    mes,total,titular
    2024-01,15,Ana
    2024-02,7,Ana
    ");
    bank.write("data/movimientos/2024-03.csv", format!("{HEADER}B,2024-03,2,10\n"));
    bank.cauce(&["run", "--quiet"]).success();
    let by_files = query(&bank, "SELECT * FROM por_mes ORDER BY mes");
    bank.cauce(&["run", "--quiet", "--full-refresh"]).success();
    assert_eq!(by_files, query(&bank, "SELECT * FROM por_mes ORDER BY mes"));
}

#[test]
fn partitions_are_computed_anew_on_demand() {
    let bank = with_two_files();
    let backfill = |arguments: &[&str]| bank.cauce(&[&["backfill"], arguments].concat());
    assert_snapshot!(backfill(&["por_mes", "--from", "2024-02", "--dry-run"]), @"
    exit code: 0
    ----- stdout -----
    model,action,as,why,input_rows,input_bytes,last_took
    processed.aceptados,skip,incremental,unchanged,,,
    processed.actuales,skip,incremental,unchanged,,,
    curated.por_mes_y_cuenta,skip,incremental,unchanged,,,
    curated.por_mes,build part,incremental,1 partition is computed anew,,3276,[TIME]
    ----- stderr -----
    release 2 would build 1 of 4 models, from 3 files with 164 bytes; built one after another they took [TIME] last
    ");
    assert_snapshot!(backfill(&["por_mes", "--from", "2024-02"]), @"
    exit code: 0
    ----- stderr -----
    ✓ curated.por_mes                             2 rows    [TIME]  1 of 2 files read
    ✓ 3 models unchanged
    ✓ release 2 published: 4 tables with 8 rows, 0 views, in [TIME]
    ");
    assert_snapshot!(backfill(&["por_mes", "--from", "2025-01", "--to", "2025-03"]), @"
    exit code: 2
    ----- stderr -----
    error: curated.por_mes has no partition there
      hint: it has 2 partitions, from 2024-01 to 2024-02
    ");
    assert_snapshot!(backfill(&["aceptados", "--from", "2024-02"]), @"
    exit code: 2
    ----- stderr -----
    error: processed.aceptados is not computed partition by partition
      hint: `cauce run processed.aceptados --full-refresh` builds it anew as a whole
    ");
    assert_snapshot!(backfill(&["por_mess", "--to", "2024-02"]), @"
    exit code: 2
    ----- stderr -----
    error: there is no model `por_mess`
      hint: did you mean `por_mes`?
    ");
}

#[test]
fn what_cannot_follow_files_says_why() {
    let bank = bank();
    bank.write("data/movimientos/2024-01.csv", HEADER);
    bank.write("sql/processed/aceptados.sql", APPEND.replace("WHERE m.monto <> 0", "LIMIT 10"));
    assert_snapshot!(bank.cauce(&["plan"]), @"
    exit code: 2
    ----- stderr -----
    error: sql/processed/aceptados.sql: the model cannot follow files by `append`: LIMIT chooses among the rows of all files
      hint: take it out, or write `materialized: table`
    ");
    bank.write("sql/processed/aceptados.sql", APPEND);
    bank.write(
        "sql/curated/por_mes.sql",
        CHAINED.replace("SELECT mes", "SELECT max(mes) AS mes").replace("BY mes\n", "BY monto\n"),
    );
    assert_snapshot!(bank.cauce(&["plan"]), @"
    exit code: 2
    ----- stderr -----
    error: sql/curated/por_mes.sql: the model cannot follow files by `partition`: GROUP BY does not name the columns of `partition_by`, so a group may have rows of several partitions
      hint: name them there, or write `materialized: table`
    ");
    bank.write("sql/curated/por_mes.sql", CHAINED);
    bank.write("sql/processed/actuales.sql", MERGE.replace("latest: version", "latest: fecha"));
    assert_snapshot!(bank.cauce(&["plan"]), @"
    exit code: 2
    ----- stderr -----
    error: sql/processed/actuales.sql: `latest` of `incremental`: unknown column `fecha`
      hint: the columns here are cuenta, mes, monto, version
    ");
    bank.write("sql/processed/actuales.sql", MERGE.replace("[cuenta]", "[cuentas]"));
    assert_snapshot!(bank.cauce(&["plan"]), @"
    exit code: 2
    ----- stderr -----
    error: sql/processed/actuales.sql: `unique_key` of `incremental`: the model has no column `cuentas`
      hint: did you mean `cuenta`?
    ");
}

#[test]
fn cleaning_leaves_what_releases_are_put_together_from() {
    let bank = with_two_files();
    for month in ["03", "04", "05"] {
        bank.write(&format!("data/movimientos/2024-{month}.csv"), format!("{HEADER}B,2024-{month},2,10\n"));
        fs::remove_file(bank.path("data/movimientos/2024-02.csv")).ok();
        bank.cauce(&["run", "--quiet"]).success();
    }
    bank.write("catalog.yaml", CATALOG.to_owned() + "releases: { keep: 1 }\n");
    let cleaned = bank.cauce(&["clean", "--older-than", "0", "--yes"]).success();
    assert!(cleaned.stdout.contains("processed.actuales"), "{cleaned}");
    bank.write("data/movimientos/2024-06.csv", format!("{HEADER}A,2024-06,2,10\n"));
    bank.cauce(&["run", "--quiet"]).success();
    let tables = ["aceptados", "actuales", "por_mes", "por_mes_y_cuenta"];
    let all = || tables.map(|table| query(&bank, &format!("SELECT * FROM {table} ORDER BY 1, 2, 3")));
    let by_files = all();
    bank.cauce(&["run", "--quiet", "--full-refresh"]).success();
    assert_eq!(by_files, all());
}

/// What happens to the folder before a run.
#[derive(Debug, Clone)]
enum Happens {
    /// The file of this number is there with these rows, whatever it was before.
    Arrives(u8, Vec<(u8, u8, i8, u8)>),
    /// The file of this number is gone.
    Goes(u8),
    /// The accounts are others, which concerns a table in whole.
    Accounts(bool),
    /// A run begins and is stopped at the event of this number.
    Stops(u8),
}

fn happens() -> impl Strategy<Value = Happens> {
    // Few accounts, months and versions, so that files meet in them.
    let row = (0..4u8, 0..3u8, -2..4i8, 0..4u8);
    prop_oneof![
        6 => (0..4u8, vec(row, 0..6)).prop_map(|(file, rows)| Happens::Arrives(file, rows)),
        2 => (0..4u8).prop_map(Happens::Goes),
        1 => any::<bool>().prop_map(Happens::Accounts),
        3 => (0..12u8).prop_map(Happens::Stops),
    ]
}

/// The text of a file: a month of 2 is NULL, an amount of 3 is no number, an account of 3 is none.
fn text(rows: &[(u8, u8, i8, u8)]) -> String {
    let line = |(account, month, amount, version): &(u8, u8, i8, u8)| {
        let account = ["A", "B", "C d/é", ""][usize::from(*account)];
        let month = ["2024-01", "2024-02 bis", ""][usize::from(*month)];
        let amount = if *amount == 3 { "x".to_owned() } else { amount.to_string() };
        format!("{account},{month},{amount},{version}\n")
    };
    HEADER.to_owned() + &rows.iter().map(line).collect::<String>()
}

/// Files of equal size written within a millisecond would look the same.
fn write_at(project: &TestProject, file: &str, text: &str, second: u64) {
    project.write(file, text);
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second);
    File::options().write(true).open(project.path(file)).unwrap().set_modified(at).unwrap();
}

/// Brings the folder to these files; those that are as they were keep their times.
fn lay_out(bank: &TestProject, files: &BTreeMap<u8, String>, accounts: usize, second: u64) {
    for file in 0..4u8 {
        let name = format!("data/movimientos/{file}.csv");
        match files.get(&file) {
            Some(text) if bank.path(&name).exists() && bank.read(&name) == *text => {}
            Some(text) => write_at(bank, &name, text, second + 1),
            None => drop(fs::remove_file(bank.path(&name))),
        }
    }
    if bank.read("data/cuentas.csv") != ACCOUNTS[accounts] {
        write_at(bank, "data/cuentas.csv", ACCOUNTS[accounts], second + 1);
    }
}

const ACCOUNTS: [&str; 2] = ["cuenta,titular\nA,Ana\nB,Benito\n", "cuenta,titular\nA,Alma\nC d/é,Carla\n"];

#[test]
fn following_files_comes_to_what_reading_all_of_them_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let cases = std::env::var("CAUCE_CASES").map_or(8, |cases| cases.parse().unwrap());
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let law = |days: Vec<Vec<Happens>>| {
        let bank = bank();
        write_at(&bank, "data/movimientos/0.csv", HEADER, 0);
        let mut files = BTreeMap::from([(0, HEADER.to_owned())]);
        let mut accounts = 0;
        for (day, changes) in days.iter().enumerate() {
            for (number, change) in changes.iter().enumerate() {
                match change {
                    Happens::Arrives(file, rows) => drop(files.insert(*file, text(rows))),
                    // Without any file nothing is built.
                    Happens::Goes(file) if files.len() > 1 => drop(files.remove(file)),
                    Happens::Goes(_) => {}
                    Happens::Accounts(other) => accounts = usize::from(*other),
                    Happens::Stops(event) => {
                        let id = format!("día {day}, intento {number}");
                        lay_out(&bank, &files, accounts, (10 * day + number) as u64);
                        let (stopped, wish) = (Opened::new(&bank), Wish::default());
                        runtime.block_on(stopped.run_until(&id, &wish, usize::from(*event))).unwrap();
                    }
                }
            }
            lay_out(&bank, &files, accounts, (10 * day + changes.len()) as u64);
            runtime.block_on(async {
                let followed = Opened::new(&bank);
                let release = followed.run_as(&format!("día {day}"), &Wish::default()).await.unwrap();
                // The same files in a project that never saw others.
                let fresh = self::bank();
                for (file, text) in &files {
                    fresh.write(&format!("data/movimientos/{file}.csv"), text);
                }
                fresh.write("data/cuentas.csv", ACCOUNTS[accounts]);
                let whole = Opened::new(&fresh);
                let expected = whole.run().await.unwrap();
                prop_assert_eq!(followed.contents().await, whole.contents().await);
                for (name, dataset) in &release.datasets {
                    prop_assert_eq!(dataset.account, expected.datasets[name].account, "{}", name);
                }
                for (name, model) in &release.models {
                    let account = |model: &cauce::release::ReleasedModel| model.account.clone();
                    prop_assert_eq!(account(model), account(&expected.models[name]), "{}", name);
                }
                Ok(())
            })?;
        }
        Ok(())
    };
    runner.run(&vec(vec(happens(), 1..4), 1..5), law).unwrap();
}

#[tokio::test]
async fn many_small_data_files_become_few_and_each_file_can_still_go() {
    let partitioned = "materialized: incremental\npartition_by: [mes]";
    for (header, few) in [("materialized: incremental", 2), (partitioned, 4)] {
        let bank = bank();
        bank.write("sql/processed/aceptados.sql", APPEND.replace("materialized: incremental", header));
        let opened = Opened::new(&bank);
        let file = |day: usize| format!("data/movimientos/{day}.csv");
        let mut most = 0;
        for day in 1..=6 {
            bank.write(&file(day), format!("{HEADER}A,2024-0{},{day},{day}\nB,2024-02,1,{day}\n", day % 2 + 1));
            let release = opened.run_as(&format!("día {day}"), &Wish::default()).await.unwrap();
            for name in ["processed.aceptados", "processed.actuales"] {
                let followed = release.models[&name.parse().unwrap()].followed.as_ref().unwrap();
                let parts: BTreeSet<&str> = followed.parts().map(|part| part.path.as_str()).collect();
                assert_eq!(followed.files.len(), day);
                most = most.max(parts.len());
            }
        }
        // What was gathered and what the newest file gave, of each month.
        assert_eq!(most, few);
        fs::remove_file(bank.path(&file(2))).unwrap();
        bank.write(&file(4), format!("{HEADER}A,2024-01,4,9\n"));
        opened.run_as("menos", &Wish::default()).await.unwrap();
        let followed = opened.contents().await;
        bank.cauce(&["clean", "--yes", "--older-than", "0"]).success();
        assert_eq!(opened.contents().await, followed);
        opened.run().await.unwrap();
        assert_eq!(opened.contents().await, followed);
    }
}

#[tokio::test]
async fn the_table_of_a_merge_has_other_files_than_what_it_is_put_together_from() {
    let bank = with_two_files();
    let opened = Opened::new(&bank);
    let engine = opened.engine().await;
    assert_eq!(rows(&engine, "SELECT count(*) FROM actuales").await.unwrap(), [["2"]]);
    let parts = glob::glob(bank.path("data/lake/processed/actuales/_parts/*.parquet").to_str().unwrap()).unwrap();
    assert_eq!(parts.count(), 2);
}
