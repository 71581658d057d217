//! A Rust file as the rules of tidiness see it: its tokens, and from them the paths it names.
//!
//! Not a parser: comments, strings and brackets are told apart, `use` trees are unfolded, inline modules are followed.
//! That is enough to say what a file depends on, and it needs no crate.

/// A piece of Rust text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier or keyword.
    Word(String),
    /// The inside of a string literal, escapes as written.
    Text(String),
    /// `::`.
    Separator,
    /// Any other character that is not white space.
    Mark(char),
}

/// A path that a file names, as far as it can be told from the file alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedPath {
    /// Its segments; a macro's ends in `!`. A path into this crate starts with `crate`, whatever was written.
    pub(super) segments: Vec<String>,
    /// Where it stands, from 1.
    pub(super) line: usize,
    /// Whether it stands in a module that only tests see.
    pub(super) in_tests: bool,
}

impl NamedPath {
    /// Whether these segments stand in the path one after the other.
    pub(super) fn contains(&self, wanted: &str) -> bool {
        let wanted: Vec<&str> = wanted.split("::").collect();
        self.segments.windows(wanted.len()).any(|window| window == wanted.as_slice())
    }
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Source {
    /// The paths it names, in order.
    pub(super) paths: Vec<NamedPath>,
    /// The string literals outside test modules, with their lines.
    pub(super) texts: Vec<(usize, String)>,
    /// The modules it declares in files of their own (`mod x;`).
    pub(super) declares: Vec<String>,
}

impl Source {
    /// Reads the text of the module at `module` (`["store", "log"]` for `src/store/log.rs`).
    pub(super) fn read(text: &str, module: &[&str]) -> Self {
        let mut reader = Reader {
            tokens: tokens(text),
            at: 0,
            module: module.iter().map(ToString::to_string).collect(),
            blocks: Vec::new(),
            tests_from: None,
            source: Self::default(),
        };
        reader.read();
        reader.source
    }
}

struct Reader {
    tokens: Vec<(usize, Token)>,
    at: usize,
    /// The path of the module we are in.
    module: Vec<String>,
    /// For each open brace: whether it opened a module.
    blocks: Vec<bool>,
    /// The number of open braces outside the test module we are in.
    tests_from: Option<usize>,
    source: Source,
}

impl Reader {
    fn read(&mut self) {
        let mut cfg_test = false;
        while let Some((line, token)) = self.tokens.get(self.at).cloned() {
            match token {
                Token::Mark('#') if self.is_cfg_test() => {
                    cfg_test = true;
                    self.at += 7;
                }
                Token::Word(word) if word == "mod" => {
                    self.module_item(cfg_test);
                    cfg_test = false;
                }
                Token::Word(word) if word == "use" => {
                    self.at += 1;
                    cfg_test = false;
                    self.use_tree(&[]);
                }
                Token::Word(_) | Token::Separator => self.path(),
                Token::Text(text) => {
                    if self.tests_from.is_none() {
                        self.source.texts.push((line, text));
                    }
                    self.at += 1;
                }
                Token::Mark(mark) => {
                    match mark {
                        '{' => {
                            cfg_test = false;
                            self.blocks.push(false);
                        }
                        '}' => self.close_block(),
                        ';' => cfg_test = false,
                        _ => {}
                    }
                    self.at += 1;
                }
            }
        }
    }

    /// `#[cfg(test)]` stands here.
    fn is_cfg_test(&self) -> bool {
        let wanted = [
            Token::Mark('#'),
            Token::Mark('['),
            Token::Word("cfg".into()),
            Token::Mark('('),
            Token::Word("test".into()),
            Token::Mark(')'),
            Token::Mark(']'),
        ];
        wanted.iter().enumerate().all(|(ahead, token)| self.peek(ahead) == Some(token))
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(_, token)| token)
    }

