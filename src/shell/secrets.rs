//! Secrets in what a person enters: they are not written to the history.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// `text` with `***` in the place of passwords, keys and tokens.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
        [
            // A word that says so, and what follows it: `password = 'x'`, `aws.secret_access_key 'x'`, `\set token x`.
            r#"(?i)(?P<before>(?:password|passwd|secret|secret_access_key|token|api_?key|clave|contraseña)["']?\s*(?:=>|[=:]|\s)\s*)(?:'[^']*'|"[^"]*"|[^\s,;)'"]+)"#,
            // The person in an address: `s3://user:key@host`.
            r"(?P<before>[a-z][a-z0-9+.-]*://[^\s/:@']+:)[^\s/@']+",
            // Keys of AWS, which say what they are.
            r"(?P<before>)\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        ]
        .into_iter()
        // The patterns are constants of this file; the tests hold that they parse.
        .filter_map(|pattern| Regex::new(pattern).ok())
        .collect()
    });
    SECRETS.iter().fold(Cow::Borrowed(text), |text, secret| match secret.replace_all(&text, "${before}***") {
        Cow::Borrowed(_) => text,
        Cow::Owned(replaced) => Cow::Owned(replaced),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_and_nothing_else() {
        for (entered, kept) in [
            ("\\set password hunter2", "\\set password ***"),
            ("OPTIONS('aws.secret_access_key' 'abc/+=', 'x' 'y')", "OPTIONS('aws.secret_access_key' ***, 'x' 'y')"),
            ("SELECT f(api_key => 'abc')", "SELECT f(api_key => ***)"),
            ("s3://ana:s3cr3t@bucket/a", "s3://ana:***@bucket/a"),
            ("SELECT 'AKIAIOSFODNN7EXAMPLE'", "SELECT '***'"),
        ] {
            assert_eq!(redacted(entered), kept);
        }
        for plain in ["SELECT canal FROM tickets WHERE canal = 'web';", "\\d tickets", "SELECT a::text, 'b:c@d'"] {
            assert_eq!(redacted(plain), plain);
        }
    }
}
