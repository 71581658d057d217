//! What holds for every command: options, environment, and what follows from them.

use std::env;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;

use clap::Args;
use tokio::runtime::{Builder, Runtime};

use crate::engine;
use crate::error::{Error, Result};
use crate::output::{Printer, Terminal, Verbosity};

/// The variable that holds the key of pseudonyms.
const PSEUDONYM_KEY: &str = "CAUCE_PSEUDONYM_KEY";

/// The stack of a worker: plans of many joined views are walked recursively.
const STACK_BYTES: usize = 8 << 20;

/// Options that every command takes.
#[derive(Debug, Args)]
pub(super) struct Global {
    /// The project's folder; otherwise the nearest one at or above the working directory
    #[arg(long, short = 'C', global = true, value_name = "DIR")]
    project: Option<PathBuf>,
    /// The target of catalog.yaml whose lake is used
    #[arg(long, global = true, value_name = "NAME")]
    target: Option<String>,
    /// Say only what went wrong
    #[arg(long, short, global = true)]
    quiet: bool,
    /// Memory for sorts, joins and aggregates before they spill to disk [default: 60 % of the machine's]
    #[arg(long, global = true, value_name = "SIZE")]
    memory_limit: Option<Bytes>,
    /// Threads to work with [default: all of the machine's]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
}

/// The settings of one command.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Says things.
    pub(super) printer: Printer,
    /// The project's folder, if it was named.
    pub(super) project: Option<PathBuf>,
    /// The target, if one was named.
    pub(super) target: Option<String>,
    /// Threads to work with.
    pub(super) threads: usize,
    memory_limit: usize,
    pseudonym_key: Option<Vec<u8>>,
}

impl Settings {
    /// The settings that `global` and the environment give.
    pub(super) fn new(global: Global) -> Self {
        let colour = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let verbosity = if global.quiet { Verbosity::Quiet } else { Verbosity::Normal };
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self {
            printer: Printer::new(verbosity, Terminal::detect(colour)),
            project: global.project,
            target: global.target,
            threads: global.threads.unwrap_or(threads).max(1),
            memory_limit: global.memory_limit.map_or_else(default_memory_limit, |bytes| bytes.0),
            pseudonym_key: env::var(PSEUDONYM_KEY).ok().filter(|key| !key.is_empty()).map(String::into_bytes),
        }
    }

    /// The threads that do the work.
    pub(super) fn runtime(&self) -> Result<Runtime> {
        Builder::new_multi_thread()
            .worker_threads(self.threads)
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|failure| Error::bug(format!("no threads to work with: {failure}")))
    }

    /// Bytes of memory for operators.
    pub(super) fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    /// What the engine may use for the project of that name.
    pub(super) fn engine(&self, project: &str) -> engine::Settings {
        engine::Settings {
            memory_limit: self.memory_limit,
            threads: self.threads,
            pseudonym_key: self.pseudonym_key.clone().unwrap_or_else(|| format!("cauce/{project}").into_bytes()),
        }
    }

    /// Whether pseudonyms are made with the person's own key. Without one they are made with the project's name, which
    /// everybody knows who has the project.
    pub(super) fn has_pseudonym_key(&self) -> bool {
        self.pseudonym_key.is_some()
    }
}

/// The folder for what cauce remembers of a person (XDG base directories), if there is a home.
pub(super) fn state_folder() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("cauce"))
}

/// The file of what the shell runs at its start (XDG base directories), if there is a home.
pub(super) fn shell_rc() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(config.join("cauce/shellrc"))
}

/// The program that shows long results: `CAUCE_PAGER`, `PAGER`, or less; none if the variable is empty.
pub(super) fn pager() -> Option<String> {
    let chosen = env::var("CAUCE_PAGER").or_else(|_| env::var("PAGER")).unwrap_or_else(|_| "less".to_owned());
    // As git does: colours go through, and the text stays on the screen afterwards.
    let plain_less = chosen == "less" && env::var_os("LESS").is_none();
    let command = if plain_less { "less -FRX".to_owned() } else { chosen };
    Some(command).filter(|command| !command.trim().is_empty())
}

/// The person's editor.
pub(super) fn editor() -> Option<String> {
    ["VISUAL", "EDITOR"].into_iter().filter_map(|name| env::var(name).ok()).find(|command| !command.trim().is_empty())
}

/// The working directory.
pub(super) fn working_folder() -> Result<PathBuf> {
    env::current_dir().map_err(|failure| Error::store(format!("the working directory cannot be read: {failure}")))
}

/// How a person calls this program, for the commands it suggests.
pub(super) fn program() -> String {
    // Set by `cargo run` for the program it starts.
    if env::var_os("CARGO").is_some() && env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == "cauce") {
        return "cargo run --release --".to_owned();
    }
    "cauce".to_owned()
}

/// 60 % of the memory this process may use: the machine's, or its control group's where that is less.
fn default_memory_limit() -> usize {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let whole = system.cgroup_limits().map_or(system.total_memory(), |limits| limits.total_memory);
    usize::try_from(whole / 10 * 6).unwrap_or(usize::MAX).max(64 << 20)
}

/// A number of bytes as a person writes it: `512MiB`, `2GB`, `1073741824`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) usize);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.chars().take_while(char::is_ascii_digit).count();
        let unit = match text[digits..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" => 1_000,
            "kib" => 1 << 10,
            "m" | "mb" => 1_000_000,
            "mib" => 1 << 20,
            "g" | "gb" => 1_000_000_000,
            "gib" => 1 << 30,
            other => return Err(format!("`{other}` is no unit; write for example 512MiB or 2GB")),
        };
        let number: usize = text[..digits].parse().map_err(|_| "write for example 512MiB or 2GB".to_owned())?;
        number.checked_mul(unit).filter(|bytes| *bytes > 0).map(Self).ok_or_else(|| "it is out of range".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, bytes) in [("1", 1), ("2KB", 2_000), ("512MiB", 512 << 20), ("2 GB", 2_000_000_000)] {
            assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
        }
        for wrong in ["", "x", "10 pounds", "0", "99999999999999999999"] {
            assert!(wrong.parse::<Bytes>().is_err(), "{wrong}");
        }
    }
}
