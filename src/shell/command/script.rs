//! Commands for work that repeats: files, variables, the editor, plans, watching.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Program;
use std::time::Duration;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::{Command, Takes, help, path, words};
use crate::error::{Error, Kind, Result, io_reason};
use crate::output::thousands;
use crate::shell::answer::last;
use crate::shell::input::inputs;
use crate::shell::showing::seconds;
use crate::shell::{Flow, Shell, records};
use crate::sql::{Source, Statement};

/// Files that may read one another before a circle is assumed.
const NESTED: usize = 16;

/// Statements that `\gexec` runs, and entries that `\history` shows.
const MANY: u64 = 10_000;

/// Time between two runs of `\watch`.
const PAUSE: Duration = Duration::from_secs(2);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        names: &["i", "include", "read"],
        arguments: "<file>",
        help: "run a file",
        takes: Takes::File,
        run: |shell, argument| include(shell, argument, false).boxed(),
    },
    Command {
        names: &["ir"],
        arguments: "<file>",
        help: "run a file that stands beside the one being read",
        takes: Takes::File,
        run: |shell, argument| include(shell, argument, true).boxed(),
    },
    Command {
        names: &["e", "edit"],
        arguments: "[file]",
        help: "edit the last statement, or a file, and have it on the line",
        takes: Takes::File,
        run: |shell, argument| ready(edit(shell, argument)).boxed(),
    },
    Command {
        names: &["set"],
        arguments: "[name] [value]",
        help: "set a variable: :name and :'name' in SQL, or $name as a typed value",
        takes: Takes::Nothing,
        run: |shell, argument| ready(set(shell, argument)).boxed(),
    },
    Command {
        names: &["unset"],
        arguments: "<name>",
        help: "forget a variable",
        takes: Takes::Nothing,
        run: |shell, argument| ready(unset(shell, argument)).boxed(),
    },
    Command {
        names: &["gset"],
        arguments: "[prefix]",
        help: "keep the one row of the last result in variables",
        takes: Takes::Nothing,
        run: |shell, argument| ready(keep_in_variables(shell, argument)).boxed(),
    },
    Command {
        names: &["gexec"],
        arguments: "",
        help: "run each value of the last result as a statement",
        takes: Takes::Nothing,
        run: |shell, _| run_values(shell).boxed(),
    },
    Command {
        names: &["watch"],
        arguments: "[seconds]",
        help: "run the last statement again and again, until Ctrl-C",
        takes: Takes::Nothing,
        run: |shell, argument| watch(shell, argument).boxed(),
    },
    Command {
        names: &["explain"],
        arguments: "[analyze] [SQL]",
        help: "how a statement, or the last one, is run",
        takes: Takes::Sql,
        run: |shell, argument| explain(shell, argument).boxed(),
    },
    Command {
        names: &["echo"],
        arguments: "[text]",
        help: "write a text between results",
        takes: Takes::Nothing,
        run: |shell, argument| ready(echo(shell, argument)).boxed(),
    },
    Command {
        names: &["history"],
        arguments: "[rows|text]",
        help: "what was entered",
        takes: Takes::Nothing,
        run: |shell, argument| ready(history(shell, argument)).boxed(),
    },
    Command {
        names: &["sh", "!", "shell", "system"],
        arguments: "[command]",
        help: "run a command of the system",
        takes: Takes::File,
        run: |_, argument| ready(system(argument)).boxed(),
    },
    Command {
        names: &["?", "help", "h"],
        arguments: "",
        help: "this help",
        takes: Takes::Nothing,
        run: |shell, _| ready(help(shell)).boxed(),
    },
    Command {
        names: &["q", "quit", "exit"],
        arguments: "",
        help: "leave (also Ctrl-D)",
        takes: Takes::Nothing,
        run: |_, _| ready(Ok(Flow::Quit)).boxed(),
    },
];

impl Shell {
    /// Runs everything in a file, and stops at the first failure.
    pub(in crate::shell) fn read_file<'a>(&'a mut self, file: &'a Path) -> BoxFuture<'a, Result<Flow>> {
        async move {
            let name = file.display().to_string();
            if self.files.len() >= NESTED {
                return Err(Error::usage(format!(
                    "{name} is read by a file that is read by a file …, {NESTED} of them"
                )));
            }
            let text = read_text(file)?;
            self.files.push(file.to_owned());
            let mut flow = Ok(Flow::Continue);
            for input in inputs(&name, &text) {
                flow = self.act(input, self.at_terminal).await;
                if !matches!(flow, Ok(Flow::Continue)) {
                    break;
                }
            }
            self.files.pop();
            flow
        }
        .boxed()
    }
}

