//! Text for a terminal: how wide it is, how to cut it, and how to show characters that would move the cursor.
//!
//! Data is shown, never obeyed: a newline, a tab or an escape sequence inside a value becomes a visible character, so
//! that a cell cannot break its frame and a file cannot recolour, clear or retitle somebody's terminal.

use std::borrow::Cow;
use std::time::Duration;

use arrow::datatypes::DataType;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What stands at the end of a text that was cut.
pub(crate) const ELLIPSIS: &str = "…";

/// `text` on one line: control characters are replaced by visible ones (`⏎` for a new line, `⇥` for a tab, `␛` for
/// escape).
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    replace(text, picture)
}

/// `text` with its line ends kept and every other control character made visible.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    replace(text, |c| if c == '\n' { None } else { picture(c) })
}

/// How many columns of a terminal `text` fills; it should be [`visible`].
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `max` columns, cut between characters and ended with [`ELLIPSIS`] when something is missing.
pub(crate) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut used = width(ELLIPSIS);
    for grapheme in text.graphemes(true) {
        used += width(grapheme);
        if used > max {
            break;
        }
        kept.push_str(grapheme);
    }
    if max > 0 {
        kept.push_str(ELLIPSIS);
    }
    Cow::Owned(kept)
}

/// A count with its thousands marked: `75,000`.
#[must_use]
pub fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut marked = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            marked.push(',');
        }
        marked.push(digit);
    }
    marked
}

/// A count of things, the word in the number it asks for: `1 table`, `17 tables`.
#[must_use]
pub fn counted(count: usize, word: &str) -> String {
    format!("{} {word}{}", thousands(count as u64), if count == 1 { "" } else { "s" })
}

/// A time a person waited, in the unit they would use: `12 ms`, `3.4 s`, `2 min 5 s`.
#[must_use]
pub fn duration(elapsed: Duration) -> String {
    let millis = elapsed.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// A number of bytes in the unit a person would use: `812 B`, `3.4 MB`, `1.2 GB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match units.into_iter().find(|(_, size)| count >= *size) {
        Some((unit, size)) => format!("{}.{} {unit}", count / size, count % size * 10 / size),
        None => format!("{count} B"),
    }
}

/// The name of a type as `catalog.yaml` spells it; types the catalog does not know keep Arrow's name in lower case.
#[must_use]
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Int64 => "int".to_owned(),
        DataType::Float64 => "float".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(zone)) => format!("timestamp({zone})"),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision}, {scale})")
        }
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) => {
            format!("list<{}>", type_name(item.data_type()))
        }
        DataType::Dictionary(_, value) => type_name(value),
        other => other.to_string().to_lowercase(),
    }
}

/// The visible stand-in of a character that a terminal would act upon; always one column wide.
fn picture(c: char) -> Option<char> {
    match c {
        '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('⏎'),
        '\t' => Some('⇥'),
        // Unicode keeps pictures of the ASCII controls in the same order, 0x2400 further on.
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)),
        '\x7f' => Some('␡'),
        // 8-bit controls (among them a one-byte escape sequence introducer), and marks that turn the direction of
        // what follows.
        '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    }
}

fn replace(text: &str, stand_in: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if !text.chars().any(|c| stand_in(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| stand_in(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_and_never_sent() {
        assert_eq!(visible("a\r\nb\tc"), "a␍⏎b⇥c");
        assert_eq!(visible("\x1b[31mrojo\x1b[0m"), "␛[31mrojo␛[0m");
        assert_eq!(visible("\u{9b}2J \u{202e}oiraid"), "\u{fffd}2J \u{fffd}oiraid");
        assert_eq!(visible_lines("a\n\x07b"), "a\n␇b");
        assert!(matches!(visible("señal 😀"), Cow::Borrowed(_)), "plain text is not copied");
    }

    #[test]
    fn a_cut_counts_columns_and_keeps_characters_whole() {
        assert_eq!(cut("atención", 8), "atención");
        assert_eq!(cut("atención", 7), "atenci…");
        assert_eq!(cut("😀😀😀", 5), "😀😀…");
        assert_eq!(cut("😀😀😀", 4), "😀…");
        assert_eq!(cut("👨‍👩‍👧 familia", 4), "👨‍👩‍👧 …");
        assert_eq!(cut("ab", 1), "…");
        assert_eq!(cut("ab", 0), "");
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!([0, 999, 1_000, 171_031, 1_234_567].map(thousands), ["0", "999", "1,000", "171,031", "1,234,567"]);
        assert_eq!(
            [0, 12, 999, 1_000, 3_449, 59_999, 125_000].map(|ms| duration(Duration::from_millis(ms))),
            ["0 ms", "12 ms", "999 ms", "1.0 s", "3.4 s", "59.9 s", "2 min 5 s"]
        );
        assert_eq!(
            [0, 999, 1_000, 3_449_000, 12_000_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "3.4 MB", "12.0 GB"]
        );
    }
}
