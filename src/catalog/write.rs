//! Writing into a catalog that people keep by hand: every byte that is not about the change stays as it is.
//!
//! Nothing is written that does not mean what it should: the new text is read again and must give the old catalog and
//! the change, no more and no less.

use std::collections::BTreeMap;
use std::ops::Range;

use super::format::Ending;
use super::{Catalog, Column, CsvOptions, Dataset, Format, OnDrift};
use crate::document::{self, Outline, Path, Text, scalar};
use crate::error::{Error, Finding, Kind, Result};

/// A byte order mark, which some editors put first.
const MARK: char = '\u{feff}';

/// How far a new dataset's keys are indented where there is no other dataset to go by.
const INDENTATION: usize = 2;

/// Texts to put in the place of ranges of bytes.
type Edits = Vec<(Range<usize>, String)>;

/// A change of one dataset's columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Columns to declare after those that stand there.
    pub add: Vec<Column>,
    /// Columns that stand there, with another type and other formats.
    pub retype: Vec<Column>,
}

/// The catalog `text` with one dataset more, after the last.
///
/// # Errors
/// A name that is taken, or a catalog that cannot be written into.
pub fn with_dataset(text: &str, file: &str, dataset: &Dataset) -> Result<String> {
    let before = Catalog::parse(text, file)?;
    if before.datasets.contains_key(&dataset.name) {
        return Err(Error::usage(format!("{file} has a dataset `{}` already", dataset.name))
            .hint("give the new one another name with --name"));
    }
    let (mark, yaml) = split_mark(text);
    let outline = outline(yaml, file)?;
    let here = Path::root().then("datasets");
    let lines = dataset_lines(dataset);
    let Some(end) = outline.end(&here).filter(|_| !outline.in_brackets(&here)) else {
        return Err(cannot(file, "`datasets` is written in brackets", &indented(&lines, INDENTATION).join("\n")));
    };
    let indentation = outline.indentation(&here).unwrap_or(INDENTATION);
    let line_end = outline.line_end();
    let added = format!("{line_end}{line_end}{}", indented(&lines, indentation).join(line_end));
    let after = finish(mark, yaml, vec![(end..end, added)], line_end);
    let mut expected = before;
    expected.datasets.insert(dataset.name.clone(), dataset.clone());
    proven(after, file, &expected)
}

/// The catalog `text` with the columns of datasets that declare none.
///
/// # Errors
/// A catalog that cannot be written into.
pub fn with_columns(text: &str, file: &str, columns: &BTreeMap<String, Vec<Column>>) -> Result<String> {
    let mut expected = Catalog::parse(text, file)?;
    let (mark, yaml) = split_mark(text);
    let outline = outline(yaml, file)?;
    let line_end = outline.line_end();
    let mut edits = Vec::new();
    for (name, columns) in columns {
        let here = Path::root().then("datasets").then(name.as_str());
        let lines = columns_lines(columns);
        let end = outline.end(&here).filter(|_| !outline.in_brackets(&here));
        let (Some(end), Some(indentation)) = (end, outline.indentation(&here)) else {
            let lines = indented(&lines, INDENTATION * 2).join("\n");
            return Err(cannot(file, &format!("dataset `{name}` is written in brackets"), &lines));
        };
        edits.push((end..end, format!("{line_end}{}", indented(&lines, indentation).join(line_end))));
        if let Some(dataset) = expected.datasets.get_mut(name) {
            dataset.columns.clone_from(columns);
        }
    }
    proven(finish(mark, yaml, edits, line_end), file, &expected)
}

