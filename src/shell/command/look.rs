//! Commands that look at what there is: tables, columns, functions, releases.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use futures::FutureExt;
use futures::future::ready;

use super::{Command, Takes, words};
use crate::error::{Error, Result};
use crate::name::TableName;
use crate::output::{bytes, thousands, type_name};
use crate::shell::session::{TableEntry, TableKind, find};
use crate::shell::{Flow, Shell, profile, records, rejects};
use crate::sql::Source;

/// Rows that `\sample` shows.
const SAMPLE: usize = 10;

pub(super) const COMMANDS: &[Command] = &[
    Command {
        names: &["d", "describe"],
        arguments: "[table]",
        help: "tables and views, or the columns of one",
        takes: Takes::Table,
        run: |shell, argument| describe(shell, argument, false).boxed(),
    },
    Command {
        names: &["d+"],
        arguments: "[table]",
        help: "the same with rows and size, or what a table is made of",
        takes: Takes::Table,
        run: |shell, argument| describe(shell, argument, true).boxed(),
    },
    Command {
        names: &["dt", "tables"],
        arguments: "[pattern]",
        help: "datasets and tables",
        takes: Takes::Table,
        run: |shell, argument| list(shell, argument, false, |table| table.kind != TableKind::View).boxed(),
    },
    Command {
        names: &["dv", "views"],
        arguments: "[pattern]",
        help: "views",
        takes: Takes::Table,
        run: |shell, argument| list(shell, argument, false, |table| table.kind == TableKind::View).boxed(),
    },
    Command {
        names: &["df", "functions"],
        arguments: "[pattern]",
        help: "SQL functions",
        takes: Takes::Nothing,
        run: |shell, argument| ready(functions(shell, argument)).boxed(),
    },
    Command {
        names: &["l", "databases", "dn"],
        arguments: "",
        help: "layers, each with its tables",
        takes: Takes::Nothing,
        run: |shell, _| layers(shell).boxed(),
    },
    Command {
        names: &["schema"],
        arguments: "<model>",
        help: "the SQL of a model as it was released",
        takes: Takes::Table,
        run: |shell, argument| definition(shell, argument).boxed(),
    },
    Command {
        names: &["sample"],
        arguments: "<table> [rows]",
        help: "some rows, taken by chance",
        takes: Takes::Table,
        run: |shell, argument| sample(shell, argument).boxed(),
    },
    Command {
        names: &["profile", "summarize"],
        arguments: "<table>",
        help: "what is in each column: nulls, distinct, quartiles, top values",
        takes: Takes::Table,
        run: |shell, argument| profiled(shell, argument).boxed(),
    },
    Command {
        names: &["releases"],
        arguments: "",
        help: "releases, newest first",
        takes: Takes::Nothing,
        run: |shell, _| releases(shell).boxed(),
    },
    Command {
        names: &["asof"],
        arguments: "[release|time|newest]",
        help: "read another release",
        takes: Takes::Words(&["newest"]),
        run: |shell, argument| as_of(shell, argument).boxed(),
    },
    Command {
        names: &["rejects"],
        arguments: "",
        help: "rows that the last query did not see, or that the release left out",
        takes: Takes::Nothing,
        run: |shell, _| rejects::show(shell).boxed(),
    },
    Command {
        names: &["conf", "conninfo"],
        arguments: "",
        help: "project, release, limits and files of this shell",
        takes: Takes::Nothing,
        run: |shell, _| ready(conf(shell)).boxed(),
    },
];

/// The table a person means, or what it may have been.
pub(super) async fn meant(shell: &Shell, argument: &str) -> Result<TableEntry> {
    if argument.is_empty() {
        return Err(Error::usage("the name of a table is missing").hint("\\d lists them all"));
    }
    let tables = shell.session.tables().await?;
    find(&tables, argument).cloned().map_err(|near| {
        Error::query(format!("no table or view is called `{argument}`"))
            .hint(near.map_or_else(|| "\\d lists them all".to_owned(), |near| format!("did you mean `{near}`?")))
    })
}

async fn describe(shell: &mut Shell, argument: &str, more: bool) -> Result<Flow> {
    if argument.is_empty() || argument.contains(['*', '?']) {
        return list(shell, argument, more, |_| true).await;
    }
    let table = meant(shell, argument).await?;
    let columns = shell.session.columns(&table.name).await?;
    let described = if table.description.is_empty() { String::new() } else { format!(": {}", table.description) };
    shell.printer.title(format!("{} {}{described}", table.kind.as_str(), table.name));
    let rows = columns.into_iter().map(|column| {
        let nullable = if column.nullable { "yes" } else { "no" };
        [column.name, type_name(&column.data_type), nullable.to_owned(), column.description]
    });
    shell.show(&records(["column", "type", "nullable", "description"], rows)?)?;
    if more {
        for (word, said) in shell.session.facts(&table.name) {
            shell.printer.say(format_args!("{word}: {said}"));
        }
    }
    Ok(Flow::Continue)
}

async fn list(
    shell: &mut Shell,
    pattern: &str,
    more: bool,
    wanted: impl Fn(&TableEntry) -> bool + Send,
) -> Result<Flow> {
    let pattern = Pattern::of(pattern)?;
    let tables = shell.session.tables().await?;
    let tables = tables.into_iter().filter(|table| wanted(table) && pattern.holds(&table.name));
    let rows = if more {
        sized(&tables.collect::<Vec<_>>())?
    } else {
        records(
            ["layer", "name", "kind", "description"],
            tables.map(|table| {
                [table.name.layer.to_string(), table.name.name, table.kind.as_str().to_owned(), table.description]
            }),
        )?
    };
    shell.show(&rows)?;
    Ok(Flow::Continue)
}

