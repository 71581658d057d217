//! The loop over a session that answers from a script.

mod batches;
mod commands;

use std::io::Cursor;

use arrow::array::Int64Array;
use futures::FutureExt;
use futures::stream::{self, BoxStream, StreamExt};
use insta::assert_snapshot;

use super::*;
use crate::engine::FunctionEntry;
use crate::model::Draft;
use crate::name::TableName;
use crate::output::{Capture, Terminal, Verbosity};
use crate::release::AsOf;

/// Answers `SELECT <n>` with the numbers below n, `SELECT $name` with those below a variable, never answers `hang`, panics at `panic`, and refuses the rest.
struct Script;

impl Session for Script {
    fn title(&self) -> String {
        "satisfaccion_cliente:1".to_owned()
    }

    fn answer<'a>(&'a self, statement: &'a Statement, parameters: &'a Parameters) -> BoxFuture<'a, Result<Answer>> {
        async move {
            let words: Vec<&str> = statement.text().split_whitespace().collect();
            let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false)]));
            let rows: BoxStream<'static, Result<RecordBatch>> = match words.as_slice() {
                ["SELECT", count] => {
                    let count = count.strip_prefix('$').map_or(*count, |name| parameters[name].as_str());
                    let numbers = Int64Array::from_iter_values(0..count.parse().unwrap());
                    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(numbers)]).unwrap();
                    stream::iter([Ok(batch)]).boxed()
                }
                ["SET", ..] => {
                    return Ok(Answer {
                        schema: Arc::new(Schema::empty()),
                        rows: stream::empty().boxed(),
                        rejects: None,
                        meter: None,
                    });
                }
                ["hang"] => stream::pending().boxed(),
                ["panic"] => stream::once(async { panic!("an operator's defect") }).boxed(),
                ["late"] => stream::iter([Err(Error::query("division by zero"))]).boxed(),
                _ => return Err(Error::query(format!("cannot read line {}", statement.place().line))),
            };
            Ok(Answer { schema, rows, rejects: None, meter: None })
        }
        .boxed()
    }

    fn tables(&self) -> BoxFuture<'_, Result<Vec<TableEntry>>> {
        async move {
            let entry = |name: &str, kind, description: &str| TableEntry {
                name: name.parse().unwrap(),
                kind,
                rows: (kind == TableKind::Table).then_some(75_000),
                bytes: (kind == TableKind::Table).then_some(3_400_000),
                description: description.to_owned(),
            };
            Ok(vec![
                entry("curated.kpi_nps", TableKind::View, "NPS por mes"),
                entry("processed.tickets", TableKind::Table, ""),
                entry("raw.tickets_soporte", TableKind::Dataset, "Un ticket por fila"),
            ])
        }
        .boxed()
    }

    fn columns<'a>(&'a self, table: &'a TableName) -> BoxFuture<'a, Result<Vec<ColumnEntry>>> {
        async move {
            let column = |name: &str, data_type, nullable| ColumnEntry {
                name: name.to_owned(),
                data_type,
                nullable,
                description: format!("de {}", table.name),
            };
            Ok(vec![column("periodo", DataType::Date32, false), column("nps", DataType::Float64, true)])
        }
        .boxed()
    }

    fn functions(&self) -> Vec<FunctionEntry> {
        let entry = |name: &str, kind, description: &str| FunctionEntry {
            name: name.to_owned(),
            kind,
            signature: format!("{name}(expression)"),
            description: description.to_owned(),
        };
        vec![entry("avg", "aggregate", "Returns the average"), entry("upper", "scalar", "Converts to upper case")]
    }

    fn definition(&self, table: &TableName) -> Option<String> {
        (table.layer != crate::name::Layer::Raw).then(|| "SELECT 1 AS nps\n".to_owned())
    }

    fn facts(&self, _: &TableName) -> Vec<(&'static str, String)> {
        vec![("grain", "periodo".to_owned())]
    }

    fn relationships(&self) -> Vec<Relationship> {
        Vec::new()
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![("project", "satisfaccion_cliente".to_owned())]
    }

    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        async move { Ok(vec![format!("{folder}2024/")]) }.boxed()
    }

    fn options(&self, _: &str) -> Vec<(String, String)> {
        Vec::new()
    }

    fn command<'a>(&'a self, words: &'a [String]) -> BoxFuture<'a, Result<()>> {
        async { Err(Error::query(words.join("|"))) }.boxed()
    }

    fn save<'a>(&'a self, draft: &'a Draft, replace: bool) -> BoxFuture<'a, Result<()>> {
        async move { Err(Error::query(format!("{replace}\n{}", draft.text()))) }.boxed()
    }

    fn at(&self, _: AsOf) -> BoxFuture<'_, Result<Arc<dyn Session>>> {
        async { Ok(Arc::new(Self) as Arc<dyn Session>) }.boxed()
    }

    fn renewed(&self) -> BoxFuture<'_, Result<Arc<dyn Session>>> {
        self.at(AsOf::Newest)
    }

    fn newer(&self) -> BoxFuture<'_, Result<Option<u64>>> {
        async { Ok(Some(2)) }.boxed()
    }
}

