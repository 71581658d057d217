//! A table's way from a plan to files, to a version, and back.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::util::pretty::pretty_format_batches;
use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use super::{ParquetTable, Staged, open_newest, open_version, stage};
use crate::error::Kind;
use crate::release::TableVersion;
use crate::store::{Location, Stores};

/// The folder of one table, and a session to make and read its rows.
struct Ground {
    folder: TempDir,
    stores: Stores,
    context: SessionContext,
}

impl Ground {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, stores: Stores::new(BTreeMap::new()), context: SessionContext::new() }
    }

    fn location(&self) -> Location {
        Location::parse("lake/tabla", self.folder.path()).unwrap()
    }

    async fn stage(&self, sql: &str, partition_by: &[&str]) -> Staged {
        let plan = self.context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
        let partition_by: Vec<String> = partition_by.iter().map(ToString::to_string).collect();
        stage(plan, self.context.task_ctx(), &self.stores, &self.location(), &partition_by).await.unwrap()
    }

    /// Stages and commits; returns the version.
    async fn write(&self, sql: &str, partition_by: &[&str]) -> u64 {
        self.stage(sql, partition_by).await.commit(&self.stores, "r", None).await.unwrap().version
    }

    async fn version(&self, version: u64) -> ParquetTable {
        open_version(&self.stores, &self.location(), &TableVersion { version, table_id: String::new() }).await.unwrap()
    }

    /// What `sql` says of a table, which it calls `t`.
    async fn ask(&self, table: ParquetTable, sql: &str) -> String {
        drop(self.context.deregister_table("t").unwrap());
        self.context.register_table("t", Arc::new(table)).unwrap();
        let frame = self.context.sql(sql).await.unwrap();
        pretty_format_batches(&frame.collect().await.unwrap()).unwrap().to_string()
    }

    /// The files under the table's folder that a log may name.
    fn parquet_files(&self) -> usize {
        let pattern = self.folder.path().join("lake/tabla/**/*.parquet");
        glob::glob(pattern.to_str().unwrap()).unwrap().count()
    }

    fn has_log(&self) -> bool {
        self.folder.path().join("lake/tabla/_delta_log").exists()
    }
}

const ROWS: &str = "SELECT * FROM (VALUES (1, 'a', DATE '2024-01-31'), (2, NULL, NULL), (3, 'ñ / %=?', DATE '2024-02-01')) \
                    AS v(n, texto, dia)";

