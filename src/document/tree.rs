//! A YAML text as a tree in which every key and value knows where it stands.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_yaml::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_yaml::{Budget, Location, Options, Spanned};

use super::text::Text;
use crate::error::Finding;

/// How deep lists and maps may stand in each other; enough for anything written by hand.
const MAX_DEPTH: usize = 48;

/// Where something stands in the YAML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Line of the YAML, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
    /// Characters to underline.
    pub(super) width: usize,
}

impl Mark {
    fn of(location: Location) -> Self {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let width = number(location.span().len()).min(80);
        Self { line: number(location.line()).max(1), column: number(location.column()).max(1), width }
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) value: Value,
}

/// A key and its place.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) mark: Mark,
    pub(super) text: String,
}

/// What stands at a node. Maps keep the order of the text and repeated keys.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

impl Value {
    /// What this is, for a person.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Bool(_) => "true or false",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The text of a scalar as a person would write it.
    pub(super) fn scalar(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Text(value) => Some(value.clone()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

/// Reads a text as a `T`; a repeated key is a failure.
pub(super) fn deserialize<T: DeserializeOwned>(yaml: &str) -> Result<T, serde_yaml::Error> {
    serde_yaml::from_str_with_options(yaml, options(DuplicateKeyPolicy::Error))
}

/// Reads a text as a tree.
pub(super) fn parse(text: &Text<'_>) -> Result<Node, Finding> {
    serde_yaml::from_str_with_options(text.yaml(), options(DuplicateKeyPolicy::PassThrough))
        .map_err(|failure| finding(text, &failure))
}

/// What the YAML reader says, with its place.
pub(super) fn finding(text: &Text<'_>, failure: &serde_yaml::Error) -> Finding {
    let failure = failure.without_snippet();
    let said = failure.to_string();
    let first_line = said.lines().next().unwrap_or_default();
    // The reader repeats the place in its words; ours is the one that counts from the file's beginning.
    let message = match first_line.find(" at line ") {
        Some(end) => &first_line[..end],
        None => first_line,
    };
    // What follows is advice to programmers.
    let message = message.split("; use ").next().unwrap_or(message);
    let message = message.trim_end_matches([':', ',', ' ']);
    let mark = failure.location().map_or(Mark { line: 1, column: 1, width: 1 }, Mark::of);
    Finding::new(message).at(text.place(mark.line, mark.column, mark.width))
}

/// One reading of YAML for every document: version 1.2, so that `no` and `on` are words and `010101` keeps its zero.
fn options(duplicate_keys: DuplicateKeyPolicy) -> Options {
    serde_yaml::options! {
        budget: Some(budget()),
        duplicate_keys: duplicate_keys,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    }
}

fn budget() -> Budget {
    let mut budget = Budget::default();
    budget.max_depth = MAX_DEPTH;
    budget
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        let mut mark = Mark::of(spanned.referenced);
        if matches!(spanned.value, Value::List(_) | Value::Map(_)) {
            mark.width = 1;
        }
        Ok(Self { mark, value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// The text of a key. YAML reads the key `null` as nothing and `1` as a number; they are words here.
struct KeyText(String);

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self("null".to_owned())),
            value => value.scalar().map(Self).ok_or_else(|| serde::de::Error::custom("a key must be a word")),
        }
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Int(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Node>()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<KeyText>>()? {
            let key = Key { mark: Mark::of(key.referenced), text: key.value.0 };
            map.push((key, entries.next_value::<Node>()?));
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(node: &Node, out: &mut String) {
        use std::fmt::Write;
        let Mark { line, column, width } = node.mark;
        match &node.value {
            Value::List(items) => {
                writeln!(out, "{line}:{column}+{width} list").unwrap();
                for item in items {
                    render(item, out);
                }
            }
            Value::Map(entries) => {
                writeln!(out, "{line}:{column}+{width} map").unwrap();
                for (key, value) in entries {
                    writeln!(out, "{}:{}+{} key {}", key.mark.line, key.mark.column, key.mark.width, key.text).unwrap();
                    render(value, out);
                }
            }
            scalar => writeln!(out, "{line}:{column}+{width} {} {:?}", scalar.kind(), scalar.scalar()).unwrap(),
        }
    }

    fn rendered(yaml: &str) -> String {
        let mut out = String::new();
        render(&parse(&Text::whole("a.yaml", yaml)).unwrap(), &mut out);
        out
    }

    #[test]
    fn every_key_and_value_knows_its_place() {
        let yaml = "# reseñas\nreseña: { min: 1, max: 5.5 }\nlist:\n  - no\n  - '010'\n  - 010\nempty:\nlist: true\n";
        insta::assert_snapshot!(rendered(yaml), @r#"
        2:1+1 map
        2:1+6 key reseña
        2:9+1 map
        2:11+3 key min
        2:16+1 a whole number Some("1")
        2:19+3 key max
        2:24+3 a number Some("5.5")
        3:1+4 key list
        4:3+1 list
        4:5+2 a text Some("no")
        5:5+5 a text Some("010")
        6:5+3 a text Some("010")
        7:1+5 key empty
        7:6+0 empty None
        8:1+4 key list
        8:7+4 true or false Some("true")
        "#);
    }

    #[test]
    fn what_is_not_yaml_has_a_place() {
        let mut out = String::new();
        for yaml in ["a: [1, 2\nb: 3", "a: 'x\n", "a:\n\t- 1", "a: b: c", "{1: [}", "a: &x 1\nb: *y", "a: 1\n---\nb: 1"]
        {
            let finding = parse(&Text::whole("a.yaml", yaml)).unwrap_err();
            out.push_str(&format!("{} {}\n", finding.place.unwrap(), finding.message));
        }
        insta::assert_snapshot!(out, @"
        a.yaml:2:2 illegal placement of ':' indicator
        a.yaml:2:1 invalid indentation in multiline quoted scalar
        a.yaml:2:2 tabs disallowed within this context (block indentation)
        a.yaml:1:5 mapping values are not allowed in this context
        a.yaml:1:5 mismatched bracket '[' closed by '}'
        a.yaml:2:4 alias references unknown anchor
        a.yaml:3:1 multiple YAML documents detected
        ");
    }

    #[test]
    fn depth_is_limited() {
        let deep = "[".repeat(10_000);
        assert!(parse(&Text::whole("a.yaml", &deep)).is_err());
        let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
        assert!(parse(&Text::whole("a.yaml", &deep)).is_err());
    }
}
