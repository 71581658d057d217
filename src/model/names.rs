//! The tables of a project by name, and what a name in SQL means among them.

use std::collections::BTreeSet;

use crate::catalog::Catalog;
use crate::error::Finding;
use crate::name::{CATALOG, Layer, TableName, closest};

/// The names of all datasets and models of a project.
#[derive(Debug, Clone, Default)]
pub struct Known {
    tables: BTreeSet<TableName>,
}

impl Known {
    /// The datasets of `catalog` and the given models.
    pub fn new<'a>(catalog: &Catalog, models: impl IntoIterator<Item = &'a TableName>) -> Self {
        let datasets = catalog.datasets.keys().map(|name| TableName::new(Layer::Raw, name));
        Self { tables: datasets.chain(models.into_iter().cloned()).collect() }
    }

    /// Whether there is such a table.
    pub fn contains(&self, name: &TableName) -> bool {
        self.tables.contains(name)
    }

    /// The table that a name in SQL means: `name` (looked up in [`Layer::SEARCH_ORDER`]), `layer.name` or
    /// `cauce.layer.name`, its parts already in their normal case. The finding has no place.
    pub fn resolve(&self, parts: &[String]) -> Result<TableName, Finding> {
        let written = parts.join(".");
        let (layer, name) = match parts {
            [name] => (None, name),
            [layer, name] => (Some(layer), name),
            [catalog, layer, name] if catalog == CATALOG => (Some(layer), name),
            [catalog, _, _] => {
                return Err(Finding::new(format!("unknown catalog `{catalog}`"))
                    .hint(format!("names are {CATALOG}.layer.name, layer.name or name")));
            }
            _ => {
                return Err(
                    Finding::new(format!("`{written}` is not a table's name")).hint("names are layer.name or name")
                );
            }
        };
        let Some(layer) = layer else {
            let mut tables = Layer::SEARCH_ORDER.into_iter().map(|layer| TableName::new(layer, name));
            return tables.find(|table| self.contains(table)).ok_or_else(|| self.unknown(None, name));
        };
        let Ok(parsed) = layer.parse::<Layer>() else {
            let layers = Layer::SEARCH_ORDER.map(Layer::as_str);
            let finding = Finding::new(format!("unknown layer `{layer}`"));
            return Err(match closest(layer, layers) {
                Some(meant) => finding.hint(format!("did you mean `{meant}.{name}`?")),
                None => finding.hint("the layers are raw, processed, curated and system"),
            });
        };
        let table = TableName::new(parsed, name);
        if self.contains(&table) { Ok(table) } else { Err(self.unknown(Some(parsed), name)) }
    }

    fn unknown(&self, layer: Option<Layer>, name: &str) -> Finding {
        let written = layer.map_or_else(|| name.to_owned(), |layer| format!("{layer}.{name}"));
        let finding = Finding::new(format!("unknown table `{written}`"));
        // The same name in another layer, a name like it in the same layer, a name like it anywhere.
        let elsewhere = self.tables.iter().find(|table| table.name == name);
        let in_layer = || {
            let names = self.tables.iter().filter(|table| layer.is_none_or(|layer| table.layer == layer));
            closest(name, names.map(|table| table.name.as_str()))
        };
        let anywhere = || closest(name, self.tables.iter().map(|table| table.name.as_str()));
        let meant = elsewhere.map(ToString::to_string).or_else(|| {
            let meant = in_layer().or_else(anywhere)?;
            let table =
                self.tables.iter().find(|table| table.name == meant && layer.is_none_or(|layer| table.layer == layer));
            let table = table.or_else(|| self.tables.iter().find(|table| table.name == meant))?;
            Some(if layer.is_some() { table.to_string() } else { table.name.clone() })
        });
        match meant {
            Some(meant) => finding.hint(format!("did you mean `{meant}`?")),
            None if layer == Some(Layer::Raw) => finding.hint("declare it under `datasets:` in catalog.yaml"),
            None => finding.hint("tables are the datasets of catalog.yaml and the files under sql/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Known {
        let tables = ["raw.clientes", "processed.clientes", "curated.kpi_canal", "raw.tickets_soporte"];
        Known { tables: tables.iter().map(|name| name.parse().unwrap()).collect() }
    }

    fn resolved(name: &str) -> String {
        let parts: Vec<String> = name.split('.').map(str::to_owned).collect();
        match known().resolve(&parts) {
            Ok(table) => table.to_string(),
            Err(finding) => format!("{} ({})", finding.message, finding.hint.unwrap()),
        }
    }

    #[test]
    fn a_name_means_a_table_or_the_nearest_one_is_told() {
        for (name, expected) in [
            ("clientes", "processed.clientes"),
            ("raw.clientes", "raw.clientes"),
            ("cauce.curated.kpi_canal", "curated.kpi_canal"),
            ("kpi_canl", "unknown table `kpi_canl` (did you mean `kpi_canal`?)"),
            ("processed.kpi_canal", "unknown table `processed.kpi_canal` (did you mean `curated.kpi_canal`?)"),
            ("raw.tickets_soprte", "unknown table `raw.tickets_soprte` (did you mean `raw.tickets_soporte`?)"),
            ("raw.nada", "unknown table `raw.nada` (declare it under `datasets:` in catalog.yaml)"),
            ("curate.x", "unknown layer `curate` (did you mean `curated.x`?)"),
            ("gold.x", "unknown layer `gold` (the layers are raw, processed, curated and system)"),
            ("other.raw.x", "unknown catalog `other` (names are cauce.layer.name, layer.name or name)"),
            ("a.b.c.d", "`a.b.c.d` is not a table's name (names are layer.name or name)"),
        ] {
            assert_eq!(resolved(name), expected, "{name}");
        }
    }
}
