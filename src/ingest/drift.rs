//! How a file differs from what the catalog says of its dataset, seen from its beginning alone.

use std::borrow::Cow;

use bytes::Bytes;

use super::chunks::fetch;
use super::decode::Decoder;
use super::decompress::content_of;
use super::split::{Records, Splitter};
use super::{arrow_file, header, parquet};
use crate::catalog::{CsvOptions, Dataset, Difference, Format};
use crate::error::Result;
use crate::store::InputFile;

/// As much of a file is looked at: its header and some rows.
const BEGINNING: u64 = 64 << 10;

/// The differences between `file` and what the catalog says of `dataset`.
///
/// # Errors
/// A store that cannot be read. What is wrong with the file itself is a difference.
pub async fn differences(dataset: &Dataset, file: &InputFile) -> Result<Vec<Difference>> {
    if file.meta.size == 0 {
        return Ok(vec![Difference::Empty]);
    }
    let beginning = fetch(file, 0..file.meta.size.min(BEGINNING)).await?;
    if let Some(what) = other_format(&dataset.format, &beginning) {
        return Ok(vec![Difference::OtherFormat(what)]);
    }
    match &dataset.format {
        Format::Csv(options) => {
            let content = content_of(&beginning);
            let whole = beginning.len() as u64 == file.meta.size && matches!(content, Cow::Borrowed(_));
            Ok(of_text(dataset, options, &file.name, &content, whole))
        }
        // Each record has keys of its own: those that do not fit are rejects.
        Format::Json | Format::JsonLines => Ok(Vec::new()),
        Format::Arrow => arrow_file::differences(dataset, file).await,
        Format::Parquet => parquet::differences(dataset, file).await,
    }
}

/// What a file is that begins so, if it is not of `format`.
fn other_format(format: &Format, beginning: &[u8]) -> Option<&'static str> {
    let what = match beginning {
        [b'P', b'A', b'R', b'1', ..] => "a Parquet file",
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => "an Arrow file",
        [b'P', b'K', 3, 4, ..] => "a ZIP archive or an Excel workbook",
        [0xd0, 0xcf, 0x11, 0xe0, ..] => "an old Excel workbook",
        [b'%', b'P', b'D', b'F', ..] => "a PDF document",
        [b'S', b'Q', b'L', b'i', b't', b'e', ..] => "an SQLite database",
        _ => match (format, beginning.trim_ascii_start()) {
            (Format::Parquet, _) => "no Parquet file",
            (Format::Arrow, _) => "no Arrow file",
            (Format::Csv(_), [b'{', b'"', ..] | [b'[', b'{' | b'\n' | b'\r', ..]) => "JSON",
            _ => return None,
        },
    };
    let as_declared = matches!((format, what), (Format::Parquet, "a Parquet file") | (Format::Arrow, "an Arrow file"));
    (!as_declared).then_some(what)
}

/// The differences of delimited text that begins with `beginning`, which is the `whole` of it or not.
fn of_text(dataset: &Dataset, options: &CsvOptions, file: &str, beginning: &[u8], whole: bool) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut decoder = Decoder::new(options.encoding, beginning);
    let text = decoder.decode(Bytes::copy_from_slice(beginning), false);
    if let Some(label) = other_encoding(&text, whole) {
        differences.push(Difference::OtherEncoding(label));
    }
    let names = match header_names(&text, options.delimiter) {
        Ok(names) => names,
        Err(difference) => return vec![difference],
    };
    match (dataset.columns.len(), other_delimiter(&names)) {
        (2.., Some(delimiter)) => differences.push(Difference::OtherDelimiter(delimiter)),
        _ => differences.extend(header::compare(dataset, file, &names).1),
    }
    differences
}

/// The encoding in which `text`, which should be UTF-8 by now, is most likely written instead. A stray byte among
/// characters that are well written is no other encoding: its record is rejected.
fn other_encoding(text: &[u8], whole: bool) -> Option<&'static str> {
    let (mut good, mut bad) = (0, 0);
    for chunk in text.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    // The last character may be cut.
    let cut = !whole && std::str::from_utf8(text).is_err_and(|wrong| wrong.error_len().is_none());
    (bad > good + usize::from(cut)).then_some("windows-1252")
}

/// The names in the first record.
fn header_names(text: &[u8], delimiter: u8) -> Result<Vec<String>, Difference> {
    let mut found = Records::default();
    Splitter::new(delimiter, None).split(text, 1, &mut found);
    if !found.malformed.is_empty() {
        return Err(Difference::Damaged("its header is no record: a quote is not closed, or stands alone".to_owned()));
    }
    if found.records.is_empty() {
        return Err(Difference::Empty);
    }
    let mut scratch = Vec::new();
    let mut names = Vec::with_capacity(found.fields.len());
    for field in &found.fields {
        names.push(String::from_utf8_lossy(field.text(text, &mut scratch)).into_owned());
    }
    Ok(names)
}

