//! The YAML text of a document and where it stands in its file.

use std::ops::Range;

use crate::error::Place;

/// A YAML text, which may be a part of a file, such as the header of a model.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    file: &'a str,
    whole: &'a str,
    yaml: &'a str,
    /// Lines of the file before the YAML.
    lines_before: usize,
    /// Characters on the YAML's first line before it.
    columns_before: usize,
}

impl<'a> Text<'a> {
    /// A file that is YAML from its first to its last character.
    pub fn whole(file: &'a str, text: &'a str) -> Self {
        Self { file, whole: text, yaml: text, lines_before: 0, columns_before: 0 }
    }

    /// The bytes `range` of the file `file`, whose text is `whole`. A range outside of the text is empty.
    pub fn part(file: &'a str, whole: &'a str, range: Range<usize>) -> Self {
        let before = whole.get(..range.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            file,
            whole,
            yaml: whole.get(range).unwrap_or_default(),
            lines_before: before.matches('\n').count(),
            columns_before: before[line_start..].chars().count(),
        }
    }

    /// The YAML.
    pub fn yaml(&self) -> &'a str {
        self.yaml
    }

    /// The place in the file of `line` and `column` (both from 1) of the YAML.
    pub fn place(&self, line: usize, column: usize, width: usize) -> Place {
        let column = if line <= 1 { column + self.columns_before } else { column };
        Place::in_text(self.file, self.whole, line + self.lines_before, column, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_a_part_are_those_of_the_file() {
        let file = "-- ñ\n/*--- a: 1\nb: 2 ---*/\nSELECT 1";
        let start = file.find("a:").unwrap();
        let end = file.find(" ---*/").unwrap();
        let text = Text::part("x.sql", file, start..end);
        assert_eq!(text.yaml(), "a: 1\nb: 2");
        assert_eq!(text.place(1, 4, 1).to_string(), "x.sql:2:10");
        assert_eq!(text.place(2, 4, 1).to_string(), "x.sql:3:4");
        assert_eq!(text.place(2, 4, 1).text, "b: 2 ---*/");
    }
}
