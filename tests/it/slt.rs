//! SQL as cauce answers it: each file of `tests/slt` is a sequence of statements with their rows, over one release of a
//! small shop.

use async_trait::async_trait;
use cauce::engine::Engine;
use cauce::error::Error;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use crate::support::library::{Opened, rows};
use crate::support::project::{TestProject, repository};

/// Sales with a quoted newline, an empty text, a list, a time and a price that is missing.
const VENTAS: &str = "\
id,cliente_id,tienda,monto,momento,etiquetas,nota
1,C1,centro,10.5,2024-02-28 23:59:59,\"['a', 'b']\",\"dos
líneas\"
2,C2,centro,,2024-03-01 00:00:00,[],
3,C1,norte,7,2024-03-10 12:30:00.250,,x
4,C3,sur,1.25,2024-12-31 08:00:00,['b'],ñandú 😊
";

const CATALOG: &str = "\
version: 1
project: tienda
lake: lake
datasets:
  ventas:
    path: data/ventas.csv
    columns:
      - { name: id, type: int, required: true }
      - { name: cliente_id, type: string, required: true, pii: pseudonym }
      - { name: tienda, type: string, required: true }
      - { name: monto, type: float }
      - { name: momento, type: timestamp }
      - { name: etiquetas, type: list<string> }
      - { name: nota, type: string }
  solo_raw:
    path: data/solo_raw.csv
    columns:
      - { name: reseña_id, type: string, required: true }
      - { name: puntaje, type: int }
  visitas:
    path: data/visitas.csv
    on_reject: { max_ratio: 0.9 }
    columns:
      - { name: visita, type: string, required: true, unique: true }
      - { name: cliente, type: string }
      - { name: nota, type: int, max: 10 }
";

/// Visits, of which some are no rows: a text for a number, a grade over the greatest, a visit told twice, too few fields.
const VISITAS: &str = "\
visita,cliente,nota
V1,ana,7
V2,luis,diez
V3,eva,11
V1,omar,5
V4,ana
V5,ana,9
V6,,3
";

fn shop() -> TestProject {
    let shop = TestProject::empty();
    shop.write("catalog.yaml", CATALOG)
        .write("data/ventas.csv", VENTAS)
        .write("data/solo_raw.csv", "reseña_id,puntaje\nR1,5\nR2,\n")
        .write("data/visitas.csv", VISITAS)
        .write("sql/processed/visitas.sql", "/*---\naccept:\n  from: raw.visitas\n  rules: { con_cliente: cliente IS NOT NULL }\n  deduplicate: { key: [cliente], keep: nota DESC }\n---*/\nSELECT * FROM raw.visitas WHERE nota > 0")
        .write(
            "sql/processed/ventas.sql",
            "SELECT id, pseudonym(cliente_id) AS cliente_id, tienda, monto, momento, etiquetas, nota,\n\
             'processed' AS capa\nFROM raw.ventas",
        )
        .write("sql/processed/resenas.sql", "SELECT \"reseña_id\", puntaje FROM raw.solo_raw")
        .write("sql/processed/tiendas.sql", "/*---\npartition_by: [zona]\n---*/\nSELECT * FROM (VALUES ('centro', 'A', 3), ('norte', 'B', 1), ('este', 'B', 0)) AS t (tienda, zona, cajas)")
        .write("sql/curated/ventas.sql", "/*---\nmaterialized: view\n---*/\nSELECT tienda, count(*) AS ventas, sum(monto) AS monto, 'curated' AS capa\nFROM processed.ventas\nGROUP BY tienda")
        .write("sql/curated/por_tienda.sql", "SELECT tienda, count(*) AS ventas, sum(monto) AS monto\nFROM processed.ventas\nWHERE tienda <> 'sur'\nGROUP BY tienda");
    shop
}

/// One session, as sqllogictest drives it.
struct Session(Engine);

#[async_trait]
impl AsyncDB for Session {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
        let rows = rows(&self.0, sql).await?;
        let columns = self.0.schema(sql).await.map_or(rows.first().map_or(0, Vec::len), |schema| schema.fields().len());
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &'static str {
        "cauce"
    }
}

#[tokio::test]
async fn every_statement_has_its_rows() {
    let shop = shop();
    let project = Opened::new(&shop);
    project.run().await.unwrap();
    let mut files: Vec<_> =
        std::fs::read_dir(repository("tests/slt")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = Vec::new();
    for file in files {
        let mut runner = Runner::new(|| async { Ok(Session(project.engine().await)) });
        if let Err(failure) = runner.run_file_async(&file).await {
            wrong.push(failure.display(false).to_string());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
