//! Holding a tree against a schema: every unknown key, missing key and wrong type, and a value without them.
//!
//! Understands the part of JSON Schema that `schemars` writes for our types: `$ref`, `type`, `properties`, `required`,
//! `additionalProperties`, `items`, `enum`, `const`, `anyOf`, `oneOf`, `minimum`, `maximum`. Anything else (patterns,
//! formats) is for editors only.

use serde_json::{Map, Value as Json};

use super::notes::Path;
use super::text::Text;
use super::tree::{Key, Mark, Node, Value};
use crate::error::Finding;
use crate::name::{closest, did_you_mean};

/// What to say about a key that the schema does not have (`key`, `None`) or a value it does not list (`key`,
/// `Some(value)`), if more is known than that it is unknown.
pub type Unknown = fn(&str, Option<&str>) -> Option<Finding>;

/// The outcome of [`hold`].
#[derive(Debug)]
pub(super) struct Repaired {
    /// The document as JSON, without what was wrong.
    pub(super) value: Json,
    /// What was wrong.
    pub(super) findings: Vec<Finding>,
    /// Where the value is not what was written.
    pub(super) paths: Vec<Path>,
}

/// Holds `tree` against `schema`.
pub(super) fn hold(tree: &Node, schema: &Json, unknown: Unknown, text: &Text<'_>) -> Repaired {
    let mut holder = Holder { definitions: &schema["$defs"], unknown, text, findings: Vec::new(), paths: Vec::new() };
    let value = holder.node(tree, schema, &Path::root(), None);
    Repaired { value, findings: holder.findings, paths: holder.paths }
}

struct Holder<'a> {
    definitions: &'a Json,
    unknown: Unknown,
    text: &'a Text<'a>,
    findings: Vec<Finding>,
    paths: Vec<Path>,
}

impl<'a> Holder<'a> {
    /// Checks `node`, the value of `key`, and returns it as JSON that fits the schema.
    fn node(&mut self, node: &Node, schema: &'a Json, path: &Path, key: Option<&Key>) -> Json {
        let schema = self.resolved(schema);
        let branches = self.alternatives(schema);
        if !branches.is_empty() {
            return self.branches(node, &branches, path, key);
        }
        let allowed = allowed_values(schema);
        if !allowed.is_empty() {
            return self.one_of(node, &allowed, path, key);
        }
        let types = types(schema);
        match &node.value {
            Value::Null if types.contains(&"null") => Json::Null,
            Value::Map(entries) if types.contains(&"object") => self.map(node, entries, schema, path, key),
            Value::List(items) if types.contains(&"array") => {
                let Some(of_items) = schema.get("items") else { return to_json(node) };
                let items = items.iter().enumerate().map(|(i, item)| self.node(item, of_items, &path.then(i), key));
                Json::Array(items.collect())
            }
            Value::Bool(value) if types.contains(&"boolean") => Json::Bool(*value),
            Value::Int(value) if types.contains(&"integer") || types.contains(&"number") => {
                self.within(node, *value, schema, path, key)
            }
            Value::Float(_) if types.contains(&"number") => to_json(node),
            // YAML does not ask a text for quotes, so whatever is written on one line is a text.
            scalar if types.contains(&"string") && scalar.scalar().is_some() => {
                scalar.scalar().map_or(Json::Null, Json::String)
            }
            _ if types.is_empty() => to_json(node),
            wrong => {
                let finding = wrong_type(wrong, &types, key, path);
                self.note(node.mark, path, finding);
                self.neutral(schema)
            }
        }
    }