    /// `mod x;` or `mod x {`.
    fn module_item(&mut self, cfg_test: bool) {
        let name = match self.peek(1) {
            Some(Token::Word(name)) => name.clone(),
            _ => String::new(),
        };
        match self.peek(2) {
            Some(Token::Mark(';')) => self.source.declares.push(name),
            Some(Token::Mark('{')) => {
                if cfg_test && self.tests_from.is_none() {
                    self.tests_from = Some(self.blocks.len());
                }
                self.module.push(name);
                self.blocks.push(true);
            }
            _ => {}
        }
        self.at += 3;
    }

    fn close_block(&mut self) {
        if self.blocks.pop() == Some(true) {
            self.module.pop();
        }
        if self.tests_from == Some(self.blocks.len()) {
            self.tests_from = None;
        }
    }

    /// One branch of a `use` declaration, up to its `,`, `}` or `;`.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let line = self.tokens.get(self.at).map_or(0, |(line, _)| *line);
        loop {
            match self.peek(0).cloned() {
                Some(Token::Word(word)) if word == "as" => self.at += 2,
                Some(Token::Word(word)) => {
                    // `{self}` names the path in front of it.
                    if word != "self" || segments.is_empty() {
                        segments.push(word);
                    }
                    self.at += 1;
                }
                Some(Token::Mark('*') | Token::Separator) => self.at += 1,
                Some(Token::Mark('{')) => {
                    self.at += 1;
                    while !matches!(self.peek(0), Some(Token::Mark('}')) | None) {
                        self.use_tree(&segments);
                        if self.peek(0) == Some(&Token::Mark(',')) {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    return;
                }
                _ => break,
            }
        }
        self.name(segments, line);
    }

    /// A path in an expression, a type or a macro call.
    fn path(&mut self) {
        let line = self.tokens.get(self.at).map_or(0, |(line, _)| *line);
        let mut segments = Vec::new();
        loop {
            if self.peek(0) == Some(&Token::Separator) {
                self.at += 1;
            }
            let Some(Token::Word(word)) = self.peek(0).cloned() else { break };
            segments.push(word);
            self.at += 1;
            if self.peek(0) != Some(&Token::Separator) {
                break;
            }
        }
        let is_macro = self.peek(0) == Some(&Token::Mark('!')) && self.peek(1) != Some(&Token::Mark('='));
        if let (true, Some(last)) = (is_macro, segments.last_mut()) {
            last.push('!');
        }
        self.name(segments, line);
    }

    fn name(&mut self, segments: Vec<String>, line: usize) {
        let segments = self.absolute(segments);
        if !segments.is_empty() {
            self.source.paths.push(NamedPath { segments, line, in_tests: self.tests_from.is_some() });
        }
    }

    /// `self::…` and `super::…` as paths from the crate.
    fn absolute(&self, segments: Vec<String>) -> Vec<String> {
        let supers = segments.iter().take_while(|segment| *segment == "super").count();
        let from_self = segments.len() > 1 && segments.first().is_some_and(|segment| segment == "self");
        if supers == 0 && !from_self {
            return segments;
        }
        let kept = self.module.len().saturating_sub(supers);
        let written = segments.into_iter().skip(supers.max(usize::from(from_self)));
        std::iter::once("crate".to_owned()).chain(self.module[..kept].iter().cloned()).chain(written).collect()
    }
}

/// The tokens of a Rust text with the line each starts on; comments, numbers, characters and lifetimes are left out.
fn tokens(text: &str) -> Vec<(usize, Token)> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(&c) = chars.get(at) {
        let rest = &chars[at..];
        let start = line;
        let length = match c {
            '/' if rest.get(1) == Some(&'/') => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
            '/' if rest.get(1) == Some(&'*') => block_comment(rest),
            '\'' => quote(rest),
            c if c.is_ascii_digit() => rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count(),
            _ => {
                if let Some((length, inside)) = string(rest) {
                    tokens.push((start, Token::Text(inside)));
                    length
                } else if c.is_alphabetic() || c == '_' {
                    let word: String = rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect();
                    let length = word.chars().count();
                    tokens.push((start, Token::Word(word)));
                    length
                } else if rest.starts_with(&[':', ':']) {
                    tokens.push((start, Token::Separator));
                    2
                } else {
                    if !c.is_whitespace() {
                        tokens.push((start, Token::Mark(c)));
                    }
                    1
                }
            }
        };
        line += chars[at..at + length].iter().filter(|&&c| c == '\n').count();
        at += length;
    }
    tokens
}

