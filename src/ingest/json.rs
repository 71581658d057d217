//! JSON objects to typed batches: one a line, or one after the other, be it in an array or not.
//!
//! A value becomes the text that it would have in a CSV file, and from there everything is the same. A key that is not
//! there is NULL, and one that is not declared makes the record wrong unless the dataset accepts new columns.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use encoding_rs::{Encoding, UTF_8};
use serde_json::error::Category;

use super::cells::Texts;
use super::cut::LineCutter;
use super::decode::Measure;
use super::element::{Element, ElementCutter, element};
use super::fault::Reason;
use super::header::Source;
use super::object::{Entry, Object};
use super::partition;
use super::piece::{Cutter, Origin, Piece};
use super::reader::Scan;
use super::rows::{Layout, Made, Malformed, Rows};
use super::text_file::{Maker, Opened, TextFormat};
use crate::catalog::OnDrift;
use crate::error::Result;

/// Records understood and converted at a time.
const BLOCK_ROWS: usize = 256;

/// JSON objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json {
    /// Whether each stands on a line of its own.
    lines: bool,
}

impl Json {
    /// Objects one after the other, in an array or not; `lines` says that each stands on a line of its own.
    pub(super) fn new(lines: bool) -> Self {
        Self { lines }
    }

    /// The record at or after `at`.
    pub(super) fn next_record(self, text: &[u8], at: usize) -> Option<Range<usize>> {
        if !self.lines {
            return match element(text, at) {
                Element::Whole(record) | Element::Cut(record) => Some(record),
                Element::None => None,
            };
        }
        let start = at + text[at..].iter().position(|byte| !byte.is_ascii_whitespace())?;
        let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |length| start + length);
        Some(start..start + text[start..end].trim_ascii_end().len())
    }
}

impl TextFormat for Json {
    fn encoding(&self) -> &'static Encoding {
        UTF_8
    }

    fn cutter(&self, measure: Measure, offset: u64) -> Box<dyn Cutter> {
        if self.lines {
            Box::new(LineCutter::lines(measure, offset))
        } else {
            Box::new(ElementCutter::new(measure, offset))
        }
    }

    fn open(&self, origin: Origin, scan: Arc<Scan>, _: &mut Option<Piece>) -> Result<Opened> {
        let columns = scan.dataset.columns.iter().enumerate();
        let source =
            |(index, column): (usize, &crate::catalog::Column)| match partition::find(&origin.file, &column.name) {
                Some((_, value)) => Source::Path(value.map(Cow::into_owned)),
                None => Source::Field(index),
            };
        let sources = columns.map(source).collect();
        let maker = JsonMaker { format: *self, layout: Layout::new(origin, scan, sources)? };
        Ok(Opened { maker: Arc::new(maker), width: None })
    }
}

/// Makes rows of the pieces of one file.
struct JsonMaker {
    format: Json,
    layout: Layout,
}

impl Maker for JsonMaker {
    fn make(&self, piece: &Piece) -> Result<Made> {
        if let Some(made) = self.layout.broken(piece) {
            return Ok(made);
        }
        let scan = &self.layout.scan;
        let wanted = scan.limit.unwrap_or(usize::MAX);
        let find = |record: &Range<usize>, columns: &[usize]| self.find(piece, record, columns);
        let mut rows = Rows::new(&self.layout, piece, scan.batch_rows.min(wanted));
        let mut made = Made::default();
        let mut block = Block::new(scan.dataset.columns.len());
        let mut at = 0;
        let mut more = true;
        while more {
            let room =
                scan.batch_rows.min(wanted.saturating_sub(usize::try_from(made.account.rows).unwrap_or(usize::MAX)));
            if room == 0 {
                break;
            }
            while more && rows.records.len() < room {
                block.clear();
                while more && block.rows < BLOCK_ROWS.min(room - rows.records.len()) {
                    let Some(record) = self.format.next_record(&piece.text, at) else {
                        more = false;
                        break;
                    };
                    at = record.end;
                    match self.read(&piece.text, &record, &mut block) {
                        Ok(()) => rows.records.push(record),
                        Err((at, reason)) => rows.malformed.push(Malformed { record, at, reason }),
                    }
                }
                for column in 0..scan.dataset.columns.len() {
                    rows.extend(column, &Column { block: &block, column });
                }
                // The records of the block are in `rows` already.
                block.clear();
            }
            rows.finish(&find, &mut made)?;
        }
        Ok(made)
    }
}

