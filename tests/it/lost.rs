//! A lake that has lost something: what is left is read, and what is gone is told with its place and what to do.

use std::fs;
use std::path::PathBuf;

use insta::assert_snapshot;

use crate::support::project::TestProject;

/// A shop with two releases of one table, each of a version of its own.
fn shop() -> TestProject {
    let shop = TestProject::shop();
    shop.cauce(&["run", "--quiet"]).success();
    shop.cauce(&["run", "--quiet", "--full-refresh"]).success();
    shop
}

/// The data file of the newest version.
fn data_file(shop: &TestProject, table: &str) -> PathBuf {
    let folder = shop.path("data/lake").join(table);
    let logs = fs::read_dir(folder.join("_delta_log")).unwrap().map(|file| file.unwrap().path());
    let newest = logs.filter(|path| path.extension().is_some_and(|ending| ending == "json")).max().unwrap();
    let log = fs::read_to_string(newest).unwrap();
    let added = log.lines().find_map(|line| line.split_once("\"add\":{\"path\":\"")).unwrap().1;
    folder.join(added.split('"').next().unwrap())
}

fn remove(shop: &TestProject, path: &str) {
    fs::remove_file(shop.path(path)).unwrap();
}

#[test]
fn a_data_file_that_is_gone_or_cut_off_is_told_by_whoever_reads_it() {
    let shop = shop();
    fs::write(data_file(&shop, "processed/ventas"), "PAR1").unwrap();
    assert_snapshot!(shop.cauce(&["query", "SELECT id FROM processed.ventas"]).code(3), @"
    exit code: 3
    ----- stdout -----
    id
    ----- stderr -----
    error: data/lake/processed/ventas is damaged: its file part-00000-[ID]-c000.zstd.parquet has 4 bytes; the table's log says 1612
      hint: bring the file back from a copy of the lake; without one `cauce run --full-refresh processed.ventas` builds the table anew, and `cauce rollback` goes to a release of other files
    ");
    fs::remove_file(data_file(&shop, "processed/ventas")).unwrap();
    assert_snapshot!(shop.cauce(&["check"]).code(3), @"
    exit code: 3
    ----- stderr -----
    error: data/lake/processed/ventas is damaged: its file part-00000-[ID]-c000.zstd.parquet is not there any more
      hint: bring the file back from a copy of the lake; without one `cauce run --full-refresh processed.ventas` builds the table anew, and `cauce rollback` goes to a release of other files
    ");
    // The other release stands, and the advice is good.
    shop.cauce(&["query", "--as-of", "1", "SELECT id FROM processed.ventas"]).success();
    shop.cauce(&["run", "--quiet", "--full-refresh", "processed.ventas"]).success();
    shop.cauce(&["query", "SELECT id FROM processed.ventas"]).success();
}

#[test]
fn nobody_goes_back_to_a_release_whose_files_are_gone() {
    let shop = shop();
    let newest = data_file(&shop, "processed/ventas");
    for file in fs::read_dir(shop.path("data/lake/processed/ventas")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() && path != newest {
            fs::remove_file(path).unwrap();
        }
    }
    assert_snapshot!(shop.cauce(&["rollback", "1"]).code(3), @"
    exit code: 3
    ----- stderr -----
    error: release 1 cannot be restored: data/lake/processed/ventas is damaged: its file part-00000-[ID]-c000.zstd.parquet is not there any more
      hint: bring the file back from a copy of the lake; without one `cauce run --full-refresh processed.ventas` builds the table anew, and `cauce rollback` goes to a release of other files
    ");
    assert!(shop.cauce(&["query", "SELECT id FROM processed.ventas"]).success().stdout.contains('3'));
}

#[test]
fn a_log_that_lost_versions_gives_no_number_twice() {
    let shop = shop();
    remove(&shop, "data/lake/processed/ventas/_delta_log/00000000000000000001.json");
    assert_snapshot!(shop.cauce(&["query", "SELECT id FROM processed.ventas"]).code(3), @"
    exit code: 3
    ----- stderr -----
    error: cannot read the Delta table data/lake/processed/ventas: files of its log are missing
      hint: bring the files of data/lake/processed/ventas/_delta_log back from a copy of the lake; without one move data/lake/processed/ventas away and `cauce run --full-refresh processed.ventas`: the table is made anew, and lost to the releases there are
    ");
    assert_snapshot!(shop.cauce(&["run", "--quiet", "--full-refresh"]).code(3), @"
    exit code: 3
    ----- stderr -----
    error: cannot commit to the Delta table data/lake/processed/ventas: its log ends at version 0, and the last release has 1
      hint: bring the files of data/lake/processed/ventas/_delta_log back from a copy of the lake; without one move data/lake/processed/ventas away and `cauce run --full-refresh processed.ventas`: the table is made anew, and lost to the releases there are
    ");
    // As it is advised: the table is made anew, and what it holds is not taken for what older releases held.
    fs::rename(shop.path("data/lake/processed/ventas"), shop.path("aside")).unwrap();
    shop.cauce(&["run", "--quiet", "--full-refresh"]).success();
    shop.cauce(&["query", "SELECT id FROM processed.ventas"]).success();
    let of_first = ["query", "--as-of", "1", "SELECT id FROM processed.ventas"];
    assert_snapshot!(shop.cauce(&of_first).code(3), @"
    exit code: 3
    ----- stderr -----
    error: version 0 of the Delta table data/lake/processed/ventas is not there any more
      hint: the table was removed and made anew since; a later release is read as ever
    ");
}

#[test]
fn accounts_that_are_gone_stop_no_run() {
    let shop = shop();
    fs::remove_file(data_file(&shop, "system/runs")).unwrap();
    let ran = shop.cauce(&["run", "--full-refresh"]).success().stderr;
    let warning = ran.split_once("warning: ").unwrap().1;
    assert_snapshot!(warning, @"
    system.runs lacks this run or the one before: data/lake/system/runs is damaged: its file part-00000-[ID]-c000.zstd.parquet is not there any more; the next run that builds something adds it
    hint: bring the file back from a copy of the lake; without one move data/lake/system/runs away: what it tells of earlier runs is gone then, and the tables of the releases stay as they are
    ");
}

#[test]
fn a_damaged_manifest_is_told_with_what_depends_on_it() {
    let shop = shop();
    shop.write("data/lake/releases/00000000000000000001.json", "{\"format\": 1,");
    assert_snapshot!(shop.cauce(&["clean"]).code(3), @"
    exit code: 3
    ----- stderr -----
    error: data/lake/releases/00000000000000000001.json: the release manifest is damaged: it ends too early (line 1, column 13)
      hint: bring data/lake/releases/00000000000000000001.json back from a copy of the lake; without one move it away: release 1 is gone then, and the others stay
    ");
    shop.cauce(&["query", "SELECT id FROM processed.ventas"]).success();
    shop.write("data/lake/releases/00000000000000000001.json", "[]");
    let other = shop.cauce(&["releases"]).code(3).stderr;
    assert!(other.contains("it says something else than it should (line 1, column 2)"), "{other}");
    // As it is advised.
    remove(&shop, "data/lake/releases/00000000000000000001.json");
    shop.cauce(&["releases"]).success();
    shop.cauce(&["clean"]).success();
}
