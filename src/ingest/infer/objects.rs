//! Looking through a file of JSON objects: piece by piece, as many pieces at once as there are threads.
//!
//! JSON says of a value whether it is a text, a number or a truth value, and that is believed: a text is never taken for a
//! number. What it has no way to say, days and instants, is seen in the texts.

use std::collections::HashMap;

use datafusion::common::runtime::SpawnedTask;
use futures::stream::{StreamExt, TryStreamExt};

use super::evidence::Evidence;
use super::survey::Survey;
use crate::error::{Error, Result};
use crate::ingest::chunks::chunks;
use crate::ingest::json::Json;
use crate::ingest::list;
use crate::ingest::object::{Entry, Object};
use crate::ingest::piece::Piece;
use crate::ingest::text_file;
use crate::store::InputFile;

/// Looks through `file`; `lines` says that each object stands on a line of its own.
///
/// # Errors
/// A file that cannot be read to its end.
pub(super) async fn survey(file: &InputFile, lines: bool, tasks: usize) -> Result<Survey> {
    let format = Json::new(lines);
    let stored = chunks(file.clone(), 0..file.meta.size);
    let (_, pieces) = text_file::open(&format, file.name.as_str().into(), stored).await?;
    let mut parts = pieces
        .stream()
        .map_ok(|piece| SpawnedTask::spawn(async move { look_at(format, &piece) }))
        .map(|task| async move {
            task?.join().await.map_err(|panic| Error::bug(format!("looking through a file died: {panic}")))
        })
        .buffered(tasks)
        .boxed();
    let mut whole = Survey::default();
    while let Some(part) = parts.try_next().await? {
        whole.add(part);
    }
    Ok(whole)
}

/// What one piece showed.
fn look_at(format: Json, piece: &Piece) -> Survey {
    let mut columns = Columns::default();
    let mut survey = Survey::default();
    if piece.broken.is_some() {
        survey.broken = 1;
        return survey;
    }
    let mut at = 0;
    while let Some(record) = format.next_record(&piece.text, at) {
        at = record.end;
        match std::str::from_utf8(&piece.text[record]).ok().and_then(|text| Object::parse(text).ok()) {
            Some(object) if !object.repeats_a_key() => {
                survey.records += 1;
                columns.add(object);
            }
            _ => survey.broken += 1,
        }
    }
    survey.columns = columns.evidence;
    for (_, evidence) in &mut survey.columns {
        evidence.fill_up(survey.records);
    }
    survey
}

/// The keys of many objects, in the order in which they were first seen.
#[derive(Default)]
struct Columns {
    places: HashMap<String, usize>,
    evidence: Vec<(String, Evidence)>,
}

impl Columns {
    /// Adds the values of an object that has each key once.
    fn add(&mut self, object: Object<'_>) {
        for entry in object.entries {
            let place = match self.places.get(entry.key.as_ref()) {
                Some(place) => *place,
                None => {
                    let key = entry.key.clone().into_owned();
                    self.places.insert(key.clone(), self.evidence.len());
                    self.evidence.push((key, Evidence::default()));
                    self.evidence.len() - 1
                }
            };
            note(&mut self.evidence[place].1, &entry);
        }
    }
}

