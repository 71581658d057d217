//! The shell's own commands: each is declared once, with its names, its help, what completes it and what it does.

mod look;
mod project;
mod script;
mod show;

use futures::future::BoxFuture;
use serde::Serialize;

use super::{Flow, Shell};
use crate::error::{Error, Result};
use crate::name::closest;

/// A command as the table of them declares it.
pub(super) struct Command {
    /// What it is called after `\` or `.`, the usual name first.
    pub(super) names: &'static [&'static str],
    /// Its arguments, as help shows them.
    arguments: &'static str,
    help: &'static str,
    /// What its arguments are, for completion.
    pub(super) takes: Takes,
    run: for<'a> fn(&'a mut Shell, &'a str) -> BoxFuture<'a, Result<Flow>>,
}

impl Command {
    /// What it does, in a few words.
    pub(super) fn help(&self) -> &'static str {
        self.help
    }
}

/// What may be completed behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing that can be known.
    Nothing,
    /// A table or view.
    Table,
    /// A table, view or column.
    Column,
    /// The path of a file.
    File,
    /// SQL.
    Sql,
    /// A setting of `\pset` and its value.
    Setting,
    /// A value of this setting.
    ValueOf(&'static str),
    /// One of these words.
    Words(&'static [&'static str]),
}

/// What a person may be told of a command.
#[derive(Debug, Serialize)]
pub struct CommandHelp {
    /// What it is called, the usual name first.
    pub names: &'static [&'static str],
    /// Its arguments.
    pub arguments: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// All commands in the order of help.
pub(super) fn commands() -> impl Iterator<Item = &'static Command> {
    [look::COMMANDS, show::COMMANDS, project::COMMANDS, script::COMMANDS].into_iter().flatten()
}

/// The commands that are those of the command line.
pub(super) fn project_commands() -> &'static [Command] {
    project::COMMANDS
}

/// All commands, as people may be told of them.
#[must_use]
pub fn command_help() -> Vec<CommandHelp> {
    let told =
        |command: &Command| CommandHelp { names: command.names, arguments: command.arguments, help: command.help };
    commands().map(told).collect()
}

/// Runs the command in `line`, which is without its `\`.
pub(super) async fn run(shell: &mut Shell, line: &str) -> Result<Flow> {
    let (name, argument) = split(line);
    let command = find(name)?;
    if command.arguments.is_empty() && !argument.is_empty() {
        return Err(Error::usage(format!("\\{name} takes no argument, but got `{argument}`")));
    }
    let filled = super::variables::fill(argument, &shell.variables);
    (command.run)(shell, &filled).await
}

/// Whether the rows of a statement are shown before the command in `line`, which stands behind it, is run.
pub(super) fn shows_rows(line: &str) -> bool {
    find(split(line).0).is_ok_and(|command| command.names.contains(&"watch"))
}

/// The command of that name, or the only one whose name begins so.
pub(super) fn find(name: &str) -> Result<&'static Command> {
    let lower = name.to_lowercase();
    if let Some(command) = commands().find(|command| command.names.contains(&lower.as_str())) {
        return Ok(command);
    }
    let begins = |command: &&Command| !lower.is_empty() && command.names.iter().any(|it| it.starts_with(&lower));
    let meant: Vec<&Command> = commands().filter(begins).collect();
    match meant.as_slice() {
        [only] => Ok(only),
        [] => {
            let hint = match closest(&lower, commands().flat_map(|command| command.names).copied()) {
                Some(near) => format!("did you mean \\{near}?"),
                None => "\\? lists the commands".to_owned(),
            };
            Err(Error::usage(format!("unknown command \\{name}")).hint(hint))
        }
        several => {
            let names: Vec<String> = several.iter().map(|command| format!("\\{}", command.names[0])).collect();
            Err(Error::usage(format!("\\{name} may be {}", names.join(", "))).hint("write more of its name"))
        }
    }
}

/// The name of a command and its argument.
fn split(line: &str) -> (&str, &str) {
    let line = line.trim();
    // `\!ls` and `\?` are signs that need no space behind them.
    let sign = line.starts_with(['!', '?']).then_some(1);
    let end = sign.or_else(|| line.find(char::is_whitespace)).unwrap_or(line.len());
    let (name, argument) = line.split_at(end);
    (name.trim_end_matches(';'), argument.trim().trim_end_matches(';').trim_end())
}

/// The words of an argument; those in quotes may hold spaces.
fn words(argument: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in argument.chars() {
        match (quote, c) {
            (Some(sign), _) if c == sign => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// A path as a person writes it in an argument, with or without quotes.
fn path(argument: &str) -> &str {
    let unquoted = |sign| argument.strip_prefix(sign).and_then(|rest| rest.strip_suffix(sign));
    unquoted('\'').or_else(|| unquoted('"')).unwrap_or(argument)
}

fn help(shell: &Shell) -> Result<Flow> {
    let usage = |command: &Command| format!("\\{} {}", command.names[0], command.arguments).trim_end().to_owned();
    let width = commands().map(|command| usage(command).len()).max().unwrap_or(0);
    let mut text = String::from("SQL ends with a semicolon. Ctrl-C stops a query, Tab completes, Ctrl-R finds.\n");
    let parts = [
        ("Look", look::COMMANDS),
        ("Results", show::COMMANDS),
        ("Project, as on the command line", project::COMMANDS),
        ("Work", script::COMMANDS),
    ];
    for (title, part) in parts {
        text.push_str(&format!("\n{title}\n"));
        for command in part {
            let others = command.names[1..].iter().map(|name| format!("\\{name}")).collect::<Vec<_>>().join(", ");
            let others = if others.is_empty() { others } else { format!(" ({others})") };
            text.push_str(&format!("  {:width$}  {}{others}\n", usage(command), command.help));
        }
    }
    text.push_str(
        "\nA command may begin with a dot (.tables) and be shortened (\\prof); behind a query it takes its rows:\n  \
         SELECT canal, count(*) FROM tickets GROUP BY 1 \\plot bar\n",
    );
    let mut out = shell.printer.screen(shell.surroundings.pager.as_deref().filter(|_| shell.at_terminal));
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
        let names: Vec<&str> = commands().flat_map(|command| command.names).copied().collect();
        assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
        assert!(names.iter().all(|name| find(name).unwrap().names.contains(name)));
    }

    #[test]
    fn a_name_may_be_shortened_while_it_is_plain() {
        assert_eq!(find("prof").unwrap().names[0], "profile");
        assert_eq!(find("TABLES").unwrap().names[0], "dt");
        assert_eq!(find("e").unwrap().names[0], "e");
        let told = |name: &str| find(name).err().unwrap().to_string();
        assert!(told("re").starts_with("\\re may be \\releases, \\rejects"), "{}", told("re"));
        assert!(told("zzz").starts_with("unknown command \\zzz"));
    }

    #[test]
    fn arguments_are_cut_into_words() {
        assert_eq!(words("a 'b c'  \"d\"e ''"), ["a", "b c", "de", ""]);
        assert_eq!(path("'a b.csv'"), "a b.csv");
        assert_eq!((split("!ls -l"), split("d tickets;"), split("q;")), (("!", "ls -l"), ("d", "tickets"), ("q", "")));
    }
}
