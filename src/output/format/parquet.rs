//! Parquet, compressed with Zstandard.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{Failure, Manner, ResultWriter};
use crate::output::target::SharedTarget;

/// Rows of a row group: what most readers expect, and little enough to be held in memory.
const ROWS: usize = 131_072;

/// Bytes at which a row group is written early, because its rows are wide.
const BYTES: usize = 64 * 1024 * 1024;

pub(super) struct Parquet(ArrowWriter<SharedTarget>);

impl Parquet {
    pub(super) fn begin(schema: &SchemaRef, out: SharedTarget) -> Result<Self, Failure> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROWS))
            .set_created_by(concat!("cauce ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self(ArrowWriter::try_new(out, SchemaRef::clone(schema), Some(properties))?))
    }
}

impl ResultWriter for Parquet {
    fn batch(&mut self, batch: &RecordBatch) -> Result<(), Failure> {
        self.0.write(batch)?;
        if self.0.in_progress_size() > BYTES {
            self.0.flush()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Manner, Failure> {
        self.0.finish()?;
        Ok(Manner::Whole)
    }
}
