//! Delimited text to typed batches.
//!
//! A block of records is cut into fields ([`split`](crate::ingest::split)) and at once converted column by column
//! ([`cells`](crate::ingest::cells)), while its bytes are still in the cache; blocks add up to batches.
//!
//! A field that equals one of the dataset's null texts, quoted or not, is NULL; by default the empty field is.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use encoding_rs::Encoding;

use super::cells::Texts;
use super::cut::LineCutter;
use super::decode::Measure;
use super::header::{self, Source};
use super::piece::{Cutter, Lines, Origin, Piece, Place};
use super::reader::Scan;
use super::rows::{Layout, Made, Rows};
use super::split::{Field, Records, Splitter};
use super::text_file::{Maker, Opened, TextFormat};
use crate::catalog::CsvOptions;
use crate::error::{Error, Result};

/// Records cut and converted at a time: few enough that their bytes and fields stay in the cache.
const BLOCK_ROWS: usize = 256;

/// Delimited text.
#[derive(Debug, Clone)]
pub(super) struct Csv {
    options: CsvOptions,
}

impl Csv {
    /// Text written as `options` say.
    pub(super) fn new(options: CsvOptions) -> Self {
        Self { options }
    }
}

impl TextFormat for Csv {
    fn encoding(&self) -> &'static Encoding {
        self.options.encoding
    }

    fn cutter(&self, measure: Measure, offset: u64) -> Box<dyn Cutter> {
        Box::new(LineCutter::csv(self.options.delimiter, measure, offset))
    }

    fn open(&self, origin: Origin, scan: Arc<Scan>, first: &mut Option<Piece>) -> Result<Opened> {
        let empty = || {
            Error::query(format!("{}: the file is empty, it has no header line", origin.file))
                .hint("a dataset's file begins with the names of its columns")
        };
        let piece = first.as_mut().ok_or_else(empty)?;
        if piece.text.starts_with(b"PAR1") {
            return Err(Error::usage(format!("{}: the file is a Parquet file, not delimited text", origin.file))
                .hint("write `format: parquet` in catalog.yaml"));
        }
        if let Some(reject) = origin.broken(piece) {
            return Err(reject.into_error());
        }
        let names = self.take_header(&origin, piece)?.ok_or_else(empty)?;
        let sources = header::sources(&scan.dataset, &origin.file, &names).map_err(|error| {
            let Some(delimiter) = header::other_delimiter(&names) else { return error };
            error.hint(format!(
                "the header is one field; if `{delimiter}` stands between its fields, write `options: {{ delimiter: \"{delimiter}\" }}`"
            ))
        })?;
        let width = names.len();
        let maker = CsvMaker {
            layout: Layout::new(origin, scan, sources)?,
            delimiter: self.options.delimiter,
            nulls: NullTexts::new(&self.options.null),
            width,
        };
        Ok(Opened { maker: Arc::new(maker), width: Some(width) })
    }
}

impl Csv {
    /// The names in the header line, the first record of `piece`, which loses it; `None` if there is none.
    pub(super) fn take_header(&self, origin: &Origin, piece: &mut Piece) -> Result<Option<Vec<String>>> {
        let mut splitter = Splitter::new(self.options.delimiter, None);
        let mut found = Records::default();
        splitter.split(&piece.text, 1, &mut found);
        if let Some(malformed) = found.malformed.pop() {
            let line = Lines::of(piece).at(malformed.record.start);
            let place = Place { at: malformed.at, column: None, value: None, reason: malformed.reason };
            return Err(origin.reject(piece, malformed.record, line, &[place]).into_error());
        }
        if found.records.is_empty() {
            return Ok(None);
        }
        let not_text = |_| {
            let encoding = origin.measure.encoding();
            Error::query(format!("{}: the header line is not valid {encoding}", origin.file))
                .hint("name the encoding of the file in catalog.yaml, such as `options: { encoding: windows-1252 }`")
        };
        let mut scratch = Vec::new();
        let mut names = Vec::with_capacity(found.fields.len());
        for field in &found.fields {
            names.push(std::str::from_utf8(field.text(&piece.text, &mut scratch)).map_err(not_text)?.to_owned());
        }
        piece.drop_first(splitter.at(), origin.measure);
        Ok(Some(names))
    }
}

