//! Text whose records end where a line ends, cut into pieces of whole records: delimited text by its quotes alone, and
//! text without quotes, such as JSON lines, at any line end.
//!
//! A quote opens a field only where a field begins: at the beginning of the file, after a delimiter or after a line
//! end outside quotes. It closes at the next quote that is not doubled. Nothing else decides whether a line end is the
//! end of a record, so the text is searched for quotes and, back from the end, for a line end.
//!
//! A quote that is never closed, be it at the end of the file or beyond the longest record, would take all that follows
//! with it. Then the first line is the record that is not accepted, and what follows is read again from there if most of
//! its lines are records by themselves.

use super::decode::Measure;
use super::fault::Reason;
use super::piece::{Broken, Cutter, KEPT_OF_LONG, LONGEST_RECORD, Piece, line_breaks};
use super::split::{Records, Splitter};

const QUOTE: u8 = b'"';

/// How often text is read again after a quote that is never closed. Each time costs at most the longest record, so a
/// file full of such quotes is still read in a time that grows with its size.
const REREADINGS: usize = 64;
/// As many lines after a quote that is never closed are looked at.
const LINES_TRIED: usize = 1000;

/// Cuts text at line ends.
pub(super) struct LineCutter {
    /// The byte between fields; `None` if there are neither fields nor quotes.
    delimiter: Option<u8>,
    measure: Measure,
    longest: usize,
    width: Option<usize>,
    rereadings: usize,
    /// What was not given out yet. It begins with a record.
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    offset: u64,
    line: u64,
    /// The next byte to look at.
    at: usize,
    /// The quote that opened the field in which that byte stands.
    open: Option<usize>,
    /// The parts of the buffer before that byte that stand outside quotes, but for the last if no quote is open.
    outside: Vec<(usize, usize)>,
    /// Where the last of them begins.
    outside_from: usize,
    /// A record that is too long and whose end is looked for.
    skipped: Option<Piece>,
    ended: bool,
}

impl LineCutter {
    /// Cuts delimited text, which begins `offset` bytes after the beginning of its file.
    pub(super) fn csv(delimiter: u8, measure: Measure, offset: u64) -> Self {
        Self::new(Some(delimiter), measure, offset)
    }

    /// Cuts text whose lines are its records, which begins `offset` bytes after the beginning of its file.
    pub(super) fn lines(measure: Measure, offset: u64) -> Self {
        Self::new(None, measure, offset)
    }

    fn new(delimiter: Option<u8>, measure: Measure, offset: u64) -> Self {
        Self {
            delimiter,
            measure,
            longest: LONGEST_RECORD,
            width: None,
            rereadings: REREADINGS,
            buffer: Vec::new(),
            offset,
            line: 1,
            at: 0,
            open: None,
            outside: Vec::new(),
            outside_from: 0,
            skipped: None,
            ended: false,
        }
    }

    /// Goes through the quotes of what is new in the buffer.
    fn look(&mut self) {
        let Some(delimiter) = self.delimiter else {
            self.at = self.buffer.len();
            return;
        };
        while let Some(length) = memchr::memchr(QUOTE, &self.buffer[self.at..]) {
            let quote = self.at + length;
            self.at = quote + 1;
            if self.open.is_none() {
                let begins = |before: u8| before == delimiter || matches!(before, b'\n' | b'\r');
                if quote.checked_sub(1).is_none_or(|before| begins(self.buffer[before])) {
                    self.open = Some(quote);
                    self.outside.push((self.outside_from, quote));
                }
                continue;
            }
            match self.buffer.get(quote + 1) {
                Some(&QUOTE) => self.at = quote + 2,
                // The byte after a quote decides what the quote is.
                None if !self.ended => {
                    self.at = quote;
                    return;
                }
                _ => {
                    self.open = None;
                    self.outside_from = quote + 1;
                }
            }
        }
        self.at = self.buffer.len();
    }

    /// The end of the last line that ends outside quotes: one byte after it.
    fn last_end(&self) -> Option<usize> {
        let current = self.open.is_none().then_some((self.outside_from, self.at));
        let parts =
            || current.iter().chain(self.outside.iter().rev()).map(|(from, to)| (*from, &self.buffer[*from..*to]));
        let last = |find: fn(&[u8]) -> Option<usize>| parts().find_map(|(from, part)| Some(from + find(part)? + 1));
        // A line feed alone may follow a return, so a return is an end only where there are no line feeds at all.
        let returns = || self.delimiter.and_then(|_| last(|part| memchr::memrchr(b'\r', part)));
        last(|part| memchr::memrchr(b'\n', part)).or_else(returns)
    }

