//! The simulator as a whole: what lands in the directory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Date32Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use super::*;
use crate::error::Kind;

/// SHA-256 of the CSV files of seed 42 and scale 0.01, one after the other by name.
const SEED_42_SCALE_001: &str = "b53819efb840c8720fbcde6dfeb527173b8847e29152c0ce2e9f6249028e4a84";

fn options(out: &Path, scale: f64, formats: &[FileFormat], threads: usize) -> Options {
    let threads = NonZeroUsize::new(threads).unwrap();
    Options { seed: 42, scale, out: out.to_owned(), formats: formats.to_vec(), force: false, threads }
}

/// Every file of a directory with its content.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

fn read_parquet(folder: &Path, name: &str) -> RecordBatch {
    let file = File::open(folder.join(format!("{name}.parquet"))).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder.build().unwrap().map(|batch| batch.unwrap()).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    batch.column_by_name(name).unwrap().as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

#[test]
fn threads_do_not_change_a_byte() {
    let run = |threads| {
        let folder = tempfile::tempdir().unwrap();
        let formats = [FileFormat::Csv, FileFormat::Parquet];
        simulate(&options(folder.path(), 0.12, &formats, threads), &|_| Ok(())).unwrap();
        contents(folder.path())
    };
    let alone = run(1);
    assert_eq!(alone.len(), 15);
    assert!(run(2) == alone);
    assert!(run(5) == alone);
}

#[test]
fn the_bytes_of_seed_42_never_change() {
    let folder = tempfile::tempdir().unwrap();
    simulate(&options(folder.path(), 0.01, &[FileFormat::Csv], 2), &|_| Ok(())).unwrap();
    let mut hash = Sha256::new();
    for (name, content) in contents(folder.path()) {
        if Path::new(&name).extension().is_some_and(|ending| ending == "csv") {
            hash.update(content);
        }
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hash, SEED_42_SCALE_001,
        "if rows were changed on purpose, write the new hash here and tell it in the change log"
    );
}

#[test]
fn the_summary_of_scale_1_has_the_calibrated_figures() {
    let folder = tempfile::tempdir().unwrap();
    let seen = RefCell::new(Vec::new());
    let summary = simulate(&options(folder.path(), 1.0, &[FileFormat::Csv], 2), &|progress| {
        seen.borrow_mut().push(progress);
        Ok(())
    })
    .unwrap();
    assert_eq!(summary.rows(), 171_031);
    let last = *seen.borrow().last().unwrap();
    assert_eq!((last.rows, last.total), (171_031, 171_031));
    assert!(seen.borrow().is_sorted_by_key(|progress| progress.rows));

    let written: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join(summary::FILE_NAME)).unwrap()).unwrap();
    assert_eq!(written, summary.json());
    let tickets = &written["datasets"]["tickets_soporte"];
    assert_eq!(
        tickets["counts"]["canal"],
        serde_json::json!({
            "app_movil": 6144, "chat_web": 18639, "email": 11257, "sucursal": 9065, "telefono": 26167, "whatsapp": 3728
        })
    );
    assert_eq!(
        tickets["counts"]["subtipo"],
        serde_json::json!({
            "cuentas": 15271, "inversiones": 11221, "prestamos": 18649, "seguros": 7462, "tarjetas": 22397
        })
    );
    let hundredths = |value: &serde_json::Value| format!("{:.2}", value.as_f64().unwrap());
    let by_canal = &tickets["means"]["satisfaccion_cliente by canal"];
    for (canal, mean) in tickets::CANALES.iter().zip(["3.18", "3.25", "3.21", "3.28", "3.19", "3.24"]) {
        assert_eq!(hundredths(&by_canal[canal]), mean, "{canal}");
    }
    let metrics = &written["business_metrics"];
    assert_eq!(hundredths(&metrics["avg_satisfaction_score"]), "3.22");
    assert_eq!(format!("{:.1}", metrics["nps"].as_f64().unwrap()), "5.0");
    assert_eq!(metrics["resolution_rate_percent"], 82.0);
    assert_eq!(metrics["avg_response_minutes"], 15.2);
    for dataset in &summary.datasets {
        let (first, last) = (dataset.first_day().unwrap(), dataset.last_day().unwrap());
        assert!(first >= calendar::date(calendar::FIRST_DAY), "{}", dataset.name);
        if dataset.name != "encuestas_post_atencion" {
            assert!(last <= calendar::date(calendar::LAST_DAY), "{}", dataset.name);
        }
        assert_eq!(fs::metadata(&dataset.files[0].path).unwrap().len(), dataset.files[0].bytes);
    }
}