/// The catalog `text` with `changes` of the columns that datasets declare.
///
/// # Errors
/// A catalog that cannot be written into.
pub fn with_changes(text: &str, file: &str, changes: &BTreeMap<String, Change>) -> Result<String> {
    let mut expected = Catalog::parse(text, file)?;
    let (mark, yaml) = split_mark(text);
    let outline = outline(yaml, file)?;
    let line_end = outline.line_end();
    let mut edits = Vec::new();
    for (name, change) in changes {
        let here = Path::root().then("datasets").then(name.as_str()).then("columns");
        let Some(dataset) = expected.datasets.get_mut(name) else { continue };
        for column in &change.retype {
            let Some(at) = dataset.columns.iter().position(|declared| declared.name == column.name) else { continue };
            let item = here.then(at);
            let Some(place) = outline.scalar(&item.then("type")) else { continue };
            edits.push((place.clone(), type_name(column)));
            if outline.scalar(&item.then("format")).is_none() && !column.rules.formats.is_empty() {
                let format = format!("format: {}", list(&column.rules.formats));
                let lead = if outline.in_brackets(&item) {
                    ", ".to_owned()
                } else {
                    format!("{line_end}{}", " ".repeat(outline.indentation(&item).unwrap_or_default()))
                };
                edits.push((place.end..place.end, lead + &format));
            }
            dataset.columns[at].column_type = column.column_type;
            dataset.columns[at].rules.formats.clone_from(&column.rules.formats);
        }
        if !change.add.is_empty() {
            let lines: Vec<String> = change.add.iter().map(column_line).collect();
            let end = outline.end(&here).filter(|_| !outline.in_brackets(&here));
            let (Some(end), Some(indentation)) = (end, outline.indentation(&here)) else {
                let lines = indented(&lines, INDENTATION * 3).join("\n");
                return Err(cannot(file, &format!("the columns of `{name}` are written in brackets"), &lines));
            };
            edits.push((end..end, format!("{line_end}{}", indented(&lines, indentation).join(line_end))));
            dataset.columns.extend(change.add.iter().cloned());
        }
    }
    proven(finish(mark, yaml, edits, line_end), file, &expected)
}

/// A dataset as `catalog.yaml` declares it, its name first, without what goes without saying.
#[must_use]
pub fn dataset_lines(dataset: &Dataset) -> Vec<String> {
    let mut lines = vec![format!("{}:", dataset.name)];
    let mut say = |line: String| lines.push(format!("  {line}"));
    if !dataset.description.is_empty() {
        say(format!("description: {}", scalar(&dataset.description)));
    }
    say(format!("path: {}", scalar(&dataset.path)));
    let by_ending = Ending::of(&dataset.path).format();
    let written = dataset.format.name();
    if by_ending != Some(written) {
        say(format!("format: {written}"));
    }
    if let Format::Csv(options) = &dataset.format {
        let options = options_of(options, written);
        if !options.is_empty() {
            say(format!("options: {{ {} }}", options.join(", ")));
        }
    }
    match dataset.on_drift {
        OnDrift::QuarantineFile => {}
        OnDrift::Fail => say("on_drift: fail".to_owned()),
        OnDrift::AcceptNewColumns => say("on_drift: accept_new_columns".to_owned()),
    }
    if !dataset.metadata.is_empty() {
        let names: Vec<&str> = dataset.metadata.iter().map(|metadata| metadata.name()).collect();
        say(format!("metadata: [{}]", names.join(", ")));
    }
    columns_lines(&dataset.columns).into_iter().for_each(say);
    lines
}

/// The options that differ from what is assumed.
fn options_of(options: &CsvOptions, format: &str) -> Vec<String> {
    let mut said = Vec::new();
    let assumed = CsvOptions::default();
    if options.encoding != assumed.encoding {
        said.push(format!("encoding: {}", options.encoding.name().to_lowercase()));
    }
    let delimiter = if format == "tsv" { b'\t' } else { assumed.delimiter };
    if options.delimiter != delimiter {
        said.push(format!("delimiter: \"{}\"", char::from(options.delimiter).escape_default()));
    }
    if options.null != assumed.null {
        said.push(format!("null: {}", in_brackets(&options.null)));
    }
    said
}

fn columns_lines(columns: &[Column]) -> Vec<String> {
    let items = columns.iter().map(|column| format!("  {}", column_line(column)));
    std::iter::once("columns:".to_owned()).chain(items).collect()
}

/// A column as an item of `columns:`.
#[must_use]
pub fn column_line(column: &Column) -> String {
    let mut keys = vec![format!("name: {}", scalar(&column.name)), format!("type: {}", type_name(column))];
    if !column.rules.formats.is_empty() {
        keys.push(format!("format: {}", list(&column.rules.formats)));
    }
    if column.required {
        keys.push("required: true".to_owned());
    }
    if !column.description.is_empty() {
        keys.push(format!("description: {}", scalar(&column.description)));
    }
    format!("- {{ {} }}", keys.join(", "))
}

fn type_name(column: &Column) -> String {
    let name = column.column_type.to_string();
    // Its comma would end the value in brackets.
    if name.contains(',') { format!("\"{name}\"") } else { name }
}

/// Texts as one text or as a list in brackets.
fn list(texts: &[String]) -> String {
    match texts {
        [only] => scalar(only),
        texts => in_brackets(texts),
    }
}

fn in_brackets(texts: &[String]) -> String {
    format!("[{}]", texts.iter().map(|text| scalar(text)).collect::<Vec<_>>().join(", "))
}

