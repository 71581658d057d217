//! What went wrong, told so that the reader knows what to do next.
//!
//! One type crosses every boundary of cauce. Its [`Kind`] is coarse and says who should act (it also decides the
//! exit code); its message says what happened; its [`Finding`]s say where, one for each thing found wrong, so that a
//! file with five mistakes is corrected in one go; its hint says what to do. A module with failures of its own keeps
//! a private enum and converts it here, where the file, the model or the statement is known.

mod engine;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

pub use engine::{engine_error, engine_kind, engine_message, our_error};

/// The result of everything in cauce that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose move it is after a failure, and so the exit code of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A statement is wrong or failed while it ran: correct the SQL or the data. Exit code 1.
    Query,
    /// A file of input is damaged: what was written is not there any more. Write it again. Exit code 1.
    Damaged,
    /// A check of a model did not hold: look at the rows. Nothing was published. Exit code 1.
    Check,
    /// The command line, `catalog.yaml` or a model file is wrong: correct it. Exit code 2.
    Usage,
    /// A file, store or network could not be reached, read or written. Exit code 3.
    Store,
    /// More bytes, memory or time than allowed. Exit code 4.
    Limit,
    /// Understood and possible, but not done: something would be lost or another run was first. Exit code 5.
    Refused,
    /// An invariant of cauce does not hold: please report it. Exit code 70.
    Bug,
    /// Stopped by the person (Ctrl-C). Exit code 130.
    Interrupted,
}

impl Kind {
    /// The process exit code of this kind; the values are frozen.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Query | Self::Damaged | Self::Check => 1,
            Self::Usage => 2,
            Self::Store => 3,
            Self::Limit => 4,
            Self::Refused => 5,
            Self::Bug => 70,
            Self::Interrupted => 130,
        }
    }
}

/// A place in a text somebody wrote: what an editor needs to jump there, and the line to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the person knows it, or a name such as `statement 2`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters to underline; 0 and 1 both mark one character.
    pub width: usize,
    /// The whole line of text, without its end; empty where it is not to be shown.
    pub text: String,
}

impl Place {
    /// The place at `line` and `column` (both from 1) of `source`, the text of `file`.
    #[must_use]
    pub fn in_text(file: &str, source: &str, line: usize, column: usize, width: usize) -> Self {
        let text = source.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        Self { file: file.to_owned(), line, column, width, text: text.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One thing found wrong: what, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, in lower case and without a full stop.
    pub message: String,
    /// Where, if it stands in a text.
    pub place: Option<Place>,
    /// What would be right ("did you mean `canal`?").
    pub hint: Option<String>,
}

impl Finding {
    /// A finding without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, hint: None }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says what would be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A failure of cauce.
///
/// `Display` is the message alone; `output::report` shows the whole with places and hint.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: Kind,
    message: String,
    findings: Vec<Finding>,
    hint: Option<String>,
    told: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of the given kind. The message is lower case, without a full stop, and names the thing it is about.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            findings: Vec::new(),
            hint: None,
            told: false,
            source: None,
        }))
    }

    /// A wrong or failing statement.
    pub fn query(message: impl Into<String>) -> Self {
        Self::new(Kind::Query, message)
    }

    /// A damaged file of input. The message begins with the file and a colon.
    pub fn damaged(file: impl fmt::Display, how: impl fmt::Display) -> Self {
        Self::new(Kind::Damaged, format!("{file}: {how}"))
    }

    /// A wrong command line, catalog or model file.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// An unreachable, unreadable or unwritable file or store.
    pub fn store(message: impl Into<String>) -> Self {
        Self::new(Kind::Store, message)
    }

    /// A broken invariant of cauce itself.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Kind::Bug, message)
    }

    /// A failure that the person has been told already; only the exit code is left to give.
    #[must_use]
    pub fn told(kind: Kind) -> Self {
        let mut error = Self::new(kind, "a statement failed");
        error.0.told = true;
        error
    }

    /// Whether the person has been told.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.0.told
    }

    /// Says where, with nothing to add to the message.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        let finding = Finding::new(self.message()).at(place);
        self.finding(finding)
    }

    /// Adds one thing found wrong.
    #[must_use]
    pub fn finding(mut self, finding: Finding) -> Self {
        self.0.findings.push(finding);
        self
    }

    /// Adds many things found wrong.
    #[must_use]
    pub fn findings(mut self, findings: impl IntoIterator<Item = Finding>) -> Self {
        self.0.findings.extend(findings);
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Keeps the failure underneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Puts what was being done in front of the message: `model curated.x: …`.
    #[must_use]
    pub fn while_doing(mut self, what: impl fmt::Display) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// Says that it is somebody else's move than it seemed: a wrong statement in a model file is a wrong file.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Whose move it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What happened.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The things found wrong, in the order of their places.
    #[must_use]
    pub fn all_findings(&self) -> &[Finding] {
        &self.0.findings
    }

    /// What to do next.
    #[must_use]
    pub fn next_step(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// What the operating system says, in lower case and without its number.
#[must_use]
pub fn io_reason(failure: &std::io::Error) -> String {
    let text = failure.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    lower_first(text)
}

/// What is wrong with the text of a file that cauce wrote as JSON, and where.
#[must_use]
pub fn json_reason(failure: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let place = format!("line {}, column {}", failure.line(), failure.column());
    match failure.classify() {
        Category::Io => failure.to_string(),
        Category::Eof => format!("it ends too early ({place})"),
        Category::Syntax => format!("it is no JSON ({place})"),
        Category::Data => format!("it says something else than it should ({place})"),
    }
}

/// A message of somebody else as cauce begins its own: with a small letter.
#[must_use]
pub fn lower_first(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_frozen() {
        let kinds = [
            (Kind::Query, 1),
            (Kind::Damaged, 1),
            (Kind::Check, 1),
            (Kind::Usage, 2),
            (Kind::Store, 3),
            (Kind::Limit, 4),
            (Kind::Refused, 5),
            (Kind::Bug, 70),
            (Kind::Interrupted, 130),
        ];
        for (kind, code) in kinds {
            assert_eq!(kind.exit_code(), code, "{kind:?}");
        }
    }

    #[test]
    fn a_place_quotes_its_line() {
        let place = Place::in_text("a.sql", "SELECT 1\nFROM t\n", 2, 6, 1);
        assert_eq!((place.to_string().as_str(), place.text.as_str()), ("a.sql:2:6", "FROM t"));
    }
}