#[test]
fn every_reference_has_its_row() {
    let folder = tempfile::tempdir().unwrap();
    simulate(&options(folder.path(), 0.1, &[FileFormat::Parquet], 2), &|_| Ok(())).unwrap();
    let clientes: BTreeSet<Option<String>> =
        texts(&read_parquet(folder.path(), "clientes"), "cliente_id").into_iter().collect();
    for name in
        ["tickets_soporte", "resenas_online", "llamadas_call_center", "libro_reclamaciones", "mensajes_whatsapp"]
    {
        let named = texts(&read_parquet(folder.path(), name), "cliente_id");
        assert!(named.iter().filter(|id| id.is_some()).all(|id| clientes.contains(id)), "{name}");
        assert_eq!(named.iter().any(Option::is_none), name == "resenas_online", "{name}");
    }

    let tickets = read_parquet(folder.path(), "tickets_soporte");
    let (ids, owners, states) =
        (texts(&tickets, "ticket_id"), texts(&tickets, "cliente_id"), texts(&tickets, "estado"));
    let moments = tickets.column_by_name("fecha_hora").unwrap().as_primitive::<TimestampMicrosecondType>();
    let by_id: BTreeMap<_, usize> = ids.iter().enumerate().map(|(row, id)| (id.clone(), row)).collect();
    let encuestas = read_parquet(folder.path(), "encuestas_post_atencion");
    let sent = encuestas.column_by_name("fecha_envio").unwrap().as_primitive::<Date32Type>();
    let asked = texts(&encuestas, "ticket_id");
    assert_eq!(asked.iter().collect::<BTreeSet<_>>().len(), 2153);
    for (row, (ticket, owner)) in asked.iter().zip(texts(&encuestas, "cliente_id")).enumerate() {
        let ticket = by_id[ticket];
        assert_eq!(owner, owners[ticket]);
        assert!(matches!(states[ticket].as_deref(), Some("resuelto" | "cerrado")));
        assert!(sent.value(row) > calendar::day_of(moments.value(ticket)));
    }
}

#[test]
fn complaint_days_are_the_difference_of_their_dates() {
    let folder = tempfile::tempdir().unwrap();
    simulate(&options(folder.path(), 0.1, &[FileFormat::Parquet], 1), &|_| Ok(())).unwrap();
    let reclamos = read_parquet(folder.path(), "libro_reclamaciones");
    let date = |name: &str| reclamos.column_by_name(name).unwrap().as_primitive::<Date32Type>().clone();
    let days = reclamos.column_by_name("tiempo_resolucion_dias").unwrap().as_primitive::<Int64Type>();
    let (from, to) = (date("fecha"), date("fecha_respuesta"));
    for (row, estado) in texts(&reclamos, "estado").into_iter().enumerate() {
        let answered = estado.as_deref() != Some("abierto");
        assert_eq!(
            (to.iter().nth(row).unwrap().is_some(), days.iter().nth(row).unwrap().is_some()),
            (answered, answered)
        );
        assert!(!answered || i64::from(to.value(row) - from.value(row)) == days.value(row));
    }
}

#[test]
fn existing_files_are_kept_unless_forced() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), 0.001, &[FileFormat::Csv], 1);
    fs::write(folder.path().join("tickets_soporte.csv"), "mine").unwrap();
    let error = simulate(&options, &|_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.message().contains("tickets_soporte.csv"), "{error}");
    assert!(error.next_step().unwrap().contains("--force"));
    assert_eq!(contents(folder.path()).len(), 1);

    options.force = true;
    options.formats.push(FileFormat::Csv); // said twice, written once
    simulate(&options, &|_| Ok(())).unwrap();
    assert_eq!(contents(folder.path()).len(), 8);
    assert_ne!(fs::read(folder.path().join("tickets_soporte.csv")).unwrap(), b"mine");
}

#[test]
fn a_failure_leaves_everything_as_before() {
    let folder = tempfile::tempdir().unwrap();
    // A directory of that name can be overwritten by no file.
    fs::create_dir(folder.path().join(".mensajes_whatsapp.csv.partial")).unwrap();
    let error = simulate(&options(folder.path(), 0.01, &[FileFormat::Csv], 2), &|_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.message().contains("mensajes_whatsapp.csv"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_simulation_that_is_stopped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stop = |progress: Progress| match progress.dataset {
        "tickets_soporte" => Err(Error::new(Kind::Interrupted, "stopped")),
        _ => Ok(()),
    };
    let error = simulate(&options(folder.path(), 0.1, &[FileFormat::Csv, FileFormat::Parquet], 2), &stop).unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(contents(folder.path()).len(), 0);
}

#[test]
fn a_file_in_the_way_of_the_directory_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("raw");
    fs::write(&out, "").unwrap();
    let error = simulate(&options(&out, 0.001, &[FileFormat::Csv], 1), &|_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), Kind::Store);
    assert!(error.message().contains("raw"), "{error}");
}
