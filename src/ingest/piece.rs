//! Parts of a text file that hold whole records, and who cuts them.
//!
//! A [`Cutter`] looks at a file once, from its beginning to its end, and only for the ends of records: that is cheap
//! enough to be done by one while others, side by side, make rows of the pieces. Since it never guesses, it makes no
//! difference to what is read how the file is divided or how many read it.

use std::ops::Range;
use std::sync::Arc;

use super::decode::Measure;
use super::fault::{Fault, Reason, Reject};

/// The longest record, in bytes. A longer one is most likely a quote that was not closed.
pub(super) const LONGEST_RECORD: usize = 16 << 20;
/// As much of a record over that limit is kept to show.
pub(super) const KEPT_OF_LONG: usize = 64 << 10;

/// Cuts the text of one file into pieces.
pub(super) trait Cutter: Send {
    /// Adds what follows in the file.
    fn push(&mut self, text: &[u8]);

    /// Says that nothing follows.
    fn end(&mut self);

    /// The next piece; `None` if more text is needed or, after the end, if nothing is left.
    fn next(&mut self) -> Option<Piece>;

    /// Says how many fields a good record has, which the first piece told.
    fn expect_width(&mut self, _width: usize) {}
}

/// Some whole records of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// As UTF-8, but for bytes that are no text.
    pub(super) text: Vec<u8>,
    /// Its first byte in the content of the file.
    pub(super) offset: u64,
    /// The physical line on which it begins, from 1.
    pub(super) line: u64,
    /// Why the whole piece is one record that is not accepted, if it is.
    pub(super) broken: Option<Broken>,
}

impl Piece {
    /// Takes the first `bytes` off the text.
    pub(super) fn drop_first(&mut self, bytes: usize, measure: Measure) {
        self.offset += measure.stored(&self.text[..bytes]);
        self.line += line_breaks(&self.text[..bytes]);
        self.text.drain(..bytes);
    }
}

/// Why a piece is one record that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// Where in the text it goes wrong.
    pub(super) at: usize,
    pub(super) reason: Reason,
    /// The bytes of the record in the file, of which the text may be the beginning only.
    pub(super) length: u64,
}

/// Where a value that is not accepted stands in a piece.
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) column: Option<String>,
    pub(super) value: Option<String>,
    pub(super) reason: Reason,
}

/// The file that a piece was cut from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) file: Arc<str>,
    pub(super) measure: Measure,
}

impl Origin {
    /// The piece as one record that is not accepted, if it is.
    pub(super) fn broken(&self, piece: &Piece) -> Option<Reject> {
        let broken = piece.broken.as_ref()?;
        let place = Place { at: broken.at, column: None, value: None, reason: broken.reason.clone() };
        let mut reject = self.reject(piece, 0..piece.text.len(), piece.line, &[place]);
        reject.length = Some(broken.length);
        Some(reject)
    }

    /// `record` of `piece`, which begins on physical line `line`, with all that is wrong with it.
    pub(super) fn reject(&self, piece: &Piece, record: Range<usize>, line: u64, places: &[Place]) -> Reject {
        let offset = piece.offset + self.measure.stored(&piece.text[..record.start]);
        let raw = &piece.text[record.clone()];
        let fault = |place: &Place| {
            let before = &raw[..place.at.saturating_sub(record.start).min(raw.len())];
            let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            Fault {
                column: place.column.clone(),
                value: place.value.clone(),
                line: line + line_breaks(before),
                at: String::from_utf8_lossy(&before[line_start..]).chars().count() + 1,
                reason: match place.reason {
                    Reason::NotUtf8 => Reason::NotText { encoding: self.measure.encoding() },
                    _ => place.reason.clone(),
                },
            }
        };
        let kept = if raw.len() > LONGEST_RECORD { &raw[..KEPT_OF_LONG] } else { raw };
        Reject {
            file: Arc::clone(&self.file),
            offset: Some(offset),
            length: Some(self.measure.stored(raw)),
            line,
            raw: String::from_utf8_lossy(kept).into_owned(),
            faults: places.iter().map(fault).collect(),
        }
    }
}

/// Finds out on which physical lines records begin, each after the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<'p> {
    text: &'p [u8],
    counted: usize,
    line: u64,
}

impl<'p> Lines<'p> {
    pub(super) fn of(piece: &'p Piece) -> Self {
        Self { text: &piece.text, counted: 0, line: piece.line }
    }

    /// The line of the byte `at`, which is not before the one asked for last.
    pub(super) fn at(&mut self, at: usize) -> u64 {
        self.line += line_breaks(&self.text[self.counted..at]);
        self.counted = at;
        self.line
    }
}

/// How many lines end in `text`.
pub(super) fn line_breaks(text: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', text).count() as u64
}