fn indented(lines: &[String], by: usize) -> Vec<String> {
    lines.iter().map(|line| format!("{:by$}{line}", "")).collect()
}

fn split_mark(text: &str) -> (&str, &str) {
    text.split_at(if text.starts_with(MARK) { MARK.len_utf8() } else { 0 })
}

fn outline<'a>(yaml: &'a str, file: &'a str) -> Result<Outline<'a>> {
    Outline::of(Text::whole(file, yaml)).map_err(|finding| document::mistakes(file, vec![finding]))
}

/// The text after `edits`, which do not touch each other.
fn finish(mark: &str, yaml: &str, mut edits: Edits, line_end: &str) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = mark.to_owned();
    let mut done = 0;
    for (range, new) in &edits {
        out.push_str(&yaml[done..range.start]);
        out.push_str(new);
        done = range.end;
    }
    out.push_str(&yaml[done..]);
    // What was added at the very end of a text without a last line end gets one.
    if edits.iter().any(|(range, _)| range.end == yaml.len()) {
        out.push_str(line_end);
    }
    out
}

/// The new text, if it means what it should.
fn proven(text: String, file: &str, expected: &Catalog) -> Result<String> {
    match Catalog::parse(&text, file) {
        Ok(catalog) if catalog == *expected => Ok(text),
        _ => Err(Error::new(Kind::Refused, format!("{file} is written in a way that cannot be added to safely"))
            .hint("nothing was changed; write the columns by hand, as `cauce catalog add --dry-run` shows them")),
    }
}

