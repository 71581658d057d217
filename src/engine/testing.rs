//! An engine over a small project in a temporary folder, for tests.

use std::fs;
use std::sync::Arc;

use tempfile::TempDir;

use super::{Engine, Relation, Relations, Settings};
use crate::catalog::Catalog;
use crate::name::TableName;
use crate::sql::Source;
use crate::store::{Lake, Stores};

const CATALOG: &str = "\
version: 1
project: prueba
lake: lake
datasets:
  clientes:
    description: Un registro por cliente.
    path: clientes.csv
    columns:
      - { name: cliente_id, type: string, required: true, pii: pseudonym }
      - { name: nombre, type: string, pii: drop }
      - { name: dni, type: int, pii: drop }
      - { name: edad, type: int }
  visitas:
    description: Un registro por visita.
    path: visitas.csv
    columns:
      - { name: cliente_id, type: string }
      - { name: canal, type: string }
      - { name: nota, type: int }
";

const CLIENTES: &str = "cliente_id,nombre,dni,edad\nC1,Ana,11,30\nC2,Luis,22,41\nC3,,33,\n";

const VISITAS: &str = "cliente_id,canal,nota\nC1,web,5\nC1,web,5\nC2,telefono,1\nC9,web,\n";

/// An engine over the datasets `clientes` (three rows, protected columns) and `visitas` (four rows).
pub(crate) struct TestEngine {
    pub(crate) engine: Engine,
    pub(crate) catalog: Catalog,
    _folder: TempDir,
}

impl TestEngine {
    pub(crate) fn new() -> Self {
        Self::with_settings(&Settings { memory_limit: 64 << 20, threads: 2, pseudonym_key: b"clave".to_vec() })
    }

    /// The same with other limits.
    pub(crate) fn with_settings(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("clientes.csv"), CLIENTES).unwrap();
        fs::write(folder.path().join("visitas.csv"), VISITAS).unwrap();
        let catalog = Catalog::parse(CATALOG, "catalog.yaml").unwrap();
        let stores = Arc::new(Stores::new(catalog.stores.clone()));
        let lake = Lake::new(&catalog, folder.path(), Arc::clone(&stores)).unwrap();
        let relations = Arc::new(Relations::of_release(&lake, &catalog, None).unwrap());
        let engine = Engine::new(&stores, relations, settings).unwrap();
        Self { engine, catalog, _folder: folder }
    }

    /// The same with `name` as a view of `sql`.
    pub(crate) fn with_view(self, name: &str, sql: &str) -> Self {
        let name: TableName = name.parse().unwrap();
        self.engine.relations().define(name, Relation::View(Source::new("vista.sql", sql)));
        self
    }
}
