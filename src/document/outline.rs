//! Where the parts of a document stand in its bytes, so that something can be written into it and every other byte
//! stays as it is.

use std::ops::Range;

use super::notes::{Path, Step};
use super::text::Text;
use super::tree::{self, Mark, Node, Value};
use crate::error::Finding;

/// A document and the places of its parts.
#[derive(Debug)]
pub struct Outline<'a> {
    yaml: &'a str,
    root: Node,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl<'a> Outline<'a> {
    /// The outline of a text.
    ///
    /// # Errors
    /// What makes the text no YAML.
    pub fn of(text: Text<'a>) -> Result<Self, Finding> {
        let yaml = text.yaml();
        let lines = std::iter::once(0).chain(yaml.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Ok(Self { yaml, root: tree::parse(&text)?, lines })
    }

    /// The line end that the document is written with.
    #[must_use]
    pub fn line_end(&self) -> &'static str {
        if self.yaml.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// The bytes of the scalar at `path`, its quotes included.
    #[must_use]
    pub fn scalar(&self, path: &Path) -> Option<Range<usize>> {
        let node = self.node(path)?;
        if matches!(node.value, Value::List(_) | Value::Map(_)) {
            return None;
        }
        let start = self.offset(node.mark);
        let length = self.yaml[start..].chars().take(node.mark.width).map(char::len_utf8).sum::<usize>();
        Some(start..start + length)
    }

    /// Whether the map or list at `path` is written in brackets.
    #[must_use]
    pub fn in_brackets(&self, path: &Path) -> bool {
        let opening = |node: &Node| self.yaml[self.offset(node.mark)..].starts_with(['{', '[']);
        self.node(path).is_some_and(opening)
    }

    /// How far the keys or dashes of the map or list at `path`, which is not [in brackets](Self::in_brackets), are
    /// indented. None if it is empty.
    #[must_use]
    pub fn indentation(&self, path: &Path) -> Option<usize> {
        let line = match &self.node(path)?.value {
            Value::Map(entries) => return entries.first().map(|(key, _)| key.mark.column - 1),
            Value::List(items) => items.first()?.mark.line,
            _ => return None,
        };
        // The mark of an item is at its content; its dash stands before it, the first thing on the line.
        let text = self.line(line);
        Some(text.len() - text.trim_start_matches(' ').len())
    }

    /// Where something can be added after the value at `path`, which is not [in brackets](Self::in_brackets): the end of
    /// its last line, the line end not included.
    #[must_use]
    pub fn end(&self, path: &Path) -> Option<usize> {
        let node = self.node(path)?;
        let indentation = self.indentation(path)?;
        let last = last_line(node);
        let mut marks = Vec::new();
        gather(&self.root, &mut marks);
        let next = marks.into_iter().filter(|line| *line > last).min().unwrap_or(self.lines.len() + 1);
        // Between the last part and the next one stand the rest of a long text, comments and empty lines. A comment that is
        // not indented deeper may belong to what follows.
        let belongs = |line: &usize| {
            let text = self.line(*line);
            let content = text.trim_start_matches(' ');
            let deeper = text.len() - content.len() > indentation;
            !content.trim_end().is_empty() && (deeper || !content.starts_with('#')) && !is_mark_of_end(text)
        };
        let end = (last + 1..next).rev().find(belongs).unwrap_or(last);
        let text = self.line(end);
        Some(self.lines[end - 1] + text.trim_end_matches(['\n', '\r']).len())
    }

    fn node(&self, path: &Path) -> Option<&Node> {
        path.steps().iter().try_fold(&self.root, |node, step| match (step, &node.value) {
            (Step::Key(wanted), Value::Map(entries)) => {
                entries.iter().find(|(key, _)| key.text == *wanted).map(|(_, value)| value)
            }
            (Step::Item(item), Value::List(items)) => items.get(*item),
            _ => None,
        })
    }

    /// The line number `line`, from 1, with its end.
    fn line(&self, line: usize) -> &'a str {
        let start = self.lines.get(line - 1).copied().unwrap_or(self.yaml.len());
        let end = self.lines.get(line).copied().unwrap_or(self.yaml.len());
        &self.yaml[start..end]
    }

    fn offset(&self, mark: Mark) -> usize {
        let before = self.line(mark.line).chars().take(mark.column - 1).map(char::len_utf8).sum::<usize>();
        self.lines.get(mark.line - 1).map_or(self.yaml.len(), |start| start + before)
    }
}

/// Whether a line ends the document rather than saying something.
fn is_mark_of_end(line: &str) -> bool {
    matches!(line.trim_end(), "..." | "---")
}

/// The last line on which a part of `node` begins.
fn last_line(node: &Node) -> usize {
    let mut lines = vec![node.mark.line];
    gather(node, &mut lines);
    lines.into_iter().max().unwrap_or(node.mark.line)
}

/// The lines on which the parts of `node` begin.
fn gather(node: &Node, lines: &mut Vec<usize>) {
    match &node.value {
        Value::Map(entries) => {
            for (key, value) in entries {
                lines.extend([key.mark.line, value.mark.line]);
                gather(value, lines);
            }
        }
        Value::List(items) => {
            for item in items {
                lines.push(item.mark.line);
                gather(item, lines);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "\
# reseñas
datasets:
  reseñas:
    path: 'r.csv'   # aquí
    description: |
      dos

      # líneas
    # de otra cosa

  otras: { path: o.csv }
  listas:
    columns:
      - { name: a, type: int }
      - name: b
        type: 'int' # b
";

    fn at(path: &[&str]) -> Path {
        path.iter().fold(Path::root(), |path, key| match key.parse::<usize>() {
            Ok(item) => path.then(item),
            Err(_) => path.then(*key),
        })
    }

    #[test]
    fn parts_are_found_in_the_bytes() {
        for yaml in [YAML.to_owned(), YAML.replace('\n', "\r\n")] {
            let outline = Outline::of(Text::whole("a.yaml", &yaml)).unwrap();
            let scalar = |path| outline.scalar(&at(path)).map(|range| &yaml[range]);
            assert_eq!(scalar(&["datasets", "reseñas", "path"]), Some("'r.csv'"));
            assert_eq!(scalar(&["datasets", "listas", "columns", "0", "type"]), Some("int"));
            assert_eq!(scalar(&["datasets", "listas", "columns", "1", "type"]), Some("'int'"));
            assert_eq!(scalar(&["datasets", "listas"]), None);
            let end = |path| outline.end(&at(path)).map(|end| yaml[..end].lines().last().unwrap_or_default());
            assert_eq!(end(&["datasets", "reseñas"]), Some("      # líneas"));
            assert_eq!(end(&["datasets", "listas"]), Some("        type: 'int' # b"));
            assert_eq!(end(&["datasets"]), Some("        type: 'int' # b"));
            assert!(outline.in_brackets(&at(&["datasets", "otras"])));
            assert!(!outline.in_brackets(&at(&["datasets", "listas", "columns"])));
            assert_eq!(outline.indentation(&at(&["datasets"])), Some(2));
            assert_eq!(outline.indentation(&at(&["datasets", "listas", "columns"])), Some(6));
        }
    }

    #[test]
    fn a_document_may_end_anywhere() {
        for (yaml, end) in
            [("a:\n  b: 1", 9), ("a:\n  b: 1\n", 9), ("a:\n  b: 1\n\n# c\n", 9), ("a:\n  b: 1\n...\n", 9)]
        {
            let outline = Outline::of(Text::whole("a.yaml", yaml)).unwrap();
            assert_eq!(outline.end(&at(&["a"])), Some(end), "{yaml}");
        }
    }
}
