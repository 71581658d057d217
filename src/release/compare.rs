//! Comparing two releases by what their manifests say: files, models, definitions, columns, rows.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{Kept, Manifest, ReleasedFile, ReleasedModel};
use crate::name::TableName;

/// What differs between two releases, as far as their manifests know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The number of the release it starts from.
    pub from: u64,
    /// The number of the release it goes to.
    pub to: u64,
    /// The datasets whose files differ, by name.
    pub datasets: BTreeMap<String, FileChanges>,
    /// The models that differ, by name.
    pub models: BTreeMap<TableName, ModelChange>,
}

/// What became of a dataset's files: the paths of each sort.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileChanges {
    /// Files that were not there before.
    pub added: Vec<String>,
    /// Files with another size, time or etag than before.
    pub replaced: Vec<String>,
    /// Files that are not there any more.
    pub withdrawn: Vec<String>,
}

/// What became of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModelChange {
    /// In one word; none where the manifests do not know of a change.
    pub change: Option<Change>,
    /// Its definition number before and after.
    pub definition: (Option<u64>, Option<u64>),
    /// Its rows before and after; none for a view.
    pub rows: (Option<u64>, Option<u64>),
    /// Columns it has only after.
    pub columns_added: Vec<String>,
    /// Columns it had only before.
    pub columns_removed: Vec<String>,
    /// Columns of another type: name, type before, type after.
    pub columns_retyped: Vec<(String, String, String)>,
}

/// What became of a model, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its definition is another one.
    Redefined,
    /// Its definition is the same, its rows were written anew.
    Rebuilt,
}

impl Change {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Redefined => "redefined",
            Self::Rebuilt => "rebuilt",
        }
    }
}

impl Comparison {
    /// What differs between `from` and `to`.
    #[must_use]
    pub fn between(from: &Manifest, to: &Manifest) -> Self {
        let names = from.datasets.keys().chain(to.datasets.keys());
        let datasets = names.filter_map(|name| {
            let files = |release: &Manifest| release.datasets.get(name).map(|dataset| dataset.files.clone());
            let changes = FileChanges::between(&files(from).unwrap_or_default(), &files(to).unwrap_or_default());
            (!changes.is_empty()).then(|| (name.clone(), changes))
        });
        let names = from.models.keys().chain(to.models.keys());
        let models = names.filter_map(|name| {
            let change = ModelChange::between(from.models.get(name), to.models.get(name))?;
            Some((name.clone(), change))
        });
        Self { from: from.release, to: to.release, datasets: datasets.collect(), models: models.collect() }
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.datasets.is_empty() && self.models.is_empty()
    }

    /// How many models changed in each way, in words: `1 added, 2 redefined, 17 rebuilt`.
    #[must_use]
    pub fn summary(&self) -> String {
        let ways = [Change::Added, Change::Removed, Change::Redefined, Change::Rebuilt];
        let counts = ways.map(|way| (way, self.models.values().filter(|model| model.change == Some(way)).count()));
        let said =
            counts.iter().filter(|(_, count)| *count > 0).map(|(way, count)| format!("{count} {}", way.as_str()));
        said.collect::<Vec<_>>().join(", ")
    }
}

impl FileChanges {
    /// What became of the files `before`.
    #[must_use]
    pub fn between(before: &[ReleasedFile], now: &[ReleasedFile]) -> Self {
        let by_path =
            |files: &[ReleasedFile]| files.iter().map(|f| (f.path.clone(), f.clone())).collect::<BTreeMap<_, _>>();
        let (old, new) = (by_path(before), by_path(now));
        let of_new = |wanted: &dyn Fn(&String, &ReleasedFile) -> bool| {
            new.iter().filter(|(path, file)| wanted(path, file)).map(|(path, _)| path.clone()).collect()
        };
        Self {
            added: of_new(&|path, _| !old.contains_key(path)),
            replaced: of_new(&|path, file| old.get(path).is_some_and(|before| before != file)),
            withdrawn: old.keys().filter(|path| !new.contains_key(*path)).cloned().collect(),
        }
    }

    /// Whether the files are the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.replaced.is_empty() && self.withdrawn.is_empty()
    }
}

