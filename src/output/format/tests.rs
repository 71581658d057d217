//! Every format over the same awkward rows.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use arrow::array::{
    Array, Date32Array, Decimal128Array, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use insta::assert_snapshot;

use super::*;
use crate::error::Kind;

/// Bytes written, readable after the target is gone.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn bytes(format: Format, batches: &[RecordBatch], layout: &Layout) -> (Vec<u8>, Account) {
    let memory = Memory::default();
    let target = Target::over("memory", memory.clone());
    let mut file = ResultFile::begin(format, batches[0].schema_ref(), target, layout).unwrap();
    for batch in batches {
        file.batch(batch).unwrap();
    }
    let account = file.finish().unwrap();
    let written = memory.0.lock().unwrap().clone();
    (written, account)
}

fn text(format: Format, batch: &RecordBatch) -> String {
    let layout = Layout { width: Some(80), ..Layout::default() };
    String::from_utf8(bytes(format, std::slice::from_ref(batch), &layout).0).unwrap()
}

/// Null, empty, emoji, new line, tab, escape sequence, markup, negative numbers, wide and long text.
fn awkward() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("comentario", DataType::Utf8, true),
        Field::new("valor", DataType::Float64, true),
        Field::new("fecha_hora", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]);
    let texts = StringArray::from(vec![
        Some("pésimo 😡 | \"nunca\" <b>&"),
        Some("dos\nlíneas\ty tab"),
        Some(""),
        None,
        Some("日本語 \x1b[31mrojo"),
    ]);
    let instants = vec![Some(1_680_411_162_137_506), Some(1_680_411_162_000_000), None, Some(0), Some(-1_000)];
    RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(Int64Array::from(vec![1, -2, 30, 4000, -50_000])),
            Arc::new(texts),
            Arc::new(Float64Array::from(vec![Some(3.22), Some(-0.1), None, Some(1e20), Some(5.0)])),
            Arc::new(TimestampMicrosecondArray::from(instants)),
        ],
    )
    .unwrap()
}

/// A list, a decimal and a date.
fn structured() -> RecordBatch {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("urgente"), None, Some("a,\"b\"")]);
    lists.append_value(Vec::<Option<&str>>::new());
    lists.append_null();
    let lists = lists.finish();
    let schema = Schema::new(vec![
        Field::new("etiquetas", lists.data_type().clone(), true),
        Field::new("monto", DataType::Decimal128(10, 2), true),
        Field::new("dia", DataType::Date32, true),
    ]);
    let decimals = Decimal128Array::from(vec![Some(123_450), Some(-5), None]).with_precision_and_scale(10, 2).unwrap();
    let days = Date32Array::from(vec![Some(19_449), None, Some(0)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(lists), Arc::new(decimals), Arc::new(days)]).unwrap()
}

fn numbers(count: i64) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("n", DataType::Int64, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from_iter_values(0..count))]).unwrap()
}

