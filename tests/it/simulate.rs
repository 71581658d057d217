//! `cauce simulate`: where the files go, what is told of them, and what is refused.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::support::project::TestProject;

/// The names in a folder of the project, sorted.
fn names(project: &TestProject, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(project.path(folder)) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn seven_datasets_and_their_summary() {
    let folder = TestProject::empty();
    assert_snapshot!(folder.cauce(&["simulate", "--scale", "0.01"]).success(), @"
    exit code: 0
    ----- stderr -----
    ✓ clientes                          150 rows           9,761 bytes
    ✓ tickets_soporte                   750 rows         186,645 bytes
    ✓ encuestas_post_atencion           215 rows          23,325 bytes
    ✓ resenas_online                     80 rows          23,686 bytes
    ✓ llamadas_call_center              300 rows          71,539 bytes
    ✓ libro_reclamaciones                15 rows           6,413 bytes
    ✓ mensajes_whatsapp                 200 rows          48,339 bytes
    ✓ 7 datasets simulated: 1,710 rows, 369,708 bytes in data/raw
      measured: satisfaccion_promedio 3.22, nps 5.1, tasa_resolucion 82.0, tiempo_respuesta_min 15.2
      more in data/raw/resumen_generacion.json
    ");
    assert_snapshot!(names(&folder, "data/raw").join("\n"), @"
    clientes.csv
    encuestas_post_atencion.csv
    libro_reclamaciones.csv
    llamadas_call_center.csv
    mensajes_whatsapp.csv
    resenas_online.csv
    resumen_generacion.json
    tickets_soporte.csv
    ");
    let summary: serde_json::Value = serde_json::from_str(&folder.read("data/raw/resumen_generacion.json")).unwrap();
    assert_eq!(summary["generation_metadata"]["total_records"], 1710);
}

#[test]
fn a_relative_folder_starts_at_the_project() {
    let folder = TestProject::empty();
    folder.cauce(&["init", "tienda"]).success();
    folder.cauce(&["-C", "tienda", "simulate", "--scale", "0.001", "--format", "parquet"]).success();
    assert!(names(&folder, "tienda/data/raw").contains(&"clientes.parquet".to_owned()));

    let below = folder.path("tienda/sql");
    let status = folder.command(&["-q", "simulate", "--scale", "0.001", "--out", "more"]).current_dir(below).status();
    assert!(status.unwrap().success());
    assert!(names(&folder, "tienda/more").contains(&"clientes.csv".to_owned()));
}

#[test]
fn files_are_overwritten_by_force_only() {
    let folder = TestProject::empty();
    folder.write("data/raw/clientes.csv", "mine");
    assert_snapshot!(folder.cauce(&["simulate", "--scale", "0.001"]).code(5), @"
    exit code: 5
    ----- stderr -----
    error: `data/raw/clientes.csv` exists already
      hint: overwrite it with --force, or choose another directory with --out
    ");
    assert_eq!(names(&folder, "data/raw"), ["clientes.csv"]);
    assert_eq!(folder.read("data/raw/clientes.csv"), "mine");
    folder.cauce(&["simulate", "--scale", "0.001", "--force"]).success();
    assert!(folder.read("data/raw/clientes.csv").starts_with("cliente_id,"));
}

#[test]
fn both_formats_at_once_and_a_seed_that_counts() {
    let folder = TestProject::empty();
    for (out, seed) in [("a", "1"), ("b", "1"), ("c", "2")] {
        let arguments = ["simulate", "--scale", "0.001", "--format", "csv,parquet", "--seed", seed, "--out", out];
        folder.cauce(&arguments).success();
    }
    assert_eq!(names(&folder, "a").len(), 15);
    assert_eq!(folder.read("a/clientes.csv"), folder.read("b/clientes.csv"));
    assert_ne!(folder.read("a/clientes.csv"), folder.read("c/clientes.csv"));
}

#[test]
fn wrong_usage_is_told() {
    let folder = TestProject::empty();
    assert_snapshot!(folder.cauce(&["simulate", "--scale", "0"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: the scale must be a number above 0 and at most 100000, not 0
      hint: 1 gives 171,031 rows; 0.01 gives a hundredth of them
    ");
    assert_snapshot!(folder.cauce(&["simulate", "--scale", "-1"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: the scale must be a number above 0 and at most 100000, not -1
      hint: 1 gives 171,031 rows; 0.01 gives a hundredth of them
    ");
    assert_snapshot!(folder.cauce(&["simulate", "--scale", "much"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: invalid value 'much' for '--scale <FACTOR>': it is no number; write for example 0.01 or 10

    For more information, try '--help'.
    ");
    assert_snapshot!(folder.cauce(&["simulate", "--format", "json"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: invalid value 'json' for '--format <FORMAT>'
      [possible values: csv, parquet]

    For more information, try '--help'.
    ");
    assert_snapshot!(folder.cauce(&["simulate", "--seed", "-3"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: unexpected argument '-3' found

    Usage: cauce simulate [OPTIONS]

    For more information, try '--help'.
    ");
    assert_eq!(names(&folder, "data/raw").len(), 0);
}

#[test]
fn ctrl_c_leaves_no_file() {
    let folder = TestProject::empty();
    let mut running = folder.command(&["simulate", "--scale", "100"]).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while names(&folder, "data/raw").is_empty() {
        assert!(begun.elapsed() < Duration::from_mins(1), "no file was begun");
        sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-INT", &running.id().to_string()]).status().unwrap().success());
    let mut told = String::new();
    running.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{told}");
    assert_snapshot!(told, @"error: stopped; no file was written");
    assert_eq!(names(&folder, "data/raw").len(), 0);
}
