//! The elements of a JSON text, one after the other: where each begins and ends, by its brackets and quotes alone.

use std::ops::Range;

use super::decode::Measure;
use super::fault::Reason;
use super::piece::{Broken, Cutter, LONGEST_RECORD, Piece, line_breaks};

/// How often text is read again after an element that never ends.
const REREADINGS: usize = 64;

/// An element of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Element {
    /// One that is whole.
    Whole(Range<usize>),
    /// One that the text cuts.
    Cut(Range<usize>),
    /// Nothing but what stands between elements.
    None,
}

/// The first element of `text` at or after `from`. The brackets of an array around all elements count as nothing, like
/// the commas between them.
pub(super) fn element(text: &[u8], from: usize) -> Element {
    let between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'[' | b']');
    let Some(length) = text[from..].iter().position(|byte| !between(byte)) else { return Element::None };
    let start = from + length;
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match end_of_string(text, at + 1) {
                Some(end) => at = end,
                None => return Element::Cut(start..text.len()),
            },
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 1 => {
                depth -= 1;
                at += 1;
            }
            b'}' => return Element::Whole(start..at + 1),
            b']' if depth == 1 => return Element::Whole(start..at + 1),
            b',' | b']' if depth == 0 => return Element::Whole(start..at),
            byte if depth == 0 && byte.is_ascii_whitespace() => return Element::Whole(start..at),
            _ => at += 1,
        }
        if depth == 0 && text.get(at) == Some(&b'{') {
            return Element::Whole(start..at);
        }
    }
    Element::Cut(start..text.len())
}

/// The byte after the quote that closes a string whose text begins at `from`.
pub(super) fn end_of_string(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Cuts a JSON text between elements.
pub(super) struct ElementCutter {
    measure: Measure,
    rereadings: usize,
    buffer: Vec<u8>,
    offset: u64,
    line: u64,
    ended: bool,
}

impl ElementCutter {
    /// Cuts a file whose text begins `offset` bytes after the beginning of the file.
    pub(super) fn new(measure: Measure, offset: u64) -> Self {
        Self { measure, rereadings: REREADINGS, buffer: Vec::new(), offset, line: 1, ended: false }
    }

    fn cut_off(&mut self, bytes: usize) -> Piece {
        let rest = self.buffer.split_off(bytes);
        let text = std::mem::replace(&mut self.buffer, rest);
        let piece = Piece { offset: self.offset, line: self.line, broken: None, text };
        self.offset += self.measure.stored(&piece.text);
        self.line += line_breaks(&piece.text);
        piece
    }

    /// The element that begins at `start` and never ends: its first line if an object begins after it, all of it
    /// otherwise.
    fn give_up(&mut self, start: usize, reason: Reason) -> Piece {
        let text = &self.buffer[start..];
        let extent = text.len().min(LONGEST_RECORD);
        let again = |line_end: &usize| text[*line_end..].trim_ascii_start().first() == Some(&b'{');
        let line_end = memchr::memchr(b'\n', &text[..extent]).map(|length| length + 1).filter(again);
        let end = match line_end {
            Some(end) if self.rereadings > 0 => {
                self.rereadings -= 1;
                end
            }
            _ => extent,
        };
        drop(self.cut_off(start));
        let mut piece = self.cut_off(end);
        piece.text.truncate(piece.text.trim_ascii_end().len());
        piece.broken = Some(Broken { at: 0, reason, length: self.measure.stored(&piece.text) });
        piece
    }
}

impl Cutter for ElementCutter {
    fn push(&mut self, text: &[u8]) {
        self.buffer.extend_from_slice(text);
    }

    fn end(&mut self) {
        self.ended = true;
    }

    fn next(&mut self) -> Option<Piece> {
        let mut end = 0;
        loop {
            match element(&self.buffer, end) {
                // A scalar at the end of the buffer may go on.
                Element::Whole(range) => end = range.end,
                Element::Cut(_) | Element::None if end > 0 => return Some(self.cut_off(end)),
                Element::None => {
                    drop(self.cut_off(self.buffer.len()));
                    return None;
                }
                Element::Cut(range) if self.ended && is_scalar(&self.buffer[range.clone()]) => {
                    return Some(self.cut_off(range.end));
                }
                Element::Cut(range) if self.ended => {
                    return Some(self.give_up(range.start, Reason::NotJson("it never ends".into())));
                }
                Element::Cut(range) if range.len() > LONGEST_RECORD => {
                    return Some(self.give_up(range.start, Reason::TooLong { limit: LONGEST_RECORD }));
                }
                Element::Cut(_) => return None,
            }
        }
    }
}

/// Whether an element is a number or word, which ends with the text.
fn is_scalar(element: &[u8]) -> bool {
    !element.contains(&b'"') && !element.contains(&b'{') && !element.contains(&b'[')
}
