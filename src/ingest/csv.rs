//! Delimited text to typed batches.
//!
//! A [`Decoder`] takes chunks of bytes of any size and gives batches. Inside, a block of records is cut into fields
//! ([`split`](super::split)) and at once converted column by column ([`cells`](super::cells)), while its bytes are
//! still in the cache; blocks add up to batches. The bytes of a batch stay in the buffer until it is finished, so that
//! a fault can show the record it stands in.
//!
//! A field that equals one of the dataset's null texts, quoted or not, is NULL; by default the empty field is.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt};

use super::cells::{CellFault, Cells, Texts};
use super::chunks::chunks;
use super::fault::{Account, Fault, Reason, Reject};
use super::header;
use super::reader::{Reader, Scan};
use super::split::{Field, Malformed, Records, Splitter, Stop};
use crate::catalog::{Column, CsvOptions};
use crate::error::{Error, Result};
use crate::store::InputFile;

/// Records cut and converted at a time: few enough that their bytes and fields stay in the cache.
const BLOCK_ROWS: usize = 256;
/// A batch ends early when its records take this many bytes, which bounds memory and keeps text below 2 GiB.
const BATCH_BYTES: usize = 32 << 20;

/// The reader of delimited text.
#[derive(Debug, Clone)]
pub(super) struct CsvReader {
    options: CsvOptions,
}

impl CsvReader {
    /// A reader of text written as `options` say.
    pub(super) fn new(options: CsvOptions) -> Self {
        Self { options }
    }
}

impl Reader for CsvReader {
    fn read(&self, file: InputFile, scan: Arc<Scan>) -> BoxStream<'static, Result<RecordBatch>> {
        let decoder = Decoder::new(&file.name, &self.options, Arc::clone(&scan));
        let size = file.meta.size;
        let chunks = chunks(file, 0..size);
        stream::try_unfold((decoder, chunks), move |(mut decoder, mut chunks)| {
            let scan = Arc::clone(&scan);
            async move {
                loop {
                    let batch = {
                        let _busy = scan.busy.timer();
                        decoder.next_batch()?
                    };
                    if let Some(batch) = batch {
                        return Ok(Some((batch, (decoder, chunks))));
                    }
                    if decoder.is_done() {
                        return Ok(None);
                    }
                    match chunks.next().await.transpose()? {
                        Some(chunk) => {
                            scan.bytes_read.add(chunk.len());
                            decoder.feed(&chunk);
                        }
                        None => decoder.end_input(),
                    }
                }
            }
        })
        .boxed()
    }
}

/// Chunks of one file in, batches out.
struct Decoder {
    file: Arc<str>,
    scan: Arc<Scan>,
    nulls: NullTexts,
    splitter: Splitter,
    /// A part of the file: the records of the batch in the making, and what follows them.
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    offset: u64,
    /// The physical line on which the buffer begins, from 1.
    line: u64,
    /// Whether the buffer ends where the file ends.
    last: bool,
    stage: Stage,
    /// Fields of a record, once the header is read.
    width: usize,
    /// The declared columns: where they stand in a record, and their values.
    columns: Vec<(usize, Cells)>,
    found: Records,
    batch: Batch,
    account: Account,
    /// Rows still wanted.
    wanted: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Beginning,
    Header,
    Rows,
    Done,
}

/// What is known of the batch in the making besides its values.
#[derive(Default)]
struct Batch {
    /// Where the batch begins in the buffer.
    start: usize,
    /// The bytes of each row in the buffer.
    records: Vec<Range<usize>>,
    /// What is wrong with values.
    faults: Vec<RowFault>,
    /// What is wrong with records.
    malformed: Vec<Malformed>,
}

struct RowFault {
    row: usize,
    /// Position in the declared columns.
    column: usize,
    reason: Reason,
}

impl Decoder {
    fn new(file: &str, options: &CsvOptions, scan: Arc<Scan>) -> Self {
        Self {
            file: Arc::from(file),
            nulls: NullTexts::new(&options.null),
            splitter: Splitter::new(options.delimiter, None),
            buffer: Vec::new(),
            offset: 0,
            line: 1,
            last: false,
            stage: Stage::Beginning,
            width: 0,
            columns: Vec::new(),
            found: Records::default(),
            batch: Batch::default(),
            account: Account::default(),
            wanted: scan.limit.unwrap_or(usize::MAX),
            scan,
        }
    }

    /// Adds the next bytes of the file.
    fn feed(&mut self, chunk: &[u8]) {
        self.forget(self.batch.start);
        self.buffer.extend_from_slice(chunk);
    }

    /// Says that all bytes of the file were fed.
    fn end_input(&mut self) {
        self.last = true;
    }

