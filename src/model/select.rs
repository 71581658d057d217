//! Choosing some of a project's models: `kpi_canal`, `+kpi_canal`, `tickets+`, `curated/`, `tag:diario`, `changed+`,
//! `git:main+`.
//!
//! A `+` in front adds what the model reads, directly or through others; one behind adds what reads it. Names may hold
//! `*` and `?`.

use std::collections::BTreeSet;
use std::str::FromStr;

use glob::Pattern;

use super::Models;
use crate::error::{Error, Result};
use crate::name::{Layer, TableName, did_you_mean};

/// A choice of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    /// As it was written.
    text: String,
    /// What is chosen itself.
    pub what: Chosen,
    with_inputs: bool,
    with_readers: bool,
}

/// What a selector chooses itself, without what it adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// The models of that name, with or without their layer.
    Named(Pattern),
    /// All models of a layer.
    Layer(Layer),
    /// The models with a tag.
    Tag(String),
    /// The models that a run would build for a reason of their own.
    Changed,
    /// The models whose files differ from those of a commit, a branch or a tag.
    Git(String),
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |why: String| {
            Error::usage(format!("`{text}` chooses no models: {why}"))
                .hint("write a name, +name, name+, layer/, tag:word, changed+ or git:branch+")
        };
        let rest = text.strip_prefix('+').unwrap_or(text);
        let with_inputs = rest.len() < text.len();
        let bare = rest.strip_suffix('+').unwrap_or(rest);
        let with_readers = bare.len() < rest.len();
        let what = if bare.is_empty() {
            return Err(wrong("it is empty".to_owned()));
        } else if bare == "changed" {
            Chosen::Changed
        } else if let Some(tag) = bare.strip_prefix("tag:") {
            Chosen::Tag(tag.to_owned())
        } else if let Some(commit) = bare.strip_prefix("git:") {
            Chosen::Git(commit.to_owned())
        } else if let Some(layer) = bare.strip_suffix('/') {
            let layer = layer.parse::<Layer>().ok().filter(|layer| Layer::OF_MODELS.contains(layer));
            Chosen::Layer(layer.ok_or_else(|| wrong("the layers of models are processed/ and curated/".to_owned()))?)
        } else {
            Chosen::Named(Pattern::new(bare).map_err(|wildcard| wrong(wildcard.msg.to_owned()))?)
        };
        Ok(Self { text: text.to_owned(), what, with_inputs, with_readers })
    }
}

impl Models {
    /// The models that one of `selectors` chooses. `elsewhere` knows which are changed and what a repository says.
    ///
    /// # Errors
    /// A selector that chooses nothing by name or tag, and what `elsewhere` cannot tell.
    pub fn select(
        &self,
        selectors: &[Selector],
        elsewhere: impl Fn(&Chosen) -> Result<BTreeSet<TableName>>,
    ) -> Result<BTreeSet<TableName>> {
        let mut chosen = BTreeSet::new();
        for selector in selectors {
            let own = self.own(selector, &elsewhere)?;
            for name in &own {
                if selector.with_readers {
                    chosen.extend(self.descendants(name));
                }
                if selector.with_inputs {
                    chosen.extend(self.ancestors(name));
                }
            }
            chosen.extend(own);
        }
        Ok(chosen)
    }

