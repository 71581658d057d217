//! `cauce spec`: the formats of files as JSON Schema for editors, and the commands for programs.

use clap::{Args, Command, CommandFactory, ValueEnum};
use serde_json::{Value, json};

use super::listing::write_json;
use super::settings::Settings;
use crate::error::{Kind, Result};
use crate::output::Format;
use crate::shell::command_help;
use crate::{catalog, model, trial};

/// Print the JSON Schema of a file that people write, or all commands
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// What is described
    #[arg(value_enum)]
    what: What,
    /// As JSON, which it is in any case
    #[arg(long)]
    json: bool,
}

/// Something with a description.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// catalog.yaml
    Catalog,
    /// The header of a model
    Header,
    /// Tests of a model: tests/models/*.yaml
    Tests,
    /// Commands of the command line and of the shell, formats and exit codes
    Commands,
}

pub(super) fn spec(arguments: &Arguments, settings: &Settings) -> Result<()> {
    let described = match arguments.what {
        What::Catalog => catalog::json_schema(),
        What::Header => model::header_schema(),
        What::Tests => trial::file_schema(),
        What::Commands => commands(),
    };
    write_json(&settings.printer, &described)
}

/// Everything that can be asked of the program.
fn commands() -> Value {
    let mut program = super::Arguments::command();
    program.build();
    let kinds = [
        ("sql_failed", Kind::Query),
        ("check_failed", Kind::Check),
        ("wrong_usage", Kind::Usage),
        ("store_unreachable", Kind::Store),
        ("over_limit", Kind::Limit),
        ("refused", Kind::Refused),
        ("bug", Kind::Bug),
        ("interrupted", Kind::Interrupted),
        ("file_damaged", Kind::Damaged),
    ];
    let exit_codes = kinds.map(|(name, kind)| json!({ "name": name, "code": kind.exit_code() }));
    json!({
        "name": program.get_name(),
        "version": program.get_version(),
        "options": options(&program),
        "commands": program.get_subcommands().filter(|it| it.get_name() != "help").map(described).collect::<Vec<_>>(),
        "shell": command_help(),
        "formats": Format::ALL.map(Format::as_str),
        "exit_codes": exit_codes,
    })
}

fn described(command: &Command) -> Value {
    json!({
        "name": command.get_name(),
        "about": command.get_about().map(ToString::to_string),
        "options": options(command),
        "commands": command.get_subcommands().filter(|it| it.get_name() != "help").map(described).collect::<Vec<_>>(),
    })
}

/// The options and arguments that are a command's own.
fn options(command: &Command) -> Vec<Value> {
    let is_own = |option: &&clap::Arg| !option.is_global_set() && option.get_id() != "help";
    let told = |option: &clap::Arg| {
        let values: Vec<String> = option.get_possible_values().iter().map(|it| it.get_name().to_owned()).collect();
        json!({
            "name": option.get_id().as_str(),
            "long": option.get_long(),
            "short": option.get_short().map(String::from),
            "value": option.get_value_names().map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>()),
            "values": if option.get_action().takes_values() { values } else { Vec::new() },
            "required": option.is_required_set(),
            "repeats": matches!(option.get_action(), clap::ArgAction::Append),
            "help": option.get_help().map(ToString::to_string),
        })
    };
    command.get_arguments().filter(is_own).map(told).collect()
}
