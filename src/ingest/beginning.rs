//! The first bytes of a file's content: enough to see what it is and how its text is written.

use std::borrow::Cow;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use super::chunks::fetch;
use super::decode::Decoder;
use super::decompress::content_of;
use crate::error::Result;
use crate::store::InputFile;

/// What [`what_is`] calls the formats that are read.
pub(super) const PARQUET: &str = "a Parquet file";
/// See [`PARQUET`].
pub(super) const ARROW: &str = "an Arrow file";
/// See [`PARQUET`].
pub(super) const JSON: &str = "JSON";

/// As many of the stored bytes are looked at: enough for a header and some rows.
const LENGTH: u64 = 64 << 10;

/// The beginning of a file.
pub(super) struct Beginning {
    /// Its content, decompressed.
    pub(super) bytes: Bytes,
    /// Whether that is all of it.
    pub(super) whole: bool,
}

/// The beginning of `file`.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn of(file: &InputFile) -> Result<Beginning> {
    if file.meta.size == 0 {
        return Ok(Beginning { bytes: Bytes::new(), whole: true });
    }
    let stored = fetch(file, 0..file.meta.size.min(LENGTH)).await?;
    let all = stored.len() as u64 == file.meta.size;
    Ok(match content_of(&stored) {
        (Cow::Borrowed(_), _) => Beginning { whole: all, bytes: stored },
        (Cow::Owned(content), whole) => Beginning { whole: all && whole, bytes: content.into() },
    })
}

impl Beginning {
    /// Whether it is UTF-8. A stray byte among characters that are well written does not speak against that: its record
    /// is rejected.
    pub(super) fn is_utf8(&self) -> bool {
        let (good, bad) = foreign(&self.bytes);
        // The last character may be cut.
        let cut = !self.whole && std::str::from_utf8(&self.bytes).is_err_and(|wrong| wrong.error_len().is_none());
        bad <= good + u64::from(cut)
    }

    /// Its text as UTF-8, if it is encoded like this.
    pub(super) fn text(&self, encoding: &'static Encoding) -> Bytes {
        Decoder::new(encoding, &self.bytes).decode(self.bytes.clone(), self.whole)
    }
}

/// How many characters beyond ASCII `text` has as UTF-8, and how many places that are none.
pub(super) fn foreign(text: &[u8]) -> (u64, u64) {
    if text.is_ascii() {
        return (0, 0);
    }
    let (mut good, mut bad) = (0, 0);
    for chunk in text.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count() as u64;
        bad += u64::from(!chunk.invalid().is_empty());
    }
    (good, bad)
}

/// What a file that begins so is, in words, if it is no delimited text.
pub(super) fn what_is(beginning: &[u8]) -> Option<&'static str> {
    Some(match beginning {
        [b'P', b'A', b'R', b'1', ..] => PARQUET,
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => ARROW,
        [b'P', b'K', 3, 4, ..] => "a ZIP archive or an Excel workbook",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an old Excel workbook",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] => "an SQLite database",
        _ if is_json(beginning) => JSON,
        _ => return None,
    })
}

/// Whether a text begins with an object whose first key follows, or with an array of objects; nothing else of JSON can be
/// told from the first line of a table.
fn is_json(beginning: &[u8]) -> bool {
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
    let next = |after: &[u8]| after.trim_ascii_start().first().copied();
    match text {
        [b'{', after @ ..] => matches!(next(after), Some(b'"' | b'}')),
        [b'[', after @ ..] => next(after) == Some(b'{') || after.trim_ascii_start().is_empty(),
        _ => false,
    }
}

/// UTF-16, if text that begins so is that without saying it: every other byte of what is written in Latin letters is
/// zero.
pub(super) fn utf16_without_mark(beginning: &[u8]) -> Option<&'static Encoding> {
    let (units, _) = beginning.get(..beginning.len().min(256))?.as_chunks::<2>();
    let zeros = |byte: usize| units.iter().filter(|unit| unit[byte] == 0 && unit[1 - byte] != 0).count();
    let most = |count: usize| units.len() > 1 && count * 2 > units.len();
    match (most(zeros(0)), most(zeros(1))) {
        (false, true) => Some(UTF_16LE),
        (true, false) => Some(UTF_16BE),
        _ => None,
    }
}
