//! Arrow IPC files to typed batches, block by block.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, root_as_footer};
use bytes::Bytes;
use datafusion::common::runtime::SpawnedTask;
use futures::future::{FutureExt, TryFutureExt};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::arrays::{self, ArrayRows};
use super::arrow_block;
use super::chunks::fetch;
use super::fault::Account;
use super::infer::StoredColumn;
use super::reader::{Reader, Scan};
use super::survive::survive;
use crate::catalog::{Dataset, Difference};
use crate::error::{Error, Kind, Result};
use crate::store::InputFile;

/// Bytes at the end of a file that say how long its footer is.
const TRAILER: u64 = 10;

/// The reader of Arrow IPC files.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArrowReader;

impl Reader for ArrowReader {
    fn read(&self, file: InputFile, scan: Arc<Scan>) -> BoxStream<'static, Result<RecordBatch>> {
        let died = broken(&file.name, "its footer does not hold together");
        let opened = survive(open(file, scan, None)).map(|opened| opened.unwrap_or(Err(died)));
        let opened = opened.map_ok(|opened| {
            stream::try_unfold(opened, |mut opened| async move {
                Ok(opened.next().await?.map(|batches| (stream::iter(batches.into_iter().map(Ok)), opened)))
            })
            .try_flatten()
        });
        stream::once(opened).try_flatten().boxed()
    }
}

/// A file whose columns are known.
struct Opened {
    file: InputFile,
    scan: Arc<Scan>,
    rows: ArrayRows,
    decoder: Arc<FileDecoder>,
    /// The blocks of rows that were not read yet.
    blocks: std::vec::IntoIter<Block>,
}

/// The differences between the columns of `file` and those of `dataset`, and what keeps it from being read at all.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn differences(dataset: &Dataset, file: &InputFile) -> Result<Vec<Difference>> {
    let footer = match footer(file).await {
        Ok(footer) => footer,
        Err(error) if error.kind() == Kind::Damaged => {
            return Ok(vec![Difference::Damaged("it is not a whole Arrow file".to_owned())]);
        }
        Err(error) => return Err(error),
    };
    Ok(match schema_of(&footer).await {
        Some(schema) => arrays::differences(dataset, &file.name, &schema),
        None => vec![Difference::Damaged("it is not a whole Arrow file".to_owned())],
    })
}

/// The columns of `file`, which does not say how many rows it has; none if it is no whole Arrow file.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn columns(file: &InputFile) -> Result<Option<(Vec<StoredColumn>, u64)>> {
    let footer = match footer(file).await {
        Ok(footer) => footer,
        Err(error) if error.kind() == Kind::Damaged => return Ok(None),
        Err(error) => return Err(error),
    };
    let of_schema =
        |schema: Schema| schema.fields().iter().map(|field| StoredColumn::new(field, no_nulls(field))).collect();
    Ok(schema_of(&footer).await.map(|schema| (of_schema(schema), 0)))
}

/// The columns that a footer names, if it is whole.
async fn schema_of(footer: &[u8]) -> Option<Schema> {
    survive(async { root_as_footer(footer).ok()?.schema().map(fb_to_schema) }).await.flatten()
}

/// Zero for a column that cannot have any.
fn no_nulls(field: &Field) -> Option<u64> {
    (!field.is_nullable()).then_some(0)
}

/// The bytes of the footer, which says where all else is.
async fn footer(file: &InputFile) -> Result<Bytes> {
    let name = &file.name;
    let size = file.meta.size;
    let start = size.checked_sub(TRAILER).ok_or_else(|| broken(name, "it is too short"))?;
    let trailer = fetch(file, start..size).await?;
    let trailer = <[u8; 10]>::try_from(trailer.as_ref()).map_err(|_| broken(name, "it is too short"))?;
    let length = read_footer_length(trailer).map_err(|failure| failed(name, failure))? as u64;
    let footer_start = start.checked_sub(length).ok_or_else(|| broken(name, "its footer is longer than the file"))?;
    fetch(file, footer_start..start).await
}

