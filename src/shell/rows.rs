//! The rows of an answer on their way out.

use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::output::ResultFile;

/// Batches read ahead of the writer.
const AHEAD: usize = 2;

/// The rows of an answer, read by a task of their own so that the shell hears Ctrl-C even while an operator computes
/// without a pause. Dropped, the task is stopped.
pub(super) struct Rows {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    task: JoinSet<()>,
}

impl Rows {
    pub(super) fn of(mut stream: BoxStream<'static, Result<RecordBatch>>) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Some(batch) = stream.next().await {
                if sender.send(batch).await.is_err() {
                    return;
                }
            }
        });
        Self { batches, task }
    }

    /// Writes all rows.
    pub(super) async fn pour_into(&mut self, file: &mut ResultFile) -> Result<()> {
        while let Some(batch) = self.next().await {
            file.batch(&batch?)?;
        }
        Ok(())
    }

    /// Waits for the end of a statement that only does something.
    pub(super) async fn exhaust(&mut self) -> Result<()> {
        while self.next().await.transpose()?.is_some() {}
        Ok(())
    }

    /// The next rows; none at the end.
    pub(super) async fn next(&mut self) -> Option<Result<RecordBatch>> {
        if let Some(batch) = self.batches.recv().await {
            return Some(batch);
        }
        // A task that failed must not look like the end of the rows.
        match self.task.join_next().await {
            Some(Err(failed)) => Some(Err(Error::bug("the query ended without a result").because(failed))),
            Some(Ok(())) | None => None,
        }
    }
}
