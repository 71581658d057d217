//! Puts the projects that `cauce demo` and `cauce init` write into the program: whatever stands in their folders when
//! cauce is built, so that a new model has no list to be entered in.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let mut code = String::new();
    embed(&mut code, "BANK", "", &["catalog.yaml", "sql", "tests/models"])?;
    embed(&mut code, "INIT", "templates/init/", &["catalog.yaml", ".gitignore", "data", "sql", "tests/models"])?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo gave no OUT_DIR"))?;
    fs::write(PathBuf::from(out).join("templates.rs"), code)
}

/// Adds a constant with the name and the text of every file that `parts` of the folder `root` are or hold.
fn embed(code: &mut String, constant: &str, root: &str, parts: &[&str]) -> io::Result<()> {
    let mut files = Vec::new();
    for part in parts {
        println!("cargo::rerun-if-changed={root}{part}");
        collect(root, part, &mut files)?;
    }
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(code, "{text}").map_err(io::Error::other);
    line(format_args!("pub(super) const {constant}: &[(&str, &str)] = &["))?;
    for file in files {
        let path = format!("/{root}{file}");
        line(format_args!("    ({file:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),"))?;
    }
    line(format_args!("];"))
}

/// The names, from `root`, of the files at or below `name`, sorted. In folders a name that begins with a dot is a file
/// of an editor.
fn collect(root: &str, name: &str, files: &mut Vec<String>) -> io::Result<()> {
    let path = Path::new(root).join(name);
    if !path.is_dir() {
        files.push(name.to_owned());
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in fs::read_dir(path)? {
        inside.push(entry?.file_name().to_string_lossy().into_owned());
    }
    inside.sort();
    inside.iter().filter(|entry| !entry.starts_with('.')).try_for_each(|e| collect(root, &format!("{name}/{e}"), files))
}
