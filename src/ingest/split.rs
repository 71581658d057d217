//! Delimited text cut into records and fields, without understanding the fields.
//!
//! The rules are those of RFC 4180 as `csv-core` and Python read them: a field that begins with a double quote ends
//! at the next single one and may hold delimiters, line breaks and doubled quotes; a quote elsewhere is a character
//! like any other; `\n`, `\r\n` and `\r` end a record; empty lines are no records. What those readers accept silently
//! is reported here: a record with another number of fields than the header, text after a closing quote, a quote that
//! never closes.
//!
//! A [`Splitter`] stops wherever its input stops and goes on when more is there, so that a record may be cut into any
//! number of chunks and no byte is looked at twice. Fields are positions in the buffer; nothing is copied.

use std::ops::Range;

use super::fault::Reason;

/// The longest record, in bytes. A longer one is most likely a quote that was not closed.
pub(super) const LONGEST_RECORD: usize = 16 << 20;

const QUOTE: u8 = b'"';

/// A field: its bytes in the buffer, without the quotes around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    start: u32,
    end: u32,
    /// Whether it holds doubled quotes that mean one.
    escaped: bool,
}

impl Field {
    /// Its bytes in the buffer.
    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Says that the first `bytes` of the buffer were removed.
    pub(super) fn shift(&mut self, bytes: usize) {
        self.start -= narrow(bytes);
        self.end -= narrow(bytes);
    }

    /// What it says; `scratch` holds it if it must be unescaped.
    pub(super) fn text<'a>(self, buffer: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let raw = &buffer[self.range()];
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
    /// The fields of all whole records, and then those found so far of one that is not whole yet.
    pub(super) fields: Vec<Field>,
    /// The bytes of each whole record in the buffer, without its line end.
    pub(super) records: Vec<Range<usize>>,
    /// Records that cannot be cut into fields as they should.
    pub(super) malformed: Vec<Malformed>,
}

/// A record that cannot be cut into fields as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Its bytes in the buffer.
    pub(super) record: Range<usize>,
    /// Where in the buffer it goes wrong.
    pub(super) at: usize,
    /// Why.
    pub(super) reason: Reason,
}

/// Why [`Splitter::split`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// As many records as wanted are there.
    Enough,
    /// The buffer is used up and more input follows.
    NeedsInput,
    /// The buffer is used up and was the last.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    BetweenRecords,
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside a quoted field: its end, or the first of two.
    QuoteSeen,
    /// Inside a record that was too long, up to the next line end.
    Skipping,
}

/// Cuts a buffer into records and fields.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    delimiter: u8,
    /// Fields of a good record; `None` accepts any number.
    width: Option<usize>,
    state: State,
    /// The next byte to look at.
    at: usize,
    /// First byte of the current record.
    record: usize,
    /// First byte of the current field, after its quote.
    field: usize,
    /// Whether the current field holds doubled quotes.
    escaped: bool,
    /// Fields of the current record that have ended.
    found: usize,
    /// First byte after a closing quote that should not be there, in the current record.
    stray: Option<usize>,
}

impl Splitter {
    /// A splitter at the beginning of a file or of a record.
    pub(super) fn new(delimiter: u8, width: Option<usize>) -> Self {
        Self {
            delimiter,
            width,
            state: State::BetweenRecords,
            at: 0,
            record: 0,
            field: 0,
            escaped: false,
            found: 0,
            stray: None,
        }
    }

