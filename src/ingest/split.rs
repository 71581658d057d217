//! Delimited text cut into records and fields, without understanding the fields.
//!
//! The rules are those of RFC 4180 as `csv-core` and Python read them: a field that begins with a double quote ends
//! at the next single one and may hold delimiters, line breaks and doubled quotes; a quote elsewhere is a character
//! like any other; `\n`, `\r\n` and `\r` end a record; empty lines are no records. What those readers accept silently
//! is reported here: a record with another number of fields than the header, text after a closing quote, a quote that
//! never closes.
//!
//! The text is a [`Piece`](super::piece::Piece) and holds whole records. Fields are positions in it; nothing is copied.

use std::ops::Range;

use super::fault::Reason;
use super::rows::Malformed;

const QUOTE: u8 = b'"';

/// A field: its bytes in the text, without the quotes around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    start: u32,
    end: u32,
    /// Whether it holds doubled quotes that mean one.
    escaped: bool,
}

impl Field {
    /// Its bytes in the text.
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// What it says; `scratch` holds it if it must be unescaped.
    pub(super) fn text<'a>(self, text: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let raw = &text[self.range()];
        if !self.escaped {
            return raw;
        }
        scratch.clear();
        let mut rest = raw;
        while let Some(quote) = memchr::memchr(QUOTE, rest) {
            scratch.extend_from_slice(&rest[..=quote]);
            rest = rest.get(quote + 2..).unwrap_or_default();
        }
        scratch.extend_from_slice(rest);
        scratch
    }
}

/// Records found: their fields, `width` for each record.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The fields of all records.
    pub(super) fields: Vec<Field>,
    /// The bytes of each record in the text, without its line end.
    pub(super) records: Vec<Range<usize>>,
    /// Records that cannot be cut into fields as they should.
    pub(super) malformed: Vec<Malformed>,
}

/// Cuts a text of whole records into records and fields.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    delimiter: u8,
    /// Fields of a good record; `None` accepts any number.
    width: Option<usize>,
    /// The next byte to look at, between records.
    at: usize,
}

/// How a record ends.
enum End {
    /// Before this byte, its line end or the end of the text.
    At(usize),
    /// Not at all: this quote is never closed.
    Open(usize),
}

impl Splitter {
    /// A splitter at the beginning of a text.
    pub(super) fn new(delimiter: u8, width: Option<usize>) -> Self {
        Self { delimiter, width, at: 0 }
    }

    /// The first byte that was not looked at.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on in `text` and adds what it finds to `found`, until that holds `most` records, good and malformed
    /// together. Says whether it stopped for that reason and not at the end of the text.
    pub(super) fn split(&mut self, text: &[u8], most: usize, found: &mut Records) -> bool {
        while found.records.len() + found.malformed.len() < most {
            while let Some(b'\n' | b'\r') = text.get(self.at) {
                self.at += 1;
            }
            if self.at >= text.len() {
                return false;
            }
            self.record(text, found);
        }
        true
    }

    /// Cuts the record that begins here.
    fn record(&mut self, text: &[u8], found: &mut Records) {
        let start = self.at;
        let before = found.fields.len();
        // First byte after a closing quote that should not be there.
        let mut stray = None;
        let (end, fields) = self.fields(text, found, &mut stray);
        let (record, wrong) = match end {
            End::Open(quote) => {
                self.at = text.len();
                (start..text.len(), Some((quote, Reason::UnclosedQuote)))
            }
            End::At(end) => {
                self.at = text.len().min(end + 1);
                let wrong = match (stray, self.width) {
                    (Some(at), _) => Some((at, Reason::TextAfterQuote)),
                    (None, Some(expected)) if fields != expected => {
                        Some((start, Reason::FieldCount { expected, found: fields }))
                    }
                    _ => None,
                };
                (start..end, wrong)
            }
        };
        match wrong {
            None => found.records.push(record),
            Some((at, reason)) => {
                found.fields.truncate(before);
                found.malformed.push(Malformed { record, at, reason });
            }
        }
    }