#[tokio::test]
async fn staged_files_are_read_before_and_after_their_commit() {
    let ground = Ground::new();
    let staged = ground.stage(ROWS, &[]).await;
    assert_eq!((staged.rows(), ground.has_log()), (3, false), "nobody else sees staged files");
    let before = ground.ask(ParquetTable::staged(&staged).unwrap(), "SELECT * FROM t ORDER BY n").await;
    assert_eq!(staged.commit(&ground.stores, "r", None).await.unwrap().version, 0);
    let table = ground.version(0).await;
    assert!(table.bytes() > 0);
    assert_eq!(ground.ask(table, "SELECT * FROM t ORDER BY n").await, before);
    insta::assert_snapshot!(before, @"
    +---+---------+------------+
    | n | texto   | dia        |
    +---+---------+------------+
    | 1 | a       | 2024-01-31 |
    | 2 |         |            |
    | 3 | ñ / %=? | 2024-02-01 |
    +---+---------+------------+
    ");
}

#[tokio::test]
async fn partition_values_come_back_as_they_were() {
    let ground = Ground::new();
    let staged = ground.stage(ROWS, &["texto", "dia"]).await;
    let of_run = ground.ask(ParquetTable::staged(&staged).unwrap(), "SELECT n, texto, dia FROM t ORDER BY n").await;
    staged.commit(&ground.stores, "r", None).await.unwrap();
    assert_eq!(ground.parquet_files(), 3, "a file for each partition");
    let all = ground.ask(ground.version(0).await, "SELECT n, texto, dia FROM t ORDER BY n").await;
    assert_eq!(all, of_run);
    insta::assert_snapshot!(all, @"
    +---+---------+------------+
    | n | texto   | dia        |
    +---+---------+------------+
    | 1 | a       | 2024-01-31 |
    | 2 |         |            |
    | 3 | ñ / %=? | 2024-02-01 |
    +---+---------+------------+
    ");
    let some = ground.ask(ground.version(0).await, "SELECT n FROM t WHERE dia > DATE '2024-01-31'").await;
    insta::assert_snapshot!(some, @"
    +---+
    | n |
    +---+
    | 3 |
    +---+
    ");
}

#[tokio::test]
async fn partition_columns_stand_where_the_select_has_them() {
    let ground = Ground::new();
    let sql = "SELECT 1 AS n, 'x' AS texto, 2 AS mes, 0.5 AS importe, 'z' AS canal";
    ground.write(sql, &["canal", "texto"]).await;
    let table = ground.version(0).await;
    let names: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["n", "texto", "mes", "importe", "canal"]);
    for (sql, expected) in [("SELECT *", "1 x 2 0.5 z"), ("SELECT mes, canal, n, texto", "2 z 1 x")] {
        let told = ground.ask(ground.version(0).await, &format!("{sql} FROM t WHERE texto = 'x' AND mes = 2")).await;
        let row = told.lines().nth(3).unwrap().replace('|', " ");
        assert_eq!(row.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{told}");
    }
    let unions = "SELECT sum(n) FROM (SELECT * FROM t UNION ALL SELECT 10, 'y', 3, 1.5, 'w')";
    assert!(ground.ask(table, unions).await.contains("11"));
}

#[tokio::test]
async fn a_version_keeps_its_columns_when_a_later_one_has_others() {
    let ground = Ground::new();
    assert_eq!(ground.write("SELECT 1 AS n, 'x' AS texto", &[]).await, 0);
    assert_eq!(ground.write("SELECT 2.5 AS importe, 7 AS n", &["n"]).await, 1);
    assert_eq!(ground.write("SELECT 3.5 AS importe, 8 AS n", &["n"]).await, 2);
    let mut told = Vec::new();
    for version in 0..3 {
        told.push(ground.ask(ground.version(version).await, "SELECT * FROM t").await);
    }
    insta::assert_snapshot!(told.join("\n"), @"
    +---+-------+
    | n | texto |
    +---+-------+
    | 1 | x     |
    +---+-------+
    +---------+---+
    | importe | n |
    +---------+---+
    | 2.5     | 7 |
    +---------+---+
    +---------+---+
    | importe | n |
    +---------+---+
    | 3.5     | 8 |
    +---------+---+
    ");
    let missing =
        open_version(&ground.stores, &ground.location(), &TableVersion { version: 9, table_id: String::new() })
            .await
            .unwrap_err();
    assert_eq!(missing.kind(), Kind::Store, "{missing}");
}

#[tokio::test]
async fn a_table_without_rows_is_a_table() {
    let ground = Ground::new();
    assert_eq!(ground.write("SELECT 1 AS n, 'x' AS texto WHERE false", &["texto"]).await, 0);
    assert_eq!(ground.write("SELECT 1 AS n, 'x' AS texto", &["texto"]).await, 1);
    assert_eq!(ground.write("SELECT 1 AS n, 'x' AS texto WHERE false", &["texto"]).await, 2);
    let mut counts = Vec::new();
    for version in 0..3 {
        let counted = ground.ask(ground.version(version).await, "SELECT count(*) AS c, max(n) AS m FROM t").await;
        counts.push(counted.lines().nth(3).unwrap().to_owned());
    }
    assert_eq!(counts, ["| 0 |   |", "| 1 | 1 |", "| 0 |   |"]);
}

#[tokio::test]
async fn a_table_that_is_added_to_gains_columns() {
    let ground = Ground::new();
    let add = async |sql: &str| ground.stage(sql, &[]).await.append(&ground.stores, "r").await;
    add("SELECT 1 AS a, 'x' AS b").await.unwrap();
    // Two writers saw the table without the column: both give it, and neither loses what the other adds.
    let (one, two) = tokio::join!(add("SELECT 2 AS a, 'y' AS b, 20 AS c"), add("SELECT 3 AS a, 'z' AS b, 30 AS c"));
    one.and(two).unwrap();
    add("SELECT 4 AS a, 'w' AS b, 40 AS c").await.unwrap();
    let newest = async || open_newest(&ground.stores, &ground.location()).await.unwrap().unwrap();
    let told = ground.ask(newest().await, "SELECT * FROM t ORDER BY a").await;
    insta::assert_snapshot!(told, @"
    +---+---+----+
    | a | b | c  |
    +---+---+----+
    | 1 | x |    |
    | 2 | y | 20 |
    | 3 | z | 30 |
    | 4 | w | 40 |
    +---+---+----+
    ");
    let old = ground.ask(ground.version(0).await, "SELECT * FROM t").await;
    insta::assert_snapshot!(old, @"
    +---+---+
    | a | b |
    +---+---+
    | 1 | x |
    +---+---+
    ");
    // Whoever does not know the table as it is does not write to it.
    for other in ["SELECT 1 AS a, 'x' AS b", "SELECT 1 AS a, 2 AS b, 3 AS c", "SELECT 1 AS a, 'x' AS b, 1 AS d"] {
        assert!(add(other).await.unwrap_err().message().contains("other columns"), "{other}");
    }
    let seen = ground.version(0).await.with_columns(newest().await.schema().as_ref());
    insta::assert_snapshot!(ground.ask(seen, "SELECT c, a FROM t WHERE c IS NULL").await, @"
    +---+---+
    | c | a |
    +---+---+
    |   | 1 |
    +---+---+
    ");
}
