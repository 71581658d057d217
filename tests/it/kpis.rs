//! The promise the project stands on: over the predecessor's files, which nobody here made, the KPIs are those counted
//! independently in `tests/data/predecessor/README.md`.

use crate::support::project::TestProject;

/// The rows of a CSV result without its header.
fn rows(csv: &str) -> Vec<Vec<&str>> {
    csv.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

#[test]
fn over_the_predecessors_files_the_kpis_are_those_counted_by_hand() {
    let bank = TestProject::bank().with_predecessor_data().with_env("CAUCE_PSEUDONYM_KEY", "clave");
    let run = bank.cauce(&["run"]).success();
    assert!(run.stderr.contains("release 1 published"), "{run}");

    let summary = bank.cauce(&["query", "--format", "csv", "SELECT kpi, valor FROM kpi_resumen"]).success();
    let values = rows(&summary.stdout);
    for (kpi, expected) in [
        ("tickets", 7461.0),
        ("satisfaccion_promedio", 3.212_974),
        ("tasa_resolucion", 70.9020),
        ("tasa_resolucion_con_cierre", 82.2276),
        ("tiempo_respuesta_min", 15.515_883),
        ("encuestas", 2172.0),
        ("nps", -61.878_453),
        ("nps_nota_promedio", 5.039_134),
    ] {
        let value = values.iter().find(|row| row[0] == kpi).unwrap_or_else(|| panic!("no {kpi}: {summary}"));
        let value: f64 = value[1].parse().unwrap();
        // The percentages of the README have four digits, everything else six.
        let digit = if kpi.starts_with("tasa") { 1e-4 } else { 1e-6 };
        assert!((value - expected).abs() <= digit / 2.0 + 1e-9, "{kpi}: {value} instead of {expected}");
    }

    let channels = bank
        .cauce(&["query", "--format", "csv", "SELECT canal, tickets FROM kpi_canal ORDER BY tickets DESC"])
        .success();
    assert_eq!(
        channels.stdout,
        "canal,tickets\ntelefono,2519\nchat_web,1912\nemail,1151\nsucursal,910\napp_movil,615\nwhatsapp,354\n"
    );

    // What was read stays readable as it was written: newlines inside quotes, a name with ñ, list literals.
    let read = bank
        .cauce(&[
            "query",
            "--format",
            "csv",
            "SELECT count(*) AS tickets, count(*) FILTER (WHERE strpos(comentario, chr(10)) > 0) > 0 AS varias_lineas, \
             max(cardinality(etiquetas)) > 1 AS listas FROM raw.tickets_soporte; \
             SELECT count(\"reseña_id\") = count(*) AS todas FROM raw.resenas_online",
        ])
        .success();
    assert_eq!(read.stdout, "tickets,varias_lineas,listas\n7461,true,true\ntodas\ntrue\n", "{read}");
}