/// The length of a block comment; they nest.
fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a character literal or a lifetime.
fn quote(rest: &[char]) -> usize {
    if rest.get(1) == Some(&'\\') {
        // `'\''`: what follows the backslash never ends the literal.
        return 3 + rest.iter().skip(3).take_while(|c| **c != '\'').count() + 1;
    }
    if rest.get(2) == Some(&'\'') {
        return 3;
    }
    1 + rest.iter().skip(1).take_while(|c| c.is_alphanumeric() || **c == '_').count()
}

/// The length and the inside of a string literal of any kind, if one starts here.
fn string(rest: &[char]) -> Option<(usize, String)> {
    let prefix = rest.iter().take(2).take_while(|c| matches!(c, 'b' | 'c' | 'r')).count();
    let raw = rest[..prefix].contains(&'r');
    let hashes = if raw { rest[prefix..].iter().take_while(|c| **c == '#').count() } else { 0 };
    let open = prefix + hashes;
    if rest.get(open) != Some(&'"') {
        return None;
    }
    let mut at = open + 1;
    while at < rest.len() {
        match rest[at] {
            '\\' if !raw => at += 2,
            '"' if rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes => break,
            _ => at += 1,
        }
    }
    let end = at.min(rest.len());
    Some(((end + 1 + hashes).min(rest.len()), rest[open + 1..end].iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str, module: &[&str]) -> Vec<String> {
        Source::read(text, module).paths.iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn use_trees_are_unfolded() {
        let text = "use std::io::{self, Write as _, stdout};\nuse crate::{name::*, store::{log, Lock}};";
        let expected =
            ["std::io", "std::io::Write", "std::io::stdout", "crate::name", "crate::store::log", "crate::store::Lock"];
        assert_eq!(paths(text, &[]), expected);
    }

    #[test]
    fn relative_paths_start_at_the_crate() {
        assert_eq!(paths("use super::Lock;", &["store", "log"]), ["crate::store::Lock"]);
        assert_eq!(paths("use super::super::run;", &["store", "log"]), ["crate::run"]);
        assert_eq!(paths("mod tests { use super::*; }", &["name"]), ["crate::name"]);
        assert_eq!(paths("self::csv::read()", &["ingest"]), ["crate::ingest::csv::read"]);
    }

    #[test]
    fn comments_characters_and_strings_name_nothing() {
        let text = "// crate::run\n/* crate::run /* crate::run */ */ let _ = ('\"', '\\'', r#\"\" crate::run\"#, b\"x\"); \
                    fn f<'a>(x: &'a crate::name::Layer) {}";
        let found = paths(text, &[]);
        assert!(found.contains(&"crate::name::Layer".to_owned()), "{found:?}");
        assert!(!found.iter().any(|path| path.contains("run")), "{found:?}");
    }

    #[test]
    fn macros_and_lines_are_known() {
        let source = Source::read("fn f() {\n    println!(\"{}\", a != b);\n}\n", &[]);
        let printed = source.paths.iter().find(|path| path.segments == ["println!"]).unwrap();
        assert_eq!(printed.line, 2);
        assert_eq!(source.texts, [(2, "{}".to_owned())]);
    }

    #[test]
    fn test_modules_are_told_apart() {
        let text = "mod log;\n#[cfg(test)]\nmod tests { fn f() { a::b(\"x\") } }\nfn g() { c::d() }";
        let source = Source::read(text, &[]);
        let in_tests = |name: &str| source.paths.iter().find(|path| path.contains(name)).unwrap().in_tests;
        assert!(in_tests("a::b"));
        assert!(!in_tests("c::d"));
        assert_eq!(source.declares, ["log"]);
        assert!(source.texts.is_empty());
    }
}
