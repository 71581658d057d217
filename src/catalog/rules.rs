//! What the values of a column must be like, besides being of its type.

use regex::Regex;

use super::file::{ColumnFile, FormatsFile, ScalarFile};
use super::{ColumnType, Shapes};
use crate::document::{Notes, Path};
use crate::error::Finding;

/// How the values of a column are written and which of them are accepted. All texts are as `catalog.yaml` has them, and
/// are known to mean something for the column's type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rules {
    /// The shapes of a date or timestamp, as strftime patterns; the ISO shapes if there are none.
    pub formats: Vec<String>,
    /// What stands between the items of a list; JSON and Python literals are read if there is nothing.
    pub separator: Option<String>,
    /// The least value.
    pub min: Option<String>,
    /// The greatest value.
    pub max: Option<String>,
    /// The values, all others are wrong; any value if there are none.
    pub values: Vec<String>,
    /// A regular expression that a whole text matches.
    pub pattern: Option<String>,
    /// No two rows have the same value.
    pub unique: bool,
}

impl Rules {
    /// Whether any value of the column's type is accepted, whatever other rows have.
    #[must_use]
    pub fn accept_all(&self) -> bool {
        self.min.is_none() && self.max.is_none() && self.values.is_empty() && self.pattern.is_none()
    }
}