/// Tables with their rows and the bytes of their files.
fn sized(tables: &[TableEntry]) -> Result<RecordBatch> {
    let texts = |text: fn(&TableEntry) -> Option<String>| -> ArrayRef {
        Arc::new(tables.iter().map(text).collect::<StringArray>())
    };
    let rows = tables.iter().map(|table| table.rows.and_then(|rows| i64::try_from(rows).ok()));
    let columns: [(&str, ArrayRef); 6] = [
        ("layer", texts(|table| Some(table.name.layer.to_string()))),
        ("name", texts(|table| Some(table.name.name.clone()))),
        ("kind", texts(|table| Some(table.kind.as_str().to_owned()))),
        ("rows", Arc::new(rows.collect::<Int64Array>())),
        ("size", texts(|table| table.bytes.map(bytes))),
        ("description", texts(|table| Some(table.description.clone()))),
    ];
    RecordBatch::try_from_iter(columns).map_err(|failure| Error::bug(failure.to_string()))
}

/// Names as a person selects them: `kpi*`, `raw.*`, or a part of a name.
struct Pattern(Option<glob::Pattern>);

impl Pattern {
    fn of(text: &str) -> Result<Self> {
        let text = text.to_lowercase();
        let text = if text.is_empty() || text.contains(['*', '?', '[']) { text } else { format!("*{text}*") };
        if text.is_empty() {
            return Ok(Self(None));
        }
        let pattern = glob::Pattern::new(&text)
            .map_err(|wrong| Error::usage(format!("`{text}` is no pattern: {}", wrong.msg)).hint("for example kpi*"))?;
        Ok(Self(Some(pattern)))
    }

    fn holds(&self, name: &TableName) -> bool {
        self.holds_text(&name.name) || self.holds_text(&name.to_string())
    }

    fn holds_text(&self, text: &str) -> bool {
        self.0.as_ref().is_none_or(|pattern| pattern.matches(text))
    }
}

fn functions(shell: &mut Shell, pattern: &str) -> Result<Flow> {
    let pattern = Pattern::of(pattern)?;
    let functions = shell.session.functions().into_iter().filter(|function| pattern.holds_text(&function.name));
    let rows = functions.map(|function| [function.kind.to_owned(), function.signature, function.description]);
    let rows = records(["kind", "function", "description"], rows)?;
    shell.show(&rows)?;
    Ok(Flow::Continue)
}

async fn layers(shell: &mut Shell) -> Result<Flow> {
    let tables = shell.session.tables().await?;
    let rows = crate::name::Layer::SEARCH_ORDER.into_iter().map(|layer| {
        let here = || tables.iter().filter(|table| table.name.layer == layer);
        let sum = |count: fn(&TableEntry) -> Option<u64>| here().filter_map(count).sum::<u64>();
        let views = here().filter(|table| table.kind == TableKind::View).count();
        let others = here().count() - views;
        [
            layer.to_string(),
            others.to_string(),
            views.to_string(),
            thousands(sum(|table| table.rows)),
            bytes(sum(|table| table.bytes)),
        ]
    });
    shell.show(&records(["layer", "tables", "views", "rows", "size"], rows)?)?;
    Ok(Flow::Continue)
}

async fn definition(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let table = meant(shell, argument).await?;
    let Some(text) = shell.session.definition(&table.name) else {
        return Err(Error::query(format!("{} is no model of the release", table.name))
            .hint(format!("\\d {} shows its columns", table.name)));
    };
    let mut out = shell.printer.stdout();
    out.text(&format!("{}\n", text.trim_end()))?;
    out.finish()?;
    Ok(Flow::Continue)
}

async fn sample(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let words = words(argument);
    let table = meant(shell, words.first().map_or("", String::as_str)).await?;
    let rows = match words.get(1) {
        None => SAMPLE,
        Some(count) => {
            count.parse().map_err(|_| Error::usage(format!("\\sample takes a number of rows, but got `{count}`")))?
        }
    };
    let sql = format!("SELECT * FROM {} ORDER BY random() LIMIT {rows}", crate::engine::sql_name(&table.name));
    let told = shell.at_terminal;
    shell.answer(Source::new("\\sample", &sql).only_statement()?, told).await
}

async fn profiled(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let table = meant(shell, argument).await?;
    let profile = profile::of(shell.session.as_ref(), &table.name).await?;
    shell.printer.title(format!("{} {}: {} rows", table.kind.as_str(), table.name, thousands(profile.rows)));
    shell.show(&profile.columns)?;
    Ok(Flow::Continue)
}

async fn releases(shell: &mut Shell) -> Result<Flow> {
    let line = ["releases", "--limit", "0", "--format", shell.showing.shown_as().as_str()];
    shell.session.command(&line.map(str::to_owned)).await?;
    Ok(Flow::Continue)
}

async fn as_of(shell: &mut Shell, argument: &str) -> Result<Flow> {
    if !argument.is_empty() {
        shell.session = shell.session.at(argument.parse()?).await?;
    }
    shell.say(format_args!("reading {}", shell.session.title()));
    Ok(Flow::Continue)
}

fn conf(shell: &mut Shell) -> Result<Flow> {
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map_or_else(|| "none".to_owned(), |path| path.display().to_string())
    };
    let program = |command: &Option<String>| command.clone().unwrap_or_else(|| "none".to_owned());
    let around = &shell.surroundings;
    let own = [
        ("history", path(&around.history)),
        ("rc file", path(&around.rc)),
        ("pager", program(&around.pager)),
        ("editor", program(&around.editor)),
    ];
    let rows = shell.session.settings().into_iter().chain(own).map(|(name, value)| [name.to_owned(), value]);
    let rows = records(["what", "value"], rows)?;
    shell.show(&rows)?;
    Ok(Flow::Continue)
}