/// Adds a value as the reader would take it. A key without a value is like one that is not there.
fn note(evidence: &mut Evidence, entry: &Entry<'_>) {
    let Some(text) = &entry.text else { return };
    match entry.value.as_bytes().first() {
        Some(b'"') => evidence.add_text(text.as_bytes()),
        Some(b'{') => evidence.add_structure(),
        Some(b'[') if !list::strings(text, |_| ()) => evidence.add_structure(),
        _ => evidence.add(Some(text.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Proposal, propose};
    use crate::catalog::{Column, Format, column_line};
    use crate::ingest::fault::Account;
    use crate::ingest::testing::{KeepAll, decode, files};
    use std::sync::Arc;

    async fn proposal(file: &str, text: &str) -> Proposal {
        propose("d", file, &files(&[(file, text.as_bytes())]).await).await.unwrap()
    }

    fn told(columns: &[Column]) -> String {
        columns.iter().map(column_line).collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn json_is_believed_and_all_records_decide() {
        let mut records: Vec<String> = (0..120)
            .map(|n| {
                format!(
                    r#"{{"codigo": "0{n}", "n": {n}, "monto": {n}, "dia": "2024-01-31", "visto": "3/12/2024 8:05",
                    "si": true, "etiquetas": ["a", "b"], "nada": null, "detalle": {{"x": [1]}}, "telefono": "987654321",
                    "medidas": [1, 2], "mezcla": {n}}}"#
                )
                .replace('\n', "")
            })
            .collect();
        records.push(
            r#"{"codigo": "", "monto": 1.5, "visto": "12/31/2024 8:05", "si": null, "n": -1, "mezcla": "NA"}"#
                .to_owned(),
        );
        records.push(r#"{"zona": "norte", "n": 9007199254740993, "codigo": "x"}"#.to_owned());
        records.push(r#"{"n": 1, "n": 2}"#.to_owned());
        let Proposal { dataset, inferred } = proposal("d.jsonl", &records.join("\n")).await;
        insta::assert_snapshot!(told(&dataset.columns), @r#"
        - { name: codigo, type: string, required: true }
        - { name: "n", type: int, required: true }
        - { name: monto, type: float }
        - { name: dia, type: date }
        - { name: visto, type: timestamp, format: "%m/%d/%Y %H:%M" }
        - { name: si, type: bool }
        - { name: etiquetas, type: list<string> }
        - { name: nada, type: string }
        - { name: detalle, type: string }
        - { name: telefono, type: string }
        - { name: medidas, type: string }
        - { name: mezcla, type: string }
        - { name: zona, type: string }
        "#);
        assert_eq!((inferred.records, inferred.rejected), (123, 1));
        insta::assert_snapshot!(inferred.notes.join("\n"), @"
        column `nada` has no value in any row; it is taken for string
        column `detalle` has objects, or lists of other things than texts; it is taken for string, which holds them as JSON
        column `medidas` has objects, or lists of other things than texts; it is taken for string, which holds them as JSON
        ");
    }

    #[tokio::test]
    async fn the_first_object_tells_lines_from_arrays_whatever_the_ending() {
        for (text, expected) in [
            ("{\"a\": 1}\n{\"a\": 2}\n", Format::JsonLines),
            ("\u{feff}{ \"a\": 1 }\r\n", Format::JsonLines),
            ("{\"a\": 1} {\"a\": 2}", Format::Json),
            ("{\n  \"a\": 1\n}\n", Format::Json),
            ("[{\"a\": 1}, {\"a\": 2}]", Format::Json),
            ("[ \n  {\"a\": 1}\n]", Format::Json),
        ] {
            for file in ["d.json", "d.jsonl", "d.txt"] {
                let proposal = proposal(file, text).await;
                assert_eq!(proposal.dataset.format, expected, "{text}");
                assert_eq!(told(&proposal.dataset.columns), "- { name: a, type: int }", "{text}");
            }
        }
    }

    /// A value of JSON as it is written.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?[1-9][0-9]{0,20}",
            "-?[1-9][0-9]{0,3}\\.[0-9]{1,3}",
            "(true|false|null)",
            "\"[0-3][0-9]/[01][0-9]/2024\"",
            "\"2024-[01][0-9]-[0-3][0-9]( 1[0-9]:30)?\"",
            "\"(NA|12|true|x)?\"",
            "\\[(\"[a-z]{0,2}\", )*null\\]",
            "\\{\"x\": [0-9]\\}",
        ]
    }

    proptest! {
        #[test]
        fn what_is_proposed_reads_every_record(
            one in prop::collection::vec(value(), 1..6), many in prop::collection::vec((0..3_usize, value()), 0..30), lines: bool,
        ) {
            // Columns of one kind of value, and now and then something else.
            let mut records: Vec<String> = one.iter().enumerate().map(|(n, v)| format!("{{\"c{}\": {v}}}", n % 3)).collect();
            records.extend(many.iter().map(|(n, v)| format!("{{\"c{n}\": {v}}}")));
            let text = if lines { records.join("\n") } else { format!("[{}]", records.join(",\n")) };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let Proposal { dataset, .. } = runtime.block_on(proposal("d.json", &text));
            let keep = Arc::new(KeepAll::default());
            decode(&dataset, text.as_bytes(), 7, (5, 2), Arc::<KeepAll>::clone(&keep)).unwrap();
            let rows = records.len() as u64;
            prop_assert_eq!(keep.rejects(), []);
            prop_assert_eq!(keep.accounts(), [Account { records: rows, rows, ..Account::default() }]);
        }
    }
}