    /// Takes the first `bytes` of the buffer as a piece.
    fn cut_off(&mut self, bytes: usize) -> Piece {
        let rest = self.buffer.split_off(bytes);
        let text = std::mem::replace(&mut self.buffer, rest);
        let piece = Piece { offset: self.offset, line: self.line, broken: None, text };
        self.offset += self.measure.stored(&piece.text);
        self.line += line_breaks(&piece.text);
        self.at = self.at.saturating_sub(bytes);
        self.open = self.open.and_then(|open| open.checked_sub(bytes));
        self.outside_from = self.outside_from.saturating_sub(bytes);
        self.outside.retain_mut(|(from, to)| {
            (*from, *to) = (from.saturating_sub(bytes), to.saturating_sub(bytes));
            from < to
        });
        piece
    }

    /// Looks at the buffer, which begins with a record, anew.
    fn look_again(&mut self) {
        (self.at, self.open, self.outside_from) = (0, None, 0);
        self.outside.clear();
    }

    /// Takes the first `bytes` of the buffer as a record that is not accepted; its line end is no part of it.
    fn reject(&mut self, bytes: usize, at: usize, reason: Reason) -> Piece {
        let mut piece = self.cut_off(bytes);
        piece.text.truncate(without_line_end(&piece.text));
        piece.broken = Some(Broken { at, reason, length: self.measure.stored(&piece.text) });
        self.look_again();
        piece
    }

    /// What becomes of a record, the first of the buffer, whose quote `open` does not close within `extent` bytes.
    fn give_up(&mut self, open: usize, extent: usize, reason: Reason) -> Option<Piece> {
        let line_end = memchr::memchr(b'\n', &self.buffer[open..extent]).map(|length| open + length + 1);
        if let Some(line_end) = line_end.filter(|end| self.rereadings > 0 && self.are_records(*end, extent)) {
            self.rereadings -= 1;
            return Some(self.reject(line_end, open, reason));
        }
        if extent < self.buffer.len() || !self.ended {
            self.skip(open, reason);
            return self.skip_on();
        }
        Some(self.reject(extent, open, reason))
    }

    /// Whether most lines of a part of the buffer are records by themselves.
    fn are_records(&self, from: usize, to: usize) -> bool {
        let Some((delimiter, width)) = self.delimiter.zip(self.width.filter(|width| *width > 1)) else { return false };
        let mut lines: Vec<&[u8]> =
            self.buffer[from..to].split_inclusive(|byte| *byte == b'\n').take(LINES_TRIED).collect();
        // The last line may be cut.
        if to < self.buffer.len() && lines.len() > 1 {
            lines.pop();
        }
        let good = lines.iter().filter(|line| {
            let mut found = Records::default();
            Splitter::new(delimiter, Some(width)).split(line, usize::MAX, &mut found);
            found.records.len() == 1 && found.malformed.is_empty()
        });
        good.count() * 2 > lines.len()
    }

    /// Begins to skip the first record of the buffer, which is too long, up to the end of a line.
    fn skip(&mut self, at: usize, reason: Reason) {
        let skipped = self.longest.min(self.buffer.len());
        let mut piece = self.cut_off(skipped);
        let length = self.measure.stored(&piece.text);
        piece.text.truncate(KEPT_OF_LONG);
        let at = at.min(piece.text.len());
        piece.broken = Some(Broken { at, reason, length });
        self.skipped = Some(piece);
    }

    /// Goes on skipping; gives the skipped record when its end is there.
    fn skip_on(&mut self) -> Option<Piece> {
        let end = memchr::memchr(b'\n', &self.buffer);
        if end.is_none() && !self.ended {
            // What may be the first half of a line end must wait for the other.
            let held = usize::from(self.buffer.last() == Some(&b'\r'));
            let text = self.cut_off(self.buffer.len() - held).text;
            self.add_to_skipped(&text);
            return None;
        }
        let mut text = self.cut_off(end.map_or(self.buffer.len(), |end| end + 1)).text;
        text.truncate(without_line_end(&text));
        self.add_to_skipped(&text);
        self.look_again();
        self.skipped.take()
    }

    fn add_to_skipped(&mut self, text: &[u8]) {
        let length = self.measure.stored(text);
        if let Some(broken) = self.skipped.as_mut().and_then(|piece| piece.broken.as_mut()) {
            broken.length += length;
        }
    }

