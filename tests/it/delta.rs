//! What cauce writes are Delta tables that a stranger reads: the `deltalake` package and DuckDB find the same rows.

use std::fs;

use serde_json::{Value, json};

use crate::support::delta;
use crate::support::project::TestProject;

#[test]
fn a_foreign_reader_finds_the_same_rows() {
    // The tickets alone, with the table they refer to and one that is counted from them: the rest adds only time.
    let bank = TestProject::bank().with_predecessor_data().with_env("CAUCE_PSEUDONYM_KEY", "clave");
    let tickets = fs::read_to_string(bank.path("sql/processed/tickets.sql")).unwrap();
    let clientes = fs::read_to_string(bank.path("sql/processed/clientes.sql")).unwrap();
    fs::remove_dir_all(bank.path("sql")).unwrap();
    bank.write("sql/processed/tickets.sql", tickets)
        .write("sql/processed/clientes.sql", clientes)
        .write("sql/curated/por_canal.sql", "SELECT canal, count(*) AS tickets, avg(satisfaccion_cliente) AS satisfaccion\nFROM processed.tickets\nGROUP BY canal");
    bank.cauce(&["run", "--quiet"]).success();
    bank.cauce(&["run", "--quiet", "--full-refresh"]).success();

    for (table, partitioned_by, sql) in [
        (
            "processed/tickets",
            vec!["anio_mes"],
            "SELECT count(*), count(DISTINCT ticket_id), min(ticket_id), sum(satisfaccion_cliente), \
             count(tiempo_resolucion_horas), count(DISTINCT anio_mes), sum(length(comentario)) FROM ",
        ),
        ("processed/clientes", vec![], "SELECT count(*), min(cliente_id), max(cliente_id), sum(edad) FROM "),
        ("curated/por_canal", vec![], "SELECT count(*), sum(tickets), min(canal), max(satisfaccion) FROM "),
    ] {
        let found = delta::read(&bank.path("data/lake").join(table), &format!("{sql} t"));
        assert_eq!(found.version, 1, "{table}: each run commits one version");
        assert_eq!(found.partitioned_by, partitioned_by, "{table}");
        let ours = bank.cauce(&["query", "--format", "csv", &format!("{sql} {}", table.replace('/', "."))]).success();
        let ours: Vec<&str> = ours.stdout.lines().nth(1).unwrap().split(',').collect();
        let theirs = &found.answer[0];
        assert_eq!(theirs.len(), ours.len());
        for (theirs, ours) in theirs.iter().zip(ours) {
            match theirs {
                Value::Number(number) => {
                    let ours: f64 = ours.parse().unwrap();
                    assert!((number.as_f64().unwrap() - ours).abs() < 1e-9, "{table}: {number} and {ours}");
                }
                other => assert_eq!(*other, json!(ours), "{table}"),
            }
        }
        let names: Vec<&str> = found.columns.iter().map(|(name, _)| name.as_str()).collect();
        let header = bank
            .cauce(&["query", "--format", "csv", &format!("SELECT * FROM {} LIMIT 0", table.replace('/', "."))])
            .success();
        let mut ours: Vec<&str> = header.stdout.trim_end().split(',').collect();
        let mut theirs = names.clone();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(theirs, ours, "{table}");
        assert!(found.rows > 0);
    }
}
