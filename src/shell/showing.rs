//! How results are shown: the settings that `\pset` lists, each declared once.

use std::time::Duration;

use super::Shell;
use crate::error::{Error, Result};
use crate::name::did_you_mean;
use crate::output::{Format, Layout, Printer};

/// How results are shown.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own that is on or off")]
pub(super) struct Showing {
    pub(super) format: Format,
    /// Whether there is one line a column, whatever the format.
    expanded: Expanded,
    pub(super) max_rows: Option<usize>,
    /// Whether a result that is longer than the screen goes to a pager.
    pub(super) pager: bool,
    /// Whether headers show the columns' types.
    pub(super) types: bool,
    /// Whether the time and what was read are told after a result.
    pub(super) timing: bool,
    /// The longest that a statement may take.
    pub(super) timeout: Option<Duration>,
    /// Keys as in vi instead of emacs.
    pub(super) vi: bool,
    /// How a null is shown, if not as usual.
    null: Option<String>,
    /// Whether rows stand alone, without header and count.
    pub(super) tuples_only: bool,
}

/// Whether a result has one line a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expanded {
    Off,
    On,
    /// Where a table would cut its text.
    Auto,
}

impl Showing {
    pub(super) fn of(printer: &Printer) -> Self {
        Self {
            format: printer.default_format(),
            expanded: Expanded::Off,
            max_rows: printer.default_max_rows(),
            pager: true,
            types: false,
            timing: true,
            timeout: None,
            vi: false,
            null: None,
            tuples_only: false,
        }
    }

    /// The format, once `\x` is considered.
    pub(super) fn shown_as(&self) -> Format {
        if self.expanded == Expanded::On { Format::Vertical } else { self.format }
    }

    /// How a result is laid out on the screen.
    pub(super) fn layout(&self, printer: &Printer, max_rows: Option<usize>) -> Layout {
        let Layout { width, colour, .. } = printer.layout(max_rows);
        Layout { width, max_rows, colour, turns: self.expanded == Expanded::Auto, ..self.whole() }
    }

    /// How a result is laid out where there is room for all of it.
    pub(super) fn whole(&self) -> Layout {
        Layout { types: self.types, rows_alone: self.tuples_only, null: self.null.clone(), ..Layout::default() }
    }
}

/// A setting that a person changes with `\pset`.
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// What it may be.
    pub(super) values: &'static [&'static str],
    pub(super) help: &'static str,
    pub(super) get: fn(&Showing) -> String,
    set: fn(&mut Showing, &str) -> Result<()>,
}

/// All settings, by name.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "edit",
        values: &["emacs", "vi"],
        help: "keys of the line editor",
        get: |showing| if showing.vi { "vi" } else { "emacs" }.to_owned(),
        set: |showing, value| {
            showing.vi = match value {
                "vi" => true,
                "emacs" => false,
                _ => return Err(wrong("edit", "emacs or vi", value)),
            };
            Ok(())
        },
    },
    Setting {
        name: "expanded",
        values: &["on", "off", "auto"],
        help: "one line a column instead of a table; auto does it where text would be cut",
        get: |showing| {
            let word = match showing.expanded {
                Expanded::Off => "off",
                Expanded::On => "on",
                Expanded::Auto => "auto",
            };
            word.to_owned()
        },
        set: |showing, value| {
            let mut on = false;
            showing.expanded = match value {
                "auto" => Expanded::Auto,
                _ => {
                    switch("expanded", &mut on, value)?;
                    if on { Expanded::On } else { Expanded::Off }
                }
            };
            Ok(())
        },
    },
    Setting {
        name: "format",
        values: &["table", "box", "csv", "tsv", "json", "jsonl", "markdown", "html", "vertical"],
        help: "how results are written",
        get: |showing| showing.format.to_string(),
        set: |showing, value| {
            let format: Format = value.parse()?;
            if format.is_binary() {
                return Err(Error::usage(format!("{format} is not text: the shell cannot show it"))
                    .hint(format!("write the last result to a file: \\export FILE.{format}")));
            }
            showing.format = format;
            Ok(())
        },
    },
    Setting {
        name: "maxrows",
        values: &["all", "100", "1000"],
        help: "the most rows of a result that are shown",
        get: |showing| showing.max_rows.map_or_else(|| "all".to_owned(), |rows| rows.to_string()),
        set: |showing, value| {
            let number = || value.parse().ok().filter(|rows| *rows > 0);
            showing.max_rows = match value {
                "all" => None,
                _ => Some(number().ok_or_else(|| wrong("maxrows", "a number above 0 or all", value))?),
            };
            Ok(())
        },
    },
    Setting {
        name: "null",
        values: &["NULL", "∅", "''"],
        help: "how a null is shown in formats for reading",
        get: |showing| match showing.null.as_deref() {
            None => "NULL".to_owned(),
            Some("") => "''".to_owned(),
            Some(text) => text.to_owned(),
        },
        set: |showing, value| {
            let unquoted = |sign| value.strip_prefix(sign).and_then(|rest| rest.strip_suffix(sign));
            showing.null = Some(unquoted('\'').or_else(|| unquoted('"')).unwrap_or(value).to_owned());
            Ok(())
        },
    },
    Setting {
        name: "pager",
        values: &["on", "off"],
        help: "results longer than the screen go to a pager",
        get: |showing| on_off(showing.pager),
        set: |showing, value| switch("pager", &mut showing.pager, value),
    },
    Setting {
        name: "timeout",
        values: &["off", "30s", "5min"],
        help: "the longest that a statement may take",
        get: |showing| showing.timeout.map_or_else(|| "off".to_owned(), crate::output::duration),
        set: |showing, value| {
            showing.timeout = match value {
                "off" | "0" => None,
                _ => Some(seconds(value).ok_or_else(|| wrong("timeout", "a time such as 30s or off", value))?),
            };
            Ok(())
        },
    },
    Setting {
        name: "timing",
        values: &["on", "off"],
        help: "time, bytes read and memory after each result",
        get: |showing| on_off(showing.timing),
        set: |showing, value| switch("timing", &mut showing.timing, value),
    },
    Setting {
        name: "tuples_only",
        values: &["on", "off"],
        help: "rows alone, without header and count",
        get: |showing| on_off(showing.tuples_only),
        set: |showing, value| switch("tuples_only", &mut showing.tuples_only, value),
    },
    Setting {
        name: "types",
        values: &["on", "off"],
        help: "types of columns in the header",
        get: |showing| on_off(showing.types),
        set: |showing, value| switch("types", &mut showing.types, value),
    },
];

