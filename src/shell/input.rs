//! What a person types, line by line, turned into commands and statements.
//!
//! A line that begins with `\` or `.` is a command, unless it stands inside a statement; SQL goes on until its
//! semicolon. Keys, a paste of many lines and a pipe are all read by this one reader.

use crate::sql::{Kind, Source, Statement, is_blank, tokens};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// A command without its `\` or `.`.
    Command(String),
    /// One SQL statement.
    Statement(Statement),
    /// A statement that ends in a command instead of a semicolon: the command takes its rows.
    Handed(Statement, String),
}

/// Gathers lines until there is something to do.
#[derive(Debug)]
pub(super) struct Reader {
    file: String,
    /// Lines read so far.
    lines: usize,
    /// Whole lines that hold SQL without its end yet.
    pending: String,
    /// The number of the first line of `pending`, from 1.
    first_line: usize,
    /// The bytes of `pending` that are done.
    done: usize,
}

impl Reader {
    /// A reader of the text that messages call `file`.
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), lines: 0, pending: String::new(), first_line: 1, done: 0 }
    }

    /// Takes the next line, without its end, and gives what it completes.
    pub(super) fn line(&mut self, line: &str) -> Vec<Input> {
        self.lines += 1;
        if self.pending.is_empty() {
            self.first_line = self.lines;
            if let Some(command) = command(line) {
                return vec![Input::Command(command.to_owned())];
            }
        }
        let begun = self.pending.len();
        self.pending.push_str(line);
        self.pending.push('\n');
        if line.contains('\\')
            && let Some(handed) = self.handed(begun)
        {
            return handed;
        }
        // Only a semicolon can end a statement, and only then is the text worth reading again.
        if line.contains(';') {
            return self.complete();
        }
        if is_blank(line) && self.is_done() {
            self.keep(None);
        }
        Vec::new()
    }

    /// The text is over: what is left is a statement, too.
    pub(super) fn end(&mut self) -> Option<Input> {
        let (_, open) = self.source().split();
        self.keep(None);
        open.map(Input::Statement)
    }

    /// Whether nothing is waiting for its end.
    pub(super) fn is_done(&self) -> bool {
        is_blank(&self.pending[self.done..])
    }

    /// What the last line, which begins at the byte `begun`, completes if a command stands in it behind SQL.
    fn handed(&mut self, begun: usize) -> Option<Vec<Input>> {
        let sign = tokens(&self.pending[self.done..])
            .into_iter()
            .map(|token| (token.kind, token.range.start + self.done))
            .find(|(kind, at)| *kind == Kind::Other && *at >= begun && self.pending[*at..].starts_with('\\'))?
            .1;
        let command = self.pending[sign + 1..].trim().to_owned();
        self.pending.truncate(sign);
        self.pending.push('\n');
        let (ended, open) = self.source().split();
        self.keep(None);
        let mut inputs: Vec<Input> = ended.into_iter().map(Input::Statement).collect();
        inputs.push(match open {
            Some(statement) => Input::Handed(statement, command),
            None => Input::Command(command),
        });
        Some(inputs)
    }

    fn complete(&mut self) -> Vec<Input> {
        let (ended, open) = self.source().split();
        self.keep(open.as_ref());
        ended.into_iter().map(Input::Statement).collect()
    }

    fn source(&self) -> Source {
        Source::part(&self.file, &self.pending, self.first_line, self.done)
    }

    /// Drops the lines before the one in which `open` begins; all of them if nothing is open.
    fn keep(&mut self, open: Option<&Statement>) {
        let start = open.map_or(self.pending.len(), |statement| statement.range().start);
        let line_start = self.pending[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let dropped: String = self.pending.drain(..line_start).collect();
        self.first_line += dropped.matches('\n').count();
        self.done = start - line_start;
    }
}

/// Everything to do in a text that is complete, in order.
pub(super) fn inputs(file: &str, text: &str) -> Vec<Input> {
    let mut reader = Reader::new(file);
    let mut inputs: Vec<Input> = text.lines().flat_map(|line| reader.line(line)).collect();
    inputs.extend(reader.end());
    inputs
}

