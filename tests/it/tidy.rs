//! The rules of `docs/architecture.md` that a compiler does not hold: which room may know which, which words stand in
//! one room only, and that the map shows every room.
//!
//! Each rule is a function from texts to findings, so that the tests below can show it failing.

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use source::Source;

/// The rooms by level, low to high. A room may know rooms of its own level and of those before it.
const LEVELS: [(&str, &[&str]); 5] = [
    ("words", &["error", "name", "mark", "clock", "document", "sql", "catalog", "model", "plan", "release"]),
    ("machinery", &["store", "ingest", "ledger", "engine", "table"]),
    ("acts", &["check", "clean", "history", "run", "simulate", "trial"]),
    ("faces", &["output", "shell"]),
    ("the command line", &["cli"]),
];

/// What only some rooms may name outside their tests: the words, the rooms, and why.
const CONFINED: &[(&[&str], &[&str], &str)] = &[
    (&["std::env"], &["cli"], "settings are read by `cli` and handed in"),
    (
        &["print!", "println!", "eprint!", "eprintln!", "io::stdout", "io::stderr"],
        &["output"],
        "`output` is the one door to the terminal",
    ),
    (&["Utc::now", "Local::now", "SystemTime::now"], &["clock"], "the time is handed in: take a `Clock`"),
    (
        &["AmazonS3Builder", "LocalFileSystem", "object_store::parse_url", "object_store::parse_url_opts"],
        &["store"],
        "there is one way to open a store",
    ),
];

/// What the words must not name: they do no I/O, wait for nothing and hold no session.
const NOT_FOR_WORDS: &[&str] = &["std::fs", "std::net", "tokio", "object_store", "deltalake_core", "parquet"];

/// What of the engine the words may name: its SQL parser, and its failures to tell them in our terms.
const OF_ENGINE_FOR_WORDS: &[&str] = &["datafusion::sql", "datafusion::error"];

/// A file of the project, by its path from the root.
struct RustFile {
    path: String,
    text: String,
}

impl RustFile {
    /// Its place among the modules: `["store", "log"]` for `src/store/log.rs`.
    fn module(&self) -> Vec<&str> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<&str> = inside.split('/').collect();
        if matches!(module.last(), Some(&("mod" | "lib"))) {
            module.pop();
        }
        module
    }

    fn read(&self) -> Source {
        Source::read(&self.text, &self.module())
    }
}

/// The number of the level that a room stands on.
fn level_of(room: &str) -> Option<usize> {
    LEVELS.iter().position(|(_, rooms)| rooms.contains(&room))
}

/// The room a path leads into, if it leads into one of ours. The binary names the library `cauce`.
fn room_in(path: &source::NamedPath) -> Option<&str> {
    match path.segments.as_slice() {
        [first, room, ..] if first == "crate" || first == "cauce" => Some(room.as_str()),
        _ => None,
    }
}

/// Rooms know only their own level and those below, and no two rooms know each other.
fn against_direction(files: &[RustFile]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| !matches!(file.path.as_str(), "src/lib.rs" | "src/main.rs")) {
        let module = file.module();
        let Some(here) = module.first().copied() else { continue };
        let Some(level) = level_of(here) else {
            findings.push(format!("{}: room `{here}` stands on no level of tests/it/tidy.rs", file.path));
            continue;
        };
        for path in &file.read().paths {
            let Some(there) = room_in(path).filter(|there| *there != here) else { continue };
            match level_of(there) {
                Some(other) if other > level => findings.push(format!(
                    "{}:{}: `{here}` ({}) must not know `{there}` ({})",
                    file.path, path.line, LEVELS[level].0, LEVELS[other].0
                )),
                Some(_) if !path.in_tests => {
                    edges.entry(here.to_owned()).or_default().insert(there.to_owned());
                }
                Some(_) => {}
                None => findings.push(format!("{}:{}: `{there}` is no room of the crate", file.path, path.line)),
            }
        }
    }
    findings.extend(edges.keys().filter_map(|room| circle(room, &edges)));
    findings
}

/// The shortest way from a room back to itself, told once for all rooms on it: at the first by name.
fn circle(start: &str, edges: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let mut ways = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
        for next in way.last().and_then(|last| edges.get(last)).into_iter().flatten() {
            if next == start {
                return Some(format!("rooms know each other in a circle: {} → {start}", way.join(" → ")));
            }
            if next.as_str() > start && seen.insert(next.clone()) {
                ways.push(way.iter().chain([next]).cloned().collect());
            }
        }
    }
    None
}