/// The setting of that name.
pub(super) fn setting(name: &str) -> Result<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name).ok_or_else(|| {
        let error = Error::usage(format!("there is no setting `{name}`"));
        error.hint(did_you_mean(name, SETTINGS.iter().map(|setting| setting.name), "\\pset lists them"))
    })
}

impl Shell {
    /// Changes a setting, or turns it over where it is on or off and no value is given, and says what it is now.
    pub(super) fn change(&mut self, setting: &Setting, value: &str) -> Result<()> {
        let turned = match (value, (setting.get)(&self.showing).as_str()) {
            ("", "on" | "auto") => "off",
            ("", "off") if setting.values.contains(&"on") => "on",
            _ => value,
        };
        if !turned.is_empty() {
            (setting.set)(&mut self.showing, turned)?;
        }
        self.say(format_args!("{}: {}", setting.name, (setting.get)(&self.showing)));
        Ok(())
    }
}

/// A time as a person writes it: `30`, `30s`, `1.5s`, `500ms`, `5min`.
#[must_use]
pub fn seconds(text: &str) -> Option<Duration> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        _ => return None,
    };
    let number: f64 = text[..text.len() - unit.len()].parse().ok()?;
    Duration::try_from_secs_f64(number * factor).ok().filter(|time| !time.is_zero())
}

fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.to_owned()
}

fn switch(name: &str, setting: &mut bool, value: &str) -> Result<()> {
    *setting = match value {
        "on" | "true" | "1" => true,
        "off" | "false" | "0" => false,
        _ => return Err(wrong(name, "on or off", value)),
    };
    Ok(())
}

fn wrong(name: &str, wanted: &str, value: &str) -> Error {
    Error::usage(format!("{name} takes {wanted}, but got `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_units() {
        for (text, millis) in [("30", 30_000), ("1.5s", 1_500), ("500ms", 500), ("2min", 120_000), ("1 h", 3_600_000)] {
            assert_eq!(seconds(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "x", "0", "-1", "5 weeks"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn settings_stand_by_name_and_take_what_they_offer() {
        assert!(SETTINGS.is_sorted_by_key(|setting| setting.name));
        let (printer, _) = Printer::captured(crate::output::Verbosity::Quiet, crate::output::Terminal::default());
        for setting in SETTINGS {
            for value in setting.values {
                let mut showing = Showing::of(&printer);
                (setting.set)(&mut showing, value).unwrap();
                assert!(!(setting.get)(&showing).is_empty());
            }
            // A null may be shown as any text.
            let takes_all = setting.name == "null";
            assert_eq!((setting.set)(&mut Showing::of(&printer), "mañana").is_ok(), takes_all, "{}", setting.name);
        }
    }
}