    /// Whether nothing more will come.
    fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// The next batch; `None` if more input is needed or nothing more will come.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let stage = self.stage;
            match stage {
                Stage::Beginning if self.skip_mark()? => self.stage = Stage::Header,
                Stage::Header if self.read_header()? => {
                    self.stage = if self.wanted == 0 { Stage::Done } else { Stage::Rows };
                }
                Stage::Beginning | Stage::Header | Stage::Done => return Ok(None),
                Stage::Rows => {
                    let stop = self.read_block();
                    let ended = stop == Stop::End;
                    let complete = self.batch.records.len() >= self.scan.batch_rows.min(self.wanted)
                        || self.splitter.at() - self.batch.start >= BATCH_BYTES;
                    if ended || complete {
                        let batch = self.finish_batch()?;
                        self.wanted -= batch.num_rows();
                        if ended {
                            self.scan.faults.finished(&self.file, self.account)?;
                        }
                        if ended || self.wanted == 0 {
                            self.stage = Stage::Done;
                        }
                        if batch.num_rows() > 0 {
                            return Ok(Some(batch));
                        }
                    }
                    if stop == Stop::NeedsInput {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Skips the byte order mark at the beginning of the file; false if more input is needed to see it.
    fn skip_mark(&mut self) -> Result<bool> {
        const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
        if !self.last && self.buffer.len() < 4 {
            return Ok(false);
        }
        let not_text = match self.buffer.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(("UTF-16 text", "save it as UTF-8")),
            [0x1f, 0x8b, ..] => Some(("gzip-compressed", "decompress it first")),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(("zstd-compressed", "decompress it first")),
            [b'P', b'A', b'R', b'1', ..] => Some(("a Parquet file", "write `format: parquet` in catalog.yaml")),
            _ => None,
        };
        if let Some((what, hint)) = not_text {
            return Err(Error::usage(format!("{}: the file is {what}, not delimited UTF-8 text", self.file)).hint(hint));
        }
        if self.buffer.starts_with(UTF8_MARK) {
            self.splitter.start_at(UTF8_MARK.len());
            self.batch.start = UTF8_MARK.len();
        }
        Ok(true)
    }

    /// Reads the header line and finds the wanted columns in it; false if more input is needed.
    fn read_header(&mut self) -> Result<bool> {
        let stop = self.splitter.split(&self.buffer, self.last, 1, &mut self.found);
        if let Some(malformed) = self.found.malformed.pop() {
            let line = self.line + line_breaks(&self.buffer[..malformed.record.start]);
            return Err(self.reject(&Bad::record(malformed), line).into_error());
        }
        if self.found.records.is_empty() {
            if stop == Stop::NeedsInput {
                return Ok(false);
            }
            let error = Error::query(format!("{}: the file is empty, it has no header line", self.file));
            return Err(error.hint("a dataset's file begins with the names of its columns"));
        }
        let mut scratch = Vec::new();
        let mut names = Vec::new();
        for field in self.found.fields.drain(..) {
            let name = std::str::from_utf8(field.text(&self.buffer, &mut scratch))
                .map_err(|_| Error::query(format!("{}: the header line is not valid UTF-8", self.file)))
                .map_err(|error| error.hint("save the file as UTF-8"))?;
            names.push(name.to_owned());
        }
        self.found.records.clear();

        let dataset = &self.scan.dataset;
        let positions = header::positions(dataset, &self.file, &names).map_err(|error| match other_delimiter(&names) {
            Some(delimiter) => error.hint(format!(
                "the header is one field; if `{delimiter}` stands between its fields, write `options: {{ delimiter: \"{delimiter}\" }}`"
            )),
            None => error,
        })?;
        self.width = names.len();
        self.splitter.expect_width(self.width);
        let rows = self.scan.batch_rows.min(self.wanted);
        let cells = |index: usize, column: &Column| match self.scan.projection.contains(&index) {
            true => Cells::new(column, rows),
            false => Cells::checking(column),
        };
        let columns = dataset.columns.iter().enumerate();
        self.columns = columns.map(|(index, column)| (positions[index], cells(index, column))).collect();
        self.batch.start = self.splitter.needs_from();
        Ok(true)
    }

    /// Cuts a block of records and adds its values to the batch.
    fn read_block(&mut self) -> Stop {
        let room = self.scan.batch_rows.min(self.wanted) - self.batch.records.len();
        let stop = self.splitter.split(&self.buffer, self.last, room.min(BLOCK_ROWS), &mut self.found);
        let rows = self.found.records.len();
        let whole = rows * self.width;
        let mut faults: Vec<CellFault> = Vec::new();
        let bytes = match (self.found.records.first(), self.found.records.last()) {
            (Some(first), Some(last)) => &self.buffer[first.start..last.end],
            _ => &[],
        };
        let all_wanted = self.scan.projection.len() == self.columns.len();
        // Delimiters and quotes are ASCII: if the block as a whole is UTF-8, so is each field.
        let utf8 = !all_wanted && std::str::from_utf8(bytes).is_ok();
        for (column, (position, cells)) in self.columns.iter_mut().enumerate() {
            let texts = Block {
                utf8,
                buffer: &self.buffer,
                fields: &self.found.fields[..whole],
                width: self.width,
                position: *position,
                nulls: &self.nulls,
            };
            cells.extend(&texts, &mut faults);
            let row_fault = |fault: CellFault| RowFault { row: fault.row, column, reason: fault.reason };
            self.batch.faults.extend(faults.drain(..).map(row_fault));
        }
        self.batch.records.append(&mut self.found.records);
        self.batch.malformed.append(&mut self.found.malformed);
        self.found.fields.drain(..whole);
        stop
    }

    /// Ends the batch: reports its faults and gives the rows without any.
    fn finish_batch(&mut self) -> Result<RecordBatch> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut faults = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for (column, (_, cells)) in self.columns.iter_mut().enumerate() {
            arrays.push(cells.finish(&mut faults));
            let row_fault = |fault: CellFault| RowFault { row: fault.row, column, reason: fault.reason };
            batch.faults.extend(faults.drain(..).map(row_fault));
        }
        let records = batch.records.len() + batch.malformed.len();
        if !batch.faults.is_empty() || !batch.malformed.is_empty() {
            self.report(&mut batch)?;
        }
        self.batch.start = self.splitter.needs_from();
        let wanted = self.scan.projection.iter().map(|index| Arc::clone(&arrays[*index])).collect();
        let rows = self.scan.batch(wanted, batch.records.len(), batch.faults.iter().map(|fault| fault.row))?;
        self.account.records += records as u64;
        self.account.rows += rows.num_rows() as u64;
        self.account.rejected += (records - rows.num_rows()) as u64;
        Ok(rows)
    }

    /// Gives the rejects of `batch` to the policy, in the order of the file.
    fn report(&self, batch: &mut Batch) -> Result<()> {
        let mut rejected: Vec<Bad> = batch.malformed.drain(..).map(Bad::record).collect();
        batch.faults.sort_by_key(|fault| fault.row);
        for faults in batch.faults.chunk_by(|a, b| a.row == b.row) {
            rejected.push(self.bad_values(&batch.records[faults[0].row], faults));
        }
        rejected.sort_by_key(|bad| bad.record.start);
        let (mut counted, mut line) = (0, self.line);
        for bad in rejected {
            line += line_breaks(&self.buffer[counted..bad.record.start]);
            counted = bad.record.start;
            self.scan.faults.take(self.reject(&bad, line))?;
        }
        Ok(())
    }

    /// Where the values with `faults` stand in `record`, and what they say.
    fn bad_values(&self, record: &Range<usize>, faults: &[RowFault]) -> Bad {
        let bytes = &self.buffer[record.clone()];
        let mut found = Records::default();
        self.splitter.anew().split(bytes, true, 1, &mut found);
        let mut scratch = Vec::new();
        let mut places: Vec<Place> = Vec::with_capacity(faults.len());
        for fault in faults {
            let field = self.columns.get(fault.column).and_then(|(position, _)| found.fields.get(*position));
            let text = field.map(|field| String::from_utf8_lossy(field.text(bytes, &mut scratch)).into_owned());
            places.push(Place {
                at: record.start + field.map_or(0, |field| field.range().start),
                column: self.scan.dataset.columns.get(fault.column).map(|column| column.name.clone()),
                value: text,
                reason: fault.reason,
            });
        }
        places.sort_by_key(|place| place.at);
        Bad { record: record.clone(), places }
    }

    /// `bad` as a reject; it begins on physical line `line`.
    fn reject(&self, bad: &Bad, line: u64) -> Reject {
        let raw = &self.buffer[bad.record.clone()];
        let fault = |place: &Place| {
            let before = &raw[..place.at - bad.record.start];
            let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            Fault {
                column: place.column.clone(),
                value: place.value.clone(),
                line: line + line_breaks(before),
                at: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1,
                reason: place.reason,
            }
        };
        Reject {
            file: Arc::clone(&self.file),
            offset: Some(self.offset + bad.record.start as u64),
            length: Some(raw.len() as u64),
            line,
            raw: String::from_utf8_lossy(raw).into_owned(),
            faults: bad.places.iter().map(fault).collect(),
        }
    }

    /// Drops the first `bytes` of the buffer.
    fn forget(&mut self, bytes: usize) {
        self.line += line_breaks(&self.buffer[..bytes]);
        self.offset += bytes as u64;
        self.buffer.drain(..bytes);
        self.splitter.shift(bytes);
        self.found.fields.iter_mut().for_each(|field| field.shift(bytes));
        self.batch.start -= bytes;
        for record in self.batch.records.iter_mut().chain(self.batch.malformed.iter_mut().map(|one| &mut one.record)) {
            *record = record.start - bytes..record.end - bytes;
        }
        self.batch.malformed.iter_mut().for_each(|malformed| malformed.at -= bytes);
    }
}

/// A record that is not accepted.
struct Bad {
    /// Its bytes in the buffer.
    record: Range<usize>,
    places: Vec<Place>,
}

/// Where in the buffer a fault stands.
struct Place {
    at: usize,
    column: Option<String>,
    value: Option<String>,
    reason: Reason,
}

impl Bad {
    /// A record that cannot be cut into fields.
    fn record(malformed: Malformed) -> Self {
        let place = Place { at: malformed.at, column: None, value: None, reason: malformed.reason };
        Self { record: malformed.record, places: vec![place] }
    }
}

/// The fields of one column in a block of records.
struct Block<'b> {
    buffer: &'b [u8],
    fields: &'b [Field],
    width: usize,
    position: usize,
    nulls: &'b NullTexts,
    /// Whether the whole block is UTF-8; false if it is not known.
    utf8: bool,
}