    /// The records of the buffer, when it is longer than one may be: those up to one that is too long, or that one.
    fn next_of_long(&mut self) -> Option<Piece> {
        let mut start = 0;
        loop {
            match self.record_from(start) {
                Walk::Ended(end) => start = end,
                Walk::TooLong(_) if start > 0 => {
                    let piece = self.cut_off(start);
                    self.look_again();
                    return Some(piece);
                }
                Walk::TooLong(open) => {
                    let reason = Reason::TooLong { limit: self.longest };
                    if let Some(open) = open {
                        return self.give_up(open, self.longest, reason);
                    }
                    self.skip(0, reason);
                    return self.skip_on();
                }
                Walk::Cut => return self.next_of_short(),
            }
        }
    }

    /// Walks through the record that begins at `start`, byte by byte.
    fn record_from(&self, start: usize) -> Walk {
        let limit = start + self.longest;
        let (mut at, mut open, mut field) = (start, None, true);
        while let Some(byte) = self.buffer.get(at) {
            if at >= limit {
                return Walk::TooLong(open);
            }
            match (open, byte) {
                (None, &QUOTE) if field && self.delimiter.is_some() => open = Some(at),
                (None, b'\n') => return Walk::Ended(at + 1),
                (None, b'\r') if self.delimiter.is_some() => return Walk::Ended(at + 1),
                (None, byte) => field = Some(*byte) == self.delimiter,
                (Some(_), &QUOTE) if self.buffer.get(at + 1) == Some(&QUOTE) => at += 1,
                (Some(_), &QUOTE) => (open, field) = (None, false),
                (Some(_), _) => {}
            }
            at += 1;
        }
        Walk::Cut
    }

    /// The records of the buffer, none of which is too long.
    fn next_of_short(&mut self) -> Option<Piece> {
        self.look();
        if let Some(end) = self.last_end() {
            return Some(self.cut_off(end));
        }
        if !self.ended || self.buffer.is_empty() {
            return None;
        }
        match self.open {
            None => Some(self.cut_off(self.buffer.len())),
            Some(open) => self.give_up(open, self.buffer.len(), Reason::UnclosedQuote),
        }
    }
}

/// Where a walk through a record ends.
enum Walk {
    /// After its line end.
    Ended(usize),
    /// Inside it where it gets too long, and the quote that is open there.
    TooLong(Option<usize>),
    /// Inside it where the buffer ends.
    Cut,
}

