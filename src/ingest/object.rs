//! One JSON object as it is written: its keys, and for each of them the text of its value.
//!
//! Values are found, not understood: a number keeps all its digits, of which a float of 64 bits would lose some, and
//! what has a structure of its own stays as it is written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Error, Value};

use super::element::end_of_string;

/// The entries of an object in their order, also those whose key stands there twice.
#[derive(Debug)]
pub(super) struct Object<'t> {
    pub(super) entries: Vec<Entry<'t>>,
}

/// A key with its value.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    pub(super) key: Cow<'t, str>,
    /// The first byte of the value in the text of the object.
    pub(super) at: usize,
    /// The value as it is written.
    pub(super) value: &'t str,
    /// The value as a CSV file would have it; nothing for `null`.
    pub(super) text: Option<Cow<'t, str>>,
}

impl<'t> Object<'t> {
    /// The object that `text` is.
    ///
    /// # Errors
    /// A text that is no object, with the place where it goes wrong.
    pub(super) fn parse(text: &'t str) -> Result<Self, Error> {
        serde_json::from_str::<Shape>(text)?;
        let bytes = text.as_bytes();
        let mut entries = Vec::new();
        let mut at = text.find('{').map_or(text.len(), |open| open + 1);
        // From here on the text is known to be an object: whatever stands between keys and values can be passed over.
        loop {
            let key = next(bytes, at);
            if bytes.get(key) != Some(&b'"') {
                return Ok(Self { entries });
            }
            let key_end = end_of_string(bytes, key + 1).unwrap_or(bytes.len());
            let value = next(bytes, key_end);
            at = end_of_value(bytes, value);
            entries.push(Entry {
                key: unescaped(&text[key..key_end])?,
                at: value,
                value: &text[value..at],
                text: plain(&text[value..at])?,
            });
        }
    }

    /// Whether a key stands there twice.
    pub(super) fn repeats_a_key(&self) -> bool {
        let mut keys: Vec<&str> = self.entries.iter().map(|entry| entry.key.as_ref()).collect();
        keys.sort_unstable();
        keys.windows(2).any(|two| two[0] == two[1])
    }
}

/// The next byte at or after `at` that belongs to a key, a value or the end of the object.
fn next(text: &[u8], at: usize) -> usize {
    let between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b':');
    text[at..].iter().position(|byte| !between(byte)).map_or(text.len(), |length| at + length)
}

/// The byte after the value that begins at `at`.
fn end_of_value(text: &[u8], at: usize) -> usize {
    let (mut at, mut depth) = (at, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(text, at + 1).unwrap_or(text.len());
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' if depth == 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            byte if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// What a string between its quotes says.
fn unescaped(string: &str) -> Result<Cow<'_, str>, Error> {
    match string.get(1..string.len().saturating_sub(1)) {
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        _ => serde_json::from_str::<String>(string).map(Cow::Owned),
    }
}

/// A value as a CSV file would have it.
fn plain(value: &str) -> Result<Option<Cow<'_, str>>, Error> {
    Ok(match value.as_bytes().first() {
        Some(b'"') => Some(unescaped(value)?),
        Some(b'n') => None,
        // Readers of integers know `1000.0` and not `1e3`.
        Some(b'-' | b'0'..=b'9') if value.contains(['e', 'E']) => {
            Some(serde_json::from_str::<Value>(value)?.to_string().into())
        }
        _ => Some(value.into()),
    })
}

/// Proves that a text is an object, and keeps nothing of it.
struct Shape;

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Shape)
            }
        }

        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(text: &str) -> Vec<String> {
        let object = Object::parse(text).unwrap();
        let entry = |entry: &Entry<'_>| {
            format!("{}@{}={} -> {}", entry.key, entry.at, entry.value, entry.text.as_deref().unwrap_or("NULL"))
        };
        object.entries.iter().map(entry).collect()
    }

    #[test]
    fn values_keep_every_digit_and_character() {
        assert_eq!(
            told(r#" { "a" : 12345678901234567890.10 , "b\n":"x\"}","c":[1, {"d": "]"}] ,"a":null,"e":1e3,"f":-0.1} "#),
            [
                "a@9=12345678901234567890.10 -> 12345678901234567890.10",
                "b\n@41=\"x\\\"}\" -> x\"}",
                "c@52=[1, {\"d\": \"]\"}] -> [1, {\"d\": \"]\"}]",
                "a@73=null -> NULL",
                "e@82=1e3 -> 1000.0",
                "f@90=-0.1 -> -0.1",
            ]
        );
        assert_eq!(told("{}"), Vec::<String>::new());
        assert!(Object::parse(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap().repeats_a_key());
        for text in
            ["", "[1]", "7", "{", "{\"a\"}", "{\"a\": 1,}", "{\"a\": 1} x", "{\"a\": \"\\ud800\"}", "{\"a\": 1e999}"]
        {
            assert!(Object::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn entries_are_those_that_the_general_parser_finds(
            entries in prop::collection::vec(("[a-c\"\\\\\n😊]{0,3}", 0_u8..7, "[{}\\[\\],:\"\\\\a1 \n]{0,5}"), 0..6), pretty: bool,
        ) {
            let value = |kind: u8, text: &str| match kind {
                0 => Value::Null,
                1 => Value::from(7),
                2 => Value::from(-1.5),
                3 => Value::from(true),
                4 => serde_json::json!([text, { text: [text] }]),
                5 => serde_json::json!({ text: text }),
                _ => Value::from(text),
            };
            let meant: serde_json::Map<String, Value> =
                entries.iter().map(|(key, kind, text)| (key.clone(), value(*kind, text))).collect();
            let text = if pretty { serde_json::to_string_pretty(&meant) } else { serde_json::to_string(&meant) }.unwrap();
            let object = Object::parse(&text).unwrap();
            prop_assert_eq!(object.entries.len(), meant.len());
            for (entry, (key, value)) in object.entries.iter().zip(&meant) {
                prop_assert_eq!(&entry.key, key);
                prop_assert_eq!(&text[entry.at..entry.at + entry.value.len()], entry.value);
                prop_assert_eq!(&serde_json::from_str::<Value>(entry.value).unwrap(), value);
                prop_assert_eq!(entry.text.as_deref(), match value {
                    Value::Null => None,
                    Value::String(text) => Some(text.as_str()),
                    _ => Some(entry.value),
                });
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\a1e \n]{0,40}") {
            Object::parse(&text).ok();
        }
    }
}
