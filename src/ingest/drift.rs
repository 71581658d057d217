//! How a file differs from what the catalog says of its dataset, seen from its beginning alone.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::beginning::{self, Beginning};
use super::header::{self, Source};
use super::split::{Records, Splitter};
use super::{arrow_file, parquet};
use crate::catalog::{CsvOptions, Dataset, Difference, Format};
use crate::error::Result;
use crate::store::InputFile;

/// As much of a first line that is no header is shown, in characters.
const LINE_SHOWN: usize = 60;

/// The differences between `file` and what the catalog says of `dataset`.
///
/// # Errors
/// A store that cannot be read. What is wrong with the file itself is a difference.
pub async fn differences(dataset: &Dataset, file: &InputFile) -> Result<Vec<Difference>> {
    let beginning = beginning::of(file).await?;
    if beginning.bytes.is_empty() {
        let damaged = || Difference::Damaged("its compressed content is damaged from the beginning".to_owned());
        return Ok(vec![if beginning.whole { Difference::Empty } else { damaged() }]);
    }
    let what = beginning::what_is(&beginning.bytes);
    Ok(match (&dataset.format, what) {
        (Format::Parquet, Some(beginning::PARQUET)) => parquet::differences(dataset, file).await?,
        (Format::Csv(options), None) => of_text(dataset, options, &file.name, &beginning),
        (Format::Arrow, Some(beginning::ARROW)) => arrow_file::differences(dataset, file).await?,
        // Each record has keys of its own: those that do not fit are rejects. Not all JSON begins in a way of its own.
        (Format::Json | Format::JsonLines, Some(beginning::JSON) | None) => Vec::new(),
        (Format::Parquet, None) => vec![Difference::OtherFormat("no Parquet file")],
        (Format::Arrow, None) => vec![Difference::OtherFormat("no Arrow file")],
        (_, Some(what @ (beginning::PARQUET | beginning::ARROW | beginning::JSON))) => {
            vec![Difference::OtherFormat(what)]
        }
        (_, Some(what)) => vec![Difference::NoTable(what)],
    })
}

/// The differences of delimited text.
fn of_text(dataset: &Dataset, options: &CsvOptions, file: &str, beginning: &Beginning) -> Vec<Difference> {
    let mut differences = Vec::new();
    let encoding = match other_encoding(options.encoding, beginning) {
        None => options.encoding,
        Some(other) => {
            differences.push(Difference::OtherEncoding(label(other)));
            other
        }
    };
    let names = match header_names(&beginning.text(encoding), options.delimiter) {
        Ok(names) => names,
        Err(difference) => return vec![difference],
    };
    match (dataset.columns.len(), header::other_delimiter(&names)) {
        (2.., Some(delimiter)) => differences.push(Difference::OtherDelimiter(delimiter)),
        _ => {
            let (sources, of_columns) = header::compare(dataset, file, &names);
            let is_renamed = |difference: &Difference| matches!(difference, Difference::Renamed { .. });
            let any_found = sources.iter().any(|source| matches!(source, Source::Field(_)));
            if any_found || dataset.columns.is_empty() || of_columns.iter().any(is_renamed) {
                differences.extend(of_columns);
            } else {
                let first: String = names.join(", ").chars().take(LINE_SHOWN).collect();
                differences.push(Difference::NoHeader(first));
            }
        }
    }
    differences
}

/// The encoding that a text has most likely instead of the `declared` one. A mark at its beginning is no difference:
/// readers go by it.
fn other_encoding(declared: &'static Encoding, beginning: &Beginning) -> Option<&'static Encoding> {
    if Encoding::for_bom(&beginning.bytes).is_some() {
        return None;
    }
    let without_mark = beginning::utf16_without_mark(&beginning.bytes);
    match without_mark {
        Some(utf16) if declared != utf16 => Some(utf16),
        None if declared == UTF_8 && !beginning.is_utf8() => Some(encoding_rs::WINDOWS_1252),
        None if [UTF_16LE, UTF_16BE].contains(&declared) => Some(UTF_8),
        _ => None,
    }
}

/// What `options.encoding` calls it.
fn label(encoding: &'static Encoding) -> &'static str {
    match encoding {
        utf8 if utf8 == UTF_8 => "utf-8",
        little if little == UTF_16LE => "utf-16le",
        big if big == UTF_16BE => "utf-16be",
        _ => "windows-1252",
    }
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
            ("utf-16 with its mark", b"\xff\xfei\0d\0,\0c\0a\0n\0a\0l\0,\0m\0o\0n\0t\0o\0\n\0"),
            ("utf-16 without", b"i\0d\0,\0c\0a\0n\0a\0l\0,\0m\0o\0n\0t\0o\0\n\0"),
            ("parquet", &parquet),
            ("json", b"[\n{\"id\": 1}]"),
            ("workbook", b"PK\x03\x04xxxx"),
            ("empty", b""),
            ("blank", b"\n\n"),
            ("gzip of nothing", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
            ("gzip damaged", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\xff\xff\xff"),
            ("gzip cut", b"\x1f\x8b\x08\x00"),
            ("zstd damaged", b"\x28\xb5\x2f\xfd\xff\xff\xff\xff"),
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
