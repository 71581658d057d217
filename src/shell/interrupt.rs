//! Hearing Ctrl-C and the clock while every worker computes.
//!
//! A runtime's signals and times are heard by its workers, and a worker deep in a long join hears nothing until the join
//! pauses. So one thread of its own listens for the whole process.

use std::future::pending;
use std::pin::pin;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;
use std::task::Poll;
use std::thread;

use futures::future::BoxFuture;
use futures::poll;
use tokio::runtime::{Builder, Handle};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The thread that listens.
struct Listener {
    /// Counts the times Ctrl-C was pressed.
    presses: watch::Sender<u64>,
    runtime: Handle,
}

/// Waits for the next Ctrl-C. From the first call on, Ctrl-C no longer ends the process by itself.
pub fn interrupted() -> BoxFuture<'static, ()> {
    let presses = listener().map(|listener| listener.presses.subscribe());
    Box::pin(async {
        let heard = match presses {
            Some(mut presses) => presses.changed().await.is_ok(),
            None => false,
        };
        if !heard {
            // Without signals there is nothing to wait for.
            pending::<()>().await;
        }
    })
}

/// Waits for a time, also while every worker computes.
pub(super) async fn sleep_until(time: Instant) {
    match listener() {
        Some(listener) => {
            // Made there, so that it is that thread's clock which is waited for.
            let mut waiting = JoinSet::new();
            waiting.spawn_on(async move { tokio::time::sleep_until(time).await }, &listener.runtime);
            waiting.join_next().await;
        }
        None => tokio::time::sleep_until(time).await,
    }
}

/// The listener; none where signals or threads cannot be had.
fn listener() -> Option<&'static Listener> {
    static LISTENER: OnceLock<Option<Listener>> = OnceLock::new();
    let listen = || {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let (presses, _) = watch::channel(0);
        let (heard, handle) = (presses.clone(), runtime.handle().clone());
        let (ready, is_ready) = sync_channel(1);
        let wait = async move {
            let mut first = pin!(tokio::signal::ctrl_c());
            let mut heard_one = poll!(first.as_mut());
            ready.send(()).ok();
            if heard_one.is_pending() {
                heard_one = Poll::Ready(first.await);
            }
            while let Poll::Ready(Ok(())) = heard_one {
                heard.send_modify(|times| *times += 1);
                heard_one = Poll::Ready(tokio::signal::ctrl_c().await);
            }
        };
        thread::Builder::new().name("ctrl-c".to_owned()).spawn(move || runtime.block_on(wait)).ok()?;
        // The editor puts back the handler that it found when it began: it must find this one.
        is_ready.recv().ok()?;
        Some(Listener { presses, runtime: handle })
    };
    LISTENER.get_or_init(listen).as_ref()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn ctrl_c_is_heard_from_the_first_call_on() {
        drop(interrupted());
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        assert_ne!(caught & 0b10, 0, "SIGINT still ends the process");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_time_comes_while_the_only_worker_computes() {
        let mut computing = JoinSet::new();
        computing.spawn(async { thread::sleep(Duration::from_secs(2)) });
        thread::sleep(Duration::from_millis(50));
        let begun = std::time::Instant::now();
        sleep_until(Instant::now() + Duration::from_millis(100)).await;
        let elapsed = begun.elapsed();
        assert!(elapsed < Duration::from_secs(1), "{} ms", elapsed.as_millis());
        computing.join_next().await;
    }
}
