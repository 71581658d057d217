//! From `catalog.yaml` as written to what it means: the checks that a schema cannot express.

use std::collections::{BTreeMap, HashMap};

use super::column::{column, column_name};
use super::file::{CatalogFile, DatasetFile, MetadataFile, OnDriftFile, StoreFile};
use super::format::format;
use super::limit::limit;
use super::retention::retention;
use super::{Catalog, Column, Dataset, Metadata, OnDrift, StoreSettings};
use crate::document::{self, Notes, Path, Text};
use crate::error::{Finding, Result};

/// The version of the format that this module reads.
const VERSION: u32 = 1;

/// Reads and validates a catalog.
pub(super) fn parse(text: &str, file_name: &str) -> Result<Catalog> {
    // Some editors begin a file with a mark of its byte order; it means nothing in UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (file, mut notes) = document::read::<CatalogFile>(Text::whole(file_name, text), unknown);
    let catalog = file.map(|file| catalog(file, &mut notes));
    let findings = notes.into_findings();
    match catalog {
        Some(catalog) if findings.is_empty() => Ok(catalog),
        _ => Err(document::mistakes(file_name, findings)),
    }
}

/// More about keys and values that people look for here.
fn unknown(key: &str, value: Option<&str>) -> Option<Finding> {
    match (key, value) {
        (key, None) if is_credential(key) => Some(
            Finding::new(format!("credentials never stand in the catalog: `{key}`"))
                .hint("take it out; use the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a profile or an instance role"),
        ),
        _ => None,
    }
}

fn is_credential(key: &str) -> bool {
    let key = key.to_lowercase();
    ["secret", "password", "access_key", "session_token", "credential"].iter().any(|word| key.contains(word))
}

fn catalog(file: CatalogFile, notes: &mut Notes<'_>) -> Catalog {
    let root = Path::root();
    if file.version != VERSION {
        let finding = Finding::new(format!("version {} is not known", file.version));
        notes.value(&root.then("version"), finding.hint(format!("this cauce reads version {VERSION}")));
    }
    if file.project.trim().is_empty() {
        notes.value(&root.then("project"), Finding::new("the project has no name"));
    }
    location(&file.lake, "lake", &root.then("lake"), notes);
    let mut targets = BTreeMap::new();
    for (name, target) in file.targets {
        location(&target.lake, "lake", &root.then("targets").then(name.as_str()).then("lake"), notes);
        targets.insert(name, target.lake);
    }
    let mut stores = BTreeMap::new();
    for (url, store) in file.stores {
        let here = root.then("stores").then(url.as_str());
        let settings = store_settings(&url, store, &here, notes);
        stores.insert(url.trim_end_matches('/').to_owned(), settings);
    }
    let retention = retention(file.releases.as_ref(), &root.then("releases"), notes);
    if file.datasets.is_empty() {
        notes.key(&root.then("datasets"), Finding::new("there is no dataset").hint("declare at least one"));
    }
    let mut datasets = BTreeMap::new();
    for (name, dataset) in file.datasets {
        let here = root.then("datasets").then(name.as_str());
        datasets.insert(name.clone(), self::dataset(name, dataset, &here, notes));
    }
    Catalog { project: file.project, lake: file.lake, targets, stores, retention, datasets }
}

/// Checks a folder or URL.
fn location(text: &str, what: &str, path: &Path, notes: &mut Notes<'_>) {
    if text.trim().is_empty() {
        notes.value(path, Finding::new(format!("the {what} is empty")).hint("write a path or s3://bucket/prefix"));
        return;
    }
    let Some((scheme, rest)) = text.split_once("://") else { return };
    let bucket = rest.split('/').next().unwrap_or_default();
    if scheme != "s3" {
        let finding = Finding::new(format!("`{scheme}://` is not a store that cauce opens"));
        notes.value(path, finding.hint("write a path or s3://bucket/prefix"));
    } else if bucket.contains('@') {
        let finding = Finding::new("credentials never stand in the catalog");
        notes.value(path, finding.hint("take them out of the URL and set them in the environment"));
    } else if bucket.is_empty() {
        notes.value(path, Finding::new(format!("the {what} has no bucket")).hint("write s3://bucket/prefix"));
    }
}

