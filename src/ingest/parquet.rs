//! Parquet files to typed batches.
//!
//! The types come from the Parquet schema alone and not from the Arrow schema that some writers put beside it, so that
//! a file means the same whoever wrote it: texts are texts, whether they were categories, large or small.

use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use datafusion::physical_plan::metrics::Count;
use futures::future::{BoxFuture, FutureExt, TryFutureExt};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use object_store::{OBJECT_STORE_COALESCE_DEFAULT, coalesce_ranges};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStream};
use parquet::arrow::{ParquetRecordBatchStreamBuilder, ProjectionMask};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::arrays::{self, ArrayRows};
use super::chunks::fetch;
use super::fault::Account;
use super::infer::StoredColumn;
use super::reader::{Reader, Scan};
use super::survive::survive;
use crate::catalog::{Dataset, Difference};
use crate::error::{Error, Kind, Result, lower_first};
use crate::store::InputFile;

/// Bytes read at the end of a file in the hope that its whole footer is among them.
const FOOTER_GUESS: usize = 64 << 10;

/// The reader of Parquet.
#[derive(Debug, Clone, Copy)]
pub(super) struct ParquetReader;

impl Reader for ParquetReader {
    fn read(&self, file: InputFile, scan: Arc<Scan>) -> BoxStream<'static, Result<RecordBatch>> {
        let opened = Opened::new(file, scan, None).map_ok(|opened| {
            stream::try_unfold(
                opened,
                |mut opened| async move { Ok(opened.next().await?.map(|batch| (batch, opened))) },
            )
        });
        stream::once(opened).try_flatten().boxed()
    }
}

/// A file whose columns are known.
struct Opened {
    file: InputFile,
    scan: Arc<Scan>,
    rows: ArrayRows,
    batches: ParquetRecordBatchStream<FileBytes>,
}

impl Opened {
    /// Opens `file`; all its columns, and the rows behind those that are in the account `whole_after`, if there is one.
    async fn new(file: InputFile, scan: Arc<Scan>, whole_after: Option<Account>) -> Result<Self> {
        let (rows, batches) = open(&file, &scan, whole_after).await?;
        Ok(Self { file, scan, rows, batches })
    }

    /// The rows of the next batch.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let Some(batch) = next(&mut self.batches, &self.rows).await? else {
                self.rows.finished()?;
                return Ok(None);
            };
            if let Some(rows) = self.rows.rows(&batch)? {
                return Ok(Some(rows));
            }
            *self = Self::new(self.file.clone(), Arc::clone(&self.scan), Some(self.rows.account())).await?;
        }
    }
}

async fn open(
    file: &InputFile,
    scan: &Arc<Scan>,
    whole_after: Option<Account>,
) -> Result<(ArrayRows, ParquetRecordBatchStream<FileBytes>)> {
    let name: Arc<str> = Arc::from(file.name.as_str());
    if file.meta.size == 0 {
        return Err(Error::damaged(&name, "the file is empty").hint("a Parquet file has a footer even without rows"));
    }
    let failed = |error| unreadable(&name, error);
    let died = || broken(&name, "its footer does not hold together");
    let bytes = FileBytes { file: file.clone(), bytes_read: scan.bytes_read.clone() };
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let opened = survive(ParquetRecordBatchStreamBuilder::new_with_options(bytes, options)).await;
    let builder = opened.ok_or_else(died)?.map_err(failed)?;
    let (rows, read) = ArrayRows::new(&name, Arc::clone(scan), builder.schema(), whole_after)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), read);
    let batch_rows = scan.batch_rows.min(scan.limit.unwrap_or(usize::MAX)).max(1);
    let before = usize::try_from(rows.account().records).unwrap_or(usize::MAX);
    let builder = builder.with_projection(mask).with_batch_size(batch_rows).with_offset(before);
    let batches = builder.build().map_err(failed)?;
    Ok((rows, batches))
}

/// The next of `batches`; `rows` were made of those before.
async fn next(batches: &mut ParquetRecordBatchStream<FileBytes>, rows: &ArrayRows) -> Result<Option<RecordBatch>> {
    match survive(batches.try_next()).await {
        Some(Ok(batch)) => Ok(batch),
        Some(Err(ParquetError::External(source))) => match source.downcast::<Error>() {
            Ok(error) => Err(*error),
            Err(source) => Err(rows.damaged("Parquet", source)),
        },
        Some(Err(error)) => Err(rows.damaged("Parquet", in_short(&error))),
        None => Err(rows.damaged("Parquet", "its pages do not hold together")),
    }
}

