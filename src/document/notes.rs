//! What is wrong with a document, gathered by path: each note finds its place when it is written.

use std::cell::OnceCell;

use super::text::Text;
use super::tree::{self, Mark, Node, Value};
use crate::error::{Finding, Place};

/// A way from the root of a document to a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

/// One step of a [`Path`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list, from 0.
    Item(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(item: usize) -> Self {
        Self::Item(item)
    }
}

impl Path {
    /// The root of the document.
    pub fn root() -> Self {
        Self::default()
    }

    /// This path and one step more.
    #[must_use]
    pub fn then(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Self(steps)
    }

    /// The steps from the root.
    pub(super) fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether the path ends at an item of a list.
    pub(super) fn ends_in_item(&self) -> bool {
        matches!(self.0.last(), Some(Step::Item(_)))
    }

    fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }
}

/// The mistakes of one document. Nothing is looked up until there is one.
#[derive(Debug)]
pub struct Notes<'a> {
    text: Text<'a>,
    tree: OnceCell<Option<Node>>,
    findings: Vec<Finding>,
    repaired: Vec<Path>,
}

impl<'a> Notes<'a> {
    /// No mistake so far.
    pub fn new(text: Text<'a>) -> Self {
        Self { text, tree: OnceCell::new(), findings: Vec::new(), repaired: Vec::new() }
    }

    /// The text is not YAML.
    pub(super) fn failed(text: Text<'a>, finding: Finding) -> Self {
        Self { text, tree: OnceCell::from(None), findings: vec![finding], repaired: Vec::new() }
    }

    /// The mistakes of shape, and the paths whose values are not the person's own.
    pub(super) fn with(text: Text<'a>, tree: Node, findings: Vec<Finding>, repaired: Vec<Path>) -> Self {
        Self { text, tree: OnceCell::from(Some(tree)), findings, repaired }
    }

    /// Notes a mistake in the value at `path`, unless something inside of it is wrong already.
    pub fn value(&mut self, path: &Path, finding: Finding) {
        if self.repaired.iter().any(|repaired| repaired.starts_with(path)) {
            return;
        }
        let place = self.place_of_value(path);
        self.add(path, place, finding);
    }

    /// Notes a mistake in the key at the end of `path`, or in the value where the path ends in a list.
    pub fn key(&mut self, path: &Path, finding: Finding) {
        let place = self.place_of_key(path);
        self.add(path, place, finding);
    }

    /// Notes a mistake in a place found by other means.
    pub fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// The place of the value at `path`, or of the nearest thing around it that is written.
    pub fn place_of_value(&self, path: &Path) -> Place {
        self.place(self.find(path).1)
    }

    /// The place of the key at the end of `path`.
    pub fn place_of_key(&self, path: &Path) -> Place {
        let (key, value) = self.find(path);
        self.place(key.unwrap_or(value))
    }

    /// All mistakes, in the order of their places.
    pub fn into_findings(self) -> Vec<Finding> {
        let mut findings = self.findings;
        findings.sort_by_key(|finding| finding.place.as_ref().map(|place| (place.line, place.column)));
        findings
    }

    fn add(&mut self, path: &Path, place: Place, finding: Finding) {
        let consequence = self.repaired.iter().any(|repaired| path.starts_with(repaired));
        if !consequence {
            self.findings.push(finding.at(place));
        }
    }

    fn place(&self, mark: Mark) -> Place {
        self.text.place(mark.line, mark.column, mark.width)
    }

    /// The marks of the key that leads to the value at `path` and of the value.
    fn find(&self, path: &Path) -> (Option<Mark>, Mark) {
        let tree = self.tree.get_or_init(|| tree::parse(&self.text).ok());
        let Some(mut node) = tree.as_ref() else {
            return (None, Mark { line: 1, column: 1, width: 1 });
        };
        let mut key_mark = None;
        for step in &path.0 {
            let next = match (step, &node.value) {
                (Step::Key(wanted), Value::Map(entries)) => {
                    entries.iter().find(|(key, _)| key.text == *wanted).map(|(key, value)| (Some(key.mark), value))
                }
                (Step::Item(item), Value::List(items)) => items.get(*item).map(|value| (None, value)),
                _ => None,
            };
            // What is not written is marked at the key of what should hold it.
            let Some((mark, value)) = next else { return (key_mark, key_mark.unwrap_or(node.mark)) };
            key_mark = mark;
            node = value;
        }
        (key_mark, node.mark)
    }
}