    fn own(
        &self,
        selector: &Selector,
        elsewhere: &impl Fn(&Chosen) -> Result<BTreeSet<TableName>>,
    ) -> Result<BTreeSet<TableName>> {
        let fits =
            |pattern: &Pattern, name: &TableName| pattern.matches(&name.name) || pattern.matches(&name.to_string());
        let models = self.iter();
        let own: BTreeSet<TableName> = match &selector.what {
            Chosen::Named(pattern) => {
                models.map(|model| &model.name).filter(|name| fits(pattern, name)).cloned().collect()
            }
            Chosen::Layer(layer) => {
                models.map(|model| &model.name).filter(|name| name.layer == *layer).cloned().collect()
            }
            Chosen::Tag(tag) => {
                models.filter(|model| model.header.tags.contains(tag)).map(|model| model.name.clone()).collect()
            }
            what @ (Chosen::Changed | Chosen::Git(_)) => return elsewhere(what),
        };
        if !own.is_empty() {
            return Ok(own);
        }
        let (what, known): (String, Vec<String>) = match &selector.what {
            Chosen::Tag(tag) => (
                format!("no model has the tag `{tag}`"),
                self.iter().flat_map(|model| model.header.tags.clone()).collect(),
            ),
            _ => {
                let full = self.iter().map(|model| model.name.to_string());
                let names = full.chain(self.iter().map(|model| model.name.name.clone())).collect();
                (format!("there is no model `{}`", selector.text.trim_matches('+')), names)
            }
        };
        let wanted = selector.text.trim_matches('+').trim_start_matches("tag:");
        let hint = did_you_mean(wanted, known.iter().map(String::as_str), "`cauce plan` lists the models");
        Err(Error::usage(what).hint(hint))
    }

    /// The models that `name` reads, directly or through others.
    fn ancestors(&self, name: &TableName) -> BTreeSet<TableName> {
        let mut found = BTreeSet::new();
        let mut waiting = vec![name.clone()];
        while let Some(next) = waiting.pop() {
            for input in self.models_read_by(&next) {
                if found.insert(input.name.clone()) {
                    waiting.push(input.name.clone());
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn models() -> Models {
        let yaml = "version: 1\nproject: p\nlake: lake\ndatasets:\n  a:\n    path: a.csv\n    columns: [{ name: x, type: int }]\n";
        let catalog = Catalog::parse(yaml, "catalog.yaml").unwrap();
        let file = |name: &str, sql: &str| {
            (name.parse().unwrap(), format!("sql/{}.sql", name.replace('.', "/")), sql.to_owned())
        };
        let files = vec![
            file("processed.b", "SELECT x FROM a"),
            file("processed.c", "SELECT x FROM a"),
            file("curated.kpi_d", "/*---\ntags: [diario]\n---*/\nSELECT b.x FROM b JOIN c ON b.x = c.x"),
            file("curated.kpi_e", "SELECT x FROM kpi_d"),
        ];
        Models::parse(files, &catalog).unwrap()
    }

    fn chosen(texts: &[&str]) -> String {
        let elsewhere = |_: &Chosen| Ok(BTreeSet::from(["processed.c".parse().unwrap()]));
        let selectors = texts.iter().map(|text| text.parse()).collect::<Result<Vec<Selector>>>();
        match selectors.and_then(|selectors| models().select(&selectors, elsewhere)) {
            Ok(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            Err(error) => format!("{error} ({})", error.next_step().unwrap()),
        }
    }

    #[test]
    fn what_is_chosen() {
        for (texts, expected) in [
            (&["b"][..], "processed.b"),
            (&["processed.b", "curated/"], "processed.b curated.kpi_d curated.kpi_e"),
            (&["b+"], "processed.b curated.kpi_d curated.kpi_e"),
            (&["+kpi_d"], "processed.b processed.c curated.kpi_d"),
            (&["kpi_*"], "curated.kpi_d curated.kpi_e"),
            (&["tag:diario+"], "curated.kpi_d curated.kpi_e"),
            (&["changed+"], "processed.c curated.kpi_d curated.kpi_e"),
            (&["git:main"], "processed.c"),
            (&["kpi_f"], "there is no model `kpi_f` (did you mean `kpi_d`?)"),
            (&["tag:diaro"], "no model has the tag `diaro` (did you mean `diario`?)"),
            (
                &["raw/"],
                "`raw/` chooses no models: the layers of models are processed/ and curated/ (write a name, +name, \
                 name+, layer/, tag:word, changed+ or git:branch+)",
            ),
        ] {
            assert_eq!(chosen(texts), expected, "{texts:?}");
        }
    }
}
