//! Declaring datasets by what is in their files: `cauce catalog add`, `lock` and `check`, and columns left out.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::support::project::{SHOP_CATALOG, TestProject, repository};

/// The shop with a file that nobody declared.
fn shop() -> TestProject {
    let shop = TestProject::shop();
    let mut text = "código;fecha;monto;visitas;activo;nota;vacía\n".to_owned();
    for n in 0..150 {
        let visits = if n % 7 == 0 { "NA".to_owned() } else { format!("{n}.0") };
        let day = n % 28 + 1;
        text.push_str(&format!("{n:05};{day}/{}/2024 8:05;{n}.5;{visits};{};sí, claro;\n", n % 12 + 1, n % 2 == 0));
    }
    shop.write("data/raw/Pagos 2024.txt", text);
    shop
}

#[test]
fn a_dataset_is_added_and_can_be_queried() {
    let shop = shop();
    assert_snapshot!("add_dry_run", shop.cauce(&["catalog", "add", "data/raw/Pagos 2024.txt", "--dry-run"]).success());
    assert_eq!(shop.read("catalog.yaml"), SHOP_CATALOG);
    assert_snapshot!("add", shop.cauce(&["catalog", "add", "data/raw/Pagos 2024.txt"]).success());
    assert!(shop.read("catalog.yaml").starts_with(SHOP_CATALOG));
    let sql = "SELECT count(*) AS n, count(visitas) AS v, max(fecha) AS f, max(\"código\") AS c FROM raw.pagos_2024";
    assert_eq!(
        shop.cauce(&["query", "--format", "csv", sql]).success().stdout,
        "n,v,f,c\n150,128,2024-12-28 08:05:00,00149\n"
    );
    assert_snapshot!("add_again", shop.cauce(&["catalog", "add", "data/raw/Pagos 2024.txt"]).code(2));
    assert_snapshot!("lock_as_declared", shop.cauce(&["catalog", "lock"]).success());
}

#[test]
fn folders_name_columns_and_the_dataset() {
    let shop = TestProject::shop();
    for month in [3, 4] {
        shop.write(&format!("data/lecturas/year=2024/month=0{month}/a.csv"), format!("valor\n{month}.5\n"));
    }
    assert_snapshot!("add_partitions", shop.cauce(&["catalog", "add", "data/lecturas", "--dry-run"]).success());
    shop.cauce(&["catalog", "add", "data/lecturas"]).success();
    let sql = "SELECT year, month, valor FROM raw.lecturas ORDER BY month";
    assert_eq!(
        shop.cauce(&["query", "--format", "csv", sql]).success().stdout,
        "year,month,valor\n2024,3,3.5\n2024,4,4.5\n"
    );
}

#[test]
fn json_is_declared_by_what_it_says_and_read() {
    let shop = TestProject::shop();
    let object = |n: usize| {
        let object = format!(
            "{{\"id\": {n}, \"código\": \"00{n}\", \"fecha\": \"2024-01-{:02}T10:00:00Z\", \"nota\": {}, \"etiquetas\": [\"a\"], \
             \"cliente\": {{\"zona\": \"norte\"}}}}",
            n % 28 + 1,
            if n.is_multiple_of(7) { "null".to_owned() } else { format!("{n}.5") }
        );
        object
    };
    let objects: Vec<String> = (0..150).map(object).collect();
    shop.write("data/api/pagos.json", format!("[\n{}\n]\n", objects.join(",\n")));
    shop.write("data/api/eventos.json", objects.join("\n").replace("\"id\": 9,", "\"id\": 9, \"id\": 9,"));
    assert_snapshot!("add_json", shop.cauce(&["catalog", "add", "data/api/pagos.json"]).success());
    assert_snapshot!("add_json_lines", shop.cauce(&["catalog", "add", "data/api/eventos.json"]).success());
    let count = |table: &str| {
        let sql =
            format!("SELECT count(*) AS n, count(nota) AS m, max(fecha) AS f, max(cliente) AS c FROM raw.{table}");
        shop.cauce(&["query", "--format", "csv", &sql]).success()
    };
    assert_eq!(count("pagos").stdout, "n,m,f,c\n150,128,2024-01-28 10:00:00,\"{\"\"zona\"\": \"\"norte\"\"}\"\n");
    assert_snapshot!("json_lines_rows", count("eventos"));
    // A column that a newer file has is found as in any other format.
    shop.write("data/api/eventos.json", "{\"id\": 1.5, \"zona\": \"sur\"}\n");
    assert_snapshot!("lock_json", shop.cauce(&["catalog", "lock", "eventos"]).code(1));
}