impl JsonMaker {
    /// Adds the values of a record to `block`, or says where and why it is none.
    fn read(&self, text: &[u8], record: &Range<usize>, block: &mut Block) -> Result<(), (usize, Reason)> {
        let bytes = &text[record.clone()];
        let text = std::str::from_utf8(bytes).map_err(|wrong| (record.start + wrong.valid_up_to(), Reason::NotUtf8))?;
        let object = Object::parse(text).map_err(|wrong| {
            let line_start =
                text.split_inclusive('\n').take(wrong.line().saturating_sub(1)).map(str::len).sum::<usize>();
            let at = record.start + (line_start + wrong.column().saturating_sub(1)).min(text.len());
            (at, Reason::NotJson(why(&wrong).into()))
        })?;
        let columns = &self.layout.scan.dataset.columns;
        let mut values: Vec<Option<String>> = vec![None; columns.len()];
        let mut seen = vec![false; columns.len()];
        for Entry { key, at, text, .. } in object.entries {
            let Some(index) = columns.iter().position(|column| column.name == key) else {
                if self.layout.scan.dataset.on_drift == OnDrift::AcceptNewColumns {
                    continue;
                }
                return Err((record.start + at, Reason::UnknownKey(key.into())));
            };
            if std::mem::replace(&mut seen[index], true) {
                return Err((record.start + at, Reason::KeyTwice(key.into())));
            }
            values[index] = text.map(Cow::into_owned);
        }
        block.values.append(&mut values);
        block.rows += 1;
        Ok(())
    }

    /// Where the values of `columns` stand in `record`, and what they say.
    fn find(&self, piece: &Piece, record: &Range<usize>, columns: &[usize]) -> Vec<(usize, Option<String>)> {
        let names = &self.layout.scan.dataset.columns;
        // The record was read before.
        let text = std::str::from_utf8(&piece.text[record.clone()]).unwrap_or_default();
        let object = Object::parse(text).ok();
        let value = |column: &usize| {
            let mut entries = object.iter().flat_map(|object| &object.entries);
            let entry = entries.find(|entry| names.get(*column).is_some_and(|column| column.name == entry.key));
            let text = entry.and_then(|entry| entry.text.as_deref().map(str::to_owned));
            (record.start + entry.map_or(0, |entry| entry.at), text)
        };
        columns.iter().map(value).collect()
    }
}

/// Why a text is no object.
fn why(wrong: &serde_json::Error) -> String {
    let told = wrong.to_string();
    match wrong.classify() {
        Category::Eof => "it ends too early".to_owned(),
        Category::Data if told.starts_with("invalid type: sequence") => "it is an array".to_owned(),
        Category::Data | Category::Io => "it is a single value".to_owned(),
        Category::Syntax => match told.split(" at line ").next().unwrap_or_default() {
            "trailing characters" => "something stands behind it".to_owned(),
            "expected value" | "expected ident" => "a value is missing, or is text without quotes".to_owned(),
            "key must be a string" => "a key has no quotes".to_owned(),
            "control character (\\u0000-\\u001F) found while parsing a string" => {
                "a line break or another control character stands in a text".to_owned()
            }
            other => other.to_owned(),
        },
    }
}

/// The values of some records, one record after the other.
struct Block {
    width: usize,
    values: Vec<Option<String>>,
    rows: usize,
}

impl Block {
    fn new(width: usize) -> Self {
        Self { width, values: Vec::new(), rows: 0 }
    }

    fn clear(&mut self) {
        self.values.clear();
        self.rows = 0;
    }
}

/// One column of a block.
struct Column<'b> {
    block: &'b Block,
    column: usize,
}

