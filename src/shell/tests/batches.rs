//! Batches over the session that answers from a script.

use super::*;

/// Runs a batch on a captured stdout, which is a terminal if `terminal` is set.
#[tokio::main]
async fn batch(terminal: bool, set: fn(Batch) -> Batch, sql: &str) -> (Result<()>, String, String) {
    let terminal = Terminal { stdout: terminal, width: Some(80), ..Terminal::default() };
    let (printer, capture) = Printer::captured(Verbosity::Normal, terminal);
    let done = set(Batch::new(Arc::new(Script), printer)).run("a.sql", sql).await;
    (done, capture.take_stdout(), capture.take_stderr())
}

#[test]
fn a_batch_stops_at_its_first_failure() {
    let (done, out, said) = batch(false, |batch| batch, "SELECT 1; SET a = 1;\nlate; SELECT 2;");
    let error = done.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Query, "division by zero"));
    assert_eq!((out.as_str(), said.as_str()), ("n\n0\nn\n", ""));
    assert_eq!(batch(false, |batch| batch, " -- nada").0.unwrap_err().kind(), Kind::Usage);
}

#[test]
fn a_terminal_gets_a_table_with_its_count_and_a_limit() {
    let (done, out, said) = batch(true, |batch| batch, "SELECT 1001");
    done.unwrap();
    assert_eq!(out.lines().count(), 1_000 + 4);
    assert!(said.starts_with("1,000 of 1,001 rows shown · "), "{said}");
    let (done, out, _) = batch(true, |batch| batch.with_max_rows(None), "SELECT 1001");
    done.unwrap();
    assert_eq!(out.lines().count(), 1_001 + 4);
}

#[test]
fn bytes_are_not_sent_to_a_terminal_and_hold_one_result() {
    let parquet = |batch: Batch| batch.with_format(Some(Format::Parquet));
    assert_eq!(batch(true, parquet, "SELECT 1").0.unwrap_err().kind(), Kind::Usage);
    batch(false, parquet, "SELECT 1").0.unwrap();
    let error = batch(false, parquet, "SELECT 1;\nSELECT 2").0.unwrap_err();
    assert_eq!(error.message(), "a second result has no place in one parquet file");
}

#[tokio::test]
async fn a_file_appears_only_when_every_statement_succeeded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("salida.csv");
    let (printer, capture) = Printer::captured(Verbosity::Normal, Terminal::default());
    let batch = Batch::new(Arc::new(Script), printer).into_file(Some(path.clone()));
    batch.run("a.sql", "SELECT 2; late").await.unwrap_err();
    assert!(!path.exists());
    batch.run("a.sql", "SELECT 2; SET a = 1").await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "n\n0\n1\n");
    assert_eq!(capture.take_stdout(), "");
    assert!(capture.take_stderr().starts_with("2 rows · "));
}
