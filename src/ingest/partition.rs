//! Values that stand in the path of a file instead of in its rows: `year=2024/month=04/a.csv`.

use std::borrow::Cow;

/// What Hive writes for NULL.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The names and values in the folders of `path`, outermost first; `None` is NULL.
pub(super) fn values(path: &str) -> impl Iterator<Item = (Cow<'_, str>, Option<Cow<'_, str>>)> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').filter_map(|folder| folder.split_once('=')).filter(|(name, _)| !name.is_empty()).map(
        |(name, value)| {
            let value = (value != NULL && !value.is_empty()).then(|| unescaped(value));
            (unescaped(name), value)
        },
    )
}

/// The name and value of `column` in `path`, if it has one; the innermost counts.
pub(super) fn find<'a>(path: &'a str, column: &str) -> Option<(Cow<'a, str>, Option<Cow<'a, str>>)> {
    values(path).filter(|(name, _)| name == column).last()
}

/// `text` with characters written as `%2F` read as what they are.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let escape = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        bytes.push(escape.unwrap_or(byte));
        rest = if escape.is_some() { &after[2..] } else { after };
    }
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        Err(_) => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_name_their_values() {
        let path = "data/raw/year=2024/month=04/canal=app%2Fweb/zona=__HIVE_DEFAULT_PARTITION__/x=1.csv";
        let found: Vec<(String, Option<String>)> =
            values(path).map(|(name, value)| (name.into_owned(), value.map(Cow::into_owned))).collect();
        let expected = [("year", Some("2024")), ("month", Some("04")), ("canal", Some("app/web")), ("zona", None)];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))));
        assert_eq!(find(path, "month"), Some(("month".into(), Some("04".into()))));
        assert_eq!(find(path, "x"), None);
        assert_eq!(find("a=1/a=2/b.csv", "a"), Some(("a".into(), Some("2".into()))));
        assert_eq!(values("a.csv").count() + values("=1/b.csv").count(), 0);
        assert_eq!(find("a=50%/b.csv", "a"), Some(("a".into(), Some("50%".into()))));
    }
}