fn shell() -> (Shell, Capture) {
    let (printer, capture) =
        Printer::captured(Verbosity::Normal, Terminal { stdout: true, width: Some(80), ..Terminal::default() });
    let mut shell = Shell::new(Arc::new(Script), printer, Surroundings::default());
    shell.interrupt = || Box::pin(std::future::pending());
    (shell, capture)
}

#[tokio::main]
async fn piped(text: &'static str) -> (Option<Kind>, String, String) {
    let (shell, capture) = shell();
    let failure = shell.read(Cursor::new(text)).await.unwrap();
    (failure, capture.take_stdout(), capture.take_stderr())
}

#[test]
fn a_pipe_is_run_in_order_and_its_first_failure_told() {
    let (failure, out, said) = piped("SELECT 1;\nFALSCH;\nSELECT\n 2; late;\n\\zzz\nSELECT 1");
    assert_eq!(failure, Some(Kind::Query));
    assert_snapshot!(out, @"
    ╭───╮
    │ n │
    ├───┤
    │ 0 │
    ╰───╯
    ╭───╮
    │ n │
    ├───┤
    │ 0 │
    │ 1 │
    ╰───╯
    ╭───╮
    │ n │
    ├───┤
    │ 0 │
    ╰───╯
    ");
    assert_snapshot!(said, @r#"
    error: cannot read line 2
    error: division by zero
    error: unknown command \zzz
      hint: \? lists the commands
    "#);
}

#[test]
fn a_pipe_without_failures_ends_with_success() {
    assert_eq!(piped("SET a = 1;\nSELECT 0;\n").0, None);
    assert_eq!(piped("").0, None);
    assert_eq!(piped("\\q\nFALSCH;").0, None);
}

#[test]
fn tables_and_columns_are_listed() {
    assert_snapshot!(piped("\\d").1, @"
    ╭───────────┬─────────────────┬─────────┬────────────────────╮
    │ layer     │ name            │ kind    │ description        │
    ├───────────┼─────────────────┼─────────┼────────────────────┤
    │ curated   │ kpi_nps         │ view    │ NPS por mes        │
    │ processed │ tickets         │ table   │                    │
    │ raw       │ tickets_soporte │ dataset │ Un ticket por fila │
    ╰───────────┴─────────────────┴─────────┴────────────────────╯
    ");
    assert_snapshot!(piped(".tables").1, @"
    ╭───────────┬─────────────────┬─────────┬────────────────────╮
    │ layer     │ name            │ kind    │ description        │
    ├───────────┼─────────────────┼─────────┼────────────────────┤
    │ processed │ tickets         │ table   │                    │
    │ raw       │ tickets_soporte │ dataset │ Un ticket por fila │
    ╰───────────┴─────────────────┴─────────┴────────────────────╯
    ");
    assert_snapshot!(piped("\\dv").1, @"
    ╭─────────┬─────────┬──────┬─────────────╮
    │ layer   │ name    │ kind │ description │
    ├─────────┼─────────┼──────┼─────────────┤
    │ curated │ kpi_nps │ view │ NPS por mes │
    ╰─────────┴─────────┴──────┴─────────────╯
    ");
    let (_, out, said) = piped("\\d kpi_nps;");
    assert_snapshot!(out, @"
    ╭─────────┬───────┬──────────┬─────────────╮
    │ column  │ type  │ nullable │ description │
    ├─────────┼───────┼──────────┼─────────────┤
    │ periodo │ date  │ no       │ de kpi_nps  │
    │ nps     │ float │ yes      │ de kpi_nps  │
    ╰─────────┴───────┴──────────┴─────────────╯
    ");
    assert_snapshot!(said, @"view curated.kpi_nps: NPS por mes");
}

#[test]
fn what_is_misspelt_is_asked_about() {
    let (failure, _, said) = piped("\\d kpi_npps\n\\tabels\n\\q now\n\\format cvs\n\\maxrows -1\n\\format parquet");
    assert_eq!(failure, Some(Kind::Query));
    assert_snapshot!(said, @r"
    error: no table or view is called `kpi_npps`
      hint: did you mean `kpi_nps`?
    error: unknown command \tabels
      hint: did you mean \tables?
    error: \q takes no argument, but got `now`
    error: unknown format `cvs`
      hint: did you mean `csv`?
    error: maxrows takes a number above 0 or all, but got `-1`
    error: parquet is not text: the shell cannot show it
      hint: write the last result to a file: \export FILE.parquet
    ");
}

#[test]
fn help_lists_every_command() {
    assert_snapshot!(piped("help").1, @r"
    SQL ends with a semicolon. Ctrl-C stops a query, Tab completes, Ctrl-R finds.

    Look
      \d [table]                        tables and views, or the columns of one (\describe)
      \d+ [table]                       the same with rows and size, or what a table is made of
      \dt [pattern]                     datasets and tables (\tables)
      \dv [pattern]                     views (\views)
      \df [pattern]                     SQL functions (\functions)
      \l                                layers, each with its tables (\databases, \dn)
      \schema <model>                   the SQL of a model as it was released
      \sample <table> [rows]            some rows, taken by chance
      \profile <table>                  what is in each column: nulls, distinct, quartiles, top values (\summarize)
      \releases                         releases, newest first
      \asof [release|time|newest]       read another release
      \rejects                          rows that the last query did not see, or that the release left out
      \conf                             project, release, limits and files of this shell (\conninfo)

    Results
      \last [format]                    the last result again, all of it (\g)
      \gx                               the last result, one line a column
      \export <file>                    write the last result, as the ending says: .csv .json .parquet .arrow .md .html …
      \once <file or |program>          where the next result goes
      \o [file or |program]             where results go from now on; to the screen again without one (\output)
      \plot line|bar|hist [x] [y]       draw the last result
      \crosstab [row] [column] [value]  turn the last result: a column for each value of one column (\crosstabview)
      \x [on|off|auto]                  one line a column instead of a table (\expanded)
      \t [on|off]                       rows alone, without header and count (\tuples_only)
      \a                                text without frames (format tsv), or tables again
      \format [format]                  how results are written: table, box, csv, json, … (\mode)
      \maxrows [rows|all]               the most rows of a result that are shown
      \timing [on|off]                  time, bytes read and memory after each result (\timer)
      \pset [setting] [value]           all settings, or one

    Project, as on the command line
      \plan [models]                    what a run would do and why
      \run [models]                     build what changed, check it and publish it; then read the new release
      \check [models]                   measure the checks again, on the release that is read
      \why <model>                      why a run would build a model, or would not
      \lineage <column or table>        what it is made from, and what is made from it
      \diff [from] [to]                 what differs between two releases
      \save <model> [description]       the last query as a model file, with the grain and checks that its rows show

    Work
      \i <file>                         run a file (\include, \read)
      \ir <file>                        run a file that stands beside the one being read
      \e [file]                         edit the last statement, or a file, and have it on the line (\edit)
      \set [name] [value]               set a variable: :name and :'name' in SQL, or $name as a typed value
      \unset <name>                     forget a variable
      \gset [prefix]                    keep the one row of the last result in variables
      \gexec                            run each value of the last result as a statement
      \watch [seconds]                  run the last statement again and again, until Ctrl-C
      \explain [analyze] [SQL]          how a statement, or the last one, is run
      \echo [text]                      write a text between results
      \history [rows|text]              what was entered
      \sh [command]                     run a command of the system (\!, \shell, \system)
      \?                                this help (\help, \h)
      \q                                leave (also Ctrl-D) (\quit, \exit)

    A command may begin with a dot (.tables) and be shortened (\prof); behind a query it takes its rows:
      SELECT canal, count(*) FROM tickets GROUP BY 1 \plot bar
    ");
}

#[test]
fn results_are_shown_as_asked() {
    let (_, out, said) =
        piped("\\x\nSELECT 1;\n\\x off\n\\format csv\nSELECT 2;\n\\format table\n\\maxrows 1\nSELECT 3;");
    assert_snapshot!(out, @"
    ── row 1 ───────────────────────────────────────────────────
    n │ 0
    n
    0
    1
    ╭───╮
    │ n │
    ├───┤
    │ 0 │
    ╰───╯
    ");
    assert_snapshot!(said, @r"
    expanded: on
    expanded: off
    format: csv
    format: table
    maxrows: 1
    1 of 3 rows shown · \last shows all
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_stops_the_statement_and_not_the_shell() {
    let (mut shell, capture) = shell();
    shell.interrupt = || Box::pin(tokio::time::sleep(Duration::from_millis(50)));
    let hang = || inputs("statement 1", "hang;").remove(0);
    let error = shell.run(hang(), true).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (Kind::Interrupted, "stopped"));

    shell.interrupt = || Box::pin(std::future::pending());
    shell.run(inputs("statement 2", "SELECT 1;").remove(0), true).await.unwrap();
    assert!(capture.take_stderr().starts_with("1 row · "));
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_a_pipe() {
    let (mut shell, _) = shell();
    shell.interrupt = || Box::pin(tokio::time::sleep(Duration::from_millis(50)));
    let failure = shell.read(Cursor::new("hang;\nSELECT 1;")).await.unwrap();
    assert_eq!(failure, Some(Kind::Interrupted));
}

#[test]
fn an_operator_that_dies_is_no_empty_result() {
    let (failure, _, said) = piped("panic;");
    assert_eq!(failure, Some(Kind::Bug));
    assert!(said.starts_with("error: the query ended without a result\n"), "{said}");
}

#[test]
fn what_returns_no_columns_is_done() {
    let (shell, capture) = shell();
    let mut shell = shell;
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(shell.run(inputs("statement 1", "SET a = 1;").remove(0), true))
        .unwrap();
    assert_eq!(capture.take_stdout(), "");
    assert!(capture.take_stderr().starts_with("done · "));
}
