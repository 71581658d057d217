//! What a model says, as one number: equal for texts that differ only in white space, comments and letter case.

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};
use sha2::{Digest, Sha256};

use super::{Accept, Amount, Header, Incremental, Rule, Severity, Strategy};
use crate::mark::hex;
use crate::sql::is_significant;

/// The fingerprint of a model: 64 hexadecimal digits.
///
/// Changes with the tokens of the SQL, with how the model is kept and with its checks; not with descriptions and tags.
pub(super) fn fingerprint(tokens: &[TokenWithSpan], header: &Header) -> String {
    let mut hasher = Hasher(Sha256::new());
    hasher.text("model 1");
    for token in tokens.iter().map(|token| &token.token).filter(|token| is_significant(token)) {
        match token {
            Token::SemiColon => {}
            Token::Word(word) if word.quote_style.is_none() => hasher.text(&word.value.to_ascii_lowercase()),
            other => hasher.text(&other.to_string()),
        }
    }
    hasher.text("header");
    hasher.keeping(header);
    hasher.checks(header);
    hasher.hex()
}

impl Header {
    /// How the table is kept and which rows of its input are accepted, as a mark that differs where they do.
    #[must_use]
    pub fn keeping(&self) -> String {
        let mut hasher = Hasher(Sha256::new());
        hasher.keeping(self);
        hasher.hex()
    }

    /// What is checked, as a mark that differs where it does.
    #[must_use]
    pub fn checking(&self) -> String {
        let mut hasher = Hasher(Sha256::new());
        hasher.checks(self);
        hasher.hex()
    }
}

/// Hashes texts so that two lists of texts are equal only if each text is.
struct Hasher(Sha256);

impl Hasher {
    fn hex(self) -> String {
        hex(&self.0.finalize())
    }

    fn keeping(&mut self, header: &Header) {
        self.text(header.materialized.as_str());
        self.texts(&header.partition_by);
        if let Some(accept) = &header.accept {
            self.accept(accept);
        }
        if let Some(incremental) = &header.incremental {
            self.incremental(incremental);
        }
    }

    fn incremental(&mut self, incremental: &Incremental) {
        self.text("incremental");
        self.text(incremental.strategy.as_str());
        self.text(&incremental.from.to_string());
        if let Strategy::Merge { unique_key, latest, deleted } = &incremental.strategy {
            self.texts(unique_key);
            self.text(latest);
            self.optional(deleted.as_deref());
        }
    }

    fn checks(&mut self, header: &Header) {
        self.texts(&header.grain);
        for check in &header.checks {
            self.text(&check.name);
            self.text(match check.severity {
                Severity::Error => "error",
                Severity::Warn => "warn",
            });
            self.rule(&check.rule);
            if check.at_most != Amount::NONE {
                self.text(&check.at_most.to_string());
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.0.update((texts.len() as u64).to_le_bytes());
        for text in texts {
            self.text(text);
        }
    }

    fn optional(&mut self, text: Option<&str>) {
        self.0.update([u8::from(text.is_some())]);
        self.text(text.unwrap_or_default());
    }

    fn accept(&mut self, accept: &Accept) {
        self.text("accept");
        self.text(&accept.from.to_string());
        self.0.update((accept.rules.len() as u64).to_le_bytes());
        for (name, rule) in &accept.rules {
            self.text(name);
            self.text(rule);
        }
        if let Some(deduplicate) = &accept.deduplicate {
            self.text("deduplicate");
            self.texts(&deduplicate.key);
            self.optional(deduplicate.keep.as_deref());
        }
    }

    fn rule(&mut self, rule: &Rule) {
        match rule {
            Rule::NotNull(columns) => {
                self.text("not_null");
                self.texts(columns);
            }
            Rule::Unique(columns) => {
                self.text("unique");
                self.texts(columns);
            }
            Rule::AcceptedValues { column, values } => {
                self.text("accepted_values");
                self.text(column);
                self.texts(values);
            }
            Rule::Range { column, min, max } => {
                self.text("range");
                self.text(column);
                self.optional(min.as_deref());
                self.optional(max.as_deref());
            }
            Rule::Pattern { column, pattern } => {
                self.text("pattern");
                self.text(column);
                self.text(pattern);
            }
            Rule::Relationship { column, table, to_column } => {
                self.text("relationship");
                self.text(column);
                self.text(&table.to_string());
                self.text(to_column);
            }
            Rule::Expression(expression) => {
                self.text("expression");
                self.text(expression);
            }
            Rule::NullShare { column, max } => {
                self.text("null_share");
                self.text(column);
                self.text(&max.to_string());
            }
            Rule::RowCount { min, max, change } => {
                self.text("row_count");
                self.optional(min.map(|n| n.to_string()).as_deref());
                self.optional(max.map(|n| n.to_string()).as_deref());
                if let Some(change) = change {
                    self.text(&change.to_string());
                }
            }
            Rule::Freshness { column, within } => {
                self.text("freshness");
                self.text(column);
                self.text(&within.as_secs().to_string());
            }
            Rule::Sum { column, table, of } => {
                self.text("sum");
                self.text(column);
                self.text(&table.to_string());
                self.optional(of.as_deref());
            }
            Rule::Sql(sql) => {
                self.text("sql");
                self.text(sql);
            }
        }
    }
}
