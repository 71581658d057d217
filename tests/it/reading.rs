//! Input as it lies around: one file or many, CSV or Parquet, columns in any order, newlines inside quotes.

use std::fmt::Write as _;
use std::fs;
use std::num::NonZeroUsize;

use cauce::simulate::{FileFormat, Options, simulate};
use insta::assert_snapshot;

use crate::support::library::Opened;
use crate::support::project::{SHOP_CATALOG, TestProject};

const COUNT: &str = "SELECT count(*) AS filas, sum(id) AS ids, sum(monto) AS monto, min(cliente) AS primero, \
                     max(nota) AS nota FROM raw.ventas";

/// What a query over the raw sales answers when they are read from `path`.
fn answer(shop: &TestProject, path: &str) -> String {
    shop.write(
        "catalog.yaml",
        SHOP_CATALOG.replace("path: data/ventas.csv", &format!("path: {path}\n    format: csv")),
    );
    shop.cauce(&["query", "--format", "csv", COUNT]).success().stdout
}

#[test]
fn a_file_a_folder_and_wildcards() {
    let shop = TestProject::shop();
    shop.write("data/v/2024/enero.csv", "id,cliente,monto,nota\n1,ana,10.5,a\n")
        // Columns are found by their names, whatever their order.
        .write("data/v/2024/febrero.csv", "nota,monto,id,cliente\nb,2,2,bea\nc,,3,carla\n")
        .write("data/v/_borrador.csv", "no,es,esto\n1,2,3\n")
        .write("data/v/leeme.txt", "nada\n");
    let all = "filas,ids,monto,primero,nota\n3,6,12.5,ana,c\n";
    for path in ["data/v", "data/v/", "data/v/2024", "data/v/2024/*.csv", "data/v/**/*.csv", "data/v/*/[ef]*.csv"] {
        assert_eq!(answer(&shop, path), all, "{path}");
    }
    assert_eq!(answer(&shop, "data/v/2024/febrero.csv"), "filas,ids,monto,primero,nota\n2,5,2.0,bea,c\n");
    let absolute = shop.path("data/v/2024/enero.csv");
    assert_eq!(answer(&shop, absolute.to_str().unwrap()), "filas,ids,monto,primero,nota\n1,1,10.5,ana,a\n");
}

