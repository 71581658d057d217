//! Commands of the command line inside the shell: the same arguments, the same work, the same words.

use clap::error::ErrorKind;
use clap::{Arg, Command, CommandFactory, Parser};

use super::listing::write_text;
use super::settings::Settings;
use super::{check, diff, lineage, plan, releases, run, why};
use crate::error::{Error, Result};

/// The commands that the shell has, too. Options of all commands are those that the shell was started with.
#[derive(Debug, Parser)]
#[command(no_binary_name = true, disable_help_subcommand = true, max_term_width = 100)]
enum Line {
    Plan(plan::Arguments),
    Run(run::Arguments),
    Check(check::Arguments),
    Why(why::Arguments),
    Lineage(lineage::Arguments),
    Diff(diff::Arguments),
    Releases(releases::Arguments),
}

/// Carries out the command in `words`, in a session that reads `release`.
///
/// # Errors
/// Arguments that the command does not take, and whatever the command fails of.
pub(super) async fn carry_out(words: &[String], release: Option<u64>, settings: &Settings) -> Result<()> {
    let mut words = words.to_vec();
    let names_release = words.iter().any(|word| word.starts_with("--release"));
    // What is checked is what is read.
    if let (Some("check"), false, Some(release)) = (words.first().map(String::as_str), names_release, release) {
        words.push(format!("--release={release}"));
    }
    match Line::try_parse_from(&words) {
        Ok(Line::Plan(arguments)) => plan::plan(arguments, settings).await,
        Ok(Line::Run(arguments)) => run::run(arguments, settings).await,
        Ok(Line::Check(arguments)) => check::check(arguments, settings).await,
        Ok(Line::Why(arguments)) => why::why(arguments, settings).await,
        Ok(Line::Lineage(arguments)) => lineage::show(arguments, settings).await,
        Ok(Line::Diff(arguments)) => diff::diff(arguments, settings).await,
        Ok(Line::Releases(arguments)) => releases::releases(arguments, settings).await,
        Err(told) if told.kind() == ErrorKind::DisplayHelp => write_text(&settings.printer, &told.to_string()),
        Err(wrong) => Err(misread(&wrong, words.first().map_or("", String::as_str))),
    }
}

/// The options of a command, each with what it does.
pub(super) fn options(command: &str) -> Vec<(String, String)> {
    let line = Line::command();
    let arguments = line.find_subcommand(command).into_iter().flat_map(Command::get_arguments);
    let option =
        |it: &Arg| Some((format!("--{}", it.get_long()?), it.get_help().map(ToString::to_string).unwrap_or_default()));
    arguments.filter_map(option).collect()
}

/// What clap complains of, in our form: its first sentence, and where to read what the command takes.
fn misread(wrong: &clap::Error, command: &str) -> Error {
    let text = wrong.to_string();
    let sentence = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    Error::usage(sentence).hint(format!("\\{command} --help tells what it takes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_in_one_sentence() {
        let told = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let error = misread(&Line::try_parse_from(&words).unwrap_err(), words[0]);
            format!("{error}; {}", error.next_step().unwrap())
        };
        insta::assert_snapshot!(
            ["why", "plan --jsn", "diff 1 2 3", "diff soon", "run --threads 4"].map(told).join("\n"),
            @r"
        the following required arguments were not provided: <MODEL>; \why --help tells what it takes
        unexpected argument '--jsn' found; \plan --help tells what it takes
        unexpected argument '3' found; \diff --help tells what it takes
        invalid value 'soon' for '[FROM]': `soon` is neither a release nor a time; \diff --help tells what it takes
        unexpected argument '--threads' found; \run --help tells what it takes
        "
        );
        assert!(Line::try_parse_from(["run", "+kpi_canal", "--full-refresh"]).is_ok());
    }
}
