//! The shell's own commands: each is declared once, with its names, its help and what it does.

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::session::{TableEntry, TableKind, find};
use super::{Flow, Shell, records, rejects};
use crate::error::{Error, Result};
use crate::name::closest;
use crate::output::type_name;

/// A command as the table of them declares it.
pub(super) struct Command {
    /// What it is called after `\` or `.`, the usual name first.
    pub(super) names: &'static [&'static str],
    /// Its arguments, as help shows them.
    arguments: &'static str,
    help: &'static str,
    run: for<'a> fn(&'a mut Shell, &'a str) -> BoxFuture<'a, Result<Flow>>,
}

/// All commands, in the order of help.
pub(super) const COMMANDS: &[Command] = &[
    Command {
        names: &["d", "describe"],
        arguments: "[table]",
        help: "tables and views, or the columns of one",
        run: |shell, argument| describe(shell, argument).boxed(),
    },
    Command {
        names: &["dt", "tables"],
        arguments: "",
        help: "datasets and tables",
        run: |shell, _| list(shell, |table| table.kind != TableKind::View).boxed(),
    },
    Command {
        names: &["dv", "views"],
        arguments: "",
        help: "views",
        run: |shell, _| list(shell, |table| table.kind == TableKind::View).boxed(),
    },
    Command {
        names: &["rejects"],
        arguments: "",
        help: "rows that the last query did not see, or that the release left out",
        run: |shell, _| rejects::show(shell).boxed(),
    },
    Command {
        names: &["x", "expanded"],
        arguments: "[on|off]",
        help: "one line a column instead of a table",
        run: |shell, argument| ready(expanded(shell, argument)).boxed(),
    },
    Command {
        names: &["format", "mode"],
        arguments: "[format]",
        help: "how results are written: table, box, csv, json, …",
        run: |shell, argument| ready(format(shell, argument)).boxed(),
    },
    Command {
        names: &["maxrows"],
        arguments: "[rows|all]",
        help: "the most rows of a result that are shown",
        run: |shell, argument| ready(max_rows(shell, argument)).boxed(),
    },
    Command {
        names: &["?", "help", "h"],
        arguments: "",
        help: "this help",
        run: |shell, _| ready(help(shell)).boxed(),
    },
    Command {
        names: &["q", "quit", "exit"],
        arguments: "",
        help: "leave (also Ctrl-D)",
        run: |_, _| ready(Ok(Flow::Quit)).boxed(),
    },
];

/// Runs the command in `line`, which is without its `\`.
pub(super) async fn run(shell: &mut Shell, line: &str) -> Result<Flow> {
    let (name, argument) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
    let name = name.trim_end_matches(';');
    let argument = argument.trim().trim_end_matches(';').trim_end();
    let known = COMMANDS.iter().find(|command| command.names.iter().any(|known| known.eq_ignore_ascii_case(name)));
    match known {
        Some(command) if command.arguments.is_empty() && !argument.is_empty() => {
            Err(Error::usage(format!("\\{name} takes no argument, but got `{argument}`")))
        }
        Some(command) => (command.run)(shell, argument).await,
        None => {
            let names = COMMANDS.iter().flat_map(|command| command.names).copied();
            let hint = match closest(name, names) {
                Some(near) => format!("did you mean \\{near}?"),
                None => "\\? lists the commands".to_owned(),
            };
            Err(Error::usage(format!("unknown command \\{name}")).hint(hint))
        }
    }
}

async fn describe(shell: &mut Shell, argument: &str) -> Result<Flow> {
    if argument.is_empty() {
        return list(shell, |_| true).await;
    }
    let tables = shell.session.tables().await?;
    let table = find(&tables, argument).map_err(|near| {
        Error::query(format!("no table or view is called `{argument}`"))
            .hint(near.map_or_else(|| "\\d lists them all".to_owned(), |near| format!("did you mean `{near}`?")))
    })?;
    let columns = shell.session.columns(&table.name).await?;
    let described = if table.description.is_empty() { String::new() } else { format!(": {}", table.description) };
    shell.printer.title(format!("{} {}{described}", table.kind.as_str(), table.name));
    let rows = columns.into_iter().map(|column| {
        let nullable = if column.nullable { "yes" } else { "no" };
        [column.name, type_name(&column.data_type), nullable.to_owned(), column.description]
    });
    shell.show(&records(["column", "type", "nullable", "description"], rows)?)?;
    Ok(Flow::Continue)
}

async fn list(shell: &mut Shell, wanted: impl Fn(&TableEntry) -> bool + Send) -> Result<Flow> {
    let tables = shell.session.tables().await?;
    let rows = tables.into_iter().filter(wanted).map(|table| {
        [table.name.layer.to_string(), table.name.name, table.kind.as_str().to_owned(), table.description]
    });
    shell.show(&records(["layer", "name", "kind", "description"], rows)?)?;
    Ok(Flow::Continue)
}

fn expanded(shell: &mut Shell, argument: &str) -> Result<Flow> {
    shell.expanded = match argument {
        "" => !shell.expanded,
        "on" => true,
        "off" => false,
        _ => return Err(Error::usage(format!("\\x takes on or off, but got `{argument}`"))),
    };
    shell.printer.say(if shell.expanded { "one line a column" } else { "one line a row" });
    Ok(Flow::Continue)
}

fn format(shell: &mut Shell, argument: &str) -> Result<Flow> {
    if !argument.is_empty() {
        let format: crate::output::Format = argument.parse()?;
        if format.is_binary() {
            return Err(Error::usage(format!("{format} is not text: the shell cannot show it"))
                .hint(format!("write a file: cauce query --format {format} -o FILE \"SELECT …\"")));
        }
        shell.format = format;
    }
    shell.printer.say(format_args!("results are written as {}", shell.format));
    Ok(Flow::Continue)
}

fn max_rows(shell: &mut Shell, argument: &str) -> Result<Flow> {
    match argument {
        "" => {}
        "all" => shell.max_rows = None,
        count => {
            let rows = count.parse().ok().filter(|rows| *rows > 0);
            let wrong = || Error::usage(format!("\\maxrows takes a number above 0 or all, but got `{count}`"));
            shell.max_rows = Some(rows.ok_or_else(wrong)?);
        }
    }
    shell.printer.say(match shell.max_rows {
        Some(rows) => format!("rows shown of a result: at most {rows}"),
        None => "rows shown of a result: all".to_owned(),
    });
    Ok(Flow::Continue)
}

fn help(shell: &mut Shell) -> Result<Flow> {
    let usage = |command: &Command| format!("\\{} {}", command.names[0], command.arguments);
    let width = COMMANDS.iter().map(|command| usage(command).len()).max().unwrap_or(0);
    let mut text = String::from("SQL ends with a semicolon. Ctrl-C stops a query, Tab completes.\n\n");
    for command in COMMANDS {
        let others = command.names[1..].iter().map(|name| format!("\\{name}")).collect::<Vec<_>>().join(", ");
        let others = if others.is_empty() { others } else { format!(" ({others})") };
        text.extend([format!("  {:width$}  {}{others}\n", usage(command), command.help)]);
    }
    text.push_str("\nA command may also begin with a dot: .tables\n");
    let mut out = shell.printer.stdout();
    out.text(&text)?;
    out.finish()?;
    Ok(Flow::Continue)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_belongs_to_one_command() {
        let names: Vec<&str> = COMMANDS.iter().flat_map(|command| command.names).copied().collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
    }
}
