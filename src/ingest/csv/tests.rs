//! What becomes of CSV files, right and wrong, and the law that every record is a row or a reject.

use arrow::record_batch::RecordBatch;
use proptest::prelude::*;

use super::*;
use crate::catalog::{Format, Metadata};
use crate::ingest::fault::{Account, Reject};
use crate::ingest::testing::{KeepAll, dataset, decode, files, query, query_text, strict, told};
use crate::store::InputFile;

/// The error that reading `text` ends with.
fn error(columns: &str, text: impl AsRef<[u8]>) -> String {
    told(&decode(&dataset(columns), text.as_ref(), 1 << 20, (8192, 1), strict()).unwrap_err())
}

#[tokio::test]
async fn every_type_by_name_whatever_the_order_of_the_header() {
    let dataset = dataset(
        "reseña_id string!; n int; f float; importe decimal; si bool; dia date; hora timestamp; etiquetas list",
    );
    let one = "reseña_id,n,f,importe,si,dia,hora,etiquetas\n\
            REV_1,12.0,1.5,10.50,True,2024-02-29,2023-04-02 04:52:42.137506,\"['a', 'b']\"\n\
            REV_😊,,,,,,,\n";
    let two = "\u{feff}etiquetas,hora,dia,si,importe,f,n,reseña_id\r\n\
            ['c'],2023-04-02T04:52,2024-01-01,0,-1,2,-3,\"REV\r\n\"\"3\"\"\"\r\n\r\n[],2023-04-02,2024-01-01,1,0,1e3,+4,REV_4";
    let files = files(&[("one.csv", one.as_bytes()), ("two.csv", two.as_bytes())]).await;
    let text = query_text(&dataset, files, "SELECT * FROM d ORDER BY n").await.unwrap();
    assert_eq!(
        text,
        "\
+-----------+----+--------+---------+-------+------------+----------------------------+-----------+
| reseña_id | n  | f      | importe | si    | dia        | hora                       | etiquetas |
+-----------+----+--------+---------+-------+------------+----------------------------+-----------+
| REV\r      | -3 | 2.0    | -1.00   | false | 2024-01-01 | 2023-04-02T04:52:00        | [c]       |
| \"3\"       |    |        |         |       |            |                            |           |
| REV_4     | 4  | 1000.0 | 0.00    | true  | 2024-01-01 | 2023-04-02T00:00:00        | []        |
| REV_1     | 12 | 1.5    | 10.50   | true  | 2024-02-29 | 2023-04-02T04:52:42.137506 | [a, b]    |
| REV_😊    |    |        |         |       |            |                            |           |
+-----------+----+--------+---------+-------+------------+----------------------------+-----------+"
    );
}

#[tokio::test]
async fn projection_limit_and_count() {
    let dataset = dataset("a string; n int!");
    let mut text = "n,a\n".to_owned();
    text.extend((0..20_000).map(|n| format!("{n},x{n}\n")));
    // Beyond the limit nothing is converted; outside the wanted columns everything is.
    text.push_str("x,y\n");
    let good = files(&[("d.csv", text.trim_end_matches("x,y\n").as_bytes())]).await;
    let files = files(&[("d.csv", text.as_bytes())]).await;
    let ask = |sql: &'static str| query_text(&dataset, files.clone(), sql);
    assert!(query_text(&dataset, good.clone(), "SELECT count(*) FROM d").await.unwrap().contains("| 20000 "));
    assert!(ask("SELECT count(*) FROM d").await.is_err());
    assert!(ask("SELECT count(a) FROM d").await.is_err());
    assert!(ask("SELECT count(n) FROM (SELECT n FROM d LIMIT 20000)").await.unwrap().contains("| 20000 "));
    assert_eq!(query(&dataset, files.clone(), "SELECT n FROM d LIMIT 3").await.unwrap().num_rows(), 3);
    assert_eq!(query(&dataset, files.clone(), "SELECT n FROM d LIMIT 0").await.unwrap().num_rows(), 0);
    assert!(query(&dataset, files.clone(), "SELECT sum(n) FROM d").await.is_err());
}

