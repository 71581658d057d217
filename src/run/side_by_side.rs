//! Doing many things, some at a time.

use tokio::task::JoinSet;

use crate::error::{Error, Result};

/// Does `all` in tasks of their own, at most `at_once` at a time, and hands what comes of each to `take` as soon as it is
/// done. What is still being done when one fails is stopped.
///
/// # Errors
/// The first failure, and a task that died, which is a bug in `what` it does.
pub(super) async fn side_by_side<T, F>(
    what: &str,
    at_once: usize,
    all: Vec<F>,
    mut take: impl FnMut(T) + Send,
) -> Result<()>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    let mut waiting = all.into_iter();
    let mut working: JoinSet<Result<T>> = JoinSet::new();
    loop {
        while working.len() < at_once.max(1) {
            let Some(next) = waiting.next() else { break };
            working.spawn(next);
        }
        let Some(done) = working.join_next().await else { return Ok(()) };
        take(done.map_err(|panic| Error::bug(format!("{what} died: {panic}")))??);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn no_more_are_done_at_once_than_may_be() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let work = (0..20).map(|number| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(number)
            }
        });
        let mut done = Vec::new();
        side_by_side("work", 3, work.collect(), |number| done.push(number)).await.unwrap();
        done.sort_unstable();
        assert_eq!((done, most.load(Ordering::SeqCst)), ((0..20).collect(), 3));
    }

    #[tokio::test]
    async fn the_first_failure_ends_it() {
        let work = (0..3)
            .map(|number| async move { if number == 1 { Err(Error::usage("one is wrong")) } else { Ok(number) } });
        let failure = side_by_side("work", 1, work.collect(), |_| ()).await.unwrap_err();
        assert_eq!(failure.message(), "one is wrong");
    }
}