/// The differences between the columns of `file` and those of `dataset`, and what keeps it from being read at all.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn differences(dataset: &Dataset, file: &InputFile) -> Result<Vec<Difference>> {
    Ok(match footer(file).await? {
        Some(footer) => arrays::differences(dataset, &file.name, footer.schema()),
        None => vec![Difference::Damaged("it is not a whole Parquet file".to_owned())],
    })
}

/// The columns of `file` and how many rows it has; none if it is no whole Parquet file.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn columns(file: &InputFile) -> Result<Option<(Vec<StoredColumn>, u64)>> {
    let Some(footer) = footer(file).await? else { return Ok(None) };
    let (metadata, leaves) = (footer.metadata(), footer.parquet_schema());
    let nulls = |root: usize| -> Option<u64> {
        let mut of_root = (0..leaves.num_columns()).filter(|leaf| leaves.get_column_root_idx(*leaf) == root);
        let (Some(leaf), None) = (of_root.next(), of_root.next()) else { return None };
        let nulls = |group: &RowGroupMetaData| group.column(leaf).statistics().and_then(Statistics::null_count_opt);
        metadata.row_groups().iter().map(nulls).sum()
    };
    let columns = footer.schema().fields().iter().enumerate().map(|(root, field)| {
        let nulls = match field {
            field if !field.is_nullable() => Some(0),
            // A list without items counts among the nulls of its items.
            field if field.data_type().is_nested() => None,
            _ => nulls(root),
        };
        StoredColumn::new(field, nulls)
    });
    let rows = metadata.file_metadata().num_rows();
    Ok(Some((columns.collect(), u64::try_from(rows).unwrap_or_default())))
}

/// What the end of `file` says of it; nothing if it is no whole Parquet file.
async fn footer(file: &InputFile) -> Result<Option<ParquetRecordBatchStreamBuilder<FileBytes>>> {
    let bytes = FileBytes { file: file.clone(), bytes_read: Count::new() };
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    match survive(ParquetRecordBatchStreamBuilder::new_with_options(bytes, options)).await {
        None => Ok(None),
        Some(Ok(builder)) => Ok(Some(builder)),
        Some(Err(error)) => {
            let error = unreadable(&file.name, error);
            if error.kind() == Kind::Damaged { Ok(None) } else { Err(error) }
        }
    }
}

fn unreadable(file: &str, error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => broken(file, &source.to_string()).because(source),
        },
        error => broken(file, &in_short(&error)).because(error),
    }
}

/// What is wrong, without the names of the parts of the decoder that said so to each other.
fn in_short(error: &ParquetError) -> String {
    let mut told = error.to_string();
    while let Some(rest) = ["Arrow: ", "Parquet argument error: ", "Parquet error: ", "External: ", "EOF: "]
        .iter()
        .find_map(|part| told.strip_prefix(part))
    {
        told = rest.to_owned();
    }
    lower_first(&told)
}

fn broken(file: &str, why: &str) -> Error {
    Error::damaged(file, format_args!("not a whole Parquet file: {why}"))
        .hint("write the file again, or set the dataset's `format`")
}

/// The bytes of one file for the Parquet decoder.
struct FileBytes {
    file: InputFile,
    bytes_read: Count,
}

impl FileBytes {
    async fn get(&self, range: Range<u64>) -> Result<Bytes, ParquetError> {
        if range.end > self.file.meta.size || range.start > range.end {
            return Err(ParquetError::EOF("one of its columns lies beyond its end".to_owned()));
        }
        let bytes = fetch(&self.file, range).await.map_err(|error| ParquetError::External(Box::new(error)))?;
        self.bytes_read.add(bytes.len());
        Ok(bytes)
    }
}

