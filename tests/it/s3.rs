//! The bank with its input and its lake in an object store that verifies signatures.

use std::fs;
use std::num::NonZeroUsize;

use cauce::simulate::{FileFormat, Options, simulate};
use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutPayload, path::Path};

use crate::support::project::TestProject;
use crate::support::s3_server::S3Server;

/// The bank's project with everything in the server's bucket.
async fn bank(server: &S3Server) -> TestProject {
    let mut bank = TestProject::bank().with_env("CAUCE_PSEUDONYM_KEY", "clave");
    for (name, value) in server.environment() {
        bank = bank.with_env(name, value);
    }
    // One view and what it stands on, a partitioned table among it: over a server in Python, the rest adds only time.
    let models = ["processed/clientes", "processed/tickets", "processed/encuestas", "curated/kpi_canal"]
        .map(|model| format!("sql/{model}.sql"))
        .map(|file| (bank.read(&file), file));
    fs::remove_dir_all(bank.path("sql")).unwrap();
    for (text, file) in models {
        bank.write(&file, text);
    }
    let catalog = bank
        .read("catalog.yaml")
        .replace("path: data/raw/", &format!("path: {}/raw/", server.url()))
        .replace("lake: data/lake", &format!("lake: {}/lake", server.url()));
    bank.write("catalog.yaml", catalog + &server.catalog_section());
    let out = bank.path("simulado");
    let threads = NonZeroUsize::MIN;
    let options =
        Options { seed: 7, scale: 0.01, out: out.clone(), formats: vec![FileFormat::Csv], force: false, threads };
    simulate(&options, &|_| Ok(())).unwrap();
    for entry in fs::read_dir(&out).unwrap() {
        let path = entry.unwrap().path();
        let key = Path::from(format!("raw/{}", path.file_name().unwrap().to_str().unwrap()));
        server.client().put(&key, PutPayload::from(fs::read(&path).unwrap())).await.unwrap();
    }
    fs::remove_dir_all(out).unwrap();
    bank
}

#[tokio::test]
async fn the_same_run_query_and_release_over_a_store() {
    let server = S3Server::start();
    let bank = bank(&server).await;
    let first = bank.cauce(&["run"]).success();
    assert!(first.stderr.contains("release 1 published"), "{first}");
    let kpis = bank.cauce(&["query", "--format", "csv", "SELECT * FROM kpi_canal"]).success();
    assert_eq!(kpis.stdout.lines().count(), 7, "{kpis}");
    let raw =
        bank.cauce(&["query", "--format", "csv", "SELECT count(*) AS tickets FROM raw.tickets_soporte"]).success();
    assert_eq!(raw.stdout, "tickets\n750\n");

    let idle = bank.cauce(&["run"]).success();
    assert!(idle.stderr.contains("nothing changed: release 1 is up to date"), "{idle}");
    let second = bank.cauce(&["run", "--full-refresh"]).success();
    assert!(second.stderr.contains("release 2 published"), "{second}");
    assert_eq!(bank.cauce(&["query", "--format", "csv", "SELECT * FROM kpi_canal"]).success().stdout, kpis.stdout);

    let written: Vec<_> = server.client().list(Some(&Path::from("lake"))).try_collect().await.unwrap();
    let releases = written.iter().filter(|meta| meta.location.as_ref().starts_with("lake/releases/")).count();
    assert_eq!(releases, 2);
    assert!(written.iter().any(|meta| meta.location.as_ref().starts_with("lake/processed/tickets/_delta_log/")));
    assert!(!bank.path("data").exists(), "nothing is written beside the bucket");
}

#[test]
fn wrong_credentials_are_told_as_such() {
    let server = S3Server::start();
    let [(key, id), (secret, _)] = server.environment();
    let shop = TestProject::shop().with_env(key, id).with_env(secret, "no es el secreto");
    let catalog = shop.read("catalog.yaml").replace("data/lake", &format!("{}/lake", server.url()));
    shop.write("catalog.yaml", catalog + &server.catalog_section());
    let told = shop.cauce(&["run", "--quiet"]).code(3);
    assert!(told.stderr.contains("/lake/releases: the store answers SignatureDoesNotMatch"), "{told}");
    assert!(told.stderr.contains("hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"), "{told}");
    assert!(!told.stderr.contains('<'), "no XML: {told}");

    // Nor does the machine it runs on have any.
    let nobody = TestProject::shop().with_env("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1");
    let catalog = nobody.read("catalog.yaml").replace("data/lake", &format!("{}/lake", server.url()));
    nobody.write("catalog.yaml", catalog + &server.catalog_section());
    let told = nobody.cauce(&["run", "--quiet"]).code(3);
    assert!(told.stderr.contains("there are no credentials for it"), "{told}");
    assert!(told.stderr.contains("hint: set AWS_ACCESS_KEY_ID"), "{told}");
}

#[test]
fn a_bucket_that_is_not_there() {
    let server = S3Server::start();
    let mut shop = TestProject::shop();
    for (name, value) in server.environment() {
        shop = shop.with_env(name, value);
    }
    let catalog = shop.read("catalog.yaml").replace("data/lake", "s3://ajeno/lake");
    shop.write("catalog.yaml", catalog + &server.catalog_section().replace(&server.url(), "s3://ajeno"));
    let told = shop.cauce(&["run", "--quiet"]).code(3);
    assert!(told.stderr.contains("s3://ajeno/lake/releases: the store answers NoSuchBucket"), "{told}");
    assert!(told.stderr.contains("hint: create the bucket"), "{told}");
}
