//! What a file is and how its text is written, seen from its beginning.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::catalog::{CsvOptions, Format};
use crate::error::Result;
use crate::ingest::beginning::{self, Beginning};
use crate::ingest::element::{Element, element};
use crate::ingest::split::{Records, Splitter};
use crate::store::InputFile;

/// Records that decide which delimiter a text has.
const RECORDS: usize = 200;

/// What a file is.
pub(super) enum Kind {
    /// Delimited text, written like this.
    Text(CsvOptions),
    /// JSON objects, in this format.
    Objects(Format),
    /// A format that knows the types of its columns.
    Stored(Format),
    /// Something that is not read, in words.
    Other(&'static str),
}

/// What `file` is.
///
/// # Errors
/// A store that cannot be read.
pub(super) async fn sniff(file: &InputFile) -> Result<Kind> {
    let beginning = beginning::of(file).await?;
    Ok(match beginning::what_is(&beginning.bytes) {
        Some(beginning::PARQUET) => Kind::Stored(Format::Parquet),
        Some(beginning::ARROW) => Kind::Stored(Format::Arrow),
        Some(beginning::JSON) => {
            let text = beginning.text(UTF_8);
            Kind::Objects(if one_a_line(&text) { Format::JsonLines } else { Format::Json })
        }
        Some(what) => Kind::Other(what),
        None if beginning.bytes.is_empty() => Kind::Other("an empty file"),
        None => {
            let encoding = encoding(&beginning);
            let text = beginning.text(encoding);
            Kind::Text(CsvOptions { delimiter: delimiter(&text, beginning.whole), encoding, ..CsvOptions::default() })
        }
    })
}

/// Whether the first line of a JSON text is an object and nothing else.
fn one_a_line(text: &[u8]) -> bool {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.find(|line| !line.is_empty()).unwrap_or_default();
    first.starts_with(b"{") && element(first, 0) == Element::Whole(0..first.len())
}

/// The encoding of a text: what its mark says, UTF-8 if that is what it can be, and otherwise what Windows writes in
/// western Europe and the Americas, a superset of Latin-1.
fn encoding(beginning: &Beginning) -> &'static Encoding {
    match Encoding::for_bom(&beginning.bytes) {
        Some((encoding, _)) => encoding,
        None => match beginning::utf16_without_mark(&beginning.bytes) {
            Some(utf16) => utf16,
            None if beginning.is_utf8() => UTF_8,
            None => WINDOWS_1252,
        },
    }
}

/// The delimiter that makes most records as wide as the first and the first as wide as can be.
fn delimiter(text: &[u8], whole: bool) -> u8 {
    let mut best = (0, b',');
    for delimiter in [b',', b';', b'\t', b'|'] {
        let widths = widths(text, delimiter, whole);
        let Some(&header) = widths.first().filter(|width| **width > 1) else { continue };
        let alike = widths.iter().filter(|width| **width == header).count();
        // A delimiter by chance makes records of many widths.
        let score =
            if alike * 2 > widths.len() { alike * 1000 / widths.len() * 1000 + header.min(999) } else { header };
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    best.1
}

/// How many fields the first records have.
fn widths(text: &[u8], delimiter: u8, whole: bool) -> Vec<usize> {
    let mut splitter = Splitter::new(delimiter, None);
    let mut widths = Vec::new();
    while widths.len() < RECORDS {
        let mut found = Records::default();
        splitter.split(text, 1, &mut found);
        if found.records.is_empty() {
            break;
        }
        widths.push(found.fields.len());
    }
    // The last record may be cut.
    if !whole && widths.len() > 1 && widths.len() < RECORDS {
        widths.pop();
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_one_width_tell_the_delimiter() {
        for (text, expected) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb c, d\n1\t2\n", b'\t'),
            ("a|b|c\n1|2|3,4\n", b'|'),
            ("nota\nsí, claro\nno; nunca\n", b','),
            ("a,b,c;d\n\"x;y\",2,3\n4,5,6\n", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(text.as_bytes(), true), expected, "{text}");
        }
    }
}