/// Whether pressing Enter after `text` should run it instead of beginning another line.
pub(super) fn is_complete(text: &str) -> bool {
    let mut reader = Reader::new("");
    for line in text.lines() {
        reader.line(line);
    }
    reader.is_done()
}

/// The command in a line, if it is one: `\d tickets`, `.tables`, and the words people try first.
fn command(line: &str) -> Option<&str> {
    let line = line.trim();
    if let Some(command) = line.strip_prefix('\\') {
        return Some(command);
    }
    // A dot may also begin a number: `.5`.
    if let Some(command) = line.strip_prefix('.')
        && command.starts_with(|c: char| c.is_alphabetic() || c == '?')
    {
        return Some(command);
    }
    let word = line.trim_end_matches(';').trim_end();
    ["exit", "quit", "help"].contains(&word.to_lowercase().as_str()).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        inputs("stdin", text)
            .into_iter()
            .map(|input| match input {
                Input::Command(command) => format!("command {command}"),
                Input::Statement(it) => format!("{} {}", it.place(), it.text().replace('\n', "⏎")),
                Input::Handed(it, command) => format!("{} {} → {command}", it.place(), it.text()),
            })
            .collect()
    }

    #[test]
    fn a_statement_goes_on_until_its_semicolon() {
        assert_eq!(told("SELECT 1\n  , 2\n;\nSELECT 3;"), ["stdin:1:1 SELECT 1⏎  , 2", "stdin:4:1 SELECT 3"]);
        assert_eq!(told("SELECT 1; SELECT\n2; -- fin\n"), ["stdin:1:1 SELECT 1", "stdin:1:11 SELECT⏎2"]);
        assert_eq!(told("-- título\n\n  SELECT ';'"), ["stdin:3:3 SELECT ';'"]);
        // A statement that begins behind the end of one whose text went over the line.
        assert_eq!(told("SELECT 'a\nb'; SELECT\n2;"), ["stdin:1:1 SELECT 'a⏎b'", "stdin:2:5 SELECT⏎2"]);
        assert_eq!(told("SELECT 'a\n.d\n\\q';"), ["stdin:1:1 SELECT 'a⏎.d⏎\\q'"]);
    }

    #[test]
    fn commands_stand_on_their_own_lines() {
        assert_eq!(
            told("\\d tickets\n.tables\n  \\?\nSELECT 1;\nexit;\n"),
            ["command d tickets", "command tables", "command ?", "stdin:4:1 SELECT 1", "command exit"]
        );
        assert_eq!(told("SELECT\n.5;"), ["stdin:1:1 SELECT⏎.5"]);
    }

    #[test]
    fn a_command_behind_sql_takes_its_rows() {
        assert_eq!(told("SELECT 1 \\gset\nSELECT 2;"), ["stdin:1:1 SELECT 1 → gset", "stdin:2:1 SELECT 2"]);
        assert_eq!(told("SELECT 1; \\plot bar"), ["stdin:1:1 SELECT 1", "command plot bar"]);
        assert_eq!(told("SELECT '\\x',\n 2\n\\crosstab a b"), ["stdin:1:1 SELECT '\\x',\n 2 → crosstab a b"]);
        assert_eq!(told("SELECT 'a\n\\x b';"), ["stdin:1:1 SELECT 'a⏎\\x b'"]);
    }

    #[test]
    fn four_hundred_pasted_statements_are_four_hundred() {
        let pasted: String = (0..400).map(|n| format!("SELECT {n},\n  'x;{n}';\n")).collect();
        let told = told(&pasted);
        assert_eq!(told.len(), 400);
        assert_eq!(told[399], "stdin:799:1 SELECT 399,⏎  'x;399'");
    }

    #[test]
    fn enter_runs_what_is_complete() {
        for complete in
            ["", "  ", "\\d", ".tables", "SELECT 1;", "SELECT 1; -- fin", "exit", "-- hola", "SELECT 1\n\\gx"]
        {
            assert!(is_complete(complete), "{complete}");
        }
        for open in ["SELECT 1", "SELECT 'a;", "SELECT 1; SELECT", "/* hola;", "SELECT 1\n.d"] {
            assert!(!is_complete(open), "{open}");
        }
    }
}
