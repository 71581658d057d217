//! What a person types, line by line, turned into commands and statements.
//!
//! A line that begins with `\` or `.` is a command, unless it stands inside a statement; SQL goes on until its
//! semicolon. Keys, a paste of many lines and a pipe are all read by this one reader.

use std::mem;

use super::session::Statement;
use super::tokens::{beginning_of, is_blank, statements};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// A command without its `\` or `.`.
    Command(String),
    /// One SQL statement.
    Statement(Statement),
}

/// Gathers lines until there is something to do.
#[derive(Debug)]
pub(super) struct Reader {
    file: String,
    /// Lines read so far.
    lines: usize,
    /// SQL without its end yet.
    pending: String,
    /// The line and column where `pending` begins, from 1.
    start: (usize, usize),
}

impl Reader {
    /// A reader of the text that messages call `file`.
    pub(super) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), lines: 0, pending: String::new(), start: (1, 1) }
    }

    /// Takes the next line, without its end, and gives what it completes.
    pub(super) fn line(&mut self, line: &str) -> Vec<Input> {
        self.lines += 1;
        if self.pending.is_empty() {
            self.start = (self.lines, 1);
            if let Some(command) = command(line) {
                return vec![Input::Command(command.to_owned())];
            }
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        // Only a semicolon can end a statement, and only then is the text worth reading again.
        if line.contains(';') {
            return self.complete();
        }
        if is_blank(line) && is_blank(&self.pending) {
            self.pending.clear();
        }
        Vec::new()
    }

    /// The text is over: what is left is a statement, too.
    pub(super) fn end(&mut self) -> Option<Input> {
        let sql = mem::take(&mut self.pending);
        let start = beginning_of(&sql)?;
        Some(Input::Statement(self.statement(sql[start..].trim_end(), &sql, start)))
    }

    /// Whether nothing is waiting for its end.
    pub(super) fn is_done(&self) -> bool {
        is_blank(&self.pending)
    }

    fn complete(&mut self) -> Vec<Input> {
        let sql = mem::take(&mut self.pending);
        let (ranges, rest) = statements(&sql);
        let done = ranges
            .into_iter()
            .map(|range| Input::Statement(self.statement(&sql[range.clone()], &sql, range.start)))
            .collect();
        if !is_blank(&sql[rest..]) {
            self.start = self.place(&sql, rest);
            self.pending = sql[rest..].to_owned();
        }
        done
    }

    fn statement(&self, sql: &str, text: &str, offset: usize) -> Statement {
        let (line, column) = self.place(text, offset);
        Statement { file: self.file.clone(), line, column, sql: sql.to_owned() }
    }

    /// The line and column of a byte of `text`, which begins at `start`.
    fn place(&self, text: &str, offset: usize) -> (usize, usize) {
        let before = &text[..offset];
        let (line, column) = self.start;
        match before.rsplit_once('\n') {
            Some((above, last)) => (line + above.matches('\n').count() + 1, last.chars().count() + 1),
            None => (line, column + before.chars().count()),
        }
    }
}

/// Everything to do in a text that is complete, in order.
pub(super) fn inputs(file: &str, text: &str) -> Vec<Input> {
    let mut reader = Reader::new(file);
    let mut inputs: Vec<Input> = text.lines().flat_map(|line| reader.line(line)).collect();
    inputs.extend(reader.end());
    inputs
}

/// The statements of a text that is SQL alone, with no commands.
pub(super) fn statements_of(file: &str, text: &str) -> Vec<Statement> {
    let mut reader = Reader::new(file);
    reader.pending = text.to_owned();
    let done = reader.complete().into_iter().chain(reader.end());
    done.filter_map(|input| if let Input::Statement(statement) = input { Some(statement) } else { None }).collect()
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
                Input::Statement(it) => format!("{}:{} {}", it.line, it.column, it.sql.replace('\n', "⏎")),
            })
            .collect()
    }

    #[test]
    fn a_statement_goes_on_until_its_semicolon() {
        assert_eq!(told("SELECT 1\n  , 2\n;\nSELECT 3;"), ["1:1 SELECT 1⏎  , 2⏎;", "4:1 SELECT 3;"]);
        assert_eq!(told("SELECT 1; SELECT\n2; -- fin\n"), ["1:1 SELECT 1;", "1:11 SELECT⏎2;"]);
        assert_eq!(told("-- título\n\n  SELECT ';'"), ["3:3 SELECT ';'"]);
        assert_eq!(told("SELECT 'a\n.d\n\\q';"), ["1:1 SELECT 'a⏎.d⏎\\q';"]);
    }

    #[test]
    fn commands_stand_on_their_own_lines() {
        assert_eq!(
            told("\\d tickets\n.tables\n  \\?\nSELECT 1;\nexit;\n"),
            ["command d tickets", "command tables", "command ?", "4:1 SELECT 1;", "command exit"]
        );
        assert_eq!(told("SELECT\n.5;"), ["1:1 SELECT⏎.5;"]);
    }

    #[test]
    fn four_hundred_pasted_statements_are_four_hundred() {
        let pasted: String = (0..400).map(|n| format!("SELECT {n},\n  'x;{n}';\n")).collect();
        let told = told(&pasted);
        assert_eq!(told.len(), 400);
        assert_eq!(told[399], "799:1 SELECT 399,⏎  'x;399';");
    }

    #[test]
    fn a_file_of_sql_has_no_commands() {
        let statements = statements_of("a.sql", "-- título\n/* ; */\n  SELECT 1; SELECT\n'2'; \\d");
        let told: Vec<_> = statements.iter().map(|it| (it.line, it.column, it.sql.as_str())).collect();
        assert_eq!(told, [(3, 3, "SELECT 1;"), (3, 13, "SELECT\n'2';"), (4, 6, "\\d")]);
        assert_eq!(statements_of("a.sql", "-- nada\n"), []);
    }

    #[test]
    fn enter_runs_what_is_complete() {
        for complete in ["", "  ", "\\d", ".tables", "SELECT 1;", "SELECT 1; -- fin", "exit", "-- hola"] {
            assert!(is_complete(complete), "{complete}");
        }
        for open in ["SELECT 1", "SELECT 'a;", "SELECT 1; SELECT", "/* hola;", "SELECT 1\n\\d"] {
            assert!(!is_complete(open), "{open}");
        }
    }
}
