//! Lists of texts written as a JSON array or as a Python literal: `["a", "b"]`, `['a', 'b']`, `[]`.

/// Reads `text` and gives each item to `item`, `None` for `null` or `None`. Says whether `text` is such a list; if it
/// is not, the items given so far mean nothing.
pub(super) fn strings(text: &str, mut item: impl FnMut(Option<&str>)) -> bool {
    read(text, &mut item).is_some()
}

fn read(text: &str, item: &mut dyn FnMut(Option<&str>)) -> Option<()> {
    let mut rest = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut unescaped = String::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("None").or_else(|| rest.strip_prefix("null")) {
            item(None);
            rest = after;
        } else {
            rest = string(rest, &mut unescaped, item)?;
        }
        rest = rest.trim_start();
        // A comma after the last item is Python's way to write a list, too.
        rest = match rest.strip_prefix(',') {
            Some(after) => after.trim_start(),
            None if rest.is_empty() => rest,
            None => return None,
        };
    }
    Some(())
}

/// Reads the quoted string at the beginning of `text`, gives it to `item` and returns what follows.
fn string<'a>(text: &'a str, unescaped: &mut String, item: &mut dyn FnMut(Option<&str>)) -> Option<&'a str> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut rest = &text[1..];
    let end = rest.find([quote, '\\'])?;
    if rest[end..].starts_with(quote) {
        item(Some(&rest[..end]));
        return Some(&rest[end + 1..]);
    }
    unescaped.clear();
    loop {
        let end = rest.find([quote, '\\'])?;
        unescaped.push_str(&rest[..end]);
        if rest[end..].starts_with(quote) {
            item(Some(unescaped));
            return Some(&rest[end + 1..]);
        }
        let (meant, after) = escape(&rest[end + 1..])?;
        unescaped.push(meant);
        rest = after;
    }
}

/// The character that the escape after a backslash means, and what follows it.
fn escape(text: &str) -> Option<(char, &str)> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    let meant = match kind {
        '\'' | '"' | '\\' | '/' => kind,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'a' => '\u{7}',
        'v' => '\u{b}',
        'x' => return hex(rest, 2).and_then(|(code, rest)| Some((char::from_u32(code)?, rest))),
        'U' => return hex(rest, 8).and_then(|(code, rest)| Some((char::from_u32(code)?, rest))),
        'u' => {
            let (high, rest) = hex(rest, 4)?;
            if let Some(meant) = char::from_u32(high) {
                return Some((meant, rest));
            }
            // JSON writes characters beyond 16 bits as a pair of surrogates.
            let (low, rest) = hex(rest.strip_prefix("\\u")?, 4)?;
            let pair = [u16::try_from(high).ok()?, u16::try_from(low).ok()?];
            return Some((char::decode_utf16(pair).next()?.ok()?, rest));
        }
        _ => return None,
    };
    Some((meant, rest))
}

fn hex(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (code, rest) = text.split_at_checked(digits)?;
    if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    Some((u32::from_str_radix(code, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(text: &str) -> Option<Vec<Option<String>>> {
        let mut items = Vec::new();
        strings(text, |item| items.push(item.map(str::to_owned))).then_some(items)
    }

    fn items(items: &[&str]) -> Vec<Option<String>> {
        items.iter().map(|item| Some((*item).to_owned())).collect()
    }

    /// Writes a list as Python's `repr` does.
    fn python(items: &[String]) -> String {
        let items: Vec<String> = items
            .iter()
            .map(|item| {
                let quote = if item.contains('\'') && !item.contains('"') { '"' } else { '\'' };
                let mut text = String::from(quote);
                for c in item.chars() {
                    match c {
                        '\\' => text.push_str("\\\\"),
                        '\n' => text.push_str("\\n"),
                        '\r' => text.push_str("\\r"),
                        '\t' => text.push_str("\\t"),
                        c if c == quote => text.extend(['\\', c]),
                        c if u32::from(c) < 0x20 || (0x7f..0xa1).contains(&u32::from(c)) => {
                            text.extend([format!("\\x{:02x}", u32::from(c))]);
                        }
                        c => text.push(c),
                    }
                }
                text.push(quote);
                text
            })
            .collect();
        format!("[{}]", items.join(", "))
    }

    #[test]
    fn both_ways_of_writing() {
        assert_eq!(list("['deposito', 'rentabilidad']").unwrap(), items(&["deposito", "rentabilidad"]));
        assert_eq!(list(r#"["deposito","rentabilidad"]"#).unwrap(), items(&["deposito", "rentabilidad"]));
        assert_eq!(list("['problema']").unwrap(), items(&["problema"]));
        assert_eq!(list("[]").unwrap(), items(&[]));
        assert_eq!(list(" [ 'a' , ] ").unwrap(), items(&["a"]));
        assert_eq!(list(r#"["it's", 'dijo "no"', 'it\'s']"#).unwrap(), items(&["it's", "dijo \"no\"", "it's"]));
        assert_eq!(
            list(r#"["\ud83d\ude0a", '\xf1', "\u00f1", '\U0001F60A']"#).unwrap(),
            items(&["😊", "ñ", "ñ", "😊"])
        );
        assert_eq!(list("[None, 'a', null]"), Some(vec![None, Some("a".to_owned()), None]));
    }

    #[test]
    fn what_is_not_a_list_of_texts() {
        for text in [
            "",
            "a",
            "a, b",
            "['a'",
            "'a']",
            "[a]",
            "[1, 2]",
            "['a' 'b']",
            "[,]",
            "['a',,'b']",
            "[['a']]",
            "['a]",
            "[\"a']",
            "['\\q']",
            "['\\x4']",
            "['\\ud83d']",
            "[']",
            "[Nonesuch]",
            "{'a': 1}",
            "['\\']",
            "['\\x+1']",
        ] {
            assert_eq!(list(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn lists_are_read_back(items in prop::collection::vec(prop::collection::vec(any::<char>(), 0..10), 0..5)) {
            let items: Vec<String> = items.into_iter().map(String::from_iter).collect();
            let expected: Vec<Option<String>> = items.iter().cloned().map(Some).collect();
            prop_assert_eq!(list(&serde_json::to_string(&items).unwrap()), Some(expected.clone()));
            prop_assert_eq!(list(&python(&items)), Some(expected));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]'\",\\\\a-fxuUé0-9 ]{0,20}") {
            let _any = list(&text);
        }
    }
}