/// What stands in one room only stands nowhere else.
fn out_of_its_room(files: &[RustFile]) -> Vec<String> {
    let mut findings = Vec::new();
    for file in files {
        let module = file.module();
        let here = module.first().copied().unwrap_or_default();
        for path in file.read().paths.iter().filter(|path| !path.in_tests) {
            for (words, rooms, why) in CONFINED.iter().filter(|(_, rooms, _)| !rooms.contains(&here)) {
                if let Some(word) = words.iter().find(|word| path.contains(word)) {
                    let rooms = rooms.join(", ");
                    findings.push(format!("{}:{}: `{word}` belongs to `{rooms}`: {why}", file.path, path.line));
                }
            }
            if level_of(here) == Some(0) {
                if let Some(word) = NOT_FOR_WORDS.iter().find(|word| starts_with(path, word)) {
                    findings.push(format!("{}:{}: words do no I/O: `{word}`", file.path, path.line));
                }
                let of_engine = starts_with(path, "datafusion");
                if of_engine && !OF_ENGINE_FOR_WORDS.iter().any(|word| starts_with(path, word)) {
                    let allowed = OF_ENGINE_FOR_WORDS.join(", ");
                    findings.push(format!("{}:{}: of the engine words use only {allowed}", file.path, path.line));
                }
            }
        }
    }
    findings
}

fn starts_with(path: &source::NamedPath, prefix: &str) -> bool {
    prefix.split("::").enumerate().all(|(at, word)| path.segments.get(at).is_some_and(|segment| segment == word))
}

/// Where Rust's own notation of a value is hashed, and shown to nobody.
const HASHED: &str = "src/catalog/declaration.rs";

/// A value printed in Rust's own notation means nothing to the person who reads it.
fn debug_for_people(files: &[RustFile]) -> Vec<String> {
    let in_file = |file: &RustFile| {
        let is_debug = |text: &str| text.contains(":?}") || text.contains(":#?}");
        let texts = file.read().texts;
        let finding = |line| format!("{}:{line}: `{{:?}}` in a text: write the value as a person would", file.path);
        texts.into_iter().filter(|(_, text)| is_debug(text)).map(|(line, _)| finding(line)).collect::<Vec<_>>()
    };
    let of_tests = |file: &RustFile| file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    files.iter().filter(|file| file.path != HASHED && !of_tests(file)).flat_map(in_file).collect()
}

/// Every file opens by saying what it is for.
fn without_opening(files: &[RustFile]) -> Vec<String> {
    let silent = files.iter().filter(|file| !file.text.starts_with("//! "));
    silent.map(|file| format!("{}: does not start with `//!` and what the file is for", file.path)).collect()
}

/// A file that no module declares is compiled by nobody.
fn declared_nowhere(files: &[RustFile], roots: &[&str]) -> Vec<String> {
    let mut declared: BTreeSet<String> = roots.iter().map(ToString::to_string).collect();
    for file in files {
        let folder = match file.path.rsplit_once('/') {
            Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
            _ => file.path.trim_end_matches(".rs").to_owned(),
        };
        for name in file.read().declares {
            declared.insert(format!("{folder}/{name}.rs"));
            declared.insert(format!("{folder}/{name}/mod.rs"));
        }
    }
    let lost = files.iter().filter(|file| !declared.contains(&file.path));
    lost.map(|file| format!("{}: no module declares this file", file.path)).collect()
}

/// The map names every room of the crate, each with what it holds.
fn missing_on_the_map(library: &RustFile, map: &str) -> Vec<String> {
    let on_the_map = |room: &str| map.lines().any(|line| line.starts_with('|') && line.contains(&format!("`{room}`")));
    let rooms = library.read().declares;
    let missing = rooms.into_iter().filter(|room| !on_the_map(room));
    missing.map(|room| format!("docs/architecture.md: no row of the map tells of `{room}`")).collect()
}

/// The files that a document links to, as written: `[text](path)` without a scheme.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
    targets.map(|target| target.split('#').next().unwrap_or_default()).filter(|path| is_file_link(path)).collect()
}