    fn map(
        &mut self,
        node: &Node,
        entries: &[(Key, Node)],
        schema: &'a Json,
        path: &Path,
        owner: Option<&Key>,
    ) -> Json {
        let properties = schema.get("properties").and_then(Json::as_object);
        let others = schema.get("additionalProperties").filter(|others| others.is_object());
        let mut out = Map::new();
        let mut seen: Vec<&Key> = Vec::new();
        // Keys that a mistyped one stands for; these are not missing as well.
        let mut meant: Vec<&str> = Vec::new();
        for (key, value) in entries {
            let here = path.then(key.text.as_str());
            if let Some(first) = seen.iter().find(|earlier| earlier.text == key.text) {
                let first = self.text.place(first.mark.line, first.mark.column, 1);
                let finding = Finding::new(format!("key `{}` stands here a second time", key.text))
                    .hint(format!("it stands first in line {}; keep one of the two", first.line));
                self.findings.push(finding.at(self.place(key.mark)));
                continue;
            }
            seen.push(key);
            if let Some(schema) = properties.and_then(|properties| properties.get(&key.text)).or(others) {
                out.insert(key.text.clone(), self.node(value, schema, &here, Some(key)));
            } else {
                let known = || properties.into_iter().flat_map(Map::keys).map(String::as_str);
                meant.extend(closest(&key.text, known()));
                let finding = (self.unknown)(&key.text, None).unwrap_or_else(|| unknown_key(&key.text, known()));
                self.note(key.mark, &here, finding);
            }
        }
        for required in schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            if out.contains_key(required) {
                continue;
            }
            let here = path.then(required);
            if meant.contains(&required) {
                self.paths.push(here);
            } else {
                let description =
                    properties.and_then(|properties| properties.get(required)?.get("description")?.as_str());
                let finding = missing_key(required, description, owner, path);
                // In a list the item itself is the place; elsewhere its key is what a person looks for.
                let mark = owner.filter(|_| !path.ends_in_item()).map_or(node.mark, |owner| owner.mark);
                self.note(mark, &here, finding);
            }
            let neutral = properties.and_then(|properties| properties.get(required)).map(|schema| self.neutral(schema));
            out.insert(required.to_owned(), neutral.unwrap_or(Json::Null));
        }
        Json::Object(out)
    }

    /// Alternatives: fits one of them, or is judged by the one that is meant.
    fn branches(&mut self, node: &Node, branches: &[&'a Json], path: &Path, key: Option<&Key>) -> Json {
        let words: Vec<Json> = branches.iter().flat_map(|branch| allowed_values(branch)).collect();
        let only_words = branches.iter().all(|branch| !allowed_values(branch).is_empty() || types(branch) == ["null"]);
        if only_words {
            let null = matches!(node.value, Value::Null) && branches.iter().any(|branch| types(branch) == ["null"]);
            return if null { Json::Null } else { self.one_of(node, &words, path, key) };
        }
        let mut meant: Option<(Holder<'a>, Json)> = None;
        for branch in branches {
            let mut trial = Holder {
                definitions: self.definitions,
                unknown: self.unknown,
                text: self.text,
                findings: Vec::new(),
                paths: Vec::new(),
            };
            let value = trial.node(node, branch, path, key);
            if trial.findings.is_empty() {
                return value;
            }
            // A map that was meant as a map is told what is wrong in it, not that it is no number.
            if meant.is_none() && types(branch).contains(&node_type(&node.value)) {
                meant = Some((trial, value));
            }
        }
        if let Some((trial, value)) = meant {
            self.findings.extend(trial.findings);
            self.paths.extend(trial.paths);
            return value;
        }
        let all_types: Vec<&str> = branches.iter().flat_map(|branch| types(branch)).collect();
        self.note(node.mark, path, wrong_type(&node.value, &all_types, key, path));
        branches.last().map_or(Json::Null, |branch| self.neutral(branch))
    }

    fn one_of(&mut self, node: &Node, allowed: &[Json], path: &Path, key: Option<&Key>) -> Json {
        let written = to_json(node);
        if allowed.contains(&written) {
            return written;
        }
        let words: Vec<&str> = allowed.iter().filter_map(Json::as_str).collect();
        let of = key.map(|key| format!(" of `{}`", key.text)).unwrap_or_default();
        let finding = match node.value.scalar() {
            Some(text) => {
                let name = key.map_or("", |key| key.text.as_str());
                (self.unknown)(name, Some(&text)).unwrap_or_else(|| {
                    let finding = Finding::new(format!("unknown value `{text}`{of}"));
                    finding.hint(did_you_mean(
                        &text,
                        words.iter().copied(),
                        format!("one of {}", listed(words.iter().copied())),
                    ))
                })
            }
            None => Finding::new(format!("the value{of} is {}", node.value.kind()))
                .hint(format!("one of {}", listed(words))),
        };
        self.note(node.mark, path, finding);
        allowed.first().cloned().unwrap_or(Json::Null)
    }

    fn within(&mut self, node: &Node, value: i128, schema: &'a Json, path: &Path, key: Option<&Key>) -> Json {
        let name = key.map_or_else(|| "the value".to_owned(), |key| format!("`{}`", key.text));
        let bound = |name: &str| schema.get(name).and_then(Json::as_f64);
        #[expect(clippy::cast_precision_loss, reason = "bounds are small and the nearest float decides as well")]
        let number = value as f64;
        let message = match (bound("minimum"), bound("maximum")) {
            (Some(least), _) if number < least => format!("{name} must be at least {least}"),
            (_, Some(most)) if number > most => format!("{name} must be at most {most}"),
            _ => return to_json(node),
        };
        self.note(node.mark, path, Finding::new(message));
        self.neutral(schema)
    }

    /// Notes a finding whose value is replaced or left out.
    fn note(&mut self, mark: Mark, path: &Path, finding: Finding) {
        self.findings.push(finding.at(self.place(mark)));
        self.paths.push(path.clone());
    }

    fn place(&self, mark: Mark) -> crate::error::Place {
        self.text.place(mark.line, mark.column, mark.width)
    }

    /// A value that fits the schema and means as little as possible.
    fn neutral(&self, schema: &'a Json) -> Json {
        let schema = self.resolved(schema);
        if let Some(value) = allowed_values(schema).into_iter().next() {
            return value;
        }
        if let Some(branch) = self.alternatives(schema).last() {
            return self.neutral(branch);
        }
        let types = types(schema);
        match types.first().copied() {
            _ if types.contains(&"null") => Json::Null,
            Some("object") => {
                let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
                let required = required.filter_map(Json::as_str);
                Json::Object(required.map(|key| (key.to_owned(), self.neutral(&schema["properties"][key]))).collect())
            }
            Some("array") => Json::Array(Vec::new()),
            Some("string") => Json::String(String::new()),
            Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| Json::from(0)),
            Some("boolean") => Json::Bool(false),
            _ => Json::Null,
        }
    }

    /// The alternatives of a schema, those of alternatives included; none if it has none.
    fn alternatives(&self, schema: &'a Json) -> Vec<&'a Json> {
        let branches = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array);
        let mut all = Vec::new();
        for branch in branches.into_iter().flatten().map(|branch| self.resolved(branch)) {
            let inner = self.alternatives(branch);
            if inner.is_empty() {
                all.push(branch);
            } else {
                all.extend(inner);
            }
        }
        all
    }

    fn resolved(&self, schema: &'a Json) -> &'a Json {
        match definition(schema) {
            Some(name) => &self.definitions[name],
            None => schema,
        }
    }
}

/// The definition a schema refers to.
fn definition(schema: &Json) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix("#/$defs/")
}