fn store_settings(url: &str, store: StoreFile, here: &Path, notes: &mut Notes<'_>) -> StoreSettings {
    let bucket = url.strip_prefix("s3://").map(|rest| rest.trim_end_matches('/'));
    match bucket {
        Some(bucket) if bucket.contains('@') => notes.key(
            here,
            Finding::new("credentials never stand in the catalog")
                .hint("take them out of the URL and set them in the environment"),
        ),
        Some(bucket) if !bucket.is_empty() && !bucket.contains('/') => {}
        _ => notes.key(here, Finding::new(format!("`{url}` is not a store")).hint("write s3://bucket")),
    }
    if let Some(endpoint) = &store.endpoint {
        let here = here.then("endpoint");
        match endpoint.split_once("://") {
            Some(("https", _)) => {}
            Some(("http", _)) if store.allow_http => {}
            Some(("http", _)) => notes.value(
                &here,
                Finding::new("the endpoint uses plain HTTP")
                    .hint("use https, or add `allow_http: true` for a test server"),
            ),
            _ => notes.value(
                &here,
                Finding::new(format!("`{endpoint}` is not a URL")).hint("write https://host or http://host:port"),
            ),
        }
    }
    StoreSettings { region: store.region, endpoint: store.endpoint, allow_http: store.allow_http }
}

fn dataset(name: String, file: DatasetFile, here: &Path, notes: &mut Notes<'_>) -> Dataset {
    if !is_lower_snake(&name) {
        notes.key(
            here,
            Finding::new(format!("`{name}` cannot be a dataset's name"))
                .hint("begin with a small letter and use small letters a to z, digits and _ only"),
        );
    }
    location(&file.path, "path", &here.then("path"), notes);
    let format = format(&file, here, notes);
    let columns_path = here.then("columns");
    if file.columns.as_ref().is_some_and(Vec::is_empty) {
        notes.key(
            &columns_path,
            Finding::new(format!("`{name}` has no columns"))
                .hint("declare each column of the files, or take `columns:` out: then they are found in the files"),
        );
    }
    let mut columns = Vec::new();
    let mut first_with_name: HashMap<String, usize> = HashMap::new();
    for (i, column) in file.columns.into_iter().flatten().enumerate() {
        let here = columns_path.then(i);
        let name_path = here.then("name");
        column_name(&column.name, &name_path, notes);
        if let Some(first) = first_with_name.insert(column.name.to_lowercase(), i) {
            let line = notes.place_of_value(&columns_path.then(first).then("name")).line;
            let finding = Finding::new(format!("`{name}` has two columns `{}`", column.name));
            notes.value(&name_path, finding.hint(format!("the first one stands in line {line}")));
        }
        columns.push(self::column(column, &here, notes));
    }
    let on_drift = match file.on_drift {
        Some(OnDriftFile::Fail) => OnDrift::Fail,
        None | Some(OnDriftFile::QuarantineFile) => OnDrift::QuarantineFile,
        Some(OnDriftFile::AcceptNewColumns) => OnDrift::AcceptNewColumns,
    };
    let metadata = metadata(&file.metadata, &columns, here, notes);
    let on_reject = limit(file.on_reject.as_ref(), &here.then("on_reject"), notes);
    Dataset { name, description: file.description, path: file.path, format, on_reject, on_drift, columns, metadata }
}

fn metadata(file: &[MetadataFile], columns: &[Column], here: &Path, notes: &mut Notes<'_>) -> Vec<Metadata> {
    let mut metadata: Vec<Metadata> = Vec::with_capacity(file.len());
    for (i, column) in file.iter().enumerate() {
        let column = match column {
            MetadataFile::File => Metadata::File,
            MetadataFile::Line => Metadata::Line,
        };
        let name = column.name();
        if metadata.contains(&column) || columns.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            let finding = Finding::new(format!("there are two columns `{name}`"));
            notes.value(&here.then("metadata").then(i), finding.hint("take one of them out"));
        }
        metadata.push(column);
    }
    metadata
}

/// Whether a name is a small letter followed by small letters, digits and `_`.
fn is_lower_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{ColumnType, CsvOptions, Format, Pii};
    use crate::document::render;
    use crate::error::Kind;

    const GOOD: &str = "\
version: 1
project: satisfaccion_cliente
lake: data/lake
targets:
  prod: { lake: 's3://bucket-prod/lake' }
stores:
  s3://bucket-prod: { region: us-east-1 }
  s3://pruebas/: { endpoint: 'http://127.0.0.1:9000', allow_http: true }