/// Opens `file`; all its columns if there is an account of the rows that were read before.
async fn open(file: InputFile, scan: Arc<Scan>, whole_after: Option<Account>) -> Result<Opened> {
    let name: Arc<str> = Arc::from(file.name.as_str());
    let footer = footer(&file).await?;
    scan.bytes_read.add(footer.len());
    let footer = root_as_footer(&footer).map_err(|failure| broken(&name, &failure.to_string()))?;
    let schema = footer.schema().ok_or_else(|| broken(&name, "it has no schema"))?;
    let schema = Arc::new(fb_to_schema(schema));
    let (rows, read) = ArrayRows::new(&name, Arc::clone(&scan), &schema, whole_after)?;
    let mut decoder = FileDecoder::new(schema, footer.version()).with_projection(read);
    for block in footer.dictionaries().iter().flatten() {
        let bytes = bytes(&file, &scan, block).await?;
        decoder.read_dictionary(block, &bytes).map_err(|failure| failed(&name, failure))?;
    }
    let blocks: Vec<Block> = footer.recordBatches().iter().flatten().copied().collect();
    Ok(Opened { file, scan, rows, decoder: Arc::new(decoder), blocks: blocks.into_iter() })
}

impl Opened {
    /// The rows of the next block.
    async fn next(&mut self) -> Result<Option<Vec<RecordBatch>>> {
        let Some(block) = self.blocks.next() else {
            self.rows.finished()?;
            return Ok(None);
        };
        let mut batch = self.decode(&block).await?;
        let mut batches = Vec::new();
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = self.scan.batch_rows.min(batch.num_rows() - start);
            if let Some(made) = self.rows.rows(&batch.slice(start, rows))? {
                batches.push(made);
                start += rows;
            } else {
                let opened = open(self.file.clone(), Arc::clone(&self.scan), Some(self.rows.account())).await?;
                (self.rows, self.decoder) = (opened.rows, opened.decoder);
                batch = self.decode(&block).await?;
            }
        }
        Ok(Some(batches))
    }

    /// The columns that are read of a block.
    async fn decode(&self, block: &Block) -> Result<RecordBatch> {
        let (block, bytes) = (*block, bytes(&self.file, &self.scan, block).await?);
        let decoder = Arc::clone(&self.decoder);
        let task = SpawnedTask::spawn(survive(async move { decoder.read_record_batch(&block, &bytes) }));
        let batch = task.join().await.map_err(|panic| Error::bug(format!("a reader died: {panic}")))?;
        let batch = batch.ok_or_else(|| self.rows.damaged("Arrow", "its blocks do not hold together"))?;
        let batch = batch.map_err(|failure| self.rows.damaged("Arrow", failure))?;
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(Arc::new(Schema::empty()))))
    }
}

/// The bytes of one block.
async fn bytes(file: &InputFile, scan: &Scan, block: &Block) -> Result<Buffer> {
    let range = || {
        let start = u64::try_from(block.offset()).ok()?;
        let length =
            u64::try_from(block.metaDataLength()).ok()?.checked_add(u64::try_from(block.bodyLength()).ok()?)?;
        Some(start..start.checked_add(length).filter(|end| *end <= file.meta.size)?)
    };
    let range = range().ok_or_else(|| broken(&file.name, "one of its blocks lies beyond its end"))?;
    let bytes = fetch(file, range).await?;
    scan.bytes_read.add(bytes.len());
    // Reading it is work of the decoder, which may die of it.
    let plausible = survive(async { arrow_block::is_plausible(block, &bytes) }).await.unwrap_or(false);
    if !plausible {
        return Err(broken(&file.name, "one of its blocks says that it holds what cannot be"));
    }
    Ok(Buffer::from(bytes))
}

fn failed(file: &str, failure: ArrowError) -> Error {
    broken(file, &failure.to_string()).because(failure)
}

