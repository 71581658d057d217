//! Files as they come, damaged in every way that was thought of: what is taken from them, and what a person is told.
//!
//! The files stand in `tests/data/dirty`; each is a dataset of one project.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::project::TestProject;

/// The datasets by the names of their files.
const DATASETS: &[(&str, &str)] = &[
    ("anchos_distintos.csv", "id int!; nota string"),
    ("bytes_sueltos.csv", "id int!; nota string"),
    ("cola_cortada.csv", "id int!; nota string; monto float"),
    ("columna_repetida.csv", "id int!; nota string"),
    ("comilla_abierta.csv", "id int!; nota string"),
    ("comilla_suelta.csv", "id int!; nota string"),
    ("comprimido.csv.gz", "id int!; nota string"),
    ("comprimido.csv.zst", "id int!; nota string"),
    ("cortado.csv.gz", "id int!; nota string"),
    (
        "fechas.csv",
        "id int!; fecha timestamp, format: ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%d %H', '%Y-%m-%d']",
    ),
    (
        "latin1.csv",
        "InvoiceNo string!; Descripción string; InvoiceDate timestamp, format: '%m/%d/%Y %H:%M'; Precio decimal(10,2)",
    ),
    ("lineas.jsonl", "id int!; nota string"),
    ("listas.csv", "id int!; etiquetas list<string>; canales list<string>, separator: ';'"),
    ("marca_y_retornos.csv", "id int!; nota string"),
    ("numeros.csv", "id int!; monto float; dia date; activo bool"),
    ("objetos.json", "id int!; nota string"),
    (
        "reglas.csv",
        "id int!; nota int, min: 1, max: 10; canal string, values: [web, app]; codigo string, pattern: 'T-[0-9]+'",
    ),
    ("retornos_solos.csv", "id int!; nota string"),
    ("utf16.csv", "id int!; nota string"),
];

/// A project with the dataset `datos` in one of the files.
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
    project.write("catalog.yaml", catalog).write(&format!("data/{file}"), bytes);
    project
}

#[test]
fn every_damaged_file_says_what_is_in_it_and_what_is_not() {
    for (file, columns) in DATASETS {
        let project = project(file, columns);
        let outcome = project.cauce(&["query", "--format", "csv", "SELECT * FROM datos"]);
        assert_snapshot!(format!("dirty_{}", file.replace('.', "_")), outcome);
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
            project.cauce(&["query", "--format", "csv", &format!("SELECT {columns} FROM datos WHERE id <> '1'")]);
        assert!(outcome.stderr.contains("2024-02-30") || outcome.stderr.contains("1 row"), "{columns}: {outcome}");
    }
}