datasets:
  resenas_online:
    description: Una fila por reseña.
    path: data/raw/resenas_online.csv
    options: { encoding: utf-8, delimiter: ';', null: ['', NA] }
    columns:
      - { name: reseña_id, type: string, required: true, description: Identificador. }
      - { name: cliente_id, type: string, pii: pseudonym }
      - { name: monto, type: 'decimal(12, 2)' }
      - { name: etiquetas, type: list<string> }
      - { name: Nombre, type: string, pii: drop }
  llamadas:
    path: s3://bucket-prod/raw/llamadas/
    format: parquet
    columns:
      - { name: fecha_hora, type: timestamp }
  tabulados:
    path: data/raw/*.tsv
    columns: [{ name: n, type: int }]
";

    fn findings(text: &str) -> String {
        let error = Catalog::parse(text, "catalog.yaml").unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        format!("{}\n{}", error.message(), render(error.all_findings()))
    }

    #[test]
    fn a_catalog_means_what_it_says() {
        let catalog = Catalog::parse(GOOD, "catalog.yaml").map_err(|e| render(e.all_findings())).unwrap();
        assert_eq!((catalog.project.as_str(), catalog.lake.as_str()), ("satisfaccion_cliente", "data/lake"));
        let resenas = &catalog.datasets["resenas_online"];
        let null = vec![String::new(), "NA".to_owned()];
        assert_eq!(resenas.format, Format::Csv(CsvOptions { delimiter: b';', null, ..CsvOptions::default() }));
        assert_eq!(resenas.columns[0].name, "reseña_id");
        assert!(resenas.columns[0].required && !resenas.columns[1].required);
        assert_eq!(resenas.columns[1].pii, Some(Pii::Pseudonym));
        assert_eq!(resenas.columns[2].column_type, ColumnType::Decimal { precision: 12, scale: 2 });
        assert_eq!(resenas.columns[3].column_type, ColumnType::StringList);
        assert_eq!(resenas.columns[4].pii, Some(Pii::Drop));
        assert_eq!(catalog.datasets["llamadas"].format, Format::Parquet);
        let Format::Csv(tsv) = &catalog.datasets["tabulados"].format else { panic!("tsv is delimited text") };
        assert_eq!((tsv.delimiter, tsv.null.as_slice()), (b'\t', [String::new()].as_slice()));
        assert_eq!(catalog.stores["s3://pruebas"].endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    }

    #[test]
    fn a_byte_order_mark_and_the_line_ends_of_windows_mean_nothing() {
        let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
        assert_eq!(Catalog::parse(&windows, "catalog.yaml").unwrap(), Catalog::parse(GOOD, "catalog.yaml").unwrap());
    }

    #[test]
    fn a_target_changes_the_lake() {
        let catalog = || Catalog::parse(GOOD, "catalog.yaml").unwrap();
        assert_eq!(catalog().for_target("prod").unwrap().lake, "s3://bucket-prod/lake");
        let error = catalog().for_target("prd").unwrap_err();
        assert_eq!((error.message(), error.next_step()), ("unknown target `prd`", Some("did you mean `prod`?")));
    }

    #[test]
    fn mistakes_of_shape_and_meaning_come_together() {
        let text = "\
version: 2
project: ''
budgets: { query: 1GiB }
targets:
  prod: { lak: x }
stores:
  gs://bucket: { region: x }
  s3://key:secret@bucket: {}
  s3://b: { secret_access_key: abc, endpoint: localhost }
datasets:
  Tickets:
    path: data/tickets.csv
    options: { delimiter: ';;', encoding: latin1 }
    on_reject: { max_ratio: 0.1 }
    columns:
      - { name: id, type: strng, requird: true }
      - { name: ID, type: int }
      - { name: '', type: varchar }
      - { name: monto, type: 'decimal(40,2)' }
      - { name: m2, type: 'decimal(4,5)' }
      - { name: m3, type: decimal }
      - { name: m4, type: geometry, pii: hash }
      - { name: n, type: int, pii: pseudonym }
      - { type: int }
  llamadas: { path: data/llamadas.json, columns: [] }
  chats: { path: data/chats.csv.gz, columns: [{ name: a, type: int }] }
  notas: { path: data/notas, columns: [{ name: a, type: int }] }
  otras: { path: data/otras, format: jsonl }
  hojas: { path: 'http://x/y.csv', format: xls, columns: [{ name: a, type: int }] }
  pq: { path: x.parquet, options: { delimiter: ',' }, columns: [{ name: ' a', type: int }] }
";
        insta::assert_snapshot!(findings(text), @r#"
        catalog.yaml has 29 mistakes
        catalog.yaml:1:1+1 there is no key `lake` (add `lake:`: Where processed and curated tables and releases live: a folder relative to this file, or `s3://bucket/prefix`)
        catalog.yaml:1:10+1 version 2 is not known (this cauce reads version 1)
        catalog.yaml:2:10+2 the project has no name
        catalog.yaml:3:1+7 unknown key `budgets` (the keys here are version, project, lake, targets, stores, releases, datasets)
        catalog.yaml:5:11+3 unknown key `lak` (did you mean `lake`?)
        catalog.yaml:7:3+11 `gs://bucket` is not a store (write s3://bucket)
        catalog.yaml:8:3+22 credentials never stand in the catalog (take them out of the URL and set them in the environment)
        catalog.yaml:9:13+17 credentials never stand in the catalog: `secret_access_key` (take it out; use the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), a profile or an instance role)
        catalog.yaml:9:47+9 `localhost` is not a URL (write https://host or http://host:port)
        catalog.yaml:11:3+7 `Tickets` cannot be a dataset's name (begin with a small letter and use small letters a to z, digits and _ only)
        catalog.yaml:13:27+4 the delimiter `;;` is not one byte long (write ",", ";", "|" or "\t")
        catalog.yaml:16:27+5 unknown type `strng` (did you mean `string`?)
        catalog.yaml:16:34+7 unknown key `requird` (did you mean `required`?)
        catalog.yaml:17:17+2 `Tickets` has two columns `ID` (the first one stands in line 16)
        catalog.yaml:18:17+2 a column has no name (correct it here and in the files' headers)
        catalog.yaml:18:27+7 unknown type `varchar` (did you mean `string`?)
        catalog.yaml:19:30+15 a decimal has 1 to 38 digits, `decimal(40,2)` has 40 (write decimal(precision, scale), such as decimal(12,2))
        catalog.yaml:20:27+14 `decimal(4,5)` has more digits after the point than digits (write decimal(precision, scale), such as decimal(12,2))
        catalog.yaml:21:27+7 `decimal` is not a decimal type (write decimal(precision, scale), such as decimal(12,2))
        catalog.yaml:22:27+8 unknown type `geometry` (one of string, int, float, decimal(p,s), bool, date, timestamp, list<string>)
        catalog.yaml:22:42+4 unknown value `hash` of `pii` (one of pseudonym, drop)
        catalog.yaml:23:36+9 only a text can become a pseudonym, `n` is none (declare `type: string`, or `pii: drop`)
        catalog.yaml:24:9+1 an item of `columns` has no key `name` (add `name:`: Its name, exactly as in the files' headers)
        catalog.yaml:25:41+7 `llamadas` has no columns (declare each column of the files, or take `columns:` out: then they are found in the files)
        catalog.yaml:27:18+10 the path does not say how the files are written (add `format: csv`, `tsv`, `json`, `jsonl`, `parquet` or `arrow`)
        catalog.yaml:29:18+16 `http://` is not a store that cauce opens (write a path or s3://bucket/prefix)
        catalog.yaml:29:44+3 unknown value `xls` of `format` (one of csv, tsv, json, jsonl, parquet, arrow)
        catalog.yaml:30:26+7 `options` are for csv and tsv files (take them out; parquet files describe themselves)
        catalog.yaml:30:73+4 the column name ` a` begins or ends with a blank (correct it here and in the files' headers)
        "#);
    }

    #[test]
    fn what_is_not_a_catalog_is_told_plainly() {
        insta::assert_snapshot!(findings(""), @"
        catalog.yaml has a mistake
        catalog.yaml:1:1+0 the document has no value; it must be a map (key: value)
        ");
        insta::assert_snapshot!(findings("[1]"), @"
        catalog.yaml has a mistake
        catalog.yaml:1:1+1 the document must be a map (key: value), this is a list
        ");
        insta::assert_snapshot!(findings("version: 1\nproject: [a\nlake: b\n"), @"
        catalog.yaml has a mistake
        catalog.yaml:3:5+1 illegal placement of ':' indicator
        ");
    }

    #[test]
    fn the_schema_describes_every_key() {
        let schema = crate::catalog::json_schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["required"], serde_json::json!(["version", "project", "lake", "datasets"]));
        let definitions = schema["$defs"].as_object().unwrap();
        for (name, definition) in definitions.iter().chain([(&"root".to_owned(), &schema)]) {
            for (key, property) in definition["properties"].as_object().into_iter().flatten() {
                assert!(property.get("description").is_some(), "{name}.{key} has no description");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            drop(Catalog::parse(&text, "catalog.yaml"));
        }

        #[test]
        fn no_damaged_catalog_makes_it_panic(at in 0..GOOD.len(), length in 0..40_usize, with in "[\\[\\]{}:,'\"&*!|> \n\tñ0-9a-z-]{0,6}") {
            let start = (0..=at).rev().find(|i| GOOD.is_char_boundary(*i)).unwrap();
            let end = (at + length..GOOD.len()).find(|i| GOOD.is_char_boundary(*i)).unwrap_or(GOOD.len());
            let damaged = format!("{}{with}{}", &GOOD[..start], &GOOD[end..]);
            if let Err(error) = Catalog::parse(&damaged, "catalog.yaml") {
                prop_assert!(!error.all_findings().is_empty());
                prop_assert!(error.all_findings().iter().all(|finding| finding.place.is_some()));
            }
        }
    }
}
