//! The threads that work for statements and commands: replaced where they do not hear that a statement was stopped.
//!
//! An operator deep in a long computation gives its thread back only when it has rows. A statement that is stopped there
//! leaves its threads at work, and the next one would wait for them; so it gets others, and the old ones end when the
//! computation does.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, Result};

/// How long threads that have nothing to do may take to answer.
const ANSWER: Duration = Duration::from_millis(100);

/// Bytes of stack of a thread: deep plans are walked by recursion.
const STACK_BYTES: usize = 8 << 20;

/// The threads, started with the first statement: as many as the runtime has that the shell lives in.
#[derive(Debug, Default)]
pub(super) struct Workers {
    runtime: Option<Runtime>,
    /// Whether a statement began that did not come to its end.
    doubted: bool,
}

impl Workers {
    /// Notes that the statement came to its end.
    pub(super) const fn done(&mut self) {
        self.doubted = false;
    }

    /// Threads for a statement, which have nothing else to do.
    ///
    /// # Errors
    /// Threads that cannot be had.
    pub(super) fn ready(&mut self) -> Result<Handle> {
        let threads = Handle::current().metrics().num_workers();
        if std::mem::take(&mut self.doubted)
            && let Some(runtime) = self.runtime.take()
        {
            if all_answer(&runtime, threads) {
                self.runtime = Some(runtime);
            } else {
                runtime.shutdown_background();
            }
        }
        let runtime = match self.runtime.take() {
            Some(runtime) => runtime,
            None => Builder::new_multi_thread()
                .worker_threads(threads)
                .thread_stack_size(STACK_BYTES)
                .enable_all()
                .build()
                .map_err(|failure| Error::bug(format!("no threads to work with: {failure}")))?,
        };
        self.doubted = true;
        Ok(self.runtime.insert(runtime).handle().clone())
    }
}

/// Does `work` where it stands; the tasks that it begins are done by these threads.
pub(super) async fn begun_on<T>(workers: &Handle, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let _entered = workers.enter();
        work.as_mut().poll(context)
    })
    .await
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Nobody waits for a join that nobody asked for any more.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Whether each of the threads takes a task at once: they wait for one another, so that no thread can take two.
fn all_answer(runtime: &Runtime, threads: usize) -> bool {
    let (answered, answers) = sync_channel::<()>(threads);
    let mut held = Vec::new();
    for _ in 0..threads {
        let answered = answered.clone();
        let (release, released): (_, Receiver<()>) = sync_channel(0);
        held.push(release);
        runtime.spawn(async move {
            // A thread that nobody listens to any more is let go below.
            answered.send(()).ok();
            released.recv().ok();
        });
    }
    (0..threads).all(|_| answers.recv_timeout(ANSWER).is_ok())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Instant;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn threads_that_do_not_answer_are_replaced_and_others_kept() {
        let mut workers = Workers::default();
        let stop = Arc::new(AtomicBool::new(false));
        let first = workers.ready().unwrap();
        // One of the two computes and hears nothing.
        let busy = Arc::clone(&stop);
        first.spawn(async move {
            while !busy.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        std::thread::sleep(Duration::from_millis(50));
        let begun = Instant::now();
        let second = workers.ready().unwrap();
        assert_ne!(first.id(), second.id());
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        stop.store(true, Ordering::Relaxed);
        assert_eq!(workers.ready().unwrap().id(), second.id());
        workers.done();
    }
}