    /// A splitter by the same rules at the beginning of another buffer.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.delimiter, self.width)
    }

    /// The next byte to look at.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Says that the next byte to look at, the first of a record, is `at`.
    pub(super) fn start_at(&mut self, at: usize) {
        self.at = at;
    }

    /// Says how many fields a good record has from now on.
    pub(super) fn expect_width(&mut self, width: usize) {
        self.width = Some(width);
    }

    /// Says that the first `bytes` of the buffer were removed.
    pub(super) fn shift(&mut self, bytes: usize) {
        self.at -= bytes;
        self.record = self.record.saturating_sub(bytes);
        self.field = self.field.saturating_sub(bytes);
        self.stray = self.stray.map(|at| at.saturating_sub(bytes));
    }

    /// The first byte that must stay in the buffer.
    pub(super) fn needs_from(&self) -> usize {
        if self.state == State::BetweenRecords { self.at } else { self.record }
    }

    /// Goes on in `buffer` and adds what it finds to `found`, until that holds `most` records, good and malformed
    /// together. `last` says that nothing follows the buffer.
    pub(super) fn split(&mut self, buffer: &[u8], last: bool, most: usize, found: &mut Records) -> Stop {
        loop {
            match self.state {
                State::BetweenRecords => {
                    if found.records.len() + found.malformed.len() >= most {
                        return Stop::Enough;
                    }
                    while let Some(b'\n' | b'\r') = buffer.get(self.at) {
                        self.at += 1;
                    }
                    if self.at >= buffer.len() {
                        return if last { Stop::End } else { Stop::NeedsInput };
                    }
                    (self.record, self.found, self.stray) = (self.at, 0, None);
                    self.state = State::FieldStart;
                }
                State::FieldStart => match buffer.get(self.at) {
                    Some(&QUOTE) => {
                        self.at += 1;
                        (self.field, self.escaped) = (self.at, false);
                        self.state = State::Quoted;
                    }
                    Some(_) => {
                        (self.field, self.escaped) = (self.at, false);
                        // Nearly every field ends here; one that the buffer cuts goes the longer way.
                        match find_end(&buffer[self.at..], self.delimiter) {
                            Some(length) => self.end_plain(buffer, length, found),
                            None => self.state = State::Plain,
                        }
                    }
                    None if last => {
                        (self.field, self.escaped) = (self.at, false);
                        self.end_field(self.at, found);
                        self.end_record(self.at, found);
                    }
                    None => return self.pause(found),
                },
                State::Plain => match find_end(&buffer[self.at..], self.delimiter) {
                    Some(length) => self.end_plain(buffer, length, found),
                    None => {
                        self.at = buffer.len();
                        if !last {
                            return self.pause(found);
                        }
                        self.end_field(self.at, found);
                        self.end_record(self.at, found);
                    }
                },
                State::Quoted => match memchr::memchr(QUOTE, &buffer[self.at..]) {
                    Some(length) => {
                        self.at += length + 1;
                        self.state = State::QuoteSeen;
                    }
                    None => {
                        self.at = buffer.len();
                        if !last {
                            return self.pause(found);
                        }
                        self.give_up(self.field - 1, Reason::UnclosedQuote, found);
                        self.state = State::BetweenRecords;
                    }
                },
                State::QuoteSeen => match buffer.get(self.at) {
                    Some(&QUOTE) => {
                        self.at += 1;
                        self.escaped = true;
                        self.state = State::Quoted;
                    }
                    Some(&byte) if byte == self.delimiter => {
                        self.end_field(self.at - 1, found);
                        self.at += 1;
                        self.state = State::FieldStart;
                    }
                    Some(b'\n' | b'\r') => {
                        self.end_field(self.at - 1, found);
                        self.end_record(self.at, found);
                        self.at += 1;
                    }
                    Some(_) => {
                        self.stray.get_or_insert(self.at);
                        self.state = State::Plain;
                    }
                    None if last => {
                        self.end_field(self.at - 1, found);
                        self.end_record(self.at, found);
                    }
                    None => return self.pause(found),
                },
                State::Skipping => match memchr::memchr(b'\n', &buffer[self.at..]) {
                    Some(length) => {
                        self.at += length + 1;
                        self.state = State::BetweenRecords;
                    }
                    None => {
                        self.at = buffer.len();
                        self.record = self.at;
                        return if last { Stop::End } else { Stop::NeedsInput };
                    }
                },
            }
        }
    }

    /// Waits for input inside a record, unless the record is too long already.
    fn pause(&mut self, found: &mut Records) -> Stop {
        if self.at - self.record > LONGEST_RECORD {
            let at = if matches!(self.state, State::Quoted | State::QuoteSeen) { self.field - 1 } else { self.record };
            self.give_up(at, Reason::TooLong { limit: LONGEST_RECORD }, found);
            self.record = self.at;
            self.state = State::Skipping;
        }
        Stop::NeedsInput
    }

    /// Ends the current field, which is not quoted (any more), `length` bytes from here.
    #[inline]
    fn end_plain(&mut self, buffer: &[u8], length: usize, found: &mut Records) {
        let end = self.at + length;
        self.at = end + 1;
        self.end_field(end, found);
        if buffer[end] == self.delimiter {
            self.state = State::FieldStart;
        } else {
            self.end_record(end, found);
        }
    }

    #[inline]
    fn end_field(&mut self, end: usize, found: &mut Records) {
        // Fields beyond the width are only counted.
        if self.width.is_none_or(|width| self.found < width) {
            found.fields.push(Field { start: narrow(self.field), end: narrow(end), escaped: self.escaped });
        }
        self.found += 1;
    }

    #[inline]
    fn end_record(&mut self, end: usize, found: &mut Records) {
        self.state = State::BetweenRecords;
        let reason = match (self.stray, self.width) {
            (Some(at), _) => Some((at, Reason::TextAfterQuote)),
            (None, Some(expected)) if self.found != expected => {
                Some((self.record, Reason::FieldCount { expected, found: self.found }))
            }
            _ => None,
        };
        match reason {
            None => found.records.push(self.record..end),
            Some((at, reason)) => self.reject(self.record..end, at, reason, found),
        }
    }

    /// Ends the current record, which has no end of its own, at the end of the buffer.
    fn give_up(&self, at: usize, reason: Reason, found: &mut Records) {
        self.reject(self.record..self.at, at, reason, found);
    }

    fn reject(&self, record: Range<usize>, at: usize, reason: Reason, found: &mut Records) {
        let whole = found.records.len() * self.width.unwrap_or_default();
        found.fields.truncate(whole);
        found.malformed.push(Malformed { record, at, reason });
    }
}