impl Texts for Column<'_> {
    fn rows(&self) -> usize {
        self.block.rows
    }

    fn text<'a>(&'a self, row: usize, _: &'a mut Vec<u8>) -> Option<&'a [u8]> {
        self.block.values.get(row * self.block.width + self.column)?.as_deref().map(str::as_bytes)
    }

    fn are_utf8(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use arrow::record_batch::RecordBatch;
    use arrow::util::pretty::pretty_format_batches;
    use proptest::prelude::*;

    use super::super::fault::{Account, Reject};
    use super::super::testing::{KeepAll, dataset, decode, strict, told};
    use super::*;
    use crate::catalog::{Dataset, Format};

    fn json(columns: &str, format: Format) -> Dataset {
        Dataset { format, path: "d.json".to_owned(), ..dataset(columns) }
    }

    const COLUMNS: &str = "id string!; n int; x decimal; si bool; e list";

    fn read(format: Format, text: &str, size: usize, tasks: usize) -> (RecordBatch, Vec<Reject>, Vec<Account>) {
        let keep = Arc::new(KeepAll::default());
        let columns = json(COLUMNS, format);
        let batch = decode(&columns, text.as_bytes(), size, (3, tasks), Arc::<KeepAll>::clone(&keep)).unwrap();
        (batch, keep.rejects(), keep.accounts())
    }

    #[test]
    fn objects_in_an_array_one_after_the_other_and_line_by_line() {
        let objects = [
            r#"{"id": "a\n😊", "n": 12, "x": 10.25, "si": true, "e": ["p", "q"]}"#,
            r#"{"e": null, "id": "b", "n": 12.0, "x": "1.5"}"#,
            r#"{"id": "c", "e": [], "si": false, "n": "7"}"#,
        ];
        let array = format!("[\n  {}\n]\n", objects.join(",\n  "));
        let pretty = format!("[{}]", objects.join(",").replace(", ", ",\n\n    ").replace('{', "{\n"));
        for size in [1, 10, 1000] {
            let (lines, ..) = read(Format::JsonLines, &objects.join("\r\n\n"), size, 1);
            insta::allow_duplicates! {
                insta::assert_snapshot!(pretty_format_batches(std::slice::from_ref(&lines)).unwrap(), @r"
                +----+----+-------+-------+--------+
                | id | n  | x     | si    | e      |
                +----+----+-------+-------+--------+
                | a  | 12 | 10.25 | true  | [p, q] |
                | 😊 |    |       |       |        |
                | b  | 12 | 1.50  |       |        |
                | c  | 7  |       | false | []     |
                +----+----+-------+-------+--------+
                ");
            }
            for text in [array.as_str(), pretty.as_str(), &objects.join("\n"), &objects.concat()] {
                assert_eq!(read(Format::Json, text, size, 2).0, lines, "{text}");
            }
        }
        assert_eq!(read(Format::Json, "[]", 10, 1).2, [Account::default()]);
        assert_eq!(read(Format::JsonLines, "", 10, 1).2, [Account::default()]);
    }

    #[test]
    fn what_is_wrong_is_told_where_it_stands() {
        let error = |text: &str| {
            told(&decode(&json(COLUMNS, Format::JsonLines), text.as_bytes(), 99, (9, 1), strict()).unwrap_err())
        };
        insta::assert_snapshot!(error("{\"id\": \"a\"}\n{\"id\": \"b\", \"n\": \"doce\"}\n"), @r#"
        d.csv: line 2, column n: "doce" is not an int (exit 1)
        - "doce" is not an int
          at d.csv:2:18, 4 wide: {"id": "b", "n": "doce"}
        hint: correct the row, or declare the column as string in catalog.yaml
        "#);
        insta::assert_snapshot!(error("{\"n\": 1}\n"), @r#"
        d.csv: line 1, column id: no value, but the column is required (exit 1)
        - no value, but the column is required
          at d.csv:1:1, 1 wide: {"n": 1}
        hint: fill in the value, or take `required: true` from the column in catalog.yaml
        "#);
        insta::assert_snapshot!(error("{\"id\": \"a\", \"m\": 1}\n"), @r#"
        d.csv: line 1: the key `m` is not declared (exit 1)
        - the key `m` is not declared
          at d.csv:1:18, 1 wide: {"id": "a", "m": 1}
        hint: correct the record, or declare the column in catalog.yaml: `- { name: m, type: string }`
        "#);
        insta::assert_snapshot!(error("{\"id\": \"a\", \"id\": \"b\"}\n"), @r#"
        d.csv: line 1: the key `id` stands there twice (exit 1)
        - the key `id` stands there twice
          at d.csv:1:19, 1 wide: {"id": "a", "id": "b"}
        hint: correct the record
        "#);
        insta::assert_snapshot!(error("{\"id\": \"a\n"), @r#"
        d.csv: line 1: it is no JSON object: it ends too early (exit 1)
        - it is no JSON object: it ends too early
          at d.csv:1:9, 1 wide: {"id": "a
        hint: correct the record
        "#);
        insta::assert_snapshot!(error("[1]\n"), @"
        d.csv: line 1: it is no JSON object: it is an array (exit 1)
        - it is no JSON object: it is an array
          at d.csv:1:1, 1 wide: [1]
        hint: correct the record
        ");
    }

    #[test]
    fn a_broken_object_costs_its_line_alone() {
        let text = "[\n{\"id\": \"a\"},\n{\"id\": \"b,\n{\"id\": \"c\"},\n{\"id\": \"d\"}\n]\n";
        let (rows, rejects, accounts) = read(Format::JsonLines, &text[2..text.len() - 2].replace("},", "}"), 7, 2);
        assert_eq!((rows.num_rows(), rejects.len()), (3, 1));
        assert_eq!(accounts, [Account { records: 4, rows: 3, rejected: 1, ..Account::default() }]);
        let cut = "[{\"id\": \"a\"},\n{\"id\": \"b\", \"n\":";
        let (rows, rejects, _) = read(Format::Json, cut, 5, 2);
        assert_eq!((rows.num_rows(), rejects[0].raw.as_str()), (1, "{\"id\": \"b\", \"n\":"));
    }

    proptest! {
        #[test]
        fn every_object_is_a_row_or_a_reject(
            records in prop::collection::vec(("[a-c{}\\[\\]\"\\\\,\n😊]{0,8}", 0_u8..6), 0..12), size in 1_usize..60, tasks in 1_usize..4,
        ) {
            let object = |(id, kind): &(String, u8)| match kind {
                0 => serde_json::json!({ "id": id, "n": "x" }).to_string(),
                1 => serde_json::json!({ "id": id, "otra": 1 }).to_string(),
                _ => serde_json::json!({ "e": [id], "id": id }).to_string(),
            };
            let objects: Vec<String> = records.iter().map(object).collect();
            let bad = records.iter().filter(|(_, kind)| *kind < 2).count();
            let lines = objects.join("\n");
            let array = format!("[{}]", objects.join(", "));
            for (format, text) in [(Format::JsonLines, &lines), (Format::Json, &array)] {
                let (rows, rejects, accounts) = read(format.clone(), text, size, tasks);
                prop_assert_eq!((rows.num_rows(), rejects.len()), (records.len() - bad, bad));
                prop_assert_eq!(accounts[0].records, records.len() as u64);
                for reject in &rejects {
                    let start = usize::try_from(reject.offset.unwrap()).unwrap();
                    prop_assert_eq!(&text[start..start + reject.raw.len()], reject.raw.as_str());
                    prop_assert!(objects.contains(&reject.raw));
                }
                prop_assert_eq!(&read(format, text, text.len().max(1), 1), &(rows, rejects, accounts));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\a1\n ]{0,40}", size in 1_usize..9) {
            for format in [Format::Json, Format::JsonLines] {
                let (rows, rejects, accounts) = read(format.clone(), &text, size, 2);
                prop_assert_eq!(accounts[0].records, (rows.num_rows() + rejects.len()) as u64);
                prop_assert_eq!(&read(format, &text, 1000, 1), &(rows, rejects, accounts));
            }
        }
    }
}