/// The values a schema allows, if it lists them.
fn allowed_values(schema: &Json) -> Vec<Json> {
    match (schema.get("enum").and_then(Json::as_array), schema.get("const")) {
        (Some(values), _) => values.clone(),
        (None, Some(value)) => vec![value.clone()],
        (None, None) => Vec::new(),
    }
}

/// The types a schema allows; none if it does not say.
fn types(schema: &Json) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn node_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Int(_) => "integer",
        Value::Float(_) => "number",
        Value::Text(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

fn wrong_type(wrong: &Value, types: &[&str], key: Option<&Key>, path: &Path) -> Finding {
    let name = match key {
        Some(key) if path.ends_in_item() => format!("an item of `{}`", key.text),
        Some(key) => format!("`{}`", key.text),
        None => "the document".to_owned(),
    };
    let wanted = types.iter().filter_map(|one| match *one {
        "object" => Some("a map (key: value)"),
        "array" => Some("a list"),
        "string" => Some("a text"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("true or false"),
        _ => None,
    });
    let wanted = wanted.collect::<Vec<_>>().join(" or ");
    let finding = match wrong {
        Value::Null => Finding::new(format!("{name} has no value; it must be {wanted}")),
        _ => Finding::new(format!("{name} must be {wanted}, this is {}", wrong.kind())),
    };
    match wrong.scalar() {
        Some(text) if types.contains(&"array") && !text.contains('\n') => finding.hint(format!("write [{text}]")),
        _ => finding,
    }
}

fn missing_key(required: &str, description: Option<&str>, owner: Option<&Key>, path: &Path) -> Finding {
    let finding = Finding::new(match owner {
        Some(owner) if path.ends_in_item() => format!("an item of `{}` has no key `{required}`", owner.text),
        Some(owner) => format!("`{}` has no key `{required}`", owner.text),
        None => format!("there is no key `{required}`"),
    });
    match description.and_then(|description| description.lines().next()) {
        Some(meaning) => finding.hint(format!("add `{required}:`: {}", meaning.trim_end_matches('.'))),
        None => finding.hint(format!("add `{required}:`")),
    }
}

fn unknown_key<'k>(key: &str, known: impl Iterator<Item = &'k str> + Clone) -> Finding {
    let finding = Finding::new(format!("unknown key `{key}`"));
    finding.hint(did_you_mean(key, known.clone(), format!("the keys here are {}", listed(known))))
}

fn listed<'k>(words: impl IntoIterator<Item = &'k str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => i64::try_from(*value)
            .map(Json::from)
            .or_else(|_| u64::try_from(*value).map(Json::from))
            .unwrap_or(Json::Null),
        Value::Float(value) => Json::from(*value),
        Value::Text(value) => Json::String(value.clone()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|(key, value)| (key.text.clone(), to_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::super::{Text, just_unknown, read, render};

    /// A shape with one of everything.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the shape matters")]
    struct Sample {
        /// The number.
        number: u32,
        colour: Option<Colour>,
        #[serde(default)]
        boxes: BTreeMap<String, Cuboid>,
        #[serde(default)]
        list: Vec<Cuboid>,
        text: Option<String>,
        #[serde(default)]
        flag: bool,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        /// As blood.
        Red,
        Green,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the shape matters")]
    struct Cuboid {
        /// Metres.
        width: f64,
        mark: Option<Mark>,
        labels: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only the shape matters")]
    enum Mark {
        Number(i64),
        Text(String),
    }

    fn findings(yaml: &str) -> String {
        let (value, notes) = read::<Sample>(Text::whole("a.yaml", yaml), just_unknown);
        let findings = notes.into_findings();
        assert!(value.is_some(), "a value for {yaml}, {findings:?}");
        render(&findings)
    }

    #[test]
    fn a_correct_text_has_no_findings() {
        assert_eq!(findings("number: 1\ncolour: red\nboxes: { a: { width: 1, labels: } }\ntext: 5\n"), "");
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let yaml = "\
nmber: 1
colour: rde
boxes:
  a: { width: wide, labels: red }
  b: { labels: [x, [y]], depth: 3 }
list:
  - width: 1
  - labels: []
    mark: [1]
text: { a: 1 }
flag: maybe
flag: true
";
        insta::assert_snapshot!(findings(yaml), @"
        a.yaml:1:1+5 unknown key `nmber` (did you mean `number`?)
        a.yaml:2:9+3 unknown value `rde` of `colour` (did you mean `red`?)
        a.yaml:4:15+4 `width` must be a number, this is a text
        a.yaml:4:29+3 `labels` must be a list, this is a text (write [red])
        a.yaml:5:3+1 `b` has no key `width` (add `width:`: Metres)
        a.yaml:5:20+1 an item of `labels` must be a text, this is a list
        a.yaml:5:26+5 unknown key `depth` (the keys here are width, mark, labels)
        a.yaml:8:5+1 an item of `list` has no key `width` (add `width:`: Metres)
        a.yaml:9:11+1 `mark` must be a whole number or a text, this is a list
        a.yaml:10:7+1 `text` must be a text, this is a map
        a.yaml:11:7+5 `flag` must be true or false, this is a text
        a.yaml:12:1+4 key `flag` stands here a second time (it stands first in line 11; keep one of the two)
        ");
    }

    #[test]
    fn the_root_must_be_a_map() {
        insta::assert_snapshot!(findings("[1]"), @"a.yaml:1:1+1 the document must be a map (key: value), this is a list");
        insta::assert_snapshot!(findings("number: -1"), @"a.yaml:1:9+2 `number` must be at least 0");
        insta::assert_snapshot!(findings("number:"), @"a.yaml:1:7+0 `number` has no value; it must be a whole number");
    }
}
