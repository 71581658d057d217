//! What the reader of a format gets and gives: one file in, batches of the wanted columns out.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::physical_plan::metrics::{Count, Time};
use futures::stream::BoxStream;

use super::fault::Faults;
use crate::catalog::Dataset;
use crate::error::{Error, Result};
use crate::store::InputFile;

/// The reader of one format.
pub trait Reader: fmt::Debug + Send + Sync {
    /// The rows of `file` in its order, as batches of `scan.schema`.
    ///
    /// Dropping the stream ends the reading.
    fn read(&self, file: InputFile, scan: Arc<Scan>) -> BoxStream<'static, Result<RecordBatch>>;
}

/// What is wanted from the files of a dataset.
#[derive(Debug)]
pub struct Scan {
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// The wanted columns, as positions in the dataset's schema: the declared columns, then those of its metadata.
    pub projection: Vec<usize>,
    /// The schema of the wanted columns, in the order of `projection`.
    pub schema: SchemaRef,
    /// Rows of a batch, except for the last of a file.
    pub batch_rows: usize,
    /// No more rows than these are wanted from one file.
    pub limit: Option<usize>,
    /// As many parts of one file may be read side by side; at least 1.
    pub tasks: usize,
    /// Who decides what a reject means.
    pub faults: Arc<dyn Faults>,
    /// Bytes read from the store.
    pub bytes_read: Count,
    /// Time spent making batches, without waiting for bytes.
    pub busy: Time,
}

impl Scan {
    /// The batch of `columns`, `rows` long, without the rows `left_out`.
    pub(super) fn batch(
        &self,
        mut columns: Vec<ArrayRef>,
        rows: usize,
        left_out: impl IntoIterator<Item = usize>,
    ) -> Result<RecordBatch> {
        let broken =
            |source| Error::bug(format!("dataset {}: no batch of its columns", self.dataset.name)).because(source);
        let mut kept = vec![true; rows];
        left_out.into_iter().for_each(|row| kept[row] = false);
        let kept = BooleanArray::from(kept);
        let good = kept.true_count();
        if good < rows {
            for column in &mut columns {
                *column = filter(column, &kept).map_err(broken)?;
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(good));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(broken)
    }
}
