//! Hearing Ctrl-C while every worker computes.
//!
//! A runtime's signals are heard by its workers, and a worker deep in a long join hears nothing until the join pauses.
//! So one thread of its own listens for the whole process.

use std::future::pending;
use std::sync::OnceLock;
use std::thread;

use futures::future::BoxFuture;
use tokio::runtime::Builder;
use tokio::sync::watch;

/// Waits for the next Ctrl-C. From the first call on, Ctrl-C no longer ends the process by itself.
pub fn interrupted() -> BoxFuture<'static, ()> {
    let presses = presses().map(watch::Sender::subscribe);
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

/// Counts the times Ctrl-C was pressed; none where signals or threads cannot be had.
fn presses() -> Option<&'static watch::Sender<u64>> {
    static PRESSES: OnceLock<Option<watch::Sender<u64>>> = OnceLock::new();
    let listen = || {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let (presses, _) = watch::channel(0);
        let heard = presses.clone();
        let wait = async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                heard.send_modify(|times| *times += 1);
            }
        };
        thread::Builder::new().name("ctrl-c".to_owned()).spawn(move || runtime.block_on(wait)).ok()?;
        Some(presses)
    };
    PRESSES.get_or_init(listen).as_ref()
}