fn read_text(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|failure| {
        Error::store(format!("cannot read `{}`: {}", file.display(), io_reason(&failure))).hint("check the path")
    })
}

async fn include(shell: &mut Shell, argument: &str, beside: bool) -> Result<Flow> {
    if argument.is_empty() {
        return Err(Error::usage("the name of a file is missing").hint("for example \\i consultas.sql"));
    }
    let named = PathBuf::from(path(argument));
    let folder = shell.files.last().and_then(|file| file.parent()).filter(|_| beside);
    let file = folder.map_or_else(|| named.clone(), |folder| folder.join(&named));
    let depth = shell.files.len();
    let read = shell.read_file(&file).await;
    shell.files.truncate(depth);
    read
}

fn edit(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let Some(editor) = shell.surroundings.editor.clone() else {
        return Err(Error::usage("no editor is known").hint("set EDITOR, for example EDITOR=vim"));
    };
    if !shell.at_terminal {
        return Err(Error::usage("\\e needs a terminal"));
    }
    let cannot = |failure: std::io::Error| Error::store(format!("cannot edit: {}", io_reason(&failure)));
    let before = shell.last_statement.as_ref().map(|statement| format!("{};\n", statement.text())).unwrap_or_default();
    let temporary = match argument {
        "" => {
            let file = tempfile::Builder::new().prefix("cauce-").suffix(".sql").tempfile().map_err(cannot)?;
            fs::write(file.path(), &before).map_err(cannot)?;
            Some(file)
        }
        _ => None,
    };
    let file = temporary.as_ref().map_or_else(|| PathBuf::from(path(argument)), |file| file.path().to_owned());
    let quoted = file.display().to_string().replace('\'', "'\\''");
    // A shell that waited for the editor would hear its Ctrl-C, too, and tell of a signal.
    run_program(&format!("exec {editor} '{quoted}'"))?;
    // Enter runs it: a person sees what will be done.
    shell.prepared = Some(read_text(&file)?.trim_end().to_owned()).filter(|text| !text.is_empty());
    Ok(Flow::Continue)
}

fn set(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let Some((name, value)) =
        argument.split_once(char::is_whitespace).or((!argument.is_empty()).then_some((argument, "")))
    else {
        let rows = shell.variables.iter().map(|(name, value)| [name.clone(), value.clone()]);
        let rows = records(["variable", "value"], rows)?;
        shell.show(&rows)?;
        return Ok(Flow::Continue);
    };
    if !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(Error::usage(format!("`{name}` is no name of a variable")).hint("use letters, digits and _"));
    }
    let value = value.trim();
    let text = words(value);
    let value =
        if let ([only], true) = (text.as_slice(), value.starts_with('\'')) { only.clone() } else { value.to_owned() };
    shell.variables.insert(name.to_owned(), value);
    Ok(Flow::Continue)
}

fn unset(shell: &mut Shell, argument: &str) -> Result<Flow> {
    if shell.variables.remove(argument).is_none() {
        return Err(Error::usage(format!("there is no variable `{argument}`")).hint("\\set lists them"));
    }
    Ok(Flow::Continue)
}

fn keep_in_variables(shell: &mut Shell, prefix: &str) -> Result<Flow> {
    let kept = last(&mut shell.last)?;
    let batches = match kept.rows() {
        1 => kept.small(1, "\\gset")?,
        rows => {
            return Err(Error::query(format!("\\gset keeps one row, and the last result has {}", thousands(rows)))
                .hint("add LIMIT 1 or an aggregate"));
        }
    };
    let mut set = Vec::new();
    for batch in batches.iter().filter(|batch| batch.num_rows() == 1) {
        for (field, value) in batch.schema().fields().iter().zip(row_values(batch, 0)?) {
            set.push((format!("{prefix}{}", field.name()), value));
        }
    }
    for (name, value) in set {
        match value {
            Some(value) => drop(shell.variables.insert(name, value)),
            // As in psql: a null unsets.
            None => drop(shell.variables.remove(&name)),
        }
    }
    Ok(Flow::Continue)
}

async fn run_values(shell: &mut Shell) -> Result<Flow> {
    let batches = last(&mut shell.last)?.small(MANY, "\\gexec")?;
    let mut statements: Vec<Statement> = Vec::new();
    for batch in &batches {
        for row in 0..batch.num_rows() {
            for text in row_values(batch, row)?.into_iter().flatten() {
                statements.extend(Source::new(&format!("value {}", statements.len() + 1), &text).statements());
            }
        }
    }
    for statement in statements {
        let flow = shell.answer(statement, shell.at_terminal).await?;
        if flow == Flow::Quit {
            return Ok(flow);
        }
    }
    Ok(Flow::Continue)
}