/// The delimiter that a header of one field most likely has instead of the declared one.
pub(super) fn other_delimiter(names: &[String]) -> Option<char> {
    let [only] = names else { return None };
    [';', '\t', '|', ','].into_iter().find(|delimiter| only.contains(*delimiter))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::parquet::arrow::ArrowWriter;
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::super::testing::{dataset, files};
    use super::*;
    use crate::catalog::{OnDrift, Verdict};

    const COLUMNS: &str = "id int!; canal string; monto float!";

    async fn told(dataset: &Dataset, file: &str, bytes: &[u8]) -> String {
        let files = files(&[(file, bytes)]).await;
        let differences = differences(dataset, &files[0]).await.unwrap();
        let line = |difference: &Difference| {
            let verdict = match difference.verdict(dataset.on_drift) {
                Verdict::Harmless => "harmless",
                Verdict::Read => "read",
                Verdict::LeaveOut => "left out",
                Verdict::Stop => "stop",
            };
            format!("{difference} [{verdict}] -> {}", difference.remedy(dataset))
        };
        differences.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn parquet_bytes() -> Vec<u8> {
        let columns: [(&str, ArrayRef); 3] = [
            ("id", Arc::new(StringArray::from(vec!["1"]))),
            ("monto", Arc::new(StringArray::from(vec!["1.5"]))),
            ("canal", Arc::new(Int64Array::from(vec![1]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    #[tokio::test]
    async fn every_difference_is_told_with_what_to_write() {
        let dataset = dataset(COLUMNS);
        let parquet = parquet_bytes();
        let mut out = String::new();
        for (what, bytes) in [
            ("fits", "id,canal,monto\n1,x,2\n".as_bytes()),
            ("order", b"monto,id,canal\n"),
            ("optional missing", b"id,monto\n"),
            ("required missing", b"id,canal\n"),
            ("renamed", b"id,Canal,montos\n"),
            ("unknown", b"id,canal,monto,\"zona, nueva\"\n"),
            ("twice", b"id,canal,monto,id\n"),
            ("delimiter", b"id;canal;monto\n1;a;2,5\n"),
            ("tab", b"id\tcanal\tmonto\n"),
            ("latin", b"id,canal,monto\n1,caf\xe9,2\n"),
            ("utf-16", b"\xff\xfei\0d\0"),
            ("parquet", &parquet),
            ("json", b"[\n{\"id\": 1}]"),
            ("workbook", b"PK\x03\x04xxxx"),
            ("empty", b""),
            ("blank", b"\n\n"),
            ("quote", b"id,\"canal,monto\n1,2,3\n"),
        ] {
            out.push_str(&format!("# {what}\n{}\n", told(&dataset, "d.csv", bytes).await));
        }
        insta::assert_snapshot!(out);
    }

    #[tokio::test]
    async fn new_columns_are_accepted_where_the_dataset_says_so_and_renamed_ones_are_not() {
        let accepting = Dataset { on_drift: OnDrift::AcceptNewColumns, ..dataset(COLUMNS) };
        let new = told(&accepting, "d.csv", b"id,canal,monto,zona\n").await;
        assert!(new.starts_with("column `zona` is not declared [read]"), "{new}");
        let renamed = told(&accepting, "d.csv", b"id,Canal,monto\n").await;
        assert!(renamed.contains("[left out]"), "{renamed}");
        let failing = Dataset { on_drift: OnDrift::Fail, ..dataset(COLUMNS) };
        assert!(told(&failing, "d.csv", b"id,canal\n").await.contains("[stop]"));
    }

    #[tokio::test]
    async fn a_value_in_the_path_is_no_missing_column() {
        let dataset = dataset(COLUMNS);
        assert_eq!(told(&dataset, "d/monto=3/a.csv", b"id,canal\n1,x\n").await, "");
    }

    #[tokio::test]
    async fn columns_of_parquet_are_compared_with_their_types() {
        let csv = dataset("id int; monto date; canal date");
        let dataset = Dataset { format: Format::Parquet, ..csv };
        let told_of = told(&dataset, "d.parquet", &parquet_bytes()).await;
        assert_eq!(
            told_of,
            "column `canal` holds Int64, which cannot be read as date [left out] -> write the type it has in the file in datasets.d.columns"
        );
        assert!(told(&dataset, "d.parquet", b"id,monto\n1,2\n").await.starts_with("it is no Parquet file"));
        let cut = &parquet_bytes()[..100];
        assert!(told(&dataset, "d.parquet", cut).await.contains("not a whole Parquet file"));
    }

    #[tokio::test]
    async fn a_character_cut_by_the_look_is_no_other_encoding() {
        for before in ["", "1"] {
            let text = format!("id,canal,monto\n{before}{}", "ñ".repeat(80_000));
            assert_eq!(told(&dataset(COLUMNS), "d.csv", text.as_bytes()).await, "");
        }
    }
}