#[test]
fn columns_left_out_are_found_and_lock_writes_them_down() {
    let shop = TestProject::shop();
    let open = SHOP_CATALOG.split("    columns:").next().unwrap().replace("  ventas:", "  # Las ventas.\n  ventas:");
    shop.write("catalog.yaml", format!("{open}  # fin\n"))
        .write("sql/processed/ventas.sql", "SELECT id, cliente, monto, nota FROM raw.ventas\n");
    assert_snapshot!(
        "undeclared_query",
        shop.cauce(&["query", "--format", "csv", "SELECT sum(monto) AS m FROM raw.ventas"]).success()
    );
    assert!(shop.cauce(&["run"]).success().stderr.contains("columns found in the files"));
    assert_snapshot!("lock", shop.cauce(&["catalog", "lock", "ventas"]).success());
    assert_snapshot!("locked_catalog", shop.read("catalog.yaml"));

    shop.write("data/ventas.csv", "id,cliente,monto,nota,zona\n1,ana,10.5,x,norte\n2.5,eva,7,,sur\n");
    assert_snapshot!("lock_differs", shop.cauce(&["catalog", "lock"]).code(1));
    assert_snapshot!("check", shop.cauce(&["catalog", "check"]).code(1));
    shop.cauce(&["catalog", "lock", "--update"]).success();
    assert_snapshot!("updated_catalog", shop.read("catalog.yaml"));
    shop.cauce(&["catalog", "check"]).success();
    assert_snapshot!("check_unknown", shop.cauce(&["catalog", "check", "venta"]).code(2));
}

#[test]
fn lock_tells_of_required_columns_without_values_and_leaves_the_rule() {
    let shop = TestProject::shop();
    shop.write("data/ventas.csv", "id,cliente,monto,nota,zona\n1,ana,10.5,x,sur\n,eva,7,,sur\n,eva,7,,sur\n");
    assert_snapshot!("lock_required", shop.cauce(&["catalog", "lock", "--update"]).success());
    assert_snapshot!("locked_required", shop.read("catalog.yaml"));
    shop.write("catalog.yaml", SHOP_CATALOG.replace("ventas.csv", "ventas.jsonl"))
        .write("data/ventas.jsonl", "{\"id\": 1}\n{\"id\": null}\n{\"monto\": 2}\n");
    assert_snapshot!("lock_required_json", shop.cauce(&["catalog", "lock"]).success());
}

#[test]
fn what_cannot_be_written_into_is_refused_with_what_to_write() {
    let shop = TestProject::shop();
    let text = "version: 1\nproject: tienda\nlake: data/lake\ndatasets:\n  ventas: { path: data/ventas.csv }\n";
    shop.write("catalog.yaml", text);
    assert_snapshot!("lock_brackets", shop.cauce(&["catalog", "lock"]).code(5));
    assert_eq!(shop.read("catalog.yaml"), text);
}

/// Declares the file as it is and reads it: the proposal, and rows and rejects.
fn online_retail(file: &Path) -> (TestProject, String) {
    let shop = TestProject::shop();
    fs::create_dir_all(shop.path("data/raw")).unwrap();
    fs::copy(file, shop.path("data/raw/online_retail.csv.gz")).unwrap();
    let told = shop.cauce(&["catalog", "add", "data/raw/online_retail.csv.gz"]).success().stderr;
    let declared = shop.read("catalog.yaml")[SHOP_CATALOG.len()..].trim().lines().count();
    assert!(declared < 20, "{told}");
    (shop, told)
}

const RETAIL: &str = "SELECT count(*) AS n, count(\"CustomerID\") AS c, min(\"InvoiceDate\") AS a, max(\"InvoiceDate\") AS b, \
                      sum(\"Quantity\") AS q FROM raw.online_retail";

#[test]
fn online_retail_is_declared_and_read_as_it_is() {
    let (shop, told) = online_retail(&repository("tests/data/online_retail/online_retail.csv.gz"));
    assert_snapshot!("online_retail", told);
    let answer = shop.cauce(&["query", "--format", "csv", RETAIL]).success();
    assert_snapshot!("online_retail_rows", answer);
    let pounds = "SELECT count(*) AS n FROM raw.online_retail WHERE \"Description\" LIKE '%£%'";
    assert_eq!(shop.cauce(&["query", "--format", "csv", pounds]).success().stdout, "n\n10\n");
}

/// The whole file, 541,909 invoice lines: `ONLINE_RETAIL=<file> cargo nextest run --run-ignored all online_retail`.
#[test]
#[ignore = "needs the whole file"]
fn the_whole_of_online_retail_is_read_as_it_is() {
    let file = std::env::var("ONLINE_RETAIL").unwrap();
    let (shop, told) = online_retail(Path::new(&file));
    assert!(told.contains("541,909 rows"), "{told}");
    let answer = shop.cauce(&["query", "--format", "csv", RETAIL]).success();
    assert_eq!(answer.stdout, "n,c,a,b,q\n541909,406829,2010-12-01 08:26:00,2011-12-09 12:50:00,5176450\n", "{answer}");
}
