//! A person at a terminal of their own: keys in, screens out. `tests/support/terminal.py` holds the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use super::project::{TestProject, without_chance};
use super::python;

/// What a person does at a terminal, step by step.
pub(crate) struct Person<'a> {
    project: &'a TestProject,
    arguments: Vec<String>,
    size: (u16, u16),
    steps: Vec<Value>,
}

/// How a visit to a terminal went.
#[derive(Debug)]
pub(crate) struct Visit {
    screens: BTreeMap<String, String>,
    /// Everything that was written, escape sequences included.
    pub(crate) written: String,
}

impl<'a> Person<'a> {
    /// A person who starts `cauce` with these arguments, at a terminal of 30 rows and 80 columns.
    pub(crate) fn at(project: &'a TestProject, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { project, arguments, size: (30, 80), steps: Vec::new() }
    }

    /// The terminal has this size from the beginning.
    pub(crate) fn with_size(mut self, rows: u16, columns: u16) -> Self {
        self.size = (rows, columns);
        self
    }

    /// Types keys once somebody reads them: `\r` is Enter.
    pub(crate) fn types(self, keys: &str) -> Self {
        self.step(json!({ "type": keys }))
    }

    /// Presses keys at once, such as Ctrl-C while something runs: `\x03`.
    pub(crate) fn presses(self, keys: &str) -> Self {
        self.step(json!({ "press": keys }))
    }

    /// Presses keys again and again, such as Tab, until something appears.
    pub(crate) fn tries(self, keys: &str, until: &str) -> Self {
        self.step(json!({ "try": keys, "until": until }))
    }

    /// Waits until something that was not typed appears: a regular expression.
    pub(crate) fn awaits(self, pattern: &str) -> Self {
        self.step(json!({ "await": pattern }))
    }

    /// Looks at the screen once nothing moves any more.
    pub(crate) fn looks(self, name: &str) -> Self {
        self.step(json!({ "show": name }))
    }

    /// Makes the window larger or smaller.
    pub(crate) fn resizes(self, rows: u16, columns: u16) -> Self {
        self.step(json!({ "resize": [rows, columns] }))
    }

    /// Waits a little, where nothing will appear.
    pub(crate) fn waits(self, seconds: f64) -> Self {
        self.step(json!({ "pause": seconds }))
    }

    fn step(mut self, step: Value) -> Self {
        self.steps.push(step);
        self
    }

    /// Does all of it and leaves with `\q`; everything awaited must have appeared.
    #[track_caller]
    pub(crate) fn leaves(self) -> Visit {
        let this = self.types("\\q\r");
        let command = this.project.command(&this.arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let text = |text: &std::ffi::OsStr| text.to_str().unwrap().to_owned();
        let mut environment: BTreeMap<String, String> =
            command.get_envs().filter_map(|(name, value)| Some((text(name), text(value?)))).collect();
        environment.remove("COLUMNS");
        environment.entry("TERM".to_owned()).or_insert_with(|| "xterm".to_owned());
        let words: Vec<String> = [command.get_program()].into_iter().chain(command.get_args()).map(text).collect();
        let script = json!({
            "command": words,
            "environment": environment,
            "folder": this.project.path(""),
            "rows": this.size.0,
            "columns": this.size.1,
            "steps": this.steps,
        });
        let mut terminal = python::script("terminal.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        terminal.stdin.take().unwrap().write_all(script.to_string().as_bytes()).unwrap();
        let output = terminal.wait_with_output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let written = told["written"].as_str().unwrap().to_owned();
        assert_eq!(told["failed"], Value::Null, "{written}");
        assert_eq!(told["code"], 0, "{written}");
        let screens = told["screens"].as_object().unwrap().iter();
        let screens = screens.map(|(name, screen)| (name.clone(), screen.as_str().unwrap().to_owned())).collect();
        Visit { screens, written }
    }
}

impl Visit {
    /// What was seen under this name, without what differs between two visits.
    pub(crate) fn screen(&self, name: &str) -> String {
        let screen = without_chance(&self.screens[name]);
        // A frame makes blanks at the ends of lines visible in a snapshot.
        screen.lines().fold(String::new(), |mut framed, line| {
            writeln!(framed, "▏{line}").unwrap();
            framed
        })
    }
}