impl fmt::Display for FileChanges {
    /// `1 new file, 2 replaced files`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(&self.added, "new"), (&self.replaced, "replaced"), (&self.withdrawn, "withdrawn")];
        let said = parts.iter().filter(|(files, _)| !files.is_empty()).map(|(files, what)| {
            let plural = if files.len() == 1 { "" } else { "s" };
            format!("{} {what} file{plural}", files.len())
        });
        f.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

impl ModelChange {
    /// What became of a model; `None` if nothing did, or if it is a view that says the same as before.
    fn between(before: Option<&ReleasedModel>, after: Option<&ReleasedModel>) -> Option<Self> {
        let change = match (before, after) {
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Removed,
            (Some(before), Some(after)) if before.fingerprint != after.fingerprint => Change::Redefined,
            (Some(before), Some(after)) if before.kept != after.kept => Change::Rebuilt,
            _ => return None,
        };
        let columns = |model: Option<&ReleasedModel>| -> BTreeMap<String, String> {
            let columns = model.into_iter().flat_map(|model| &model.columns);
            columns.map(|column| (column.name.clone(), column.data_type.clone())).collect()
        };
        let (old, new) = (columns(before), columns(after));
        let only = |some: &BTreeMap<String, String>, others: &BTreeMap<String, String>| {
            some.keys().filter(|name| !others.contains_key(*name)).cloned().collect()
        };
        let (columns_added, columns_removed) = match change {
            Change::Added | Change::Removed => (Vec::new(), Vec::new()),
            Change::Redefined | Change::Rebuilt => (only(&new, &old), only(&old, &new)),
        };
        let retyped = old.iter().filter_map(|(name, before)| {
            let after = new.get(name).filter(|after| *after != before)?;
            Some((name.clone(), before.clone(), after.clone()))
        });
        let rows = |model: Option<&ReleasedModel>| match model?.kept {
            Kept::Table { rows, .. } => Some(rows),
            Kept::View => None,
        };
        let definition = |model: Option<&ReleasedModel>| model.map(|model| model.definition);
        Some(Self {
            change: Some(change),
            definition: (definition(before), definition(after)),
            rows: (rows(before), rows(after)),
            columns_added,
            columns_removed,
            columns_retyped: retyped.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ReleasedColumn, ReleasedDataset, TableVersion};
    use super::*;
    use crate::name::Layer;

    fn file(path: &str, size: u64) -> ReleasedFile {
        ReleasedFile { path: path.into(), size, modified: "2024-01-01T00:00:00Z".into(), etag: None }
    }

    fn model(fingerprint: &str, kept: Kept, columns: &[(&str, &str)]) -> ReleasedModel {
        let column = |(name, data_type): &(&str, &str)| ReleasedColumn {
            name: (*name).into(),
            data_type: (*data_type).into(),
            description: String::new(),
        };
        ReleasedModel {
            definition: u64::from(fingerprint.as_bytes()[0] - b'a') + 1,
            fingerprint: fingerprint.into(),
            file: "m.sql".into(),
            sql: "SELECT 1".into(),
            columns: columns.iter().map(column).collect(),
            kept,
            ..ReleasedModel::default()
        }
    }

    fn release(number: u64, files: &[ReleasedFile], models: Vec<(&str, ReleasedModel)>) -> Manifest {
        let mut manifest = Manifest::new(number, None, "p", "r", String::new());
        manifest
            .datasets
            .insert("tickets".into(), ReleasedDataset { files: files.to_vec(), ..ReleasedDataset::default() });
        manifest.models =
            models.into_iter().map(|(name, model)| (TableName::new(Layer::Curated, name), model)).collect();
        manifest
    }

    #[test]
    fn what_differs_is_said_and_nothing_else() {
        let table =
            |version, rows| Kept::Table { at: TableVersion { version, table_id: String::new() }, rows, bytes: 1 };
        let before = release(
            1,
            &[file("a", 1), file("b", 1), file("c", 1)],
            vec![
                ("gone", model("a", Kept::View, &[])),
                ("same", model("a", Kept::View, &[("x", "Int64")])),
                ("same_table", model("a", table(4, 9), &[("x", "Int64")])),
                ("rebuilt", model("a", table(1, 10), &[("x", "Int64")])),
                ("redefined", model("a", table(1, 10), &[("x", "Int64"), ("y", "Utf8"), ("z", "Utf8")])),
            ],
        );
        let after = release(
            2,
            &[file("a", 1), file("b", 2), file("d", 1)],
            vec![
                ("new", model("a", table(0, 3), &[("x", "Int64")])),
                ("same", model("a", Kept::View, &[("x", "Int64")])),
                ("same_table", model("a", table(4, 9), &[("x", "Int64")])),
                ("rebuilt", model("a", table(2, 12), &[("x", "Int64")])),
                ("redefined", model("b", Kept::View, &[("x", "Float64"), ("y", "Utf8"), ("w", "Utf8")])),
            ],
        );
        let comparison = Comparison::between(&before, &after);
        assert_eq!(comparison.summary(), "1 added, 1 removed, 1 redefined, 1 rebuilt");
        assert_eq!(comparison.datasets["tickets"].to_string(), "1 new file, 1 replaced file, 1 withdrawn file");
        let of = |name: &str| &comparison.models[&TableName::new(Layer::Curated, name)];
        assert_eq!((of("rebuilt").change, of("rebuilt").rows), (Some(Change::Rebuilt), (Some(10), Some(12))));
        assert_eq!((of("new").definition, of("gone").definition), ((None, Some(1)), (Some(1), None)));
        let redefined = of("redefined");
        assert_eq!((redefined.definition, redefined.rows), ((Some(1), Some(2)), (Some(10), None)));
        assert_eq!((redefined.columns_added.join(","), redefined.columns_removed.join(",")), ("w".into(), "z".into()));
        assert_eq!(redefined.columns_retyped, [("x".into(), "Int64".into(), "Float64".into())]);
        assert_eq!(comparison.models.len(), 4);
        assert!(Comparison::between(&after, &after).is_empty());
    }
}
