//! What a dataset's declaration says of its rows, as one mark: two runs of which it differs may not share tables.
//!
//! The mark is a hash of the declaration in Rust's own notation, which names every field there is: a rule that is added to
//! columns counts from its first day. No person sees that notation.

use super::{Dataset, Limit, OnDrift};
use crate::mark::mark;

impl Dataset {
    /// 32 hexadecimal digits that differ where rows may: descriptions, the place of the files and the limits of a run do
    /// not enter.
    #[must_use]
    pub fn declaration(&self) -> String {
        let mut bare = Self {
            description: String::new(),
            path: String::new(),
            on_reject: Limit::default(),
            on_drift: OnDrift::default(),
            ..self.clone()
        };
        for column in &mut bare.columns {
            column.description = String::new();
        }
        mark(&[format!("{bare:?}")])
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    fn declaration(columns: &str, more: &str) -> String {
        let yaml = format!(
            "version: 1\nproject: p\nlake: lake\ndatasets:\n  a:\n    path: a.csv\n{more}    columns:\n{columns}"
        );
        Catalog::parse(&yaml, "catalog.yaml").unwrap().datasets["a"].declaration()
    }

    #[test]
    fn what_concerns_rows_counts() {
        let plain = declaration("      - { name: x, type: int }\n", "");
        assert_eq!(plain, declaration("      - { type: int, name: x, description: Una nota. }\n", ""));
        assert_eq!(plain, declaration("      - { name: x, type: int }\n", "    description: Otra.\n"));
        assert_eq!(plain, declaration("      - { name: x, type: int }\n", "    on_reject: { max_rows: 3 }\n"));
        assert_ne!(plain, declaration("      - { name: x, type: int, max: 5 }\n", ""));
        assert_ne!(plain, declaration("      - { name: x, type: float }\n", ""));
        assert_ne!(plain, declaration("      - { name: x, type: int }\n", "    options: { delimiter: ';' }\n"));
    }
}
