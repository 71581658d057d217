//! Text of any encoding becomes UTF-8, and a place in it is found again in the file.
//!
//! A mark at the beginning of the file decides over what the catalog says, since it is never there by chance. UTF-8 is
//! handed on as it is; who reads values finds those that are not. In other encodings a byte that means nothing becomes
//! a byte that UTF-8 never holds, so that it is found in the same way and never becomes a character by itself.

use bytes::Bytes;
use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// A byte that no UTF-8 text holds.
const NO_TEXT: u8 = 0xff;

/// From the bytes of one file to UTF-8, block by block.
pub(super) struct Decoder {
    measure: Measure,
    /// `None` for UTF-8.
    decoder: Option<encoding_rs::Decoder>,
    /// Bytes of the mark that were not skipped yet.
    mark: usize,
}

/// How many bytes a text has in its file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    encoding: &'static Encoding,
}

impl Decoder {
    /// A decoder for a file that begins with `beginning` (three bytes of it, if it has them) and that the catalog
    /// declares to be in `encoding`; and the bytes of the mark, which are no text.
    pub(super) fn new(encoding: &'static Encoding, beginning: &[u8]) -> Self {
        let (encoding, mark) = Encoding::for_bom(beginning).unwrap_or((encoding, 0));
        let decoder = (encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling());
        Self { measure: Measure { encoding }, decoder, mark }
    }

    /// How its texts are measured.
    pub(super) fn measure(&self) -> Measure {
        self.measure
    }

    /// The bytes of the mark at the beginning of the file.
    pub(super) fn mark(&self) -> usize {
        self.mark
    }

    /// The next text. `last` says that nothing follows.
    pub(super) fn decode(&mut self, mut block: Bytes, last: bool) -> Bytes {
        let skipped = self.mark.min(block.len());
        self.mark -= skipped;
        block = block.slice(skipped..);
        let Some(decoder) = &mut self.decoder else { return block };
        let mut out: Vec<u8> = Vec::new();
        let mut rest: &[u8] = &block;
        loop {
            let room = decoder.max_utf8_buffer_length_without_replacement(rest.len()).unwrap_or(rest.len() * 3 + 16);
            let mut text = String::with_capacity(room);
            let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut text, last);
            rest = rest.get(read..).unwrap_or_default();
            if out.is_empty() {
                out = text.into_bytes();
            } else {
                out.extend_from_slice(text.as_bytes());
            }
            match result {
                DecoderResult::InputEmpty => return out.into(),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => out.push(NO_TEXT),
            }
        }
    }
}

impl Measure {
    /// The encoding of the file.
    pub(super) fn encoding(self) -> &'static str {
        self.encoding.name()
    }

    /// The bytes that `text`, a part of what a [`Decoder`] gave, has in the file.
    ///
    /// Exact for UTF-8, UTF-16 and all encodings of one byte a character; for the others if the file writes each
    /// character in the usual way.
    pub(super) fn stored(self, text: &[u8]) -> u64 {
        let count = |counts: fn(u8) -> bool| text.iter().filter(|byte| counts(**byte)).count() as u64;
        let begins_character = |byte: u8| byte & 0xc0 != 0x80;
        if self.encoding == UTF_8 {
            text.len() as u64
        } else if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            // A character beyond 16 bits, four bytes long in UTF-8, takes two units.
            2 * (count(begins_character) + count(|byte| (0xf0..0xf8).contains(&byte)))
        } else if self.encoding.is_single_byte() {
            count(begins_character)
        } else {
            let mut bytes = 0;
            for part in text.split(|byte| *byte == NO_TEXT) {
                let part = String::from_utf8_lossy(part);
                bytes += self.encoding.encode(&part).0.len() as u64 + 1;
            }
            bytes - 1
        }
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GBK, ISO_8859_2, SHIFT_JIS, WINDOWS_1252, WINDOWS_1253};
    use proptest::prelude::*;

    use super::*;

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    /// `stored` in blocks of `size` bytes as UTF-8.
    fn decoded(encoding: &'static Encoding, stored: &[u8], size: usize) -> Vec<u8> {
        let mut decoder = Decoder::new(encoding, &stored[..stored.len().min(3)]);
        let mut text = Vec::new();
        for block in stored.chunks(size) {
            text.extend_from_slice(&decoder.decode(Bytes::copy_from_slice(block), false));
        }
        text.extend_from_slice(&decoder.decode(Bytes::new(), true));
        text
    }

    #[test]
    fn a_mark_decides() {
        let text = "a,ñ😊\n";
        for encoding in [UTF_8, WINDOWS_1252] {
            for size in [1, 2, 100] {
                assert_eq!(decoded(encoding, &["\u{feff}", text].concat().into_bytes(), size), text.as_bytes());
                let little = [vec![0xff, 0xfe], utf16(text, u16::to_le_bytes)].concat();
                assert_eq!(decoded(encoding, &little, size), text.as_bytes());
                let big = [vec![0xfe, 0xff], utf16(text, u16::to_be_bytes)].concat();
                assert_eq!(decoded(encoding, &big, size), text.as_bytes());
            }
        }
        assert_eq!(decoded(WINDOWS_1252, b"caf\xe9 \x80", 3), "café €".as_bytes());
        assert_eq!(decoded(UTF_8, b"caf\xe9", 3), b"caf\xe9");
        assert_eq!(decoded(UTF_8, b"", 3), b"");
    }

    #[test]
    fn bytes_that_mean_nothing_are_no_text() {
        assert_eq!(decoded(WINDOWS_1253, b"a\xd2b", 10), b"a\xffb");
        assert_eq!(decoded(UTF_16LE, b"a\0\0\xd8b\0c", 2), b"a\xffb\xff");
        assert_eq!(decoded(SHIFT_JIS, b"a\x81", 10), b"a\xff");
    }

    proptest! {
        #[test]
        fn every_place_is_found_again(text in "[a-zñé€,\"\n]{0,40}", size in 1_usize..9) {
            for encoding in [UTF_8, WINDOWS_1252, ISO_8859_2, GBK] {
                let (stored, _, unmappable) = encoding.encode(&text);
                if unmappable {
                    continue;
                }
                let decoded = decoded(encoding, &stored, size);
                prop_assert_eq!(&decoded, text.as_bytes());
                let measure = Measure { encoding };
                for (at, _) in text.char_indices() {
                    let before = usize::try_from(measure.stored(&decoded[..at])).unwrap();
                    prop_assert_eq!(encoding.decode_without_bom_handling(&stored[..before]).0, &text[..at]);
                }
                prop_assert_eq!(measure.stored(&decoded), stored.len() as u64);
            }
        }

        #[test]
        fn every_place_in_utf16_is_found_again(text in "[a-zñ€😊\n]{0,40}", size in 1_usize..9) {
            let stored = utf16(&text, u16::to_be_bytes);
            let decoded = decoded(UTF_16BE, &stored, size);
            prop_assert_eq!(&decoded, text.as_bytes());
            for (at, _) in text.char_indices() {
                let before = utf16(&text[..at], u16::to_be_bytes).len();
                prop_assert_eq!(Measure { encoding: UTF_16BE }.stored(&decoded[..at]), before as u64);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(stored: Vec<u8>, size in 1_usize..9) {
            for encoding in [UTF_8, UTF_16LE, WINDOWS_1252, SHIFT_JIS, GBK] {
                let text = decoded(encoding, &stored, size);
                Measure { encoding }.stored(&text);
            }
        }
    }
}