/// Makes rows of the pieces of one file.
struct CsvMaker {
    layout: Layout,
    delimiter: u8,
    nulls: NullTexts,
    /// Fields of a record.
    width: usize,
}

impl Maker for CsvMaker {
    fn make(&self, piece: &Piece) -> Result<Made> {
        if let Some(made) = self.layout.broken(piece) {
            return Ok(made);
        }
        let scan = &self.layout.scan;
        let wanted = scan.limit.unwrap_or(usize::MAX);
        let fields: Vec<Option<usize>> = self.layout.fields().collect();
        let some_unwanted = (0..fields.len()).any(|column| !scan.projection.contains(&column));
        let find = |record: &Range<usize>, columns: &[usize]| self.find(piece, record, columns);
        let mut splitter = Splitter::new(self.delimiter, Some(self.width));
        let mut rows = Rows::new(&self.layout, piece, scan.batch_rows.min(wanted));
        let mut made = Made::default();
        let mut found = Records::default();
        let mut more = true;
        while more {
            let room = scan.batch_rows.min(wanted.saturating_sub(to_usize(made.account.rows)));
            if room == 0 {
                break;
            }
            while more && rows.records.len() < room {
                more = splitter.split(&piece.text, BLOCK_ROWS.min(room - rows.records.len()), &mut found);
                let bytes = match (found.records.first(), found.records.last()) {
                    (Some(first), Some(last)) => &piece.text[first.start..last.end],
                    _ => &[],
                };
                // Delimiters and quotes are ASCII: if the block as a whole is UTF-8, so is each field.
                let utf8 = some_unwanted && std::str::from_utf8(bytes).is_ok();
                for (column, field) in fields.iter().enumerate() {
                    let Some(position) = *field else { continue };
                    let (fields, nulls) = (found.fields.as_slice(), &self.nulls);
                    let block = Block { text: &piece.text, fields, width: self.width, position, nulls, utf8 };
                    rows.extend(column, &block);
                }
                rows.records.append(&mut found.records);
                rows.malformed.append(&mut found.malformed);
                found.fields.clear();
            }
            rows.finish(&find, &mut made)?;
        }
        Ok(made)
    }
}

impl CsvMaker {
    /// Where the values of `columns` stand in `record`, and what they say.
    fn find(&self, piece: &Piece, record: &Range<usize>, columns: &[usize]) -> Vec<(usize, Option<String>)> {
        let text = &piece.text[record.clone()];
        let mut found = Records::default();
        Splitter::new(self.delimiter, Some(self.width)).split(text, 1, &mut found);
        let mut scratch = Vec::new();
        let mut values = Vec::with_capacity(columns.len());
        for column in columns {
            let position = match self.layout.sources.get(*column) {
                Some(Source::Field(position)) => *position,
                _ => usize::MAX,
            };
            values.push(match found.fields.get(position) {
                Some(field) => {
                    let value = String::from_utf8_lossy(field.text(text, &mut scratch)).into_owned();
                    (record.start + field.range().start, Some(value))
                }
                None => (record.start, None),
            });
        }
        values
    }
}

fn to_usize(rows: u64) -> usize {
    usize::try_from(rows).unwrap_or(usize::MAX)
}

/// The fields of one column in a block of records.
struct Block<'b> {
    text: &'b [u8],
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
        let text = self.fields[row * self.width + self.position].text(self.text, scratch);
        (!self.nulls.contains(text)).then_some(text)
    }

    fn are_utf8(&self) -> bool {
        self.utf8
    }
}

/// The texts that mean NULL. Nearly always that is the empty one alone.
pub(super) struct NullTexts {
    empty: bool,
    others: Vec<Vec<u8>>,
}

impl NullTexts {
    pub(super) fn new(texts: &[String]) -> Self {
        let (empty, others): (Vec<_>, Vec<_>) = texts.iter().partition(|text| text.is_empty());
        Self { empty: !empty.is_empty(), others: others.into_iter().map(|text| text.clone().into_bytes()).collect() }
    }

    #[inline]
    pub(super) fn contains(&self, text: &[u8]) -> bool {
        if text.is_empty() { self.empty } else { self.others.iter().any(|null| null == text) }
    }
}
