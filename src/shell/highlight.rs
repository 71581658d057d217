//! SQL in colour.

use super::vocabulary::is_keyword;
use crate::sql::{Kind, Token, tokens};

const KEYWORD: &str = "\x1b[1;35m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[90m";
const COMMAND: &str = "\x1b[1m";
const OFF: &str = "\x1b[0m";

const BRACKET: &str = "\x1b[1;4m";

/// `line` with its tokens coloured, and the brackets marked of which one stands at the byte `position`. The colours are
/// the terminal's own, so that they suit a light and a dark one. The characters stay the same, so the width does, too.
pub(super) fn highlight(line: &str, position: usize) -> String {
    if line.trim_start().starts_with('\\') {
        return format!("{COMMAND}{line}{OFF}");
    }
    let mut coloured = String::with_capacity(line.len() * 2);
    let tokens = tokens(line);
    let brackets = pair(line, &tokens, position);
    for token in tokens {
        let marked = brackets.is_some_and(|(open, close)| [open, close].contains(&token.range.start));
        let text = &line[token.range];
        let colour = match token.kind {
            Kind::Word if is_keyword(text) => KEYWORD,
            Kind::Text => TEXT,
            Kind::Number => NUMBER,
            Kind::Comment => COMMENT,
            _ if marked => BRACKET,
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

/// The bytes of the bracket at or before `position` and of the one that belongs to it.
fn pair(line: &str, tokens: &[Token], position: usize) -> Option<(usize, usize)> {
    let mut open = Vec::new();
    for token in tokens.iter().filter(|token| token.kind == Kind::Other) {
        let at = token.range.start;
        match &line[token.range.clone()] {
            "(" | "[" => open.push(at),
            ")" | "]" => {
                let begin = open.pop()?;
                if [begin, begin + 1, at, at + 1].contains(&position) {
                    return Some((begin, at));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_colours() {
        let shown = highlight("select canal, 1 from t where x = 'a -- b' -- c", 0).replace('\x1b', "␛");
        insta::assert_snapshot!(shown, @"
        ␛[1;35mselect␛[0m canal, ␛[36m1␛[0m ␛[1;35mfrom␛[0m t ␛[1;35mwhere␛[0m x = ␛[32m'a -- b'␛[0m ␛[90m-- c␛[0m
        ");
        insta::assert_snapshot!(highlight("SELECT 'abierto;", 0).replace('\x1b', "␛"), @"␛[1;35mSELECT␛[0m ␛[32m'abierto;␛[0m");
        insta::assert_snapshot!(highlight("\\d tickets", 0).replace('\x1b', "␛"), @r#"␛[1m\d tickets␛[0m"#);
    }

    #[test]
    fn brackets_that_belong_together_are_marked() {
        let shown = |position| highlight("f(a, (b))", position).replace("\x1b[1;4m", "«").replace("\x1b[0m", "»");
        assert_eq!(shown(9), "f«(»a, (b)«)»");
        assert_eq!(shown(5), "f(a, «(»b«)»)");
        assert_eq!(shown(3), "f(a, (b))");
    }

    #[test]
    fn characters_stay_the_same() {
        for line in ["SELECT 'ñ😀', \"x\" /* 日本", "", "$$", "\\x on", "a\nb;"] {
            assert_eq!(console::strip_ansi_codes(&highlight(line, 1)), line);
        }
    }
}