/// The expression that a whole text must match.
///
/// # Errors
/// A text that is no regular expression.
pub fn whole_pattern(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

/// Validates the rules of the column `file`, which stands at `here`.
pub(super) fn rules(file: &ColumnFile, column_type: ColumnType, here: &Path, notes: &mut Notes<'_>) -> Rules {
    let formats = match &file.format {
        None => Vec::new(),
        Some(FormatsFile::One(one)) => vec![one.clone()],
        Some(FormatsFile::Many(many)) => many.clone(),
    };
    let (name, moment) = (&file.name, matches!(column_type, ColumnType::Date | ColumnType::Timestamp));
    if !formats.is_empty() && !moment {
        let finding = Finding::new(format!("`format` is for dates and timestamps, `{name}` is of type {column_type}"));
        notes.key(&here.then("format"), finding.hint("take it out, or declare `type: date` or `timestamp`"));
    } else if let Err(wrong) = Shapes::new(&formats) {
        let finding = Finding::new(wrong);
        notes.value(&here.then("format"), finding.hint("write it like %d/%m/%Y or %Y-%m-%d %H:%M:%S"));
    }
    if let Some(separator) = &file.separator {
        if column_type != ColumnType::StringList {
            let finding = Finding::new(format!("`separator` is for lists, `{name}` is none"));
            notes.key(&here.then("separator"), finding.hint("take it out, or declare `type: list<string>`"));
        } else if separator.is_empty() {
            let finding = Finding::new("the separator is empty");
            notes.value(&here.then("separator"), finding.hint("write what stands between the items, such as \",\""));
        }
    }
    let ordered = !matches!(column_type, ColumnType::String | ColumnType::Bool | ColumnType::StringList);
    let mut bound = |key: &str, bound: Option<&ScalarFile>| {
        let text = bound?.text();
        if !ordered {
            let finding = Finding::new(format!("`{key}` is for numbers, dates and timestamps, `{name}` is none"));
            notes.key(&here.then(key), finding.hint("take it out; texts have `values` and `pattern`"));
        } else if column_type.value(&text).is_none() {
            notes.value(&here.then(key), Finding::new(format!("`{text}` is no value of the column's type")));
        }
        Some(text)
    };
    let (min, max) = (bound("min", file.min.as_ref()), bound("max", file.max.as_ref()));
    let values: Vec<String> = file.values.iter().map(ScalarFile::text).collect();
    if !values.is_empty() && column_type == ColumnType::StringList {
        let finding = Finding::new("`values` is for single values, not for lists");
        notes.key(&here.then("values"), finding.hint("take it out"));
    } else {
        for (i, text) in values.iter().enumerate().filter(|(_, text)| column_type.value(text).is_none()) {
            let finding = Finding::new(format!("`{text}` is no value of the column's type"));
            notes.value(&here.then("values").then(i), finding);
        }
    }
    if let Some(pattern) = &file.pattern {
        if column_type != ColumnType::String {
            let finding = Finding::new(format!("`pattern` is for texts, `{name}` is none"));
            notes.key(&here.then("pattern"), finding.hint("take it out, or declare `type: string`"));
        } else if let Err(wrong) = whole_pattern(pattern) {
            let why = wrong.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            notes.value(&here.then("pattern"), Finding::new(format!("`{pattern}` is no regular expression: {why}")));
        }
    }
    if file.unique && column_type == ColumnType::StringList {
        let finding = Finding::new("`unique` is for single values, not for lists");
        notes.key(&here.then("unique"), finding.hint("take it out"));
    }
    let (separator, pattern) = (file.separator.clone(), file.pattern.clone());
    Rules { formats, separator, min, max, values, pattern, unique: file.unique }
}

#[cfg(test)]
mod tests {
    use super::super::Catalog;

    fn findings(columns: &str) -> String {
        let head = "version: 1\nproject: p\nlake: l\ndatasets:\n  d:\n    path: d.csv\n    columns:\n";
        let error = Catalog::parse(&format!("{head}{columns}"), "catalog.yaml").unwrap_err();
        let told = error.all_findings().iter().map(|finding| {
            let hint = finding.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            format!(
                "{}:{} {}{hint}",
                finding.place.as_ref().unwrap().line,
                finding.place.as_ref().unwrap().column,
                finding.message
            )
        });
        told.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn rules_are_kept_as_written() {
        let text = "version: 1\nproject: p\nlake: l\ndatasets:\n  d:\n    path: d.csv\n    columns:\n      \
            - { name: n, type: int, min: 0, max: 10, values: [1, 2, 3] }\n      \
            - { name: x, type: 'decimal(4,2)', min: -0.5, max: 10.25 }\n      \
            - { name: dia, type: date, format: '%d/%m/%Y', min: 2020-01-01 }\n      \
            - { name: hora, type: timestamp, format: ['%d/%m/%Y %H:%M', '%Y-%m-%d'] }\n      \
            - { name: id, type: string, pattern: 'T[0-9]+', values: [T1, 'T2'] }\n      \
            - { name: e, type: list<string>, separator: ';' }\n";
        let catalog = Catalog::parse(text, "catalog.yaml").unwrap();
        let columns = &catalog.datasets["d"].columns;
        assert_eq!((columns[0].rules.min.as_deref(), columns[0].rules.max.as_deref()), (Some("0"), Some("10")));
        assert_eq!(columns[0].rules.values, ["1", "2", "3"]);
        assert_eq!((columns[1].rules.min.as_deref(), columns[1].rules.max.as_deref()), (Some("-0.5"), Some("10.25")));
        assert_eq!((columns[2].rules.formats.len(), columns[2].rules.min.as_deref()), (1, Some("2020-01-01")));
        assert_eq!(columns[3].rules.formats.len(), 2);
        assert_eq!((columns[4].rules.pattern.as_deref(), columns[4].rules.values.len()), (Some("T[0-9]+"), 2));
        assert_eq!(columns[5].rules.separator.as_deref(), Some(";"));
    }

    #[test]
    fn rules_that_cannot_hold_are_told() {
        insta::assert_snapshot!(findings("      \
            - { name: a, type: int, min: uno, format: '%Y', pattern: 'x' }\n      \
            - { name: b, type: string, min: 1, pattern: '(', separator: ',' }\n      \
            - { name: c, type: date, format: 'dd/mm/yyyy', max: 31/12/2024 }\n      \
            - { name: d, type: timestamp, format: ['%Y-%m-%d', '%Y-%m-%d %z'] }\n      \
            - { name: e, type: list<string>, values: [a], separator: '' }\n      \
            - { name: f, type: bool, values: [2] }\n"), @r#"
        8:36 `uno` is no value of the column's type
        8:41 `format` is for dates and timestamps, `a` is of type int (take it out, or declare `type: date` or `timestamp`)
        8:55 `pattern` is for texts, `a` is none (take it out, or declare `type: string`)
        9:34 `min` is for numbers, dates and timestamps, `b` is none (take it out; texts have `values` and `pattern`)
        9:51 `(` is no regular expression: unclosed group
        9:56 `separator` is for lists, `b` is none (take it out, or declare `type: list<string>`)
        10:40 `dd/mm/yyyy` does not say the year, the month and the day (write it like %d/%m/%Y or %Y-%m-%d %H:%M:%S)
        10:59 `31/12/2024` is no value of the column's type
        11:45 `%Y-%m-%d %z` says a zone, and instants here have none (write it like %d/%m/%Y or %Y-%m-%d %H:%M:%S)
        12:40 `values` is for single values, not for lists (take it out)
        12:64 the separator is empty (write what stands between the items, such as ",")
        13:41 `2` is no value of the column's type
        "#);
    }
}
