//! Texts as scalars of YAML.

/// `text` as YAML reads it back wherever a value may stand, in brackets too: as it is if it is plain words, and
/// otherwise in quotes.
#[must_use]
pub fn scalar(text: &str) -> String {
    let begins_a_word = text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    let plain = begins_a_word
        && !text.ends_with(' ')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '<' | '>' | '(' | ')' | ' '))
        && !means_something(text);
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() || c == '\u{feff}' || c == '\u{2028}' || c == '\u{2029}' => {
                quoted.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Whether a bare word is more than a word, here or to other readers of YAML.
fn means_something(word: &str) -> bool {
    const WORDS: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];
    WORDS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_bare_and_the_rest_is_quoted() {
        for (text, written) in [
            ("canal", "canal"),
            ("reseña_id", "reseña_id"),
            ("data/raw/a.csv", "data/raw/a.csv"),
            ("Unit Price", "Unit Price"),
            ("list<string>", "list<string>"),
            ("s3://b/x", "\"s3://b/x\""),
            ("no", "\"no\""),
            ("2024", "\"2024\""),
            ("a: b", "\"a: b\""),
            ("a\"b", "\"a\\\"b\""),
            ("\t", "\"\\t\""),
            ("", "\"\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_back(text in any::<String>(), words in "[a-zA-Z0-9 _.,:#'\"{}\\[\\]&*!|>%@`~?-]{0,8}") {
            for text in [text, words] {
                let yaml = format!("{{ a: {} }}", scalar(&text));
                let read: std::collections::BTreeMap<String, String> = serde_yaml::from_str(&yaml).unwrap();
                prop_assert_eq!(&read["a"], &text, "{}", yaml);
            }
        }
    }
}
