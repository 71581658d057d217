//! The names of things: layers, tables, and the nearest name to a mistyped one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The catalog of a session; `cauce.curated.kpi_nps` is the full name of `curated.kpi_nps`.
pub const CATALOG: &str = "cauce";

/// A layer of the project: a schema of the catalog [`CATALOG`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Input files as `catalog.yaml` declares them.
    Raw,
    /// One cleaned table a dataset.
    Processed,
    /// Metrics and KPI views.
    Curated,
    /// What cauce writes about its own work.
    System,
}

impl Layer {
    /// Where an unqualified name is looked up, first to last.
    pub const SEARCH_ORDER: [Self; 4] = [Self::Curated, Self::Processed, Self::Raw, Self::System];

    /// The layers that hold models; the folders of `sql/`.
    pub const OF_MODELS: [Self; 2] = [Self::Processed, Self::Curated];

    /// The name of the layer as a folder and a schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Processed => "processed",
            Self::Curated => "curated",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Layer {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::SEARCH_ORDER.into_iter().find(|layer| layer.as_str() == text).ok_or(())
    }
}

/// The name of a dataset or model: its layer and its own name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema it stands in.
    pub layer: Layer,
    /// Its name in that schema.
    pub name: String,
}

impl TableName {
    /// The name `layer.name`.
    pub fn new(layer: Layer, name: impl Into<String>) -> Self {
        Self { layer, name: name.into() }
    }

    /// Whether a person who writes `wanted` may mean it: `layer.name`, or `name`.
    #[must_use]
    pub fn is_called(&self, wanted: &str) -> bool {
        self.name == wanted || self.to_string() == wanted
    }

    /// The file that says what the model of this name is, seen from the project's folder: `sql/curated/kpi_canal.sql`.
    #[must_use]
    pub fn model_file(&self) -> String {
        format!("sql/{}/{}.sql", self.layer, self.name)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.name)
    }
}

impl FromStr for TableName {
    type Err = ();

    /// Reads `layer.name`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (layer, name) = text.split_once('.').ok_or(())?;
        if name.is_empty() || name.contains('.') {
            return Err(());
        }
        Ok(Self::new(layer.parse()?, name))
    }
}

impl Serialize for TableName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom(format!("`{text}` is not a name like curated.kpi_nps")))
    }
}

/// The candidate a person most likely meant by `wanted`, if one is near enough: the same but for case, an edit or two
/// in a word of that length, or `wanted` as the beginning of one candidate only.
pub fn closest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    let allowed = (wanted.chars().count() / 3).clamp(1, 4);
    let mut nearest: Option<(usize, &str)> = None;
    let mut extended: Vec<&str> = Vec::new();
    for candidate in candidates {
        let lower = candidate.to_lowercase();
        let distance = strsim::osa_distance(&wanted, &lower);
        if distance <= allowed && nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, candidate));
        }
        if wanted.chars().count() >= 3 && lower.starts_with(&wanted) {
            extended.push(candidate);
        }
    }
    match (nearest, extended.as_slice()) {
        (Some((_, candidate)), _) => Some(candidate),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// What to tell a person whose `wanted` is none of `candidates`: the one that was most likely meant, or else `otherwise`.
pub fn did_you_mean<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: impl Into<String>,
) -> String {
    closest(wanted, candidates).map_or_else(|| otherwise.into(), |meant| format!("did you mean `{meant}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_print_as_they_parse() {
        let name: TableName = "curated.kpi_nps".parse().unwrap();
        assert_eq!(name, TableName::new(Layer::Curated, "kpi_nps"));
        assert_eq!(name.to_string(), "curated.kpi_nps");
        for wrong in ["kpi_nps", "gold.kpi", "curated.", "a.b.c"] {
            assert!(wrong.parse::<TableName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_closest_name_is_found_or_none() {
        let names = ["satisfaccion_cliente", "canal", "cliente_id", "tiempo_respuesta_min"];
        for (wanted, expected) in [
            ("satisfacion_cliente", Some("satisfaccion_cliente")),
            ("CANAL", Some("canal")),
            ("canla", Some("canal")),
            ("tiempo", Some("tiempo_respuesta_min")),
            ("xyz", None),
            ("c", None),
        ] {
            assert_eq!(closest(wanted, names), expected, "{wanted}");
        }
    }
}