#[test]
fn newlines_inside_quotes_in_a_file_larger_than_any_buffer() {
    // Each row spans three lines, and some look like rows of their own to whoever cuts at line ends.
    let rows = 40_000_u64;
    let mut csv = "id,cliente,monto,nota\n".to_owned();
    for id in 1..=rows {
        writeln!(csv, "{id},c{id},0.5,\"primera \"\"línea\"\"\n{id},falsa,1,x\n{}\"", "ñ".repeat(20)).unwrap();
    }
    assert!(csv.len() > 3 << 20, "{}", csv.len());
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", &csv);
    let told = shop
        .cauce(&[
            "query",
            "--threads",
            "4",
            "--format",
            "csv",
            "SELECT count(*) AS filas, sum(id) AS ids, sum(monto) AS monto, \
             count(*) FILTER (WHERE nota LIKE 'primera \"línea\"' || chr(10) || id || ',falsa,1,x' || chr(10) || 'ñ%') AS notas \
             FROM raw.ventas",
        ])
        .success();
    assert_eq!(told.stdout, format!("filas,ids,monto,notas\n{rows},{},20000.0,{rows}\n", rows * (rows + 1) / 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_instead_of_csv_makes_the_same_tables() {
    let bank = TestProject::bank();
    fs::remove_dir_all(bank.path("sql/curated")).unwrap();
    let options = Options {
        seed: 42,
        scale: 0.02,
        out: bank.path("data/raw"),
        formats: vec![FileFormat::Csv, FileFormat::Parquet],
        force: false,
        threads: NonZeroUsize::MIN,
    };
    simulate(&options, &|_| Ok(())).unwrap();

    let csv = Opened::new(&bank);
    csv.run().await.unwrap();
    let contents = csv.contents().await;
    assert_eq!(contents.len(), 7);
    assert!(contents.iter().all(|(_, rows)| rows.len() >= 20), "{contents:?}");

    bank.write("catalog.yaml", bank.read("catalog.yaml").replace(".csv\n", ".parquet\n"));
    let parquet = Opened::new(&bank);
    let release = parquet.run().await.unwrap();
    assert!(release.datasets["clientes"].files[0].path.ends_with(".parquet"));
    for ((name, parquet), (_, csv)) in parquet.contents().await.into_iter().zip(contents) {
        assert_eq!(parquet.len(), csv.len(), "{name}");
        for (parquet, csv) in parquet.iter().zip(&csv) {
            assert_eq!(parquet, csv, "{name}");
        }
    }
}

#[test]
fn parquet_as_both_generations_of_pandas_write_it() {
    for version in ["pandas_2", "pandas_3"] {
        let bank = TestProject::bank();
        let from = crate::support::project::repository(&format!("tests/data/parquet/{version}.parquet"));
        fs::create_dir_all(bank.path("data/raw")).unwrap();
        fs::copy(from, bank.path("data/raw/tickets_soporte.parquet")).unwrap();
        let catalog = bank.read("catalog.yaml").replace("tickets_soporte.csv", "tickets_soporte.parquet");
        let adjunto = catalog.lines().find(|line| line.contains("{ name: adjunto")).unwrap();
        bank.write(
            "catalog.yaml",
            catalog.replace(adjunto, &format!("{adjunto}\n      - {{ name: dia, type: date }}")),
        );
        let told = bank
            .cauce(&[
                "query",
                "--format",
                "csv",
                "SELECT count(*) AS tickets, count(tiempo_respuesta_min) AS con_respuesta, count(DISTINCT canal) > 1 AS canales, \
                 min(satisfaccion_cliente) >= 1 AS satisfaccion, sum(cardinality(etiquetas)) > 0 AS etiquetas, \
                 arrow_typeof(min(fecha_hora)) AS tipo FROM raw.tickets_soporte",
            ])
            .success();
        assert_eq!(
            told.stdout,
            "tickets,con_respuesta,canales,satisfaccion,etiquetas,tipo\n12,11,true,true,true,Timestamp(µs)\n",
            "{version}"
        );
    }
}

#[test]
fn paths_may_have_any_letters() {
    let shop = TestProject::shop();
    let catalog = SHOP_CATALOG.replace("data/ventas.csv", "'Ventas de Año Nuevo/Pagos Móviles #1 (50%).csv'");
    let catalog = catalog.replace("lake: data/lake", "lake: data/lago único");
    let more = "  globo:\n    path: 'Ventas*/Pagos Móv*.csv'\n    columns: [{ name: id, type: int }, { name: cliente, type: string, pii: pseudonym }, { name: monto, type: float }, { name: nota, type: string }]\n";
    shop.write("catalog.yaml", catalog + more)
        .write("Ventas de Año Nuevo/Pagos Móviles #1 (50%).csv", "id,cliente,monto,nota\n1,ana,1,x\n")
        .write(
            "sql/processed/por_nota.sql",
            "/*---\npartition_by: [nota]\n---*/\nSELECT id, 'ñandú 50% #1 ' || nota AS nota FROM raw.globo",
        );
    shop.cauce(&["run", "--quiet"]).success();
    shop.cauce(&["run", "--quiet", "--full-refresh"]).success();
    assert_snapshot!(shop.cauce(&["query", "--format", "csv", "SELECT v.id, p.nota FROM processed.ventas v JOIN processed.por_nota p USING (id)"]).success(), @"
    exit code: 0
    ----- stdout -----
    id,nota
    1,ñandú 50% #1 x
    ");
    assert!(shop.path("data/lago único/releases/00000000000000000002.json").exists());
    shop.write("Añadido/Quejas Móviles.csv", "id,nota\n1,x\n");
    assert_snapshot!(shop.cauce(&["catalog", "add", "Añadido/Quejas Móviles.csv", "--dry-run"]).success(), @"
    exit code: 0
    ----- stdout -----
    quejas_moviles:
      path: Añadido/Quejas Móviles.csv
      columns:
        - { name: id, type: int }
        - { name: nota, type: string }
    ");
}