#[test]
fn table() {
    assert_snapshot!(text(Format::Table, &awkward()), @r#"
    ╭────────┬──────────────────────────┬───────┬────────────────────────────╮
    │     id │ comentario               │ valor │ fecha_hora                 │
    ├────────┼──────────────────────────┼───────┼────────────────────────────┤
    │      1 │ pésimo 😡 | "nunca" <b>& │  3.22 │ 2023-04-02 04:52:42.137506 │
    │     -2 │ dos⏎líneas⇥y tab         │  -0.1 │ 2023-04-02 04:52:42        │
    │     30 │                          │  NULL │ NULL                       │
    │   4000 │ NULL                     │  1e20 │ 1970-01-01 00:00:00        │
    │ -50000 │ 日本語 ␛[31mrojo         │   5.0 │ 1969-12-31 23:59:59.999    │
    ╰────────┴──────────────────────────┴───────┴────────────────────────────╯
    "#);
    assert_snapshot!(text(Format::Table, &structured()), @r#"
    ╭────────────────────────┬─────────┬────────────╮
    │ etiquetas              │   monto │ dia        │
    ├────────────────────────┼─────────┼────────────┤
    │ [urgente, NULL, a,"b"] │ 1234.50 │ 2023-04-02 │
    │ []                     │   -0.05 │ NULL       │
    │ NULL                   │    NULL │ 1970-01-01 │
    ╰────────────────────────┴─────────┴────────────╯
    "#);
}

#[test]
fn table_in_a_narrow_terminal() {
    let layout = Layout { width: Some(62), types: true, ..Layout::default() };
    let (written, account) = bytes(Format::Table, &[awkward()], &layout);
    assert_snapshot!(String::from_utf8(written).unwrap(), @"
    ╭────────┬──────────────┬───────┬────────────────────────────╮
    │     id │ comentario   │ valor │ fecha_hora                 │
    │    int │ string       │ float │ timestamp                  │
    ├────────┼──────────────┼───────┼────────────────────────────┤
    │      1 │ pésimo 😡 |… │  3.22 │ 2023-04-02 04:52:42.137506 │
    │     -2 │ dos⏎líneas⇥… │  -0.1 │ 2023-04-02 04:52:42        │
    │     30 │              │  NULL │ NULL                       │
    │   4000 │ NULL         │  1e20 │ 1970-01-01 00:00:00        │
    │ -50000 │ 日本語 ␛[31… │   5.0 │ 1969-12-31 23:59:59.999    │
    ╰────────┴──────────────┴───────┴────────────────────────────╯
    ");
    assert_snapshot!(account, @"5 rows · long text cut at …, format box wraps it");
}

#[test]
fn boxes_wrap_what_a_table_cuts() {
    let layout = Layout { width: Some(62), ..Layout::default() };
    let (written, account) = bytes(Format::Box, &[awkward()], &layout);
    assert_snapshot!(String::from_utf8(written).unwrap(), @r#"
    ╭────────┬──────────────┬───────┬────────────────────────────╮
    │     id │ comentario   │ valor │ fecha_hora                 │
    ├────────┼──────────────┼───────┼────────────────────────────┤
    │      1 │ pésimo 😡 |  │  3.22 │ 2023-04-02 04:52:42.137506 │
    │        │ "nunca" <b>& │       │                            │
    ├────────┼──────────────┼───────┼────────────────────────────┤
    │     -2 │ dos⏎líneas⇥y │  -0.1 │ 2023-04-02 04:52:42        │
    │        │ tab          │       │                            │
    ├────────┼──────────────┼───────┼────────────────────────────┤
    │     30 │              │  NULL │ NULL                       │
    ├────────┼──────────────┼───────┼────────────────────────────┤
    │   4000 │ NULL         │  1e20 │ 1970-01-01 00:00:00        │
    ├────────┼──────────────┼───────┼────────────────────────────┤
    │ -50000 │ 日本語       │   5.0 │ 1969-12-31 23:59:59.999    │
    │        │ ␛[31mrojo    │       │                            │
    ╰────────┴──────────────┴───────┴────────────────────────────╯
    "#);
    assert_snapshot!(account, @"5 rows");
}

#[test]
fn a_table_that_cannot_fit_is_shown_vertically() {
    let layout = Layout { width: Some(30), ..Layout::default() };
    let (written, account) = bytes(Format::Table, &[awkward().slice(0, 2)], &layout);
    assert_snapshot!(String::from_utf8(written).unwrap(), @r#"
    ── row 1 ─────────────────────
            id │ 1
    comentario │ pésimo 😡 | "nunca" <b>&
         valor │ 3.22
    fecha_hora │ 2023-04-02 04:52:42.137506
    ── row 2 ─────────────────────
            id │ -2
    comentario │ dos
               │ líneas⇥y tab
         valor │ -0.1
    fecha_hora │ 2023-04-02 04:52:42
    "#);
    assert_snapshot!(account, @"2 rows · too wide for the terminal, so shown vertically");
}

#[test]
fn vertical() {
    assert_snapshot!(text(Format::Vertical, &awkward()), @r#"
    ── row 1 ───────────────────────────────────────────────────
            id │ 1
    comentario │ pésimo 😡 | "nunca" <b>&
         valor │ 3.22
    fecha_hora │ 2023-04-02 04:52:42.137506
    ── row 2 ───────────────────────────────────────────────────
            id │ -2
    comentario │ dos
               │ líneas⇥y tab
         valor │ -0.1
    fecha_hora │ 2023-04-02 04:52:42
    ── row 3 ───────────────────────────────────────────────────
            id │ 30
    comentario │ 
         valor │ NULL
    fecha_hora │ NULL
    ── row 4 ───────────────────────────────────────────────────
            id │ 4000
    comentario │ NULL
         valor │ 1e20
    fecha_hora │ 1970-01-01 00:00:00
    ── row 5 ───────────────────────────────────────────────────
            id │ -50000
    comentario │ 日本語 ␛[31mrojo
         valor │ 5.0
    fecha_hora │ 1969-12-31 23:59:59.999
    "#);
}

#[test]
fn csv() {
    assert_snapshot!(text(Format::Csv, &awkward()).replace('\x1b', "␛"), @r#"
    id,comentario,valor,fecha_hora
    1,"pésimo 😡 | ""nunca"" <b>&",3.22,2023-04-02 04:52:42.137506
    -2,"dos
    líneas	y tab",-0.1,2023-04-02 04:52:42
    30,,,
    4000,,1e20,1970-01-01 00:00:00
    -50000,日本語 ␛[31mrojo,5.0,1969-12-31 23:59:59.999
    "#);
    assert_snapshot!(text(Format::Csv, &structured()), @r#"
    etiquetas,monto,dia
    "[""urgente"",null,""a,\""b\""""]",1234.50,2023-04-02
    [],-0.05,
    ,,1970-01-01
    "#);
}

#[test]
fn tsv() {
    assert_snapshot!(text(Format::Tsv, &structured()).replace('\t', "⇥"), @r#"
    etiquetas⇥monto⇥dia
    "[""urgente"",null,""a,\""b\""""]"⇥1234.50⇥2023-04-02
    []⇥-0.05⇥
    ⇥⇥1970-01-01
    "#);
}

#[test]
fn json() {
    assert_snapshot!(text(Format::Json, &awkward()), @r#"
    [
    {"id":1,"comentario":"pésimo 😡 | \"nunca\" <b>&","valor":3.22,"fecha_hora":"2023-04-02T04:52:42.137506"},
    {"id":-2,"comentario":"dos\nlíneas\ty tab","valor":-0.1,"fecha_hora":"2023-04-02T04:52:42"},
    {"id":30,"comentario":"","valor":null,"fecha_hora":null},
    {"id":4000,"comentario":null,"valor":1.0e20,"fecha_hora":"1970-01-01T00:00:00"},
    {"id":-50000,"comentario":"日本語 \u001b[31mrojo","valor":5.0,"fecha_hora":"1969-12-31T23:59:59.999"}
    ]
    "#);
    let parsed: serde_json::Value = serde_json::from_str(&text(Format::Json, &structured())).unwrap();
    assert_eq!(parsed[0]["etiquetas"], serde_json::json!(["urgente", null, "a,\"b\""]));
}

#[test]
fn jsonl() {
    assert_snapshot!(text(Format::Jsonl, &structured()), @r#"
    {"etiquetas":["urgente",null,"a,\"b\""],"monto":1234.50,"dia":"2023-04-02"}
    {"etiquetas":[],"monto":-0.05,"dia":null}
    {"etiquetas":null,"monto":null,"dia":"1970-01-01"}
    "#);
}

#[test]
fn markdown() {
    assert_snapshot!(text(Format::Markdown, &awkward()), @r#"
    | id | comentario | valor | fecha_hora |
    | ---: | --- | ---: | --- |
    | 1 | pésimo 😡 \| "nunca" \<b>\& | 3.22 | 2023-04-02 04:52:42.137506 |
    | -2 | dos<br>líneas⇥y tab | -0.1 | 2023-04-02 04:52:42 |
    | 30 |  | NULL | NULL |
    | 4000 | NULL | 1e20 | 1970-01-01 00:00:00 |
    | -50000 | 日本語 ␛\[31mrojo | 5.0 | 1969-12-31 23:59:59.999 |
    "#);
}

#[test]
fn html() {
    assert_snapshot!(text(Format::Html, &awkward()), @r#"
    <table>
    <thead>
    <tr>
    <th>id</th>
    <th>comentario</th>
    <th>valor</th>
    <th>fecha_hora</th>
    </tr>
    </thead>
    <tbody>
    <tr><td class="number">1</td><td>pésimo 😡 | &quot;nunca&quot; &lt;b&gt;&amp;</td><td class="number">3.22</td><td>2023-04-02 04:52:42.137506</td></tr>
    <tr><td class="number">-2</td><td>dos<br>líneas⇥y tab</td><td class="number">-0.1</td><td>2023-04-02 04:52:42</td></tr>
    <tr><td class="number">30</td><td></td><td class="null">NULL</td><td class="null">NULL</td></tr>
    <tr><td class="number">4000</td><td class="null">NULL</td><td class="number">1e20</td><td>1970-01-01 00:00:00</td></tr>
    <tr><td class="number">-50000</td><td>日本語 ␛[31mrojo</td><td class="number">5.0</td><td>1969-12-31 23:59:59.999</td></tr>
    </tbody>
    </table>
    "#);
}

#[test]
fn parquet_reads_back_the_same() {
    let (written, _) = bytes(Format::Parquet, &[awkward(), awkward()], &Layout::default());
    let reader =
        ::parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(bytes::Bytes::from(written), 1024).unwrap();
    let read: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
    let both = arrow::compute::concat_batches(awkward().schema_ref(), &[awkward(), awkward()]).unwrap();
    assert_eq!(read, [both]);
}

#[test]
fn arrow_reads_back_the_same_with_dictionaries_written_out() {
    let dictionary = |values: Vec<&str>| {
        let column: arrow::array::DictionaryArray<arrow::datatypes::Int32Type> = values.into_iter().collect();
        let schema = Schema::new(vec![Field::new("canal", column.data_type().clone(), true)]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(column)]).unwrap()
    };
    let batches = [dictionary(vec!["telefono", "email"]), dictionary(vec!["whatsapp"])];
    let (written, account) = bytes(Format::Arrow, &batches, &Layout::default());
    let reader = arrow::ipc::reader::FileReader::try_new(io::Cursor::new(written), None).unwrap();
    let values: Vec<String> = reader
        .flat_map(|batch| {
            let batch = batch.unwrap();
            let column = batch.column(0).as_any().downcast_ref::<StringArray>().unwrap().clone();
            column.iter().map(|value| value.unwrap().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(values, ["telefono", "email", "whatsapp"]);
    assert_eq!(account.to_string(), "3 rows");
}

#[test]
fn no_rows_still_have_columns() {
    let empty = numbers(0);
    assert_eq!(text(Format::Csv, &empty), "n\n");
    assert_eq!(text(Format::Json, &empty), "[\n]\n");
    assert_eq!(text(Format::Jsonl, &empty), "");
    assert_snapshot!(text(Format::Table, &empty), @"
    ╭───╮
    │ n │
    ├───┤
    ╰───╯
    ");
}

#[test]
fn rows_left_out_of_a_table_are_counted_and_told() {
    let layout = Layout { max_rows: Some(3), ..Layout::default() };
    let batches = [numbers(2), numbers(2), numbers(1500)];
    for format in Format::ALL {
        let (_, account) = bytes(format, &batches, &layout);
        let expected = if format.is_for_reading() { "3 of 1,504 rows shown" } else { "1,504 rows" };
        assert_eq!(account.to_string(), expected, "{format}");
        assert_eq!(account.is_shortened(), format.is_for_reading(), "{format}");
    }
    let (written, _) = bytes(Format::Table, &batches, &layout);
    assert_snapshot!(String::from_utf8(written).unwrap(), @"
    ╭───╮
    │ n │
    ├───┤
    │ 0 │
    │ 1 │
    │ 0 │
    ╰───╯
    ");
}

#[test]
fn formats_for_reading_send_no_escape_sequence() {
    for format in Format::ALL.into_iter().filter(|format| format.is_for_reading()) {
        assert!(!text(format, &awkward()).contains('\x1b'), "{format}");
    }
}

#[test]
fn a_table_marks_its_parts_in_colour() {
    let layout = Layout { colour: true, ..Layout::default() };
    let (written, _) = bytes(Format::Table, &[structured().slice(2, 1)], &layout);
    assert_snapshot!(String::from_utf8(written).unwrap().replace('\x1b', "␛"), @"
    ╭───────────┬───────┬────────────╮
    │␛[1m etiquetas ␛[0m│␛[1m monto ␛[0m│␛[1m dia        ␛[0m│
    ├───────────┼───────┼────────────┤
    │␛[2m NULL      ␛[0m│␛[2m  NULL ␛[0m│ 1970-01-01 │
    ╰───────────┴───────┴────────────╯
    ");
}

#[test]
fn a_failing_medium_is_named_by_every_format() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        let written = || {
            let batch = awkward();
            let mut file =
                ResultFile::begin(format, batch.schema_ref(), Target::over("`x`", Full), &Layout::default())?;
            file.batch(&batch)?;
            file.finish()
        };
        let error = written().unwrap_err();
        assert_eq!(error.kind(), Kind::Store, "{format}");
        assert!(error.message().starts_with("cannot write `x`: no storage space"), "{format}: {error}");
    }
}

#[test]
fn formats_are_known_by_name_and_by_ending() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse::<Format>().unwrap(), format);
        assert_eq!(format.to_possible_value().unwrap().get_name(), format.as_str());
    }
    assert_eq!("marcdown".parse::<Format>().unwrap_err().next_step(), Some("did you mean `markdown`?"));
    assert_eq!(Format::of_file(Path::new("a/kpi.PARQUET")).unwrap(), Format::Parquet);
    assert_eq!(Format::of_file(Path::new("kpi.ndjson")).unwrap(), Format::Jsonl);
    assert_eq!(Format::of_file(Path::new("kpi")).unwrap_err().kind(), Kind::Usage);
}