fn broken(file: &str, why: &str) -> Error {
    Error::damaged(file, format_args!("not a whole Arrow file: {why}"))
        .hint("write the file again, or set the dataset's `format`")
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, DictionaryArray, Float64Array, StringArray, TimestampNanosecondArray};
    use arrow::datatypes::Int8Type;
    use arrow::ipc::CompressionType;
    use arrow::ipc::writer::{FileWriter, IpcWriteOptions};

    use super::super::testing::{dataset, every_flip_is_rows_or_damage, files, query, query_text, told};
    use super::*;
    use crate::catalog::Format;

    fn arrow_dataset(columns: &str) -> Dataset {
        Dataset { format: Format::Arrow, path: "d.arrow".to_owned(), ..dataset(columns) }
    }

    fn arrow_file(columns: Vec<(&str, ArrayRef)>, compression: Option<CompressionType>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let mut writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
        for _ in 0..2 {
            writer.write(&batch).unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        bytes
    }

    fn sample() -> Vec<u8> {
        compressed_sample(None)
    }

    fn compressed_sample(compression: Option<CompressionType>) -> Vec<u8> {
        let categories: DictionaryArray<Int8Type> = ["web", "app"].into_iter().collect();
        arrow_file(
            vec![
                ("hora", Arc::new(TimestampNanosecondArray::from(vec![Some(1_680_411_162_137_506_000), None]))),
                ("id", Arc::new(StringArray::from(vec!["a", "b"]))),
                ("canal", Arc::new(categories)),
                ("n", Arc::new(Float64Array::from(vec![12.0, 1.5]))),
            ],
            compression,
        )
    }

    #[tokio::test]
    async fn blocks_become_rows_of_the_declared_types() {
        let files = files(&[("d.arrow", &sample())]).await;
        let columns = "id string!; n float; canal string; hora timestamp";
        let text = query_text(&arrow_dataset(columns), files.clone(), "SELECT * FROM d").await.unwrap();
        insta::assert_snapshot!(text, @"
        +----+------+-------+----------------------------+
        | id | n    | canal | hora                       |
        +----+------+-------+----------------------------+
        | a  | 12.0 | web   | 2023-04-02T04:52:42.137506 |
        | b  | 1.5  | app   |                            |
        | a  | 12.0 | web   | 2023-04-02T04:52:42.137506 |
        | b  | 1.5  | app   |                            |
        +----+------+-------+----------------------------+
        ");
        let count = query_text(&arrow_dataset(columns), files.clone(), "SELECT count(*) FROM d").await.unwrap();
        assert!(count.contains("| 4 "), "{count}");
        let strict = arrow_dataset("id string!; n int; canal string; hora timestamp");
        insta::assert_snapshot!(told(&query(&strict, files, "SELECT count(*) FROM d").await.unwrap_err()), @r#"
        d.arrow: row 2, column n: "1.5" is not an int (exit 1)
        hint: correct the row, or declare the column as float or decimal in catalog.yaml
        "#);
    }

    /// What `feather.write_feather` and `write.to_feather` make unless they are told otherwise.
    #[tokio::test]
    async fn compressed_blocks_are_read_like_others() {
        let columns = arrow_dataset("id string!; n float; canal string; hora timestamp");
        let plain = query(&columns, files(&[("d.arrow", &sample())]).await, "SELECT * FROM d").await.unwrap();
        for compression in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
            let bytes = compressed_sample(Some(compression));
            assert_ne!(bytes, sample());
            let rows = query(&columns, files(&[("d.feather", &bytes)]).await, "SELECT * FROM d").await.unwrap();
            assert_eq!(rows, plain, "{compression:?}");
        }
    }

    #[tokio::test]
    async fn any_damage_is_told_as_damage() {
        let columns = arrow_dataset("id string!; n float; canal string; hora timestamp");
        for whole in [sample(), compressed_sample(Some(CompressionType::ZSTD))] {
            every_flip_is_rows_or_damage(&columns, &ArrowReader, &whole).await;
        }
    }

    #[tokio::test]
    async fn a_damaged_file_is_told() {
        let whole = sample();
        let columns = arrow_dataset("id string!; n float; canal string; hora timestamp");
        for bytes in [b"".as_slice(), b"id,n\na,1\n", &whole[..whole.len() - 20], &whole[100..]] {
            let files = files(&[("d.arrow", bytes)]).await;
            let error = query(&columns, files, "SELECT * FROM d").await.unwrap_err();
            assert!(error.message().starts_with("d.arrow: not a whole Arrow file: "), "{error}");
        }
    }
}