#[tokio::test]
async fn a_header_alone_is_no_rows() {
    let dataset = dataset("a string!; b int");
    for text in ["a,b", "a,b\n", "\u{feff}b,a\r\n\r\n"] {
        let files = files(&[("d.csv", text.as_bytes())]).await;
        assert_eq!(query(&dataset, files, "SELECT * FROM d").await.unwrap().num_rows(), 0, "{text:?}");
    }
}

#[test]
fn null_texts_are_those_of_the_dataset() {
    let mut dataset = dataset("a string; n int");
    dataset.format = Format::Csv(CsvOptions {
        delimiter: b';',
        null: vec!["NA".to_owned(), "-".to_owned()],
        ..CsvOptions::default()
    });
    let batch = decode(&dataset, b"a;n\nNA;1\n;-\n\"NA\";2\n", 7, (8192, 1), strict()).unwrap();
    assert_eq!((batch.column(0).null_count(), batch.column(1).null_count()), (2, 1));
    assert!(decode(&dataset, b"a;n\nx;\n", 7, (8192, 1), strict()).is_err());
}

#[test]
fn a_wrong_value_is_shown_where_it_stands() {
    insta::assert_snapshot!(error("id string!; n int!", "id,n\n\"T\n\n1\",1\nT2,abc\n"), @r#"
        d.csv: line 5, column n: "abc" is not an int (exit 1)
        - "abc" is not an int
          at d.csv:5:4, 3 wide: T2,abc
        hint: correct the row, or declare the column as string in catalog.yaml
        "#);
    insta::assert_snapshot!(error("id string!; n int!; c string", "id,c,n\nT1,\"ñ\nñandú\",12.5\n"), @r#"
        d.csv: line 3, column n: "12.5" is not an int (exit 1)
        - "12.5" is not an int
          at d.csv:3:8, 4 wide: ñandú",12.5
        hint: correct the row, or declare the column as float or decimal in catalog.yaml
        "#);
    insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,NA\n"), @r#"
        d.csv: line 2, column n: "NA" is not an int (exit 1)
        - "NA" is not an int
          at d.csv:2:4, 2 wide: T1,NA
        hint: if it means that there is no value, write `options: { null: ["", "NA"] }` in catalog.yaml
        "#);
    insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,1\n,2\n"), @r"
        d.csv: line 3, column id: no value, but the column is required (exit 1)
        - no value, but the column is required
          at d.csv:3:1, 1 wide: ,2
        hint: fill in the value, or take `required: true` from the column in catalog.yaml
        ");
    insta::assert_snapshot!(error("id string!; dia date", "id,dia\nT1,31/12/2024\n"), @r#"
        d.csv: line 2, column dia: "31/12/2024" is not a date (exit 1)
        - "31/12/2024" is not a date
          at d.csv:2:4, 10 wide: T1,31/12/2024
        hint: write it as 2024-12-31, or declare its shape in catalog.yaml: `format: "%d/%m/%Y"`
        "#);
    insta::assert_snapshot!(error("id string!; e list", "id,e\nT1,\"a, b\"\n"), @r#"
        d.csv: line 2, column e: "a, b" is not a list<string> (exit 1)
        - "a, b" is not a list<string>
          at d.csv:2:5, 4 wide: T1,"a, b"
        hint: write it as ["a", "b"] or ['a', 'b'], or declare the column as string in catalog.yaml
        "#);
}

#[test]
fn a_broken_record_is_shown_where_it_breaks() {
    insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,1\nT2\n"), @"
        d.csv: line 3: 1 field, but the header has 2 (exit 1)
        - 1 field, but the header has 2
          at d.csv:3:1, 1 wide: T2
        hint: complete the record; if a line break inside a text cut it, put the text between double quotes
        ");
    insta::assert_snapshot!(error("id string!; n int!", "id,n\nT1,1,5\n"), @"
        d.csv: line 2: 3 fields, but the header has 2 (exit 1)
        - 3 fields, but the header has 2
          at d.csv:2:1, 1 wide: T1,1,5
        hint: put text that contains the delimiter between double quotes, or take away a delimiter at the end
        ");
    insta::assert_snapshot!(error("id string!; c string", "id,c\nT1,\"dijo \"no\"\"\n"), @r#"
        d.csv: line 2: text between a closing quote and the next delimiter (exit 1)
        - text between a closing quote and the next delimiter
          at d.csv:2:11, 1 wide: T1,"dijo "no""
        hint: inside quoted text write a quote twice ("")
        "#);
    insta::assert_snapshot!(error("id string!; c string", "id,c\nT1,x\nT2,\"open\nT3,y\n"), @r#"
        d.csv: line 3: the quote that opens here is never closed (exit 1)
        - the quote that opens here is never closed
          at d.csv:3:4, 1 wide: T2,"open
        hint: close the quote; inside quoted text a quote is written twice ("")
        "#);
    insta::assert_snapshot!(error("id string!; c string", b"id,c\nT1,caf\xe9\n"), @r#"
        d.csv: line 2, column c: "caf�" is not valid UTF-8 (exit 1)
        - "caf�" is not valid UTF-8
          at d.csv:2:4, 4 wide: T1,caf�
        hint: write the record in UTF-8 like the rest of the file, or if all are like this one name the encoding in catalog.yaml: `options: { encoding: windows-1252 }`
        "#);
}

#[test]
fn a_header_that_does_not_fit_is_told_with_what_to_write() {
    insta::assert_snapshot!(error("id string!; satisfaccion int!", "id,satisfacion\n"), @"
        d.csv: column `satisfaccion` is missing; did you mean `satisfacion`? (exit 2)
        - column `satisfaccion` is missing; did you mean `satisfacion`?
          hint: write `name: satisfacion` in datasets.d.columns, or rename it in the file
        ");
    insta::assert_snapshot!(error("id string!; canal string", "id,\"fecha hora\",id,nuevo\n"), @r"
        d.csv: 3 of its columns do not fit dataset d (exit 2)
        - column `id` stands there twice
          hint: rename one of the two in the file
        - column `fecha hora` is not declared
          hint: write `- { name: fecha hora, type: string }` in datasets.d.columns, or `on_drift: accept_new_columns`
        - column `nuevo` is not declared
          hint: write `- { name: nuevo, type: string }` in datasets.d.columns, or `on_drift: accept_new_columns`
        ");
    insta::assert_snapshot!(error("id string!", ""), @r"
        d.csv: the file is empty, it has no header line (exit 1)
        hint: a dataset's file begins with the names of its columns
        ");
    insta::assert_snapshot!(error("id string!", "\u{feff}\n\n"), @r"
        d.csv: the file is empty, it has no header line (exit 1)
        hint: a dataset's file begins with the names of its columns
        ");
    insta::assert_snapshot!(error("id string!", b"PAR1xxxxPAR1"), @r"
        d.csv: the file is a Parquet file, not delimited text (exit 2)
        hint: write `format: parquet` in catalog.yaml
        ");
    insta::assert_snapshot!(error("id string!", b"id,caf\xe9\n"), @r"
        d.csv: the header line is not valid UTF-8 (exit 1)
        hint: name the encoding of the file in catalog.yaml, such as `options: { encoding: windows-1252 }`
        ");
    insta::assert_snapshot!(error("id string!", "\"id\n1\n"), @r#"
        d.csv: line 1: the quote that opens here is never closed (exit 1)
        - the quote that opens here is never closed
          at d.csv:1:1, 1 wide: "id
        hint: close the quote; inside quoted text a quote is written twice ("")
        "#);
}

#[test]
fn the_first_fault_of_the_file_is_the_error() {
    // The second column is converted before the third and would come first without sorting.
    let text = "a,b,c\n1,1,x\n1,x,1\n1\n";
    assert!(error("a int; b int; c int", text).starts_with("d.csv: line 2, column c"));
    assert!(error("a int; b int; c int", "a,b,c\n1\n1,1,x\n").starts_with("d.csv: line 2: 1 field"));
}

#[test]
fn a_policy_that_goes_on_gets_all_faults_and_the_good_rows() {
    let keep = Arc::new(KeepAll::default());
    let text = "id,n\nT1,1\nT2,x\nT3\nT4,4\n,5\nT6,\"6\"x\nT7,7\n";
    let batch =
        decode(&dataset("id string!; n int"), text.as_bytes(), 5, (2, 1), Arc::<KeepAll>::clone(&keep)).unwrap();
    assert_eq!(batch.num_rows(), 3);
    let rejects = keep.rejects();
    assert_eq!(rejects.iter().map(|reject| reject.line).collect::<Vec<_>>(), [3, 4, 6, 7]);
    let messages: Vec<String> = rejects.iter().map(Reject::message).collect();
    assert_eq!(messages[0], "n: \"x\" is not an int");
    assert_eq!(messages[1], "1 field, but the header has 2");
    for reject in rejects {
        let start = usize::try_from(reject.offset.unwrap()).unwrap();
        let length = usize::try_from(reject.length.unwrap()).unwrap();
        assert_eq!(text.get(start..start + length), Some(reject.raw.as_str()));
    }
    assert_eq!(keep.accounts(), [Account { records: 7, rows: 3, rejected: 4, ..Account::default() }]);
}

#[test]
fn all_faults_of_a_record_are_one_reject() {
    let keep = Arc::new(KeepAll::default());
    let text = "n,id,dia\nx,,hoy\n1,T2,2024-01-01\n";
    let columns = dataset("id string!; n int; dia date");
    let batch = decode(&columns, text.as_bytes(), 5, (2, 1), Arc::<KeepAll>::clone(&keep)).unwrap();
    assert_eq!(batch.num_rows(), 1);
    let messages: Vec<String> = keep.rejects().iter().map(Reject::message).collect();
    assert_eq!(
        messages,
        ["n: \"x\" is not an int; id: no value, but the column is required; dia: \"hoy\" is not a date"]
    );
}

#[tokio::test]
async fn a_file_that_changes_or_goes_away_is_an_error() {
    use object_store::ObjectStoreExt;

    let dataset = dataset("a string");
    let files = files(&[("d.csv", b"a\nx\n")]).await;
    let InputFile { store, meta, .. } = &files[0];
    store.put(&meta.location, "a\nyyyyyyy\n".into()).await.unwrap();
    insta::assert_snapshot!(told(&query(&dataset, files.clone(), "SELECT * FROM d").await.unwrap_err()), @r"
        d.csv: the file changed after it was listed (exit 3)
        hint: wait until it is complete and run the command again
        ");
    store.delete(&meta.location).await.unwrap();
    insta::assert_snapshot!(told(&query(&dataset, files.clone(), "SELECT * FROM d").await.unwrap_err()), @r"
        d.csv: the file is no longer there (exit 3)
        hint: if it was replaced, run the command again
        ");
}

/// The seven files of the system that went before, as they are.
#[test]
fn the_predecessors_files() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let yaml = std::fs::read_to_string(root.join("catalog.yaml")).unwrap();
    let catalog: serde_json::Value = serde_yaml::from_str(&yaml).unwrap();
    let mut counted = Vec::new();
    for (name, declared) in catalog["datasets"].as_object().unwrap() {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let columns: Vec<String> = declared["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| {
                let required = column.get("required").is_some_and(|required| required == true);
                format!("{} {}{}", text(&column["name"]), text(&column["type"]), if required { "!" } else { "" })
            })
            .collect();
        let bytes = std::fs::read(root.join(format!("tests/data/predecessor/{name}.csv"))).unwrap();
        let batch = decode(&dataset(&columns.join("; ")), &bytes, 10_000, (1000, 2), strict());
        counted.push((name.clone(), batch.unwrap_or_else(|error| panic!("{}", told(&error))).num_rows()));
    }
    assert_eq!(counted.iter().map(|(_, rows)| rows).sum::<usize>(), 16_990, "{counted:?}");
    assert_eq!(counted.len(), 7);
}

#[tokio::test]
async fn the_file_and_the_line_on_request() {
    let mut dataset = dataset("n int");
    dataset.metadata = vec![Metadata::File, Metadata::Line];
    let files = files(&[("a.csv", b"n\n\"1\"\n\n3\n4\n"), ("b.csv", b"\nn\n4\n")]).await;
    let all = query_text(&dataset, files.clone(), "SELECT * FROM d ORDER BY _file, _line").await.unwrap();
    assert_eq!(
        all,
        "\
+---+-------+-------+
| n | _file | _line |
+---+-------+-------+
| 1 | a.csv | 2     |
| 3 | a.csv | 4     |
| 4 | a.csv | 5     |
| 4 | b.csv | 3     |
+---+-------+-------+"
    );
    let some = query(&dataset, files, "SELECT _line FROM d WHERE _file = 'b.csv'").await.unwrap();
    assert_eq!((some.num_rows(), some.num_columns()), (1, 1));
}

#[test]
fn other_encodings_and_their_places() {
    let utf16: Vec<u8> = "\u{feff}n,t\n1,ñ\nx,😊\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let keep = Arc::new(KeepAll::default());
    let good = decode(&dataset("n int; t string"), &utf16, 3, (8192, 1), Arc::<KeepAll>::clone(&keep)).unwrap();
    assert_eq!(good.num_rows(), 1);
    let reject = keep.rejects().remove(0);
    assert_eq!((reject.offset, reject.length, reject.line, reject.raw.as_str()), (Some(18), Some(8), 3, "x,😊"));

    let mut latin = dataset("n int; t string");
    latin.format = Format::Csv(CsvOptions { encoding: encoding_rs::WINDOWS_1252, ..CsvOptions::default() });
    let keep = Arc::new(KeepAll::default());
    let text = b"t,n\ncaf\xe9,1\n\xf1,x\n";
    let good = decode(&latin, text, 2, (8192, 1), Arc::<KeepAll>::clone(&keep)).unwrap();
    assert!(format!("{good:?}").contains("café"));
    let reject = keep.rejects().remove(0);
    assert_eq!((reject.offset, reject.length, reject.raw.as_str()), (Some(11), Some(3), "ñ,x"));
    assert!(decode(&latin, b"t,n\ncaf\xe9\n", 9, (8192, 1), strict()).is_err());
}

#[test]
fn a_quote_that_never_closes_costs_its_line_alone() {
    let keep = Arc::new(KeepAll::default());
    let text = "id,c\nT1,\"a\nb\"\nT2,\"open\nT3,y\nT4,z\nT5,w\n";
    let good = decode(&dataset("id string!; c string"), text.as_bytes(), 7, (8192, 1), Arc::<KeepAll>::clone(&keep));
    assert_eq!(good.unwrap().num_rows(), 4);
    let reject = keep.rejects().remove(0);
    assert_eq!((reject.line, reject.raw.as_str()), (4, "T2,\"open"));
    assert_eq!(keep.accounts(), [Account { records: 5, rows: 4, rejected: 1, ..Account::default() }]);
}

#[test]
fn text_that_is_no_records_by_itself_stays_in_the_record_of_its_quote() {
    let keep = Arc::new(KeepAll::default());
    let text = "id,c\nT1,x\nT2,\"open\nnothing\nhere, is, a\nrecord\n";
    let good = decode(&dataset("id string!; c string"), text.as_bytes(), 7, (8192, 1), Arc::<KeepAll>::clone(&keep));
    assert_eq!(good.unwrap().num_rows(), 1);
    let rejects = keep.rejects();
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0].raw, text[10..].trim_end());
}

/// A field as a good writer writes it.
fn written(value: &str, always: bool) -> String {
    if always || value.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// What can be wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Damage {
    None,
    Number,
    Missing,
    Extra,
    NotUtf8,
    StrayQuote,
}

/// The bytes of a record of an integer, a text and a text, damaged or not.
fn record() -> impl Strategy<Value = (Vec<u8>, Damage)> {
    use Damage::{Extra, Missing, NotUtf8, Number, StrayQuote};
    let damage = prop_oneof![
        6 => Just(Damage::None), 1 => Just(Number), 1 => Just(Missing), 1 => Just(Extra), 1 => Just(NotUtf8),
        1 => Just(StrayQuote)
    ];
    let texts = prop::collection::vec(("[a-c ,\"\n\r😊ñ]{0,12}", any::<bool>()), 2);
    (any::<i64>(), texts, damage).prop_map(|(number, texts, damage)| {
        let fields: Vec<String> = texts.iter().map(|(text, always)| written(text, *always)).collect();
        let text = match damage {
            Damage::None => format!("{number},{},{}", fields[0], fields[1]),
            Number => format!("x{number},{},{}", fields[0], fields[1]),
            Missing => format!("{number},{}", fields[0]),
            Extra => format!("{number},{},{},", fields[0], fields[1]),
            NotUtf8 => return ([number.to_string().as_bytes(), b",\xff,", fields[1].as_bytes()].concat(), damage),
            StrayQuote => format!("{number},\"a\"b,{}", fields[1]),
        };
        (text.into_bytes(), damage)
    })
}

/// A file of such records, and where each of them stands.
fn table() -> impl Strategy<Value = (Vec<u8>, Vec<(Range<usize>, Damage)>)> {
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("\n\n")];
    (prop::collection::vec(record(), 0..30), end).prop_map(|(records, end)| {
        let mut text = [b"n,a,b".as_slice(), end.as_bytes()].concat();
        let mut places = Vec::new();
        for (record, damage) in records {
            places.push((text.len()..text.len() + record.len(), damage));
            text.extend_from_slice(&record);
            text.extend_from_slice(end.as_bytes());
        }
        (text, places)
    })
}

type Read = (RecordBatch, Vec<Reject>, Vec<Account>);

fn read(text: &[u8], size: usize, batch_rows: usize, tasks: usize) -> Read {
    let keep = Arc::new(KeepAll::default());
    let dataset = dataset("a string; n int; b string");
    let batch = decode(&dataset, text, size, (batch_rows, tasks), Arc::<KeepAll>::clone(&keep)).unwrap();
    (batch, keep.rejects(), keep.accounts())
}

proptest! {
    #[test]
    fn every_record_is_a_row_or_a_reject(
        (text, records) in table(), size in 1_usize..80, batch_rows in 1_usize..9, tasks in 1_usize..5,
    ) {
        let (batch, rejects, accounts) = read(&text, size, batch_rows, tasks);
        let bad: Vec<_> = records.iter().filter(|(_, damage)| *damage != Damage::None).collect();
        prop_assert_eq!(batch.num_rows() + rejects.len(), records.len());
        prop_assert_eq!(rejects.len(), bad.len());
        for (reject, (place, _)) in rejects.iter().zip(bad) {
            let start = usize::try_from(reject.offset.unwrap()).unwrap();
            let length = usize::try_from(reject.length.unwrap()).unwrap();
            prop_assert_eq!(start..start + length, place.clone());
            prop_assert_eq!(String::from_utf8_lossy(&text[place.clone()]), reject.raw.as_str());
            prop_assert_eq!(super::super::piece::line_breaks(&text[..start]) + 1, reject.line);
        }
        let (rows, rejected) = (batch.num_rows() as u64, rejects.len() as u64);
        prop_assert_eq!(accounts, [Account { records: records.len() as u64, rows, rejected, ..Account::default() }]);
    }

    #[test]
    fn tasks_chunks_and_batches_make_no_difference(
        (text, _) in table(), cut in 0_usize..400, stray in 0_usize..400, size in 1_usize..80,
        batch_rows in 1_usize..9, tasks in 2_usize..5,
    ) {
        // A tail cut off anywhere and a quote put anywhere.
        let mut text = text;
        text.truncate(text.len().saturating_sub(cut % text.len()).max(6));
        text.insert(6 + stray % (text.len() - 5), b'"');
        let whole = read(&text, text.len(), 8192, 1);
        prop_assert_eq!(&whole, &read(&text, size, batch_rows, tasks));
        for reject in &whole.1 {
            let start = usize::try_from(reject.offset.unwrap()).unwrap();
            let end = start + usize::try_from(reject.length.unwrap()).unwrap();
            prop_assert_eq!(String::from_utf8_lossy(&text[start..end]), reject.raw.as_str());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, size in 1_usize..10, tasks in 1_usize..3) {
        let text = [b"t,n,e\n".as_slice(), &bytes].concat();
        let dataset = dataset("t string; n int; e list");
        let keep = Arc::new(KeepAll::default());
        let batch = decode(&dataset, &text, size, (3, tasks), Arc::<KeepAll>::clone(&keep)).unwrap();
        let account = keep.accounts()[0];
        prop_assert_eq!(account.rows, batch.num_rows() as u64);
        prop_assert_eq!(account.rejected, keep.rejects().len() as u64);
    }
}