fn is_file_link(target: &str) -> bool {
    !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files under a folder of the project, sorted.
fn files_under(folder: &str) -> Vec<RustFile> {
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let inside = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                files.push(RustFile { path: inside, text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} found:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn rooms_know_only_what_stands_below_them() {
    assert_none(&against_direction(&files_under("src")));
}

#[test]
fn what_belongs_to_one_room_stands_there_only() {
    assert_none(&out_of_its_room(&files_under("src")));
}

#[test]
fn nobody_is_shown_debug_notation() {
    assert_none(&debug_for_people(&files_under("src")));
}

#[test]
fn every_file_opens_with_what_it_is_for() {
    assert_none(&without_opening(&files_under("src")));
    assert_none(&without_opening(&files_under("tests/it")));
}

#[test]
fn every_file_is_declared() {
    assert_none(&declared_nowhere(&files_under("src"), &["src/lib.rs", "src/main.rs"]));
    assert_none(&declared_nowhere(&files_under("tests/it"), &["tests/it/main.rs"]));
}

#[test]
fn the_map_shows_every_room() {
    let library = files_under("src").into_iter().find(|file| file.path == "src/lib.rs").unwrap();
    let map = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    assert_none(&missing_on_the_map(&library, &map));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let folders = ["", "docs"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let documents: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")).collect();
    assert!(documents.len() >= 4, "{documents:?}");
    let mut broken = Vec::new();
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        let missing = links(&text).into_iter().filter(|link| !document.with_file_name(link).exists());
        broken.extend(missing.map(|link| format!("{}: nothing at {link}", document.display())));
    }
    assert_none(&broken);
}

mod the_rules_can_fail {
    use super::*;

    fn file(path: &str, text: &str) -> RustFile {
        RustFile { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_word_that_knows_machinery() {
        let files = [file("src/plan/mod.rs", "//! Plans.\nuse crate::{name::Layer, store};")];
        assert_eq!(against_direction(&files), ["src/plan/mod.rs:2: `plan` (words) must not know `store` (machinery)"]);
    }

    #[test]
    fn a_path_in_the_middle_of_a_function_counts() {
        let files = [file("src/store/log.rs", "fn f() { super::super::run::start() }")];
        assert_eq!(against_direction(&files), ["src/store/log.rs:1: `store` (machinery) must not know `run` (acts)"]);
    }

    #[test]
    fn rooms_in_a_circle() {
        let files = [
            file("src/store/mod.rs", "use crate::table::Table;"),
            file("src/table/mod.rs", "use crate::ingest;"),
            file("src/ingest/mod.rs", "use crate::store;"),
        ];
        assert_eq!(against_direction(&files), ["rooms know each other in a circle: ingest → store → table → ingest"]);
    }

    #[test]
    fn a_room_that_nobody_placed() {
        let files = [file("src/utils/mod.rs", ""), file("src/run/mod.rs", "use crate::helpers;")];
        assert_eq!(
            against_direction(&files),
            [
                "src/utils/mod.rs: room `utils` stands on no level of tests/it/tidy.rs",
                "src/run/mod.rs:1: `helpers` is no room of the crate"
            ]
        );
    }

    #[test]
    fn things_out_of_their_rooms() {
        for (path, text) in [
            ("src/run/mod.rs", "fn f() { println!(\"x\") }"),
            ("src/engine/mod.rs", "use std::io;\nfn f() { io::stderr(); }"),
            ("src/store/mod.rs", "use std::env;"),
            ("src/table/mod.rs", "use chrono::Utc;\nfn f() { Utc::now(); }"),
            ("src/table/mod.rs", "use object_store::{aws::AmazonS3Builder};"),
            ("src/model/mod.rs", "use std::fs::File;"),
            ("src/model/mod.rs", "use datafusion::prelude::SessionContext;"),
        ] {
            assert_eq!(out_of_its_room(&[file(path, text)]).len(), 1, "{path}: {text}");
        }
        let in_their_rooms = [
            file("src/output/mod.rs", "fn f() { std::io::stdout(); }"),
            file("src/model/mod.rs", "use datafusion::sql::sqlparser::parser::Parser;"),
            file("src/run/mod.rs", "#[cfg(test)]\nmod tests { use std::env; }"),
        ];
        assert_none(&out_of_its_room(&in_their_rooms));
    }

    #[test]
    fn debug_notation_in_a_message() {
        let text = "fn f() { format!(\"{kind:?}\") }\n#[cfg(test)]\nmod tests { fn g() { format!(\"{:?}\", 1) } }";
        let found = debug_for_people(&[file("src/run/mod.rs", text), file("src/run/tests.rs", text)]);
        assert_eq!(found, ["src/run/mod.rs:1: `{:?}` in a text: write the value as a person would"]);
    }

    #[test]
    fn a_silent_file_a_lost_file_and_a_room_off_the_map() {
        let lost = file("src/store/lost.rs", "fn f() {}");
        let files = [file("src/lib.rs", "//! Lib.\nmod store;"), file("src/store/mod.rs", "//! Store."), lost];
        assert_eq!(without_opening(&files).len(), 1);
        assert_eq!(declared_nowhere(&files, &["src/lib.rs"]), ["src/store/lost.rs: no module declares this file"]);
        assert_eq!(missing_on_the_map(&files[0], "| `table` | tables |\nand `store`").len(), 1);
        assert_none(&missing_on_the_map(&files[0], "| `store` | stores |"));
    }

    #[test]
    fn a_link_to_nowhere() {
        let text = "[a](docs/a.md#b), [c](https://c.example/x.md), [d](#e) and ![f](g.svg)";
        assert_eq!(links(text), ["docs/a.md", "g.svg"]);
    }
}