impl Texts for Block<'_> {
    fn rows(&self) -> usize {
        self.fields.len() / self.width
    }

    #[inline]
    fn text<'a>(&'a self, row: usize, scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        let text = self.fields[row * self.width + self.position].text(self.buffer, scratch);
        (!self.nulls.contains(text)).then_some(text)
    }

    fn are_utf8(&self) -> bool {
        self.utf8
    }
}

/// The texts that mean NULL. Nearly always that is the empty one alone.
struct NullTexts {
    empty: bool,
    others: Vec<Vec<u8>>,
}

impl NullTexts {
    fn new(texts: &[String]) -> Self {
        let (empty, others): (Vec<_>, Vec<_>) = texts.iter().partition(|text| text.is_empty());
        Self { empty: !empty.is_empty(), others: others.into_iter().map(|text| text.clone().into_bytes()).collect() }
    }

    #[inline]
    fn contains(&self, text: &[u8]) -> bool {
        if text.is_empty() { self.empty } else { self.others.iter().any(|null| null == text) }
    }
}

fn line_breaks(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// The delimiter that a header of one field most likely has instead of the declared one.
fn other_delimiter(names: &[String]) -> Option<char> {
    let [only] = names else { return None };
    [';', '\t', '|', ','].into_iter().find(|delimiter| only.contains(*delimiter))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow::compute::concat_batches;
    use proptest::prelude::*;

    use super::super::fault::Faults;
    use super::super::testing::{KeepAll, dataset, files, query, query_text, scan, strict, told};
    use super::*;
    use crate::catalog::{Dataset, Format};

    /// Reads `text` in chunks of `size` bytes.
    fn decode(
        dataset: &Dataset,
        text: &[u8],
        size: usize,
        batch_rows: usize,
        faults: Arc<dyn Faults>,
    ) -> Result<RecordBatch> {
        let Format::Csv(options) = &dataset.format else { unreachable!("the dataset is CSV") };
        let mut decoder = Decoder::new("d.csv", options, scan(dataset, batch_rows, faults));
        let mut chunks = text.chunks(size);
        let mut batches = Vec::new();
        while !decoder.is_done() {
            match decoder.next_batch()? {
                Some(batch) => batches.push(batch),
                None => match chunks.next() {
                    Some(chunk) => decoder.feed(chunk),
                    None => decoder.end_input(),
                },
            }
        }
        Ok(concat_batches(&dataset.schema(), &batches).unwrap())
    }

    /// The error that reading `text` ends with.
    fn error(columns: &str, text: impl AsRef<[u8]>) -> String {
        told(&decode(&dataset(columns), text.as_ref(), 1 << 20, 8192, strict()).unwrap_err())
    }

    #[tokio::test]
    async fn every_type_by_name_whatever_the_order_of_the_header() {
        let dataset = dataset(
            "reseña_id string!; n int; f float; importe decimal; si bool; dia date; hora timestamp; etiquetas list",
        );
        let one = "reseña_id,n,f,importe,si,dia,hora,etiquetas\n\
            REV_1,12.0,1.5,10.50,True,2024-02-29,2023-04-02 04:52:42.137506,\"['a', 'b']\"\n\
            REV_😊,,,,,,,\n";
        let two = "\u{feff}etiquetas,hora,dia,si,importe,f,n,reseña_id\r\n\
            ['c'],2023-04-02T04:52,2024-01-01,0,-1,2,-3,\"REV\r\n\"\"3\"\"\"\r\n\r\n[],2023-04-02,2024-01-01,1,0,1e3,+4,REV_4";
        let files = files(&[("one.csv", one.as_bytes()), ("two.csv", two.as_bytes())]).await;
        let text = query_text(&dataset, files, "SELECT * FROM d ORDER BY n").await.unwrap();
        assert_eq!(
            text,
            "\
+-----------+----+--------+---------+-------+------------+----------------------------+-----------+
| reseña_id | n  | f      | importe | si    | dia        | hora                       | etiquetas |
+-----------+----+--------+---------+-------+------------+----------------------------+-----------+
| REV\r      | -3 | 2.0    | -1.00   | false | 2024-01-01 | 2023-04-02T04:52:00        | [c]       |
| \"3\"       |    |        |         |       |            |                            |           |
| REV_4     | 4  | 1000.0 | 0.00    | true  | 2024-01-01 | 2023-04-02T00:00:00        | []        |
| REV_1     | 12 | 1.5    | 10.50   | true  | 2024-02-29 | 2023-04-02T04:52:42.137506 | [a, b]    |
| REV_😊    |    |        |         |       |            |                            |           |
+-----------+----+--------+---------+-------+------------+----------------------------+-----------+"
        );
    }

    #[tokio::test]
    async fn projection_limit_and_count() {
        let dataset = dataset("a string; n int!");
        let mut text = "n,a\n".to_owned();
        text.extend((0..20_000).map(|n| format!("{n},x{n}\n")));
        // Beyond the limit nothing is converted; outside the wanted columns everything is.
        text.push_str("x,y\n");
        let good = files(&[("d.csv", text.trim_end_matches("x,y\n").as_bytes())]).await;
        let files = files(&[("d.csv", text.as_bytes())]).await;
        let ask = |sql: &'static str| query_text(&dataset, files.clone(), sql);
        assert!(query_text(&dataset, good.clone(), "SELECT count(*) FROM d").await.unwrap().contains("| 20000 "));
        assert!(ask("SELECT count(*) FROM d").await.is_err());
        assert!(ask("SELECT count(a) FROM d").await.is_err());
        assert!(ask("SELECT count(n) FROM (SELECT n FROM d LIMIT 20000)").await.unwrap().contains("| 20000 "));
        assert_eq!(query(&dataset, files.clone(), "SELECT n FROM d LIMIT 3").await.unwrap().num_rows(), 3);
        assert_eq!(query(&dataset, files.clone(), "SELECT n FROM d LIMIT 0").await.unwrap().num_rows(), 0);
        assert!(query(&dataset, files.clone(), "SELECT sum(n) FROM d").await.is_err());
    }

    #[tokio::test]
    async fn a_header_alone_is_no_rows() {
        let dataset = dataset("a string!; b int");
        for text in ["a,b", "a,b\n", "\u{feff}b,a\r\n\r\n"] {
            let files = files(&[("d.csv", text.as_bytes())]).await;
            assert_eq!(query(&dataset, files, "SELECT * FROM d").await.unwrap().num_rows(), 0, "{text:?}");
        }
    }

    #[test]
    fn null_texts_are_those_of_the_dataset() {
        let mut dataset = dataset("a string; n int");
        dataset.format = Format::Csv(CsvOptions { delimiter: b';', null: vec!["NA".to_owned(), "-".to_owned()] });
        let batch = decode(&dataset, b"a;n\nNA;1\n;-\n\"NA\";2\n", 7, 8192, strict()).unwrap();
        assert_eq!((batch.column(0).null_count(), batch.column(1).null_count()), (2, 1));
        assert!(decode(&dataset, b"a;n\nx;\n", 7, 8192, strict()).is_err());
    }

    #[test]
    fn a_wrong_value_is_shown_where_it_stands() {
        insta::assert_snapshot!(error("id string!; n int!", "id,n\n\"T\n\n1\",1\nT2,abc\n"), @r#"
        d.csv: line 5, column n: "abc" is not an int (exit 1)
        - "abc" is not an int
          at d.csv:5:4, 3 wide: T2,abc
        hint: correct the row, or declare the column as string in catalog.yaml
        "#);
        insta::assert_snapshot!(error("id string!; n int!; c string", "id,c,n\nT1,\"ñ\nñandú\",12.5\n"), @r#"
        d.csv: line 3, column n: "12.5" is not an int (exit 1)
        - "12.5" is not an int
          at d.csv:3:8, 4 wide: ñandú",12.5
        hint: correct the row, or declare the column as float or decimal in catalog.yaml
        "#);
        insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,NA\n"), @r#"
        d.csv: line 2, column n: "NA" is not an int (exit 1)
        - "NA" is not an int
          at d.csv:2:4, 2 wide: T1,NA
        hint: if it means that there is no value, write `options: { null: ["", "NA"] }` in catalog.yaml
        "#);
        insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,1\n,2\n"), @r"
        d.csv: line 3, column id: no value, but the column is required (exit 1)
        - no value, but the column is required
          at d.csv:3:1, 1 wide: ,2
        hint: fill in the value, or take `required: true` from the column in catalog.yaml
        ");
        insta::assert_snapshot!(error("id string!; dia date", "id,dia\nT1,31/12/2024\n"), @r#"
        d.csv: line 2, column dia: "31/12/2024" is not a date (exit 1)
        - "31/12/2024" is not a date
          at d.csv:2:4, 10 wide: T1,31/12/2024
        hint: write it as 2024-12-31, or declare the column as string in catalog.yaml
        "#);
        insta::assert_snapshot!(error("id string!; e list", "id,e\nT1,\"a, b\"\n"), @r#"
        d.csv: line 2, column e: "a, b" is not a list<string> (exit 1)
        - "a, b" is not a list<string>
          at d.csv:2:5, 4 wide: T1,"a, b"
        hint: write it as ["a", "b"] or ['a', 'b'], or declare the column as string in catalog.yaml
        "#);
    }

    #[test]
    fn a_broken_record_is_shown_where_it_breaks() {
        insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,1\nT2\n"), @r"
        d.csv: line 3: 1 field, but the header has 2 (exit 1)
        - 1 field, but the header has 2
          at d.csv:3:1, 1 wide: T2
        hint: put text that contains the delimiter or a line break between double quotes
        ");
        insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,1,5\n"), @r"
        d.csv: line 2: 3 fields, but the header has 2 (exit 1)
        - 3 fields, but the header has 2
          at d.csv:2:1, 1 wide: T1,1,5
        hint: put text that contains the delimiter or a line break between double quotes
        ");
        insta::assert_snapshot!(error("id string!; c string", "id,c\nT1,\"dijo \"no\"\"\n"), @r#"
        d.csv: line 2: text between a closing quote and the next delimiter (exit 1)
        - text between a closing quote and the next delimiter
          at d.csv:2:11, 1 wide: T1,"dijo "no""
        hint: inside quoted text write a quote twice ("")
        "#);
        insta::assert_snapshot!(error("id string!; c string", "id,c\nT1,x\nT2,\"open\nT3,y\n"), @r#"
        d.csv: line 3: the quote that opens here is never closed (exit 1)
        - the quote that opens here is never closed
          at d.csv:3:4, 1 wide: T2,"open
        hint: close the quote; inside quoted text a quote is written twice ("")
        "#);
        insta::assert_snapshot!(error("id string!; c string", b"id,c\nT1,caf\xe9\n"), @r#"
        d.csv: line 2, column c: "caf�" is not valid UTF-8 (exit 1)
        - "caf�" is not valid UTF-8
          at d.csv:2:4, 4 wide: T1,caf�
        hint: save the file as UTF-8
        "#);
    }

    #[test]
    fn a_header_that_does_not_fit_is_told_with_what_to_write() {
        insta::assert_snapshot!(error("id string!; satisfaccion int!", "id,satisfacion\n"), @"
        d.csv: column `satisfaccion` is missing; did you mean `satisfacion`? (exit 2)
        - column `satisfaccion` is missing; did you mean `satisfacion`?
          hint: write `name: satisfacion` in datasets.d.columns, or rename it in the file
        ");
        insta::assert_snapshot!(error("id string!; canal string", "id,\"fecha hora\",id,nuevo\n"), @"
        d.csv: 4 of its columns do not fit dataset d (exit 2)
        - column `id` stands there twice
          hint: rename one of the two in the file
        - column `canal` is missing: all NULL
          hint: take it from datasets.d.columns if it is gone for good
        - column `fecha hora` is not declared
          hint: write `- { name: fecha hora, type: string }` in datasets.d.columns, or `on_drift: accept_new_columns`
        - column `nuevo` is not declared
          hint: write `- { name: nuevo, type: string }` in datasets.d.columns, or `on_drift: accept_new_columns`
        ");
        insta::assert_snapshot!(error("id string!; canal string", "id;canal\n1;2\n"), @r#"
        d.csv: 3 of its columns do not fit dataset d (exit 2)
        - required column `id` is missing
          hint: add it to the file, or take `required: true` from the column
        - column `canal` is missing: all NULL
          hint: take it from datasets.d.columns if it is gone for good
        - column `id;canal` is not declared
          hint: write `- { name: "id;canal", type: string }` in datasets.d.columns, or `on_drift: accept_new_columns`
        hint: the header is one field; if `;` stands between its fields, write `options: { delimiter: ";" }`
        "#);
        insta::assert_snapshot!(error("id string!", ""), @r"
        d.csv: the file is empty, it has no header line (exit 1)
        hint: a dataset's file begins with the names of its columns
        ");
        insta::assert_snapshot!(error("id string!", "\u{feff}\n\n"), @r"
        d.csv: the file is empty, it has no header line (exit 1)
        hint: a dataset's file begins with the names of its columns
        ");
        insta::assert_snapshot!(error("id string!", b"\xff\xfei\0d\0"), @r"
        d.csv: the file is UTF-16 text, not delimited UTF-8 text (exit 2)
        hint: save it as UTF-8
        ");
        insta::assert_snapshot!(error("id string!", b"\x1f\x8b\x08\x00abc"), @r"
        d.csv: the file is gzip-compressed, not delimited UTF-8 text (exit 2)
        hint: decompress it first
        ");
        insta::assert_snapshot!(error("id string!", b"id,caf\xe9\n"), @r"
        d.csv: the header line is not valid UTF-8 (exit 1)
        hint: save the file as UTF-8
        ");
        insta::assert_snapshot!(error("id string!", "\"id\n1\n"), @r#"
        d.csv: line 1: the quote that opens here is never closed (exit 1)
        - the quote that opens here is never closed
          at d.csv:1:1, 1 wide: "id
        hint: close the quote; inside quoted text a quote is written twice ("")
        "#);
    }

    #[test]
    fn the_first_fault_of_the_file_is_the_error() {
        // The second column is converted before the third and would come first without sorting.
        let text = "a,b,c\n1,1,x\n1,x,1\n1\n";
        assert!(error("a int; b int; c int", text).starts_with("d.csv: line 2, column c"));
        assert!(error("a int; b int; c int", "a,b,c\n1\n1,1,x\n").starts_with("d.csv: line 2: 1 field"));
    }

    #[test]
    fn a_policy_that_goes_on_gets_all_faults_and_the_good_rows() {
        let keep = Arc::new(KeepAll::default());
        let text = "id,n\nT1,1\nT2,x\nT3\nT4,4\n,5\nT6,\"6\"x\nT7,7\n";
        let batch = decode(&dataset("id string!; n int"), text.as_bytes(), 5, 2, Arc::<KeepAll>::clone(&keep)).unwrap();
        assert_eq!(batch.num_rows(), 3);
        let rejects = keep.rejects();
        assert_eq!(rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [3, 4, 6, 7]);
        let messages: Vec<String> = rejects.iter().map(Reject::message).collect();
        assert_eq!(messages[0], "n: \"x\" is not an int");
        assert_eq!(messages[1], "1 field, but the header has 2");
        for reject in rejects {
            let start = usize::try_from(reject.offset.unwrap()).unwrap();
            let length = usize::try_from(reject.length.unwrap()).unwrap();
            assert_eq!(text.get(start..start + length), Some(reject.raw.as_str()));
        }
        assert_eq!(keep.accounts(), [Account { records: 7, rows: 3, rejected: 4 }]);
    }

    #[test]
    fn all_faults_of_a_record_are_one_reject() {
        let keep = Arc::new(KeepAll::default());
        let text = "n,id,dia\nx,,hoy\n1,T2,2024-01-01\n";
        let columns = dataset("id string!; n int; dia date");
        let batch = decode(&columns, text.as_bytes(), 5, 2, Arc::<KeepAll>::clone(&keep)).unwrap();
        assert_eq!(batch.num_rows(), 1);
        let messages: Vec<String> = keep.rejects().iter().map(Reject::message).collect();
        assert_eq!(
            messages,
            ["n: \"x\" is not an int; id: no value, but the column is required; dia: \"hoy\" is not a date"]
        );
    }

    #[tokio::test]
    async fn a_file_that_changes_or_goes_away_is_an_error() {
        use object_store::ObjectStoreExt;

        let dataset = dataset("a string");
        let files = files(&[("d.csv", b"a\nx\n")]).await;
        let InputFile { store, meta, .. } = &files[0];
        store.put(&meta.location, "a\nyyyyyyy\n".into()).await.unwrap();
        insta::assert_snapshot!(told(&query(&dataset, files.clone(), "SELECT * FROM d").await.unwrap_err()), @r"
        d.csv: the file changed after it was listed (exit 3)
        hint: wait until it is complete and run the command again
        ");
        store.delete(&meta.location).await.unwrap();
        insta::assert_snapshot!(told(&query(&dataset, files.clone(), "SELECT * FROM d").await.unwrap_err()), @r"
        d.csv: the file is no longer there (exit 3)
        hint: if it was replaced, run the command again
        ");
    }

    /// The seven files of the system that went before, as they are.
    #[tokio::test]
    async fn the_predecessors_files() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let yaml = std::fs::read_to_string(root.join("catalog.yaml")).unwrap();
        let catalog: serde_json::Value = serde_yaml::from_str(&yaml).unwrap();
        let mut counted = Vec::new();
        for (name, declared) in catalog["datasets"].as_object().unwrap() {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let columns: Vec<String> = declared["columns"]
                .as_array()
                .unwrap()
                .iter()
                .map(|column| {
                    let required = column.get("required").is_some_and(|required| required == true);
                    format!("{} {}{}", text(&column["name"]), text(&column["type"]), if required { "!" } else { "" })
                })
                .collect();
            let bytes = std::fs::read(root.join(format!("tests/data/predecessor/{name}.csv"))).unwrap();
            let batch = decode(&dataset(&columns.join("; ")), &bytes, 10_000, 1000, strict());
            counted.push((name.clone(), batch.unwrap_or_else(|error| panic!("{}", told(&error))).num_rows()));
        }
        assert_eq!(counted.iter().map(|(_, rows)| rows).sum::<usize>(), 16_990, "{counted:?}");
        assert_eq!(counted.len(), 7);
    }

    /// Lines of a file with good, odd and broken fields, and some that are no records at all.
    fn damaged() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            Just("12".to_owned()),
            Just("12.0".to_owned()),
            Just(String::new()),
            Just("\"a\n\"\"b\"\"\r\n,c\"".to_owned()),
            Just("\"stray\" x".to_owned()),
            Just("\"".to_owned()),
            Just("2024-02-29".to_owned()),
            Just("['a', 'ñ']".to_owned()),
            "[a-z😊ñ ]{0,12}",
        ];
        let line = prop::collection::vec(field, 1..5).prop_map(|fields| fields.join(","));
        let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n"), Just("\r")];
        prop::collection::vec((line, end), 0..10)
            .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect::<String>())
            .prop_map(|rows| format!("t,n,e\n{rows}"))
    }

    proptest! {
        #[test]
        fn chunks_and_batches_make_no_difference(text in damaged(), size in 1_usize..=64, batch_rows in 1_usize..20) {
            let dataset = dataset("t string; n int; e list");
            let (whole, parts) = (Arc::new(KeepAll::default()), Arc::new(KeepAll::default()));
            let in_one = decode(&dataset, text.as_bytes(), text.len(), 8192, Arc::<KeepAll>::clone(&whole)).unwrap();
            let in_parts = decode(&dataset, text.as_bytes(), size, batch_rows, Arc::<KeepAll>::clone(&parts)).unwrap();
            prop_assert_eq!(in_one, in_parts);
            prop_assert_eq!(whole.rejects(), parts.rejects());
            prop_assert_eq!(whole.accounts(), parts.accounts());
        }

        #[test]
        fn every_record_is_a_row_or_a_fault(text in damaged()) {
            let dataset = dataset("t string; n int!; e list");
            let keep = Arc::new(KeepAll::default());
            let batch = decode(&dataset, text.as_bytes(), 17, 7, Arc::<KeepAll>::clone(&keep)).unwrap();
            let mut rejected = BTreeSet::new();
            for reject in keep.rejects() {
                let start = usize::try_from(reject.offset.unwrap()).unwrap();
                prop_assert_eq!(text.get(start..start + reject.raw.len()), Some(reject.raw.as_str()));
                prop_assert_eq!(line_breaks(&text.as_bytes()[..start]) + 1, reject.line);
                prop_assert!(reject.faults.iter().all(|fault| fault.line >= reject.line));
                prop_assert!(rejected.insert(reject.offset));
            }
            let mut splitter = Splitter::new(b',', None);
            let mut found = Records::default();
            splitter.split(text.as_bytes(), true, usize::MAX, &mut found);
            let records = found.records.len() + found.malformed.len() - 1;
            prop_assert_eq!(batch.num_rows() + rejected.len(), records);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, size in 1_usize..10) {
            let text = [b"t,n,e\n".as_slice(), &bytes].concat();
            let _any = decode(&dataset("t string; n int; e list"), &text, size, 3, Arc::new(KeepAll::default()));
        }
    }
}
