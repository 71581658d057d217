//! `cauce demo`: the whole way from nothing to KPIs, the same each time.

use std::fs;

use insta::assert_snapshot;

use crate::support::project::TestProject;

/// The demo, a hundredth of its size.
const SMALL: [&str; 3] = ["demo", "--scale", "0.01"];

/// Every row that readers see of every table and view, as a line each, sorted within its table.
fn contents(folder: &TestProject, release: u32) -> Vec<String> {
    let manifest = folder.read(&format!("cauce-demo/data/lake/releases/{release:020}.json"));
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let tables: Vec<&String> = manifest["models"].as_object().unwrap().keys().collect();
    assert!(tables.len() > 30, "{tables:?}");
    let mut sql = String::new();
    for table in tables {
        sql.push_str(&format!("SELECT '{table}' AS table_begins; SELECT * FROM {table};\n"));
    }
    let rows = folder.cauce(&["-C", "cauce-demo", "query", &sql, "--format", "jsonl"]).success().stdout;
    let mut lines: Vec<String> = rows.lines().map(str::to_owned).collect();
    lines.chunk_by_mut(|_, next| !next.contains("table_begins")).for_each(<[String]>::sort);
    lines
}

// One test, because a run takes a while: three of them, and each answers several questions.
#[test]
fn from_nothing_to_kpis_and_again() {
    let folder = TestProject::empty();
    assert_snapshot!(folder.cauce(&SMALL).success(), @r#"
    exit code: 0
    ----- stdout -----
    ╭────────────────────────────┬────────┬─────────────────────┬──────────┬──────────────╮
    │ kpi                        │  valor │ unidad              │ objetivo │ estado       │
    ├────────────────────────────┼────────┼─────────────────────┼──────────┼──────────────┤
    │ satisfaccion_promedio      │   3.22 │ puntos (1 a 5)      │     4.00 │ no_cumple    │
    │ nps                        │   5.12 │ puntos (-100 a 100) │     0.00 │ cumple       │
    │ csat                       │  43.60 │ %                   │     NULL │ sin_objetivo │
    │ tasa_resolucion            │  82.00 │ %                   │     NULL │ sin_objetivo │
    │ tasa_resolucion_con_cierre │  89.33 │ %                   │     NULL │ sin_objetivo │
    │ tiempo_respuesta_min       │  15.20 │ min                 │     NULL │ sin_objetivo │
    │ tiempo_resolucion_horas    │  24.31 │ h                   │     NULL │ sin_objetivo │
    │ reclamos_en_plazo          │  80.00 │ %                   │   100.00 │ no_cumple    │
    │ nps_nota_promedio          │   7.13 │ nota (0 a 10)       │     NULL │ sin_objetivo │
    │ resenas_puntaje_promedio   │   3.48 │ estrellas (1 a 5)   │     NULL │ sin_objetivo │
    │ llamadas_duracion_min      │  14.79 │ min                 │     NULL │ sin_objetivo │
    │ whatsapp_tasa_lectura      │  70.00 │ %                   │     NULL │ sin_objetivo │
    │ tickets                    │ 750.00 │ tickets             │     NULL │ sin_objetivo │
    │ encuestas                  │ 215.00 │ encuestas           │     NULL │ sin_objetivo │
    │ reclamos                   │  15.00 │ reclamos            │     NULL │ sin_objetivo │
    ╰────────────────────────────┴────────┴─────────────────────┴──────────┴──────────────╯
    ----- stderr -----
    ✓ made the project of a bank in cauce-demo: catalog.yaml and 34 models
    ✓ simulated 7 datasets with 1,710 rows in cauce-demo/data/raw (seed 42, scale 0.01)
    ✓ registered in catalog.yaml: 7 datasets with 88 columns
    ✓ processed: 7 tables with 1,710 rows
    ✓ curated: 10 tables with 4,335 rows, 17 views
    ✓ accounts: 1,710 records of 7 datasets = 1,710 rows
    ✓ 211 checks hold
    warning: processed.tickets: check `sin_horas_de_resolucion_mientras_sigue_abierto` fails for 23 of 750 rows (warns only)
    ✓ release 1 published: 17 tables with 6,045 rows, 17 views, in [TIME]

    the bank's KPIs

    next
      cauce -C cauce-demo query "SELECT canal, nps FROM kpi_canal"   NPS by channel
      cauce -C cauce-demo plan                                       what a run does
      cauce -C cauce-demo shell                                      ask in SQL
    "#);
    let first = contents(&folder, 1);

    // Asked for nothing else, the demo uses the data that is there.
    assert_snapshot!(folder.cauce(&["demo"]).success().stderr, @r#"
    ✓ cauce-demo is there already and stays as it is
    ✓ simulated earlier: 1,710 rows in cauce-demo/data/raw (seed 42, scale 0.01)
    ✓ registered in catalog.yaml: 7 datasets with 88 columns
    ✓ nothing changed: release 1 is up to date, in [TIME]

    the bank's KPIs

    next
      cauce -C cauce-demo query "SELECT canal, nps FROM kpi_canal"   NPS by channel
      cauce -C cauce-demo plan                                       what a run does
      cauce -C cauce-demo shell                                      ask in SQL
    "#);
    folder.cauce(&["-C", "cauce-demo", "run", "--quiet", "--full-refresh"]).success();
    assert!(contents(&folder, 2) == first, "release 2 differs from release 1");

    let other = TestProject::empty();
    other.cauce(&["--threads", "1", "demo", "--scale", "0.01", "--seed", "42"]).success();
    assert!(contents(&other, 1) == first, "two demos with one seed differ");
}

#[test]
fn what_a_person_changed_stays_and_is_told() {
    let folder = TestProject::bank();
    // The key is misspelt: the run ends before it builds anything.
    let wrong = "/*---\ngrian: [canal]\n---*/\nSELECT 1 AS canal\n";
    folder.write("sql/curated/kpi_canal.sql", wrong);
    fs::remove_file(folder.path("sql/curated/kpi_agente.sql")).unwrap();
    folder.cauce(&["simulate", "--scale", "0.001"]).success();
    folder.write("data/raw/clientes.csv", "cliente_id\n");
    assert_snapshot!(folder.cauce(&["demo", "--dir", "."]).code(2), @r"
    exit code: 2
    ----- stderr -----
    ✓ . is there already and stays as it is
      not as in this version: sql/curated/kpi_canal.sql
      missing: sql/curated/kpi_agente.sql
    ✓ simulated earlier: 172 rows in ./data/raw (seed 42, scale 0.001)
      clientes.csv has been changed since, and stays as it is
    ✓ registered in catalog.yaml: 7 datasets with 88 columns
    error: sql/curated/kpi_canal.sql has a mistake
      --> sql/curated/kpi_canal.sql:2:1
      |
    2 | grian: [canal]
      | ^^^^^ unknown key `grian`
      hint: did you mean `grain`?
    ");
    assert_eq!(folder.read("sql/curated/kpi_canal.sql"), wrong);
    assert_eq!(folder.read("data/raw/clientes.csv"), "cliente_id\n");
    assert!(!folder.path("sql/curated/kpi_agente.sql").exists());
}

#[test]
fn data_and_projects_of_others_are_left_alone() {
    let folder = TestProject::empty();
    folder.write("a/data/raw/tickets_soporte.csv", "mine").write("a/data/raw/notes.txt", "mine");
    assert_snapshot!(folder.cauce(&["demo", "--dir", "a"]).code(5), @"
    exit code: 5
    ----- stderr -----
    error: a/data/raw holds data that is not the demo's: notes.txt and 1 more file
      hint: name another folder for the demo with --dir
    ");
    assert!(!folder.path("a/catalog.yaml").exists());
    assert_eq!(folder.read("a/data/raw/tickets_soporte.csv"), "mine");

    folder.cauce(&["init", "b"]).success();
    assert_snapshot!(folder.cauce(&["demo", "--dir", "b"]).code(5), @"
    exit code: 5
    ----- stderr -----
    error: b is another project: b
      hint: `cauce -C b run` runs it; name another folder for the demo with --dir
    ");
    assert!(!folder.path("b/data/raw/clientes.csv").exists());

    folder.write("c/sql/processed/tickets.sql", "SELECT 1 AS mine");
    assert_snapshot!(folder.cauce(&["demo", "--dir", "c"]).code(5), @"
    exit code: 5
    ----- stderr -----
    error: c/sql/processed/tickets.sql exists already
      hint: nothing is overwritten: name another folder, or move the file away
    ");
    assert!(!folder.path("c/catalog.yaml").exists());

    folder.cauce(&["simulate", "--scale", "0.001", "--seed", "7", "--out", "d/data/raw"]).success();
    assert_snapshot!(folder.cauce(&["demo", "--dir", "d", "--seed", "42"]).code(5), @"
    exit code: 5
    ----- stderr -----
    error: d/data/raw was simulated with seed 7 and scale 0.001
      hint: leave --seed and --scale out to use it, or name another --dir
    ");
    assert!(!folder.path("d/catalog.yaml").exists());
}

#[test]
fn wrong_usage_is_told() {
    let folder = TestProject::empty();
    assert_snapshot!(folder.cauce(&["-C", "a", "demo"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: --project names a project that exists, and this command makes one
      hint: name the folder of the demo with --dir
    ");
    assert_snapshot!(folder.cauce(&["demo", "--scale", "0"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: the scale must be a number above 0 and at most 100000, not 0
      hint: 1 gives 171,031 rows; 0.01 gives a hundredth of them
    ");
    assert_snapshot!(folder.cauce(&["demo", "--scale", "big"]).code(2), @"
    exit code: 2
    ----- stderr -----
    error: invalid value 'big' for '--scale <FACTOR>': it is no number; write for example 0.01 or 10

    For more information, try '--help'.
    ");
}