impl Cutter for LineCutter {
    fn push(&mut self, text: &[u8]) {
        self.buffer.extend_from_slice(text);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn next(&mut self) -> Option<Piece> {
        if self.skipped.is_some() {
            return self.skip_on();
        }
        if self.buffer.len() > self.longest { self.next_of_long() } else { self.next_of_short() }
    }

    fn expect_width(&mut self, width: usize) {
        self.width = Some(width);
    }
}

/// The length of `text` without the line end at its end.
fn without_line_end(text: &[u8]) -> usize {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text).len()
}

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_8;
    use proptest::prelude::*;

    use super::super::decode::Decoder;
    use super::*;

    /// The pieces of `text`, given in parts of `size` bytes, if a record may be `longest` bytes long.
    fn pieces(text: &[u8], width: usize, size: usize, longest: usize) -> Vec<Piece> {
        let mut cutter = LineCutter::csv(b',', Decoder::new(UTF_8, b"").measure(), 0);
        cutter.longest = longest;
        cutter.expect_width(width);
        let mut pieces = Vec::new();
        for part in text.chunks(size) {
            cutter.push(part);
            pieces.extend(std::iter::from_fn(|| cutter.next()));
        }
        cutter.end();
        pieces.extend(std::iter::from_fn(|| cutter.next()));
        pieces
    }

    /// Each record with its place, its line and, if it is not accepted, why.
    fn records(pieces: &[Piece]) -> Vec<(u64, u64, Vec<u8>, Option<Reason>)> {
        let mut records = Vec::new();
        for piece in pieces {
            if let Some(broken) = &piece.broken {
                records.push((piece.offset, piece.line, piece.text.clone(), Some(broken.reason.clone())));
                continue;
            }
            let mut found = Records::default();
            Splitter::new(b',', None).split(&piece.text, usize::MAX, &mut found);
            let malformed = found.malformed.into_iter().map(|one| (one.record, Some(one.reason)));
            let mut all: Vec<_> = found.records.into_iter().map(|record| (record, None)).chain(malformed).collect();
            all.sort_by_key(|(record, _)| record.start);
            for (record, reason) in all {
                let line = piece.line + line_breaks(&piece.text[..record.start]);
                records.push((piece.offset + record.start as u64, line, piece.text[record].to_vec(), reason));
            }
        }
        records
    }

    fn texts(text: &str, width: usize, size: usize, longest: usize) -> Vec<(String, bool)> {
        records(&pieces(text.as_bytes(), width, size, longest))
            .into_iter()
            .map(|(_, _, text, reason)| (String::from_utf8_lossy(&text).into_owned(), reason.is_none()))
            .collect()
    }

    fn expected(records: &[(&str, bool)]) -> Vec<(String, bool)> {
        records.iter().map(|(text, good)| ((*text).to_owned(), *good)).collect()
    }

    #[test]
    fn line_ends_inside_quotes_end_no_record() {
        let text = "a,\"x\ny\"\r\n\"\"\"\n\"\"\",b\nc\"\n\",d\ne,f";
        for size in [1, 2, 3, 7, 100] {
            let records =
                [("a,\"x\ny\"", true), ("\"\"\"\n\"\"\",b", true), ("c\"", true), ("\",d", false), ("e,f", true)];
            assert_eq!(texts(text, 2, size, 1000), expected(&records), "{size}");
        }
    }

    #[test]
    fn after_a_quote_that_never_closes_lines_that_are_records_are_read() {
        for size in [1, 5, 100] {
            let records = [("a,\"x", false), ("b,c", true), ("d,e", true), ("f", true)];
            assert_eq!(texts("a,\"x\nb,c\nd,e\nf\n", 2, size, 1000), expected(&records));
            let records = [("a,b", true), ("c,\"x\nb\nd\nf,g", false)];
            assert_eq!(texts("a,b\nc,\"x\nb\nd\nf,g\n", 2, size, 1000), expected(&records));
            let records = [("a", true), ("\"x\nb\nd\nf", false)];
            assert_eq!(texts("a\n\"x\nb\nd\nf\n", 1, size, 1000), expected(&records));
        }
    }

    #[test]
    fn a_record_over_the_limit_is_one_reject_and_reading_goes_on() {
        let long = "x".repeat(50);
        for size in [1, 7, 1000] {
            let text = format!("1,2\n3,{long}\r\n4,5\n");
            let kept = format!("3,{long}");
            let pieces = pieces(text.as_bytes(), 2, size, 20);
            let broken: Vec<&Piece> = pieces.iter().filter(|piece| piece.broken.is_some()).collect();
            assert_eq!((broken.len(), broken[0].offset, broken[0].line), (1, 4, 2));
            assert_eq!(broken[0].broken.as_ref().unwrap().length, kept.len() as u64);
            let good: Vec<_> = records(&pieces).into_iter().filter(|(.., reason)| reason.is_none()).collect();
            assert_eq!(good[0].2, b"1,2");
            assert_eq!((good[1].0, good[1].1, good[1].2.as_slice()), (4 + 52 + 2, 3, b"4,5".as_slice()));
            // A quote that does not close within the limit: its line, and the lines after it.
            let text = "1,2\n3,\"a\n4,5\n6,7\n8,9\n10,11\n12,13\n";
            let records = [("1,2", true), ("3,\"a", false), ("4,5", true), ("6,7", true)];
            assert_eq!(texts(text, 2, size, 15)[..4], expected(&records));
        }
    }

    #[test]
    fn a_file_full_of_open_quotes_is_read_in_time() {
        let text = "a,\"b\"x\nc,\"\n".repeat(20_000);
        assert!(!pieces(text.as_bytes(), 2, 1 << 16, 1 << 12).is_empty());
    }

    proptest! {
        #[test]
        fn parts_make_no_difference(
            text in "[a,\"\n\rñ]{0,80}", width in 1_usize..4, size in 1_usize..20, longest in 4_usize..100,
        ) {
            let whole = records(&pieces(text.as_bytes(), width, text.len().max(1), longest));
            prop_assert_eq!(&records(&pieces(text.as_bytes(), width, size, longest)), &whole);
            for (offset, _, record, _) in whole {
                let start = usize::try_from(offset).unwrap();
                prop_assert!(text.as_bytes()[start..].starts_with(&record));
            }
        }

        #[test]
        fn good_text_is_cut_between_records(text in "[a,\"\n\rñ]{0,80}", size in 1_usize..20) {
            let mut found = Records::default();
            Splitter::new(b',', None).split(text.as_bytes(), usize::MAX, &mut found);
            prop_assume!(found.malformed.iter().all(|one| one.reason != Reason::UnclosedQuote));
            let starts: Vec<u64> = records(&pieces(text.as_bytes(), 2, size, 1000)).iter().map(|one| one.0).collect();
            let mut expected: Vec<u64> =
                found.records.iter().chain(found.malformed.iter().map(|one| &one.record)).map(|one| one.start as u64).collect();
            expected.sort_unstable();
            prop_assert_eq!(starts, expected);
        }
    }
}