    /// Cuts the fields of the record that begins here; says how it ends and how many there are. Those beyond the width
    /// are only counted.
    #[inline]
    fn fields(&self, text: &[u8], found: &mut Records, stray: &mut Option<usize>) -> (End, usize) {
        let width = self.width.unwrap_or(usize::MAX);
        let (mut at, mut count) = (self.at, 0);
        loop {
            let (field, end) = if text.get(at) == Some(&QUOTE) {
                match self.quoted(text, at, stray) {
                    Some(quoted) => quoted,
                    None => return (End::Open(at), count),
                }
            } else {
                let end = find_end(&text[at..], self.delimiter).map_or(text.len(), |length| at + length);
                (Field { start: narrow(at), end: narrow(end), escaped: false }, end)
            };
            if count < width {
                found.fields.push(field);
            }
            count += 1;
            if text.get(end) != Some(&self.delimiter) {
                return (End::At(end), count);
            }
            at = end + 1;
        }
    }

    /// The field that the quote `open` opens, and the byte after it; `None` if the quote is never closed.
    #[inline]
    fn quoted(&self, text: &[u8], open: usize, stray: &mut Option<usize>) -> Option<(Field, usize)> {
        let mut escaped = false;
        let mut at = open + 1;
        let quote = loop {
            let quote = at + memchr::memchr(QUOTE, &text[at..])?;
            if text.get(quote + 1) != Some(&QUOTE) {
                break quote;
            }
            escaped = true;
            at = quote + 2;
        };
        let field = Field { start: narrow(open + 1), end: narrow(quote), escaped };
        match text.get(quote + 1) {
            None | Some(b'\n' | b'\r') => Some((field, quote + 1)),
            Some(byte) if *byte == self.delimiter => Some((field, quote + 1)),
            Some(_) => {
                let rest = quote + 1;
                stray.get_or_insert(rest);
                Some((field, find_end(&text[rest..], self.delimiter).map_or(text.len(), |length| rest + length)))
            }
        }
    }
}

/// A position in the text in half the space: a piece is far shorter than 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "a piece is shorter than 4 GiB")]
fn narrow(at: usize) -> u32 {
    at as u32
}

/// Where the first delimiter, `\n` or `\r` stands in `text`.
///
/// Most fields are short: eight bytes at a time find their end sooner than a call into a vectorised search, which
/// takes over where a field turns out to be long.
#[inline]
fn find_end(text: &[u8], delimiter: u8) -> Option<usize> {
    const SHORT: usize = 64;
    let (words, rest) = text[..text.len().min(SHORT)].as_chunks::<8>();
    let delimiters = LOW * u64::from(delimiter);
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let hits = zero_bytes(word ^ delimiters) | zero_bytes(word ^ LINE_FEEDS) | zero_bytes(word ^ RETURNS);
        if hits != 0 {
            return Some(index * 8 + (hits.trailing_zeros() / 8) as usize);
        }
    }
    if text.len() > SHORT {
        return memchr::memchr3(delimiter, b'\n', b'\r', &text[SHORT..]).map(|length| SHORT + length);
    }
    let length = rest.iter().position(|byte| *byte == delimiter || matches!(byte, b'\n' | b'\r'))?;
    Some(words.len() * 8 + length)
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;
const LINE_FEEDS: u64 = LOW * b'\n' as u64;
const RETURNS: u64 = LOW * b'\r' as u64;

