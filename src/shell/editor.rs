//! The line editor: keys in, complete inputs out, history on disk.

use std::borrow::Cow;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustyline::completion::{Completer, Pair};
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hinter, HistoryHinter};
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Behavior, ColorMode, CompletionType, Config, Context, EditMode, Helper};
use tokio::sync::mpsc;

use super::completion::{self, Names, Offer, Wanted};
use super::highlight::highlight;
use super::input::is_complete;
use super::secrets::redacted;
use crate::error::{Error, Result};

/// Characters said of an offer.
const NOTE: usize = 40;

/// Entries the history keeps.
const HISTORY: usize = 100_000;

/// The names completion knows, put there when they have been read.
pub(super) type SharedNames = Arc<RwLock<Names>>;

/// Takes what completion will want to offer.
pub(super) type Wishes = mpsc::UnboundedSender<Wanted>;

/// What a person did at the prompt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Entered this text, which is complete.
    Text(String),
    /// Pressed Ctrl-C: the text is dropped.
    Dropped,
    /// Pressed Ctrl-D.
    End,
}

/// A prompt on the terminal.
pub(super) struct Editor {
    editor: rustyline::Editor<Assistant, FileHistory>,
    history: Option<PathBuf>,
    colour: bool,
}

impl Editor {
    /// An editor that remembers in `history`. `on_stdout` says whether stdout is the terminal; if not, the prompt goes
    /// to the terminal behind it.
    pub(super) fn open(
        names: SharedNames,
        wishes: Wishes,
        history: Option<&Path>,
        colour: bool,
        on_stdout: bool,
    ) -> Result<Self> {
        let unusable = |error: ReadlineError| Error::store(format!("cannot use the terminal: {error}")).because(error);
        let config = Config::builder()
            .auto_add_history(false)
            .history_ignore_dups(true)
            .and_then(|config| config.max_history_size(HISTORY))
            .map_err(unusable)?
            .completion_type(CompletionType::List)
            .color_mode(if colour { ColorMode::Enabled } else { ColorMode::Disabled })
            .behavior(if on_stdout { Behavior::Stdio } else { Behavior::PreferTerm })
            .build();
        let entries = FileHistory::with_config(&config);
        let mut editor = rustyline::Editor::with_history(config, entries).map_err(unusable)?;
        editor.set_helper(Some(Assistant { names, wishes, history: HistoryHinter::new(), colour }));
        let mut this = Self { editor, history: history.map(Path::to_owned), colour };
        this.load();
        Ok(this)
    }

    /// Waits for the person, with `prepared` on the line and keys as in vi if `vi` is set.
    pub(super) fn read(&mut self, title: &str, vi: bool, prepared: Option<&str>) -> Result<Entry> {
        self.editor.set_edit_mode(if vi { EditMode::Vi } else { EditMode::Emacs });
        let raw = format!("{title}> ");
        let styled = if self.colour { format!("\x1b[1;36m{title}\x1b[0m> ") } else { raw.clone() };
        let prompt = (raw, styled);
        let read = match prepared {
            Some(text) => self.editor.readline_with_initial(&prompt, (text, "")),
            None => self.editor.readline(&prompt),
        };
        match read {
            Ok(text) => Ok(Entry::Text(text)),
            Err(ReadlineError::Interrupted) => Ok(Entry::Dropped),
            Err(ReadlineError::Eof) => Ok(Entry::End),
            Err(error) => Err(Error::store(format!("cannot read from the terminal: {error}")).because(error)),
        }
    }

    /// Keeps `text` in the history without its secrets, on disk at once: a terminal that is closed loses nothing.
    pub(super) fn remember(&mut self, text: &str) -> Result<()> {
        let wrong = |error: ReadlineError| Error::store(format!("cannot keep the history: {error}")).because(error);
        let added = self.editor.add_history_entry(redacted(text.trim_end())).map_err(wrong)?;
        match &self.history {
            Some(path) if added => self.editor.append_history(path).map_err(|error| {
                Error::store(format!("cannot keep the history in `{}`: {error}", path.display())).because(error)
            }),
            _ => Ok(()),
        }
    }

    /// What was entered, the oldest first.
    pub(super) fn entries(&self) -> Vec<String> {
        self.editor.history().iter().cloned().collect()
    }

    /// Stops writing the history.
    pub(super) fn forget_file(&mut self) {
        self.history = None;
    }

    fn load(&mut self) {
        let Some(path) = &self.history else { return };
        if let Some(folder) = path.parent() {
            // Whether this worked shows when the first entry is written, where it can be told.
            drop(private_folder().create(folder));
        }
        // A first start has no history; one that cannot be read is told when it cannot be written.
        drop(self.editor.load_history(path));
    }
}

/// Creates folders that only their owner may enter.
fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// What helps while a line is typed.
struct Assistant {
    names: SharedNames,
    wishes: Wishes,
    history: HistoryHinter,
    colour: bool,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;

    /// What was entered before and begins as the line does. Called at every key, it also sees what will be wanted
    /// soon.
    fn hint(&self, line: &str, position: usize, context: &Context<'_>) -> Option<String> {
        if let Ok(names) = self.names.try_read()
            && let Some(wanted) = completion::wanted(&names, line, position)
        {
            drop(self.wishes.send(wanted));
        }
        // Without colour nobody could tell a hint from what is typed.
        if self.colour { self.history.hint(line, position, context) } else { None }
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let (start, offers) = completion::complete(&names, line, position);
        let shown = |offer: Offer| {
            let note: String = offer.note.chars().take(NOTE).collect();
            let display = if note.is_empty() { offer.text.clone() } else { format!("{}  {note}", offer.text) };
            Pair { display, replacement: offer.text }
        };
        Ok((start, offers.into_iter().map(shown).collect()))
    }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, position: usize) -> Cow<'l, str> {
        if self.colour { Cow::Owned(highlight(line, position)) } else { Cow::Borrowed(line) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.colour
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn the_history_is_the_owners_and_kept_at_once() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/cauce/history");
        let open =
            || Editor::open(SharedNames::default(), mpsc::unbounded_channel().0, Some(&path), false, true).unwrap();
        let mut first = open();
        first.remember("SELECT 1,\n  'a\\n';\n").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);

        let mut second = open();
        second.remember("\\d").unwrap();
        first.remember("SELECT 2;").unwrap();
        first.remember("\\set password hunter2").unwrap();
        let kept: Vec<String> = open().editor.history().iter().cloned().collect();
        assert_eq!(kept, ["SELECT 1,\n  'a\\n';", "\\d", "SELECT 2;", "\\set password ***"]);
    }

    #[test]
    fn a_history_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut editor =
            Editor::open(SharedNames::default(), mpsc::unbounded_channel().0, Some(folder.path()), false, true)
                .unwrap();
        let error = editor.remember("SELECT 1;").unwrap_err();
        assert!(error.message().starts_with("cannot keep the history in `"), "{error}");
    }
}