impl AsyncFileReader for FileBytes {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.get(range).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        let get = |range| self.get(range);
        async move { coalesce_ranges(&ranges, get, OBJECT_STORE_COALESCE_DEFAULT).await }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        let size = self.file.meta.size;
        async move {
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_GUESS));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        ArrayRef, DictionaryArray, Float64Array, Int32Array, Int64Array, LargeStringArray, StringArray,
        StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    };
    use arrow::compute::concat_batches;
    use arrow::datatypes::{DataType, Int8Type};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::fault::{Faults, Reject};
    use super::super::testing::{
        Correcting, KeepAll, dataset, every_flip_is_rows_or_damage, files, query, query_text, scan_of, told,
    };
    use super::*;
    use crate::catalog::Format;

    fn parquet_dataset(columns: &str) -> Dataset {
        Dataset { format: Format::Parquet, path: "d.parquet".to_owned(), ..dataset(columns) }
    }

    /// A file of these columns with row groups of three rows.
    fn parquet_file(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(3)).build();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    async fn error(columns: &str, bytes: &[u8]) -> String {
        let files = files(&[("d.parquet", bytes)]).await;
        told(&query(&parquet_dataset(columns), files, "SELECT * FROM d").await.unwrap_err())
    }

    #[tokio::test]
    async fn files_of_different_writers_are_one_table() {
        let dataset = parquet_dataset("reseña_id string!; canal string; n int; hora timestamp; etiquetas list");
        let hour = 1_680_411_162_137_506_000;
        let categories: DictionaryArray<Int8Type> = ["web", "app"].into_iter().collect();
        let mut list = arrow::array::builder::ListBuilder::new(arrow::array::builder::StringBuilder::new())
            .with_field(arrow::datatypes::Field::new("element", DataType::Utf8, true));
        list.append_value([Some("a"), Some("b")]);
        list.append_null();
        let older = parquet_file(vec![
            ("etiquetas", Arc::new(list.finish())),
            ("reseña_id", texts(&[Some("R1"), Some("R2")])),
            ("n", Arc::new(Float64Array::from(vec![Some(12.0), None]))),
            ("canal", Arc::new(categories)),
            ("hora", Arc::new(TimestampNanosecondArray::from(vec![Some(hour), None]))),
        ]);
        let newer = parquet_file(vec![
            ("reseña_id", Arc::new(LargeStringArray::from(vec!["R3"]))),
            ("canal", Arc::new(StringViewArray::from(vec!["web"]))),
            ("n", Arc::new(Int32Array::from(vec![-7]))),
            ("hora", texts(&[Some("2024-01-01 10:00:00")])),
            ("etiquetas", texts(&[Some("['c']")])),
        ]);
        let files = files(&[("a.parquet", &older), ("b.parquet", &newer)]).await;
        let all = query_text(&dataset, files.clone(), "SELECT * FROM d ORDER BY 1").await.unwrap();
        insta::assert_snapshot!(all, @r"
        +-----------+-------+----+----------------------------+-----------+
        | reseña_id | canal | n  | hora                       | etiquetas |
        +-----------+-------+----+----------------------------+-----------+
        | R1        | web   | 12 | 2023-04-02T04:52:42.137506 | [a, b]    |
        | R2        | app   |    |                            |           |
        | R3        | web   | -7 | 2024-01-01T10:00:00        | [c]       |
        +-----------+-------+----+----------------------------+-----------+
        ");
        let some = query_text(&dataset, files.clone(), "SELECT n, canal FROM d ORDER BY 1").await.unwrap();
        insta::assert_snapshot!(some, @r"
        +----+-------+
        | n  | canal |
        +----+-------+
        | -7 | web   |
        | 12 | web   |
        |    | app   |
        +----+-------+
        ");
        assert!(query_text(&dataset, files.clone(), "SELECT count(*) FROM d").await.unwrap().contains("| 3 "));
        assert_eq!(query(&dataset, files, "SELECT n FROM d LIMIT 2").await.unwrap().num_rows(), 2);
    }

    /// Real files, see `tests/data/parquet/make.py`; they hold the same twelve tickets.
    #[tokio::test]
    async fn what_pandas_writes() {
        let columns = "ticket_id string!; fecha_hora timestamp!; cliente_id string!; canal string!; sucursal_id string; \
            asesor_id string!; tipo_consulta string!; subtipo string!; estado string!; tiempo_respuesta_min int; \
            tiempo_resolucion_horas int; satisfaccion_cliente int!; comentario string; etiquetas list; adjunto string; \
            dia date!";
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/parquet");
        let (mut tables, mut texts) = (Vec::new(), Vec::new());
        for version in ["pandas_2.parquet", "pandas_3.parquet"] {
            let files = files(&[(version, &std::fs::read(folder.join(version)).unwrap())]).await;
            let sql = "SELECT * FROM d ORDER BY ticket_id";
            tables.push(query(&parquet_dataset(columns), files.clone(), sql).await.unwrap());
            let some =
                "SELECT ticket_id, canal, fecha_hora, tiempo_respuesta_min AS min, etiquetas, dia FROM d LIMIT 4";
            texts.push(query_text(&parquet_dataset(columns), files, some).await.unwrap());
        }
        insta::assert_snapshot!(texts[0], @r"
        +------------------+----------+----------------------------+-----+-------------------------------------+------------+
        | ticket_id        | canal    | fecha_hora                 | min | etiquetas                           | dia        |
        +------------------+----------+----------------------------+-----+-------------------------------------+------------+
        | TKT_9EE34BC91563 | telefono | 2024-03-23T05:05:40.648246 | 18  | [bloqueo, pago, fraude]             | 2024-03-23 |
        | TKT_81BCBDE20A3D | whatsapp | 2024-06-10T18:42:17.377815 | 5   | [insatisfecho, problema, solicitud] | 2024-06-10 |
        | TKT_53BBD0FC68DB | chat_web | 2024-04-03T01:59:44.021741 | 12  | [cobertura, prima, beneficiario]    | 2024-04-03 |
        | TKT_0B8AB5870228 | telefono | 2024-01-12T08:46:22.642478 |     | [pago, limite, fraude]              | 2024-01-12 |
        +------------------+----------+----------------------------+-----+-------------------------------------+------------+
        ");
        assert_eq!(texts[0], texts[1]);
        assert_eq!(tables[0].num_rows(), 12);
        assert_eq!(tables[0], tables[1]);
    }

    #[tokio::test]
    async fn any_damage_is_told_as_damage() {
        let ids = texts(&[Some("a"), Some("b"), Some("a"), Some("d"), None]);
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 12.5, 5.0]));
        let batch = RecordBatch::try_from_iter(vec![("id", ids), ("n", numbers)]).unwrap();
        for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
            let mut bytes = Vec::new();
            let properties = WriterProperties::builder().set_compression(compression).build();
            let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            every_flip_is_rows_or_damage(&parquet_dataset("id string; n float"), &ParquetReader, &bytes).await;
        }
    }

    #[tokio::test]
    async fn a_wrong_value_is_told_by_its_row() {
        let ids = texts(&[Some("a"), Some("b"), Some("c"), Some("d"), None]);
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 12.5, 5.0]));
        let bytes = parquet_file(vec![("id", ids), ("n", numbers)]);
        insta::assert_snapshot!(error("id string; n int", &bytes).await, @r#"
        d.parquet: row 4, column n: "12.5" is not an int (exit 1)
        hint: correct the row, or declare the column as float or decimal in catalog.yaml
        "#);
        insta::assert_snapshot!(error("id string!; n float", &bytes).await, @r"
        d.parquet: row 5, column id: no value, but the column is required (exit 1)
        hint: fill in the value, or take `required: true` from the column in catalog.yaml
        ");
    }

    proptest! {
        /// Whatever is asked for, rows in = rows out + rejects; what was corrected stands where it stood, with all its values.
        #[test]
        fn rejected_rows_are_shown_whole_and_corrected_ones_are_rows(
            rows in vec((0_i64..1000, any::<bool>(), any::<bool>(), prop::option::of("[a\"ñ\n]{0,3}"), any::<i64>()), 0..30),
            projection in prop::sample::select(std::vec![std::vec![0], std::vec![1, 2], std::vec![0, 1, 2, 3]]), batch_rows in 1_usize..9,
        ) {
            let number = |(n, wrong, ..): &(i64, bool, bool, Option<String>, i64)| *n as f64 + if *wrong { 0.5 } else { 0.0 };
            let at = |micros: i64| micros.rem_euclid(4_000_000_000_000_000);
            let bytes = parquet_file(vec![
                ("n", Arc::new(Float64Array::from_iter_values(rows.iter().map(number)))),
                ("t", Arc::new(rows.iter().map(|row| row.3.clone()).collect::<StringArray>())),
                ("hora", Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| at(row.4))))),
            ]);
            let dataset = Dataset { metadata: std::vec![crate::catalog::Metadata::Line], ..parquet_dataset("n int; t string; hora timestamp!") };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = |faults: Arc<dyn Faults>, projection: Vec<usize>| {
                let schema = Arc::new(dataset.schema().project(&projection).unwrap());
                let scan = Scan { projection, schema: Arc::clone(&schema), ..scan_of(&dataset, batch_rows, 1, faults) };
                let batches: Vec<RecordBatch> = runtime.block_on(async {
                    let file = files(&[("d.parquet", &bytes)]).await.remove(0);
                    ParquetReader.read(file, Arc::new(scan)).try_collect().await.unwrap()
                });
                concat_batches(&schema, &batches).unwrap()
            };
            let rejected = Arc::new(KeepAll::default());
            read(Arc::<KeepAll>::clone(&rejected), projection.clone());
            // A person writes a whole number in the place of the wrong one, and touches nothing else.
            let corrected = rejected.rejects().into_iter().filter(|reject| rows[line(reject)].2).map(|reject| {
                let right = reject.raw.replacen(".5\"", "\"", 1);
                (reject.raw, right)
            });
            let faults = Arc::new(Correcting { texts: corrected.collect(), ..Correcting::default() });
            let got = read(Arc::<Correcting>::clone(&faults), projection.clone());
            let kept: Vec<_> = rows.iter().enumerate().filter(|(_, (_, wrong, known, ..))| !wrong || *known).collect();
            let expected: Vec<ArrayRef> = std::vec![
                Arc::new(Int64Array::from_iter_values(kept.iter().map(|(_, row)| row.0))),
                Arc::new(kept.iter().map(|(_, row)| row.3.clone()).collect::<StringArray>()),
                Arc::new(TimestampMicrosecondArray::from_iter_values(kept.iter().map(|(_, row)| at(row.4)))),
                Arc::new(Int64Array::from_iter_values(kept.iter().map(|(index, _)| i64::try_from(index + 1).unwrap()))),
            ];
            let expected = RecordBatch::try_new(dataset.schema(), expected).unwrap().project(&projection).unwrap();
            prop_assert_eq!(got, expected);
            let replayed = rows.iter().filter(|row| row.1 && row.2).count() as u64;
            let (records, rows) = (rows.len() as u64, kept.len() as u64);
            prop_assert_eq!(faults.kept.accounts(), [Account { records, rows, rejected: records - rows, replayed }]);
            prop_assert_eq!(faults.kept.rejects().len() as u64, records - rows);
        }
    }

    fn line(reject: &Reject) -> usize {
        usize::try_from(reject.line).unwrap() - 1
    }

    #[tokio::test]
    async fn a_wrong_value_is_seen_by_every_query() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 12.5]));
        let bytes = parquet_file(vec![("id", texts(&[Some("a"), None])), ("n", numbers)]);
        let files = files(&[("d.parquet", &bytes)]).await;
        for (columns, accepted) in
            [("id string; n float", true), ("id string; n int", false), ("id string!; n float", false)]
        {
            for sql in ["SELECT count(*) FROM d", "SELECT id FROM d", "SELECT n FROM d"] {
                let answer = query(&parquet_dataset(columns), files.clone(), sql).await;
                assert_eq!(answer.is_ok(), accepted, "{columns}: {sql}");
            }
        }
    }

    #[tokio::test]
    async fn a_file_that_does_not_fit_is_told_with_what_to_write() {
        let bytes = parquet_file(vec![("id", texts(&[Some("a")])), ("n", Arc::new(Int32Array::from(vec![1])))]);
        insta::assert_snapshot!(error("id string; m int", &bytes).await, @r#"
        d.parquet: column `m` is missing; did you mean `n`? (exit 2)
        - column `m` is missing; did you mean `n`?
          hint: write `name: "n"` in datasets.d.columns, or rename it in the file
        "#);
        insta::assert_snapshot!(error("id string; n date", &bytes).await, @r"
        d.parquet: column `n` holds Int32, which cannot be read as date (exit 2)
        hint: declare the column in catalog.yaml with the type it has in the file
        ");
        insta::assert_snapshot!(error("id string; n int", b"").await, @r"
        d.parquet: the file is empty (exit 1)
        hint: a Parquet file has a footer even without rows
        ");
        insta::assert_snapshot!(error("id string; n int", b"id,n\na,1\n").await, @r"
        d.parquet: not a whole Parquet file: invalid Parquet file. Corrupt footer (exit 1)
        hint: write the file again, or set the dataset's `format`
        ");
        insta::assert_snapshot!(error("id string; n int", &bytes[..bytes.len() - 20]).await, @r"
        d.parquet: not a whole Parquet file: invalid Parquet file. Corrupt footer (exit 1)
        hint: write the file again, or set the dataset's `format`
        ");
    }

    #[tokio::test]
    async fn a_file_that_changes_is_an_error() {
        use object_store::ObjectStoreExt;

        let bytes = parquet_file(vec![("id", texts(&[Some("a")]))]);
        let files = files(&[("d.parquet", &bytes)]).await;
        let InputFile { store, meta, .. } = &files[0];
        store.put(&meta.location, bytes.clone().into()).await.unwrap();
        let error = query(&parquet_dataset("id string"), files.clone(), "SELECT * FROM d").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Store);
        assert_eq!(error.message(), "d.parquet: the file changed after it was listed");
    }
}
