//! `cauce test`: models tried on given rows.

use insta::assert_snapshot;

use crate::support::project::TestProject;

/// The tests of the shop's models, none of which has data.
fn shop(file: &str) -> TestProject {
    let shop = TestProject::shop();
    shop.write("sql/curated/por_nota.sql", POR_NOTA).write("tests/models/por_nota.yaml", file);
    shop
}

const POR_NOTA: &str = "\
/*---
grain: [nota]
---*/
WITH con_nota AS (
    SELECT coalesce(nota, 'sin nota') AS nota, monto
    FROM processed.ventas
)
SELECT nota, count(*) AS ventas, sum(monto) AS total
FROM con_nota
GROUP BY nota
";

#[test]
fn what_is_as_expected_passes_in_any_order() {
    let shop = shop(
        "\
model: curated.por_nota
tests:
  suma:
    given:
      processed.ventas:
        - { id: 1, nota: a, monto: 0.1 }
        - { id: 2, nota: a, monto: 0.2 }
        - { id: 3 }
    expect:
      - { nota: sin nota, ventas: 1, total: null }
      - { nota: a, total: 0.3 }
  desde_el_principio:
    given:
      raw.ventas:
        - { id: 1, cliente: ana, monto: 5, nota: x }
    expect:
      - { nota: x, ventas: 1, total: 5 }
  un_paso:
    cte: con_nota
    given: { processed.ventas: [{ monto: 3 }] }
    expect: [{ nota: sin nota, monto: 3 }]
  sin_filas:
    expect: []
",
    );
    assert_snapshot!(shop.cauce(&["test"]).success());
    assert_snapshot!(shop.cauce(&["test", "por_nota", "un_paso", "--junit", "informe.xml", "--quiet"]).success());
    assert!(shop.read("informe.xml").contains("tests=\"4\" failures=\"0\""));
}

#[test]
fn what_is_not_is_shown_row_by_row() {
    let shop = shop(
        "\
model: curated.por_nota
tests:
  varias:
    given:
      processed.ventas:
        - { id: 1, nota: a, monto: 1 }
        - { id: 2, nota: b, monto: 2 }
        - { id: 3, nota: c }
    expect:
      - { nota: a, ventas: 2, total: 1 }
      - { nota: b, ventas: 1 }
      - { nota: d, ventas: 1 }
",
    );
    assert_snapshot!(shop.cauce(&["test"]).code(1));
    shop.cauce(&["test", "--junit", "informe.xml", "--quiet"]).code(1);
    let report = shop.read("informe.xml");
    assert!(report.contains("changed nota: a, ventas: 2 → 1, total: 1.0"), "{report}");
}

#[test]
fn mistakes_in_tests_are_told_with_their_places() {
    let shop = shop(
        "\
model: curated.por_nota
tests:
  una:
    cte: con_notas
    given:
      processed.vetnas: []
      curated.total: []
    expect: []
  dos:
    expct: []
",
    );
    shop.write("tests/models/otra.yaml", "model: curated.nada\ntests: {}\n");
    assert_snapshot!(shop.cauce(&["test"]).code(2));
    let wrong = "\
model: curated.por_nota
tests:
  una:
    given:
      processed.ventas:
        - { id: uno, monto: 1 }
        - { idd: 1 }
    expect: []
";
    shop.write("tests/models/por_nota.yaml", wrong);
    std::fs::remove_file(shop.path("tests/models/otra.yaml")).unwrap();
    assert_snapshot!(shop.cauce(&["test"]).code(2));
    shop.write("tests/models/por_nota.yaml", wrong.replace("        - { idd: 1 }\n", ""));
    assert_snapshot!(shop.cauce(&["test"]).code(2));
    assert_snapshot!(shop.cauce(&["test", "por_not"]).code(2));
}

#[test]
fn a_project_without_tests_says_how_to_write_one() {
    assert_snapshot!(TestProject::shop().cauce(&["test"]).code(2));
}

#[test]
fn a_test_is_recorded_from_live_rows_and_passes() {
    let shop = TestProject::shop();
    shop.cauce(&["test", "--record", "ventas"]).code(1);
    shop.cauce(&["run", "--quiet"]).success();
    assert_snapshot!(shop.cauce(&["test", "--record", "ventas", "--rows", "2"]).success());
    // No name of a customer stands in it.
    assert_snapshot!(shop.read("tests/models/ventas.yaml"));
    shop.cauce(&["test"]).success();
    assert_snapshot!(shop.cauce(&["test", "--record", "ventas"]).code(5));
}

#[test]
fn the_banks_tests_pass() {
    let bank = TestProject::bank();
    bank.cauce(&["test", "--quiet"]).success();
}

#[test]
fn the_test_of_a_new_project_passes() {
    let folder = TestProject::empty();
    folder.cauce(&["init", "tienda"]).success();
    folder.cauce(&["-C", "tienda", "test"]).success();
}

#[test]
fn a_model_that_merges_has_the_newest_row_of_each_key() {
    let shop = TestProject::shop();
    let header = "materialized: incremental\nincremental: { strategy: merge, unique_key: [id], latest: monto DESC, deleted: \"nota = 'baja'\" }";
    shop.write("sql/processed/ventas.sql", format!("/*---\n{header}\n---*/\nSELECT id, monto, nota FROM raw.ventas\n"));
    let given = "    given:
      raw.ventas:
        - { id: 1, monto: 5, nota: a }
        - { id: 1, monto: 7, nota: b }
        - { id: 2, monto: 1, nota: a }
        - { id: 2, monto: 2, nota: baja }
";
    let test =
        |model: &str, expect: &str| format!("model: {model}\ntests:\n  gana_la_ultima:\n{given}    expect:\n{expect}");
    shop.write("tests/models/ventas.yaml", test("processed.ventas", "      - { id: 1, monto: 7, nota: b }\n"));
    // What stands above it reads what it leaves.
    shop.write("tests/models/total.yaml", test("curated.total", "      - { total: 7 }\n"));
    shop.cauce(&["test"]).success();
    shop.write("tests/models/ventas.yaml", test("processed.ventas", "      - { id: 2, monto: 2, nota: baja }\n"));
    assert_snapshot!(shop.cauce(&["test", "ventas"]).code(1), @"
    exit code: 1
    ----- stderr -----
    warning: tests/models/ventas.yaml:3:3: test `gana_la_ultima` of processed.ventas fails: 1 row missing, 1 row unexpected
    ╭────────────┬──────┬────┬───────┬──────╮
    │ row        │ line │ id │ monto │ nota │
    ├────────────┼──────┼────┼───────┼──────┤
    │ missing    │ 11   │ 2  │ 2.0   │ baja │
    ├────────────┼──────┼────┼───────┼──────┤
    │ unexpected │ NULL │ 1  │ 7.0   │ b    │
    ╰────────────┴──────┴────┴───────┴──────╯
    error: 1 of 1 test failed
      hint: correct the model, or what the test expects
    ");
}