/// A position in the buffer in half the space: the buffer holds some records and some chunks, far less than 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "the buffer is shorter than 4 GiB")]
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
        in_chunks(text, width, text.len().max(1), usize::MAX)
    }

    /// Reads `text` in chunks of `size` bytes, at most `most` records at a time, dropping what is no longer needed.
    fn in_chunks(text: &[u8], width: usize, size: usize, most: usize) -> Outcome {
        let mut splitter = Splitter::new(b',', Some(width));
        let (mut buffer, mut dropped) = (Vec::new(), 0);
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        let mut found = Records::default();
        let mut chunks = text.chunks(size).peekable();
        loop {
            if let Some(chunk) = chunks.next() {
                let needless = splitter.needs_from();
                buffer.drain(..needless);
                splitter.shift(needless);
                found.fields.iter_mut().for_each(|field| field.shift(needless));
                dropped += needless;
                buffer.extend_from_slice(chunk);
            }
            let last = chunks.peek().is_none();
            loop {
                let stop = splitter.split(&buffer, last, most, &mut found);
                let mut scratch = Vec::new();
                for record in found.fields.chunks_exact(width).take(found.records.len()) {
                    good.push(record.iter().map(|field| field.text(&buffer, &mut scratch).to_vec()).collect());
                }
                found.fields.drain(..found.records.len() * width);
                found.records.clear();
                for malformed in found.malformed.drain(..) {
                    bad.push((malformed.record.start + dropped..malformed.record.end + dropped, malformed.reason));
                }
                match stop {
                    Stop::Enough => {}
                    Stop::NeedsInput => break,
                    Stop::End => return (good, bad),
                }
            }
        }
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
    fn a_record_over_the_limit_is_one_fault_and_reading_goes_on() {
        let mut text = b"1,2\n\"".to_vec();
        text.resize(text.len() + LONGEST_RECORD + (3 << 20), b'x');
        text.extend_from_slice(b"\n3,4\n");
        let (good, bad) = in_chunks(&text, 2, 1 << 20, 100);
        assert_eq!(good, [fields(&["1", "2"]), fields(&["3", "4"])]);
        assert!(matches!(bad.as_slice(), [(_, Reason::TooLong { limit: LONGEST_RECORD })]), "{bad:?}");
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
        fn chunks_make_no_difference(
            text in "[a,\"\n\r ñ]{0,200}", width in 1_usize..4, size in 1_usize..=64, most in 1_usize..5,
        ) {
            prop_assert_eq!(in_chunks(text.as_bytes(), width, size, most), whole(text.as_bytes(), width));
        }
    }
}
