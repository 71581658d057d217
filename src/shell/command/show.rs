//! Commands for results: how they are shown, where they go, and what can be done with the last one.

use futures::FutureExt;
use futures::future::ready;

use super::{Command, Takes, path, words};
use crate::error::{Error, Result};
use crate::output::{Format, Layout, ResultFile};
use crate::shell::answer::{last, named};
use crate::shell::crosstab::crosstab;
use crate::shell::outlet::Outlet;
use crate::shell::plot;
use crate::shell::showing::{SETTINGS, setting};
use crate::shell::{Flow, Shell, records};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        names: &["last", "g"],
        arguments: "[format]",
        help: "the last result again, all of it",
        takes: Takes::ValueOf("format"),
        run: |shell, argument| ready(again(shell, argument)).boxed(),
    },
    Command {
        names: &["gx"],
        arguments: "",
        help: "the last result, one line a column",
        takes: Takes::Nothing,
        run: |shell, _| ready(shell.show_last(Format::Vertical).map(|()| Flow::Continue)).boxed(),
    },
    Command {
        names: &["export"],
        arguments: "<file>",
        help: "write the last result, as the ending says: .csv .json .parquet .arrow .md .html …",
        takes: Takes::File,
        run: |shell, argument| ready(export(shell, argument)).boxed(),
    },
    Command {
        names: &["once"],
        arguments: "<file or |program>",
        help: "where the next result goes",
        takes: Takes::File,
        run: |shell, argument| ready(once(shell, argument)).boxed(),
    },
    Command {
        names: &["o", "output"],
        arguments: "[file or |program]",
        help: "where results go from now on; to the screen again without one",
        takes: Takes::File,
        run: |shell, argument| ready(output(shell, argument)).boxed(),
    },
    Command {
        names: &["plot"],
        arguments: "line|bar|hist [x] [y]",
        help: "draw the last result",
        takes: Takes::Words(&["line", "bar", "hist"]),
        run: |shell, argument| ready(drawn(shell, argument)).boxed(),
    },
    Command {
        names: &["crosstab", "crosstabview"],
        arguments: "[row] [column] [value]",
        help: "turn the last result: a column for each value of one column",
        takes: Takes::Nothing,
        run: |shell, argument| ready(crossed(shell, argument)).boxed(),
    },
    Command {
        names: &["x", "expanded"],
        arguments: "[on|off|auto]",
        help: "one line a column instead of a table",
        takes: Takes::ValueOf("expanded"),
        run: |shell, argument| ready(set(shell, "expanded", argument)).boxed(),
    },
    Command {
        names: &["t", "tuples_only"],
        arguments: "[on|off]",
        help: "rows alone, without header and count",
        takes: Takes::ValueOf("tuples_only"),
        run: |shell, argument| ready(set(shell, "tuples_only", argument)).boxed(),
    },
    Command {
        names: &["a"],
        arguments: "",
        help: "text without frames (format tsv), or tables again",
        takes: Takes::Nothing,
        run: |shell, _| ready(unframed(shell)).boxed(),
    },
    Command {
        names: &["format", "mode"],
        arguments: "[format]",
        help: "how results are written: table, box, csv, json, …",
        takes: Takes::ValueOf("format"),
        run: |shell, argument| ready(set(shell, "format", argument)).boxed(),
    },
    Command {
        names: &["maxrows"],
        arguments: "[rows|all]",
        help: "the most rows of a result that are shown",
        takes: Takes::ValueOf("maxrows"),
        run: |shell, argument| ready(set(shell, "maxrows", argument)).boxed(),
    },
    Command {
        names: &["timing", "timer"],
        arguments: "[on|off]",
        help: "time, bytes read and memory after each result",
        takes: Takes::ValueOf("timing"),
        run: |shell, argument| ready(set(shell, "timing", argument)).boxed(),
    },
    Command {
        names: &["pset"],
        arguments: "[setting] [value]",
        help: "all settings, or one",
        takes: Takes::Setting,
        run: |shell, argument| ready(pset(shell, argument)).boxed(),
    },
];

fn again(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let format = if argument.is_empty() { shell.showing.shown_as() } else { argument.parse()? };
    if format.is_binary() {
        return Err(Error::usage(format!("{format} is not text: the shell cannot show it"))
            .hint(format!("\\export FILE.{format} writes the last result to a file")));
    }
    shell.show_last(format)?;
    Ok(Flow::Continue)
}

fn export(shell: &mut Shell, argument: &str) -> Result<Flow> {
    if argument.is_empty() {
        return Err(Error::usage("the name of a file is missing").hint("for example \\export kpi.parquet"));
    }
    let name = path(argument);
    let kept = last(&mut shell.last)?;
    // Without an ending that says it, a guess would be a surprise.
    let format = if name.starts_with('|') { Format::Csv } else { Format::of_file(std::path::Path::new(name))? };
    let (target, format) = named(name, format)?;
    let mut file = ResultFile::begin(format, kept.schema(), target, &Layout::default())?;
    for batch in kept.read()? {
        file.batch(&batch?)?;
    }
    let account = file.finish()?;
    shell.say(format_args!("{account} written to {name}"));
    Ok(Flow::Continue)
}

fn once(shell: &mut Shell, argument: &str) -> Result<Flow> {
    if argument.is_empty() {
        return Err(Error::usage("the name of a file or |program is missing").hint("for example \\once |wc -l"));
    }
    shell.once = Some(path(argument).to_owned());
    shell.say(format_args!("the next result goes to {}", path(argument)));
    Ok(Flow::Continue)
}

fn output(shell: &mut Shell, argument: &str) -> Result<Flow> {
    match path(argument) {
        "" => {
            shell.into = None;
            shell.say("results go to the screen");
        }
        name => {
            shell.into = Some(Outlet::open(name)?);
            shell.say(format_args!("results go to {name}"));
        }
    }
    Ok(Flow::Continue)
}

fn drawn(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let words = words(argument);
    let columns = shell.printer.layout(None).width.unwrap_or(80);
    let text = plot::plot(last(&mut shell.last)?, &words, columns)?;
    let mut out = shell.printer.stdout();
    out.text(&text)?;
    out.finish()?;
    Ok(Flow::Continue)
}

fn crossed(shell: &mut Shell, argument: &str) -> Result<Flow> {
    let table = crosstab(last(&mut shell.last)?, &words(argument))?;
    shell.show(&table)?;
    Ok(Flow::Continue)
}

fn set(shell: &mut Shell, name: &str, value: &str) -> Result<Flow> {
    shell.change(setting(name)?, value)?;
    Ok(Flow::Continue)
}

fn unframed(shell: &mut Shell) -> Result<Flow> {
    let format = if shell.showing.format == Format::Tsv { Format::Table } else { Format::Tsv };
    set(shell, "format", format.as_str())
}

fn pset(shell: &mut Shell, argument: &str) -> Result<Flow> {
    if let Some((name, value)) =
        argument.split_once(char::is_whitespace).or((!argument.is_empty()).then_some((argument, "")))
    {
        return set(shell, name, value.trim());
    }
    let rows = SETTINGS.iter().map(|setting| {
        [setting.name.to_owned(), (setting.get)(&shell.showing), setting.values.join(", "), setting.help.to_owned()]
    });
    let rows = records(["setting", "value", "may be", "what it does"], rows)?;
    shell.show(&rows)?;
    Ok(Flow::Continue)
}