/// The values of a row as texts; none for a null.
fn row_values(batch: &RecordBatch, row: usize) -> Result<Vec<Option<String>>> {
    let text = |column: &dyn Array| {
        if column.is_null(row) {
            return Ok(None);
        }
        let options = FormatOptions::new();
        let values = ArrayFormatter::try_new(column, &options).map_err(|failure| Error::bug(failure.to_string()))?;
        Ok(Some(values.value(row).to_string()))
    };
    batch.columns().iter().map(|column| text(column.as_ref())).collect()
}

async fn watch(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let pause = match argument {
        "" => PAUSE,
        text => seconds(text).ok_or_else(|| {
            Error::usage(format!("\\watch takes a number of seconds, but got `{text}`")).hint("for example \\watch 5")
        })?,
    };
    let Some(statement) = shell.last_statement.clone() else {
        return Err(Error::usage("there is no statement to watch yet").hint("run a query first"));
    };
    loop {
        tokio::time::sleep(pause).await;
        shell.answer(statement.clone(), true).await?;
    }
}

async fn explain(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let (analyze, sql) = match argument.split_once(char::is_whitespace) {
        Some((word, rest)) if word.eq_ignore_ascii_case("analyze") => (true, rest.trim()),
        _ if argument.eq_ignore_ascii_case("analyze") => (true, ""),
        _ => (false, argument),
    };
    let statement = match (sql, &shell.last_statement) {
        ("", None) => return Err(Error::usage("there is no statement to explain").hint("\\explain SELECT …")),
        ("", Some(last)) => last.clone(),
        (sql, _) => Source::new("\\explain", sql).only_statement()?,
    };
    let words = if analyze { "EXPLAIN ANALYZE " } else { "EXPLAIN FORMAT TREE " };
    let words = match (analyze, statement.first_word().eq_ignore_ascii_case("FROM")) {
        (true, true) => "EXPLAIN ANALYZE SELECT * ",
        (false, true) => "EXPLAIN FORMAT TREE SELECT * ",
        _ => words,
    };
    let answer = shell.session.answer(&statement.after(words), &shell.variables).await?;
    let mut rows = crate::shell::rows::Rows::of(answer.rows);
    let mut out = shell.printer.screen(shell.surroundings.pager.as_deref().filter(|_| shell.at_terminal));
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            // The first column says which plan it is, the second is the plan.
            if let Some(Some(plan)) = row_values(&batch, row)?.pop() {
                out.text(&format!("{}\n", plan.trim_end()))?;
            }
        }
    }
    out.finish()?;
    Ok(Flow::Continue)
}

fn echo(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let mut out = shell.printer.stdout();
    out.text(&format!("{}\n", words(argument).join(" ")))?;
    out.finish()?;
    Ok(Flow::Continue)
}

fn history(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let Some(editor) = &shell.editor else {
        return Err(Error::usage("there is no history: nobody types here"));
    };
    let entries = editor.entries();
    let (wanted, rows) = match argument.parse::<usize>() {
        Ok(rows) => ("", rows),
        Err(_) if argument.is_empty() => ("", 20),
        Err(_) => (argument, usize::MAX),
    };
    let wanted = wanted.to_lowercase();
    let mut found: Vec<(usize, &String)> =
        entries.iter().enumerate().filter(|(_, entry)| entry.to_lowercase().contains(&wanted)).collect();
    let rows = rows.min(usize::try_from(MANY).unwrap_or(usize::MAX));
    let found = found.split_off(found.len().saturating_sub(rows));
    let mut out = shell.printer.screen(shell.surroundings.pager.as_deref());
    for (number, entry) in found {
        out.text(&format!("{:>5}  {}\n", number + 1, entry.replace('\n', "\n       ")))?;
    }
    out.finish()?;
    Ok(Flow::Continue)
}

fn system(argument: &str) -> Result<Flow> {
    run_program(if argument.is_empty() { "exec ${SHELL:-sh}" } else { argument })?;
    Ok(Flow::Continue)
}

/// Runs a program at the terminal and waits for it.
fn run_program(command: &str) -> Result<()> {
    let status = Program::new("sh").arg("-c").arg(command).status();
    let status =
        status.map_err(|failure| Error::store(format!("cannot start `{command}`: {}", io_reason(&failure))))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(Error::new(Kind::Query, format!("`{command}` ended with {code}"))),
        None => Err(Error::new(Kind::Query, format!("`{command}` was stopped by a signal"))),
    }
}
