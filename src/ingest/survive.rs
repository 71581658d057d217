//! Outliving the decoders of formats that are not ours: some of them die of damaged bytes, where a length leads anywhere.
//!
//! That is damage and no defect of cauce, so nothing of it is shown but what becomes of the file.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Once;

use futures::FutureExt;

thread_local! {
    /// Whether this thread is at work that may die.
    static MAY_DIE: Cell<bool> = const { Cell::new(false) };
}

/// What `work` comes to; none if it died.
pub(super) async fn survive<T>(work: impl Future<Output = T>) -> Option<T> {
    die_quietly();
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    let ended = poll_fn(|context| {
        let before = MAY_DIE.replace(true);
        let polled = work.as_mut().poll(context);
        MAY_DIE.set(before);
        polled
    });
    ended.await.ok()
}

/// Has nothing printed of the death of work that may die, as it would be otherwise.
fn die_quietly() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |death| {
            if !MAY_DIE.get() {
                others(death);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_dies_comes_to_nothing() {
        assert_eq!(survive(async { 1 }).await, Some(1));
        let work = async {
            tokio::task::yield_now().await;
            "no number".parse::<u8>().unwrap()
        };
        assert_eq!(survive(work).await, None);
        let within = async { (survive(async { 2 }).await, MAY_DIE.get()) };
        assert_eq!(survive(within).await, Some((Some(2), true)), "what stands around it may still die");
        assert!(!MAY_DIE.get());
    }
}
