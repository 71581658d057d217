//! SQL in colour.

use super::vocabulary::is_keyword;
use crate::sql::{Kind, tokens};

const KEYWORD: &str = "\x1b[1;35m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[90m";
const COMMAND: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

/// `line` with its tokens coloured. The characters stay the same, so the width does, too.
pub(super) fn highlight(line: &str) -> String {
    if line.trim_start().starts_with('\\') {
        return format!("{COMMAND}{line}{OFF}");
    }
    let mut coloured = String::with_capacity(line.len() * 2);
    for token in tokens(line) {
        let text = &line[token.range];
        let colour = match token.kind {
            Kind::Word if is_keyword(text) => KEYWORD,
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            Kind::Comment => COMMENT,
            _ => "",
        };
        if colour.is_empty() {
            coloured.push_str(text);
        } else {
            coloured.extend([colour, text, OFF]);
        }
    }
    coloured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_colours() {
        let shown = highlight("select canal, 1 from t where x = 'a -- b' -- c").replace('\x1b', "␛");
        insta::assert_snapshot!(shown, @"
        ␛[1;35mselect␛[0m canal, ␛[36m1␛[0m ␛[1;35mfrom␛[0m t ␛[1;35mwhere␛[0m x = ␛[32m'a -- b'␛[0m ␛[90m-- c␛[0m
        ");
        insta::assert_snapshot!(highlight("SELECT 'abierto;").replace('\x1b', "␛"), @"␛[1;35mSELECT␛[0m ␛[32m'abierto;␛[0m");
        insta::assert_snapshot!(highlight("\\d tickets").replace('\x1b', "␛"), @r#"␛[1m\d tickets␛[0m"#);
    }

    #[test]
    fn characters_stay_the_same() {
        for line in ["SELECT 'ñ😀', \"x\" /* 日本", "", "$$", "\\x on", "a\nb;"] {
            assert_eq!(console::strip_ansi_codes(&highlight(line)), line);
        }
    }
}
