//! Files as they come, damaged in every way that was thought of: what is taken from them, and what a person is told.
//!
//! The files stand in `tests/data/dirty`; each is a dataset of one project. Its snapshot shows a query, a run and the
//! rejects of that run.

use std::fs;
use std::path::Path;
use std::thread;

use insta::assert_snapshot;
use regex::Regex;

use crate::support::project::{Outcome, TestProject};

/// The files, each with the columns that are declared for it.
const DATASETS: &[(&str, &str)] = &[
    ("anchos_distintos.csv", "id int!; nota string"),
    ("bit_cambiado.csv.gz", "id int!; nota string"),
    ("bytes_sueltos.csv", "id int!; nota string"),
    ("cadenas.jsonl", "id int!; nota string"),
    ("ceros.csv", "id int!; nota string"),
    ("cola_cortada.csv", "id int!; nota string; monto float"),
    ("columna_repetida.csv", "id int!; nota string"),
    ("coma_final.csv", "id int!; nota string"),
    ("comilla_abierta.csv", "id int!; nota string"),
    ("comilla_suelta.csv", "id int!; nota string"),
    ("comprimido.csv.gz", "id int!; nota string"),
    ("comprimido.csv.zst", "id int!; nota string"),
    ("cortado.csv.gz", "id int!; nota string"),
    ("cortado.csv.zst", "id int!; nota string"),
    ("cortado.json", "id int!; nota string"),
    ("cortado.parquet", "id int!; nota string"),
    ("dos_partes.csv.gz", "id int!; nota string"),
    ("encabezado_en_medio.csv", "id int!; nota string"),
    ("enteros.csv", "id int!; precio decimal(6,2)"),
    (
        "fechas.csv",
        "id int!; fecha timestamp, format: ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%d %H', '%Y-%m-%d']",
    ),
    ("filas.parquet", "id int!; nota string, values: ['5', '7', '8']"),
    ("largo.csv.zst", "id int!; nota string"),
    (
        "latin1.csv",
        "InvoiceNo string!; Descripción string; InvoiceDate timestamp, format: '%m/%d/%Y %H:%M'; Precio decimal(10,2)",
    ),
    ("latin1_sin_declarar.csv", "id int!; nota string"),
    ("libro.csv", "id int!; nota string"),
    ("lineas.jsonl", "id int!; nota string"),
    ("listas.csv", "id int!; etiquetas list<string>; canales list<string>, separator: ';'"),
    ("marca_y_retornos.csv", "id int!; nota string"),
    ("numeros.csv", "id int!; monto float; dia date; activo bool"),
    ("objetos.json", "id int!; nota string"),
    ("otro_separador.csv", "id int!; nota string"),
    ("pagina_mala.parquet", "id int!; nota string"),
    (
        "reglas.csv",
        "id int!; nota int, min: 1, max: 10; canal string, values: [web, app]; codigo string, pattern: 'T-[0-9]+'",
    ),
    ("repetidos.csv", "id int!, unique: true; nota string"),
    ("retornos_solos.csv", "id int!; nota string"),
    ("sin_encabezado.csv", "id int!; nota string"),
    ("sin_final.csv.zst", "id int!; nota string"),
    ("suma_mala.csv.gz", "id int!; nota string"),
    ("tabulado.tsv", "id int!; nota string"),
    ("utf16.csv", "id int!; nota string"),
    ("utf16_sin_marca.csv", "id int!; nota string"),
    ("vacio.csv", "id int!; nota string"),
];

/// A project with the dataset `datos` in one of the files, and a model of all its rows.
fn project(file: &str, columns: &str) -> TestProject {
    let project = TestProject::empty();
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dirty").join(file)).unwrap();
    let options = match file {
        "latin1.csv" => "    options: { encoding: windows-1252, delimiter: ';' }\n",
        _ => "",
    };
    let mut catalog = format!(
        "version: 1\nproject: sucio\nlake: lake\ndatasets:\n  datos:\n    path: data/{file}\n{options}    metadata: [_line]\n    columns:\n"
    );
    for column in columns.split("; ") {
        let (name, rest) = column.split_once(' ').unwrap();
        let (column_type, rules) = rest.split_once(", ").unwrap_or((rest, ""));
        let required = if column_type.ends_with('!') { ", required: true" } else { "" };
        let rules = if rules.is_empty() { String::new() } else { format!(", {rules}") };
        let column_type = column_type.trim_end_matches('!');
        catalog.push_str(&format!("      - {{ name: {name}, type: '{column_type}'{required}{rules} }}\n"));
    }
    project
        .write("catalog.yaml", catalog)
        .write(&format!("data/{file}"), bytes)
        .write("sql/processed/datos.sql", "SELECT * FROM raw.datos\n");
    project
}

/// What a person sees of one of the files.
fn seen(file: &str, columns: &str) -> String {
    let project = project(file, columns);
    let query: &[&str] = &["query", "--format", "csv", "SELECT * FROM raw.datos"];
    let rejects = ["rejects", "datos", "--run", "last"];
    let show = |arguments: &[&str]| {
        let outcome: Outcome = project.cauce(arguments);
        format!("$ cauce {}\n{outcome}", arguments.join(" "))
    };
    let all = [show(query), show(&["run"]), show(&rejects)].join("\n");
    let all = all.replace('\0', "␀");
    // Of a record that is too long the beginning is kept.
    Regex::new("x{100,}").unwrap().replace_all(&all, "[MANY x]").into_owned()
}

#[test]
fn every_damaged_file_says_what_is_in_it_and_what_is_not() {
    let half = DATASETS.len() / 2;
    let see = |datasets: &[(&str, &str)]| datasets.iter().map(|(file, columns)| seen(file, columns)).collect();
    let told: Vec<String> = thread::scope(|scope| {
        let first = scope.spawn(|| -> Vec<String> { see(&DATASETS[..half]) });
        let second: Vec<String> = see(&DATASETS[half..]);
        [first.join().unwrap(), second].concat()
    });
    for ((file, _), told) in DATASETS.iter().zip(told) {
        assert_snapshot!(format!("dirty_{}", file.replace('.', "_")), told);
    }
}

#[test]
fn every_damaged_file_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dirty");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(DATASETS.iter().any(|(file, _)| *file == name), "{name}");
    }
}

#[test]
fn every_query_sees_the_same_rows() {
    let project = project("numeros.csv", "id string; monto string; dia date; activo string");
    for columns in ["count(*)", "count(id)", "count(dia)", "*"] {
        let outcome =
            project.cauce(&["query", "--format", "csv", &format!("SELECT {columns} FROM raw.datos WHERE id <> '1'")]);
        assert!(outcome.stderr.contains("2024-02-30") || outcome.stderr.contains("1 row"), "{columns}: {outcome}");
    }
}
