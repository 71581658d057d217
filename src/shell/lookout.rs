//! Sees that somebody published a release while a person reads an older one.
//!
//! The shell stays where it is, because results must not change between two statements without a word; it says so at the
//! next prompt, once. Nobody waits for a store: an answer that takes its time is told at a later prompt.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::interrupt::sleep_until;
use super::session::Session;

/// The longest that a prompt waits for a store, which is enough for a local one.
const WAIT: Duration = Duration::from_millis(20);

/// Looks out for newer releases.
#[derive(Default)]
pub(super) struct Lookout {
    /// What was asked and is not answered yet.
    asked: Option<Question>,
    /// The newest release that was told.
    told: u64,
}

/// A question to a session for a newer release than its own.
struct Question {
    about: Arc<dyn Session>,
    answer: JoinSet<Option<u64>>,
}

impl Lookout {
    /// The newest release, once, if it is newer than what `session` reads.
    pub(super) async fn look(&mut self, session: &Arc<dyn Session>) -> Option<u64> {
        let mut question = self.asked.take().unwrap_or_else(|| Question::about(session));
        let answer = tokio::select! {
            biased;
            answer = question.answer.join_next() => answer,
            () = sleep_until(Instant::now() + WAIT) => {
                self.asked = Some(question);
                return None;
            }
        };
        let found = answer?.ok()??;
        let is_news = found > self.told && Arc::ptr_eq(&question.about, session);
        is_news.then(|| {
            self.told = found;
            found
        })
    }
}

impl Question {
    fn about(session: &Arc<dyn Session>) -> Self {
        let (about, asked) = (Arc::clone(session), Arc::clone(session));
        let mut answer = JoinSet::new();
        // A store that cannot be reached is told by the next query, which needs it.
        answer.spawn(async move { asked.newer().await.ok().flatten() });
        Self { about, answer }
    }
}