fn cannot(file: &str, why: &str, lines: &str) -> Error {
    Error::new(Kind::Refused, format!("{file}: {why}, where nothing can be added without rewriting it"))
        .finding(Finding::new(format!("what would be added is\n{lines}")))
        .hint("nothing was changed; write it on lines of its own, one key a line, and try again")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{ColumnType, Rules};

    fn column(name: &str, column_type: ColumnType) -> Column {
        Column {
            name: name.to_owned(),
            column_type,
            required: false,
            description: String::new(),
            pii: None,
            rules: Rules::default(),
        }
    }

    fn two() -> Vec<Column> {
        vec![Column { required: true, ..column("id", ColumnType::Int) }, column("año y mes", ColumnType::String)]
    }

    fn lock(text: &str, names: &[&str]) -> Result<String> {
        let columns = names.iter().map(|name| ((*name).to_owned(), two())).collect();
        with_columns(text, "catalog.yaml", &columns)
    }

    const OPEN: &str = "\
version: 1
project: p   # nombre
lake: lake

datasets:
  # Las ventas.
  ventas:
      path: v.csv  # aquí
      description: |
        Una fila por venta.

        # no es un comentario

  # Las tiendas.
  tiendas:
    path: t.csv
    # sin columnas
  # fin
";

    #[test]
    fn columns_are_written_where_their_dataset_ends() {
        insta::assert_snapshot!(lock(OPEN, &["ventas", "tiendas"]).unwrap());
    }

    #[test]
    fn every_other_byte_stays_as_it_is() {
        for text in [
            OPEN.to_owned(),
            OPEN.replace('\n', "\r\n"),
            format!("\u{feff}{OPEN}"),
            OPEN.trim_end().to_owned(),
            OPEN.replace("    # sin columnas\n  # fin\n", ""),
            OPEN.replace("\n    # sin columnas\n  # fin\n", ""),
        ] {
            for names in [&["ventas"][..], &["tiendas"], &["ventas", "tiendas"]] {
                let locked = lock(&text, names).unwrap();
                let mut rest = locked.as_str();
                let mut added = String::new();
                // What is left after taking the old text out of the new one, byte by byte in order, is what was added.
                for line in text.split_inclusive('\n') {
                    let at = rest.find(line.trim_end_matches(['\r', '\n'])).unwrap();
                    added.push_str(&rest[..at]);
                    rest = &rest[at + line.trim_end_matches(['\r', '\n']).len()..];
                }
                added.push_str(rest);
                assert_eq!(added.matches("columns:").count(), names.len(), "{locked}");
                assert_eq!(locked.contains("\r\n"), text.contains("\r\n"));
                assert_eq!(locked.replace("\r\n", "").contains('\n'), !text.contains("\r\n"));
                let catalog = Catalog::parse(&locked, "catalog.yaml").unwrap();
                assert_eq!(catalog.datasets[names[0]].columns, two());
            }
        }
    }

    #[test]
    fn what_is_in_brackets_is_refused_with_what_to_write() {
        let text = "version: 1\nproject: p\nlake: l\ndatasets:\n  a: { path: a.csv }\n";
        let error = lock(text, &["a"]).unwrap_err();
        assert_eq!(error.kind(), Kind::Refused);
        insta::assert_snapshot!(format!("{error}\n{}", error.all_findings()[0].message), @"
        catalog.yaml: dataset `a` is written in brackets, where nothing can be added without rewriting it
        what would be added is
            columns:
              - { name: id, type: int, required: true }
              - { name: año y mes, type: string }
        ");
        let all = "version: 1\nproject: p\nlake: l\ndatasets: { a: { path: a.csv } }\n";
        let dataset = Dataset { name: "b".to_owned(), ..Catalog::parse(all, "c").unwrap().datasets["a"].clone() };
        assert_eq!(with_dataset(all, "catalog.yaml", &dataset).unwrap_err().kind(), Kind::Refused);
    }

    #[test]
    fn declared_columns_change_where_they_stand() {
        let text = "\
version: 1
project: p
lake: l
datasets:
  a:
    path: a.csv
    columns:
      - { name: id, type: int, required: true }  # clave
      - name: día
        type: 'string'   # por ahora
        description: Un día.
      - { type: date, name: otro }
  b: { path: b.csv }
";
        let mut date = column("día", ColumnType::Date);
        date.rules.formats = vec!["%d/%m/%Y".to_owned()];
        let change = Change {
            add: vec![column("nueva", ColumnType::Bool)],
            retype: vec![date, column("id", ColumnType::Float)],
        };
        let changed = with_changes(text, "catalog.yaml", &BTreeMap::from([("a".to_owned(), change)])).unwrap();
        insta::assert_snapshot!(changed);
    }

    #[test]
    fn a_dataset_is_added_after_the_last() {
        let text = OPEN.replace("    path: t.csv\n", "    path: t.csv\n    columns: [{ name: a, type: int }]\n");
        let mut dataset = Catalog::parse(&text, "catalog.yaml").unwrap().datasets["tiendas"].clone();
        (dataset.name, dataset.path, dataset.columns) = ("nuevo".to_owned(), "n.txt".to_owned(), two());
        dataset.format = Format::Csv(CsvOptions {
            delimiter: b';',
            null: vec![String::new(), "NA".to_owned()],
            encoding: encoding_rs::WINDOWS_1252,
        });
        insta::assert_snapshot!(with_dataset(&text, "catalog.yaml", &dataset).unwrap());
        let again = with_dataset(&text, "catalog.yaml", &Dataset { name: "ventas".to_owned(), ..dataset });
        assert!(again.unwrap_err().message().ends_with("has a dataset `ventas` already"));
    }

    fn any_column() -> impl Strategy<Value = Column> {
        let types = prop::sample::select(vec![
            ColumnType::String,
            ColumnType::Float,
            ColumnType::Decimal { precision: 12, scale: 2 },
            ColumnType::Timestamp,
            ColumnType::StringList,
        ]);
        ("[a-zA-Zñ:{}#,'&*!|>%@ -]{0,6}[a-z]", types, any::<bool>()).prop_map(|(name, column_type, required)| {
            let formats =
                if column_type == ColumnType::Timestamp { vec!["%d/%m/%Y %H:%M".to_owned()] } else { Vec::new() };
            let name = name.trim().to_owned();
            Column { required, rules: Rules { formats, ..Rules::default() }, ..column(&name, column_type) }
        })
    }

    proptest! {
        #[test]
        fn a_dataset_means_what_was_written(
            columns in prop::collection::vec(any_column(), 1..5),
            path in "[a-z]{1,5}(\\.csv|\\.tsv|\\.txt|/\\*\\.csv)",
            delimiter in prop::sample::select(vec![b',', b';', b'\t', b'|']),
            null in prop::collection::vec("[a-zA-Z/#-]{0,3}", 0..3),
        ) {
            let mut columns = columns;
            let mut seen = std::collections::BTreeSet::new();
            columns.retain(|column| seen.insert(column.name.to_lowercase()));
            let mut dataset = Catalog::parse(OPEN, "catalog.yaml").unwrap().datasets["tiendas"].clone();
            (dataset.name, dataset.path, dataset.columns) = ("nuevo".to_owned(), path, columns);
            dataset.format = Format::Csv(CsvOptions { delimiter, null, ..CsvOptions::default() });
            // `proven` reads it back.
            let added = with_dataset(OPEN, "catalog.yaml", &dataset);
            prop_assert!(added.is_ok(), "{:?}\n{}", added, dataset_lines(&dataset).join("\n"));
        }
    }
}