/// Marks the zero bytes of a word by their highest bit. Only the lowest mark is certain, since a borrow may run on
/// from it; the lowest is the one that is used.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a file says: the good records as texts, and why the others are not.
    type Outcome = (Vec<Vec<Vec<u8>>>, Vec<(Range<usize>, Reason)>);

    fn whole(text: &[u8], width: usize) -> Outcome {
        in_blocks(text, width, usize::MAX)
    }

    /// Reads `text`, at most `most` records at a time.
    fn in_blocks(text: &[u8], width: usize, most: usize) -> Outcome {
        let mut splitter = Splitter::new(b',', Some(width));
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let mut more = true;
        while more {
            let mut found = Records::default();
            more = splitter.split(text, most, &mut found);
            let mut scratch = Vec::new();
            assert_eq!(found.fields.len(), found.records.len() * width);
            for record in found.fields.chunks_exact(width) {
                good.push(record.iter().map(|field| field.text(text, &mut scratch).to_vec()).collect());
            }
            bad.extend(found.malformed.into_iter().map(|malformed| (malformed.record, malformed.reason)));
        }
        (good, bad)
    }

    /// The records as `csv-core` reads them.
    fn general(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv_core::Reader::new();
        let (mut output, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 2]);
        let (mut input, mut records) = (text, Vec::new());
        let (mut written, mut ended) = (0, 0);
        loop {
            let (result, read, wrote, closed) = reader.read_record(input, &mut output[written..], &mut ends[ended..]);
            input = &input[read..];
            (written, ended) = (written + wrote, ended + closed);
            match result {
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::Record => {
                    let starts = std::iter::once(0).chain(ends[..ended].iter().copied());
                    let fields = starts.zip(&ends[..ended]).map(|(start, end)| output[start..*end].to_vec()).collect();
                    records.push(fields);
                    (written, ended) = (0, 0);
                }
                csv_core::ReadRecordResult::End => return records,
                other => unreachable!("the buffers are large enough: {other:?}"),
            }
        }
    }

    fn fields(record: &[&str]) -> Vec<Vec<u8>> {
        record.iter().map(|field| field.as_bytes().to_vec()).collect()
    }

    #[test]
    fn quotes_line_ends_and_empty_lines() {
        let text = "a,b\r\n\n\"x,\ny\",\"dijo \"\"no\"\"\"\n,\r\"\",5\" tubo\n\n";
        let (good, bad) = whole(text.as_bytes(), 2);
        let expected = [["a", "b"], ["x,\ny", "dijo \"no\""], ["", ""], ["", "5\" tubo"]];
        assert_eq!(good, expected.map(|record| fields(&record)));
        assert_eq!(bad, []);
    }

    #[test]
    fn malformed_records_are_told_and_the_next_is_good() {
        let (good, bad) = whole(b"a\nb,c,d\n\"x\"y,z\n1,2\n\"open,\n1,2\n", 2);
        assert_eq!(good, [fields(&["1", "2"])]);
        assert_eq!(
            bad,
            [
                (0..1, Reason::FieldCount { expected: 2, found: 1 }),
                (2..7, Reason::FieldCount { expected: 2, found: 3 }),
                (8..14, Reason::TextAfterQuote),
                (19..30, Reason::UnclosedQuote),
            ]
        );
    }

    #[test]
    fn a_last_record_needs_no_line_end() {
        for (text, expected) in [("a,b", ["a", "b"]), ("a,", ["a", ""]), ("a,\"b\"", ["a", "b"]), (",", ["", ""])] {
            assert_eq!(whole(text.as_bytes(), 2), (vec![fields(&expected)], vec![]), "{text}");
        }
    }

    #[test]
    fn the_end_of_a_field_is_found_at_every_distance() {
        for length in 0..200 {
            for end in [b',', b'\n', b'\r'] {
                let mut text = vec![b'x'; length];
                assert_eq!(find_end(&text, b','), None, "{length}");
                text.extend_from_slice(&[end, b',', b'\n', b'-', b'\x0b', b'\x0c']);
                assert_eq!(find_end(&text, b','), Some(length), "{length}");
            }
        }
    }

    proptest! {
        #[test]
        fn good_files_are_read_as_the_general_reader_does(text in "[a,\"\n\r ñ]{0,60}", width in 1_usize..4) {
            let (good, bad) = whole(text.as_bytes(), width);
            if bad.is_empty() {
                prop_assert_eq!(good, general(text.as_bytes()));
            }
        }

        #[test]
        fn each_record_is_good_or_malformed(text in "[a,\"\n\r ñ]{0,60}", width in 1_usize..4) {
            let (good, bad) = whole(text.as_bytes(), width);
            prop_assert_eq!(good.len() + bad.len(), general(text.as_bytes()).len());
        }

        #[test]
        fn blocks_make_no_difference(text in "[a,\"\n\r ñ]{0,200}", width in 1_usize..4, most in 1_usize..5) {
            prop_assert_eq!(in_blocks(text.as_bytes(), width, most), whole(text.as_bytes(), width));
        }
    }
}
