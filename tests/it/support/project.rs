//! A project in a temporary folder, and the built binary run in it with nothing of the machine around it.

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;
use tempfile::TempDir;

/// The catalog of the shop.
pub(crate) const SHOP_CATALOG: &str = "\
version: 1
project: tienda
lake: data/lake
datasets:
  ventas:
    path: data/ventas.csv
    columns:
      - { name: id, type: int, required: true }
      - { name: cliente, type: string, pii: pseudonym }
      - { name: monto, type: float }
      - { name: nota, type: string }
";

const SHOP_VENTAS: &str = "\
/*---
description: Una venta por fila.
grain: [id]
---*/
SELECT id, pseudonym(cliente) AS cliente, monto, nota
FROM raw.ventas
";

const SHOP_TOTAL: &str = "\
/*---
description: Lo vendido.
materialized: view
---*/
SELECT count(*) AS ventas, sum(monto) AS total
FROM processed.ventas
";

/// A folder with a project in it, removed when dropped.
pub(crate) struct TestProject {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl TestProject {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        let folder = TempDir::with_prefix("cauce-").unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::create_dir(folder.path().join("project")).unwrap();
        Self { folder, environment: Vec::new() }
    }

    /// The bank's catalog and models, as they stand in the repository, without data.
    pub(crate) fn bank() -> Self {
        let project = Self::empty();
        fs::copy(repository("catalog.yaml"), project.path("catalog.yaml")).unwrap();
        copy_folder(&repository("sql"), &project.path("sql"));
        copy_folder(&repository("tests/models"), &project.path("tests/models"));
        project
    }

    /// A small made-up shop: three sales, one processed table and one curated view of them.
    pub(crate) fn shop() -> Self {
        let project = Self::empty().with_env("CAUCE_PSEUDONYM_KEY", "clave");
        project
            .write("catalog.yaml", SHOP_CATALOG)
            .write("data/ventas.csv", "id,cliente,monto,nota\n1,ana,10.5,\"dos\nlíneas\"\n2,luis,,\n3,eva,7,x\n")
            .write("sql/processed/ventas.sql", SHOP_VENTAS)
            .write("sql/curated/total.sql", SHOP_TOTAL);
        project
    }

    /// Adds the files of the predecessor's system, byte for byte, where the bank's catalog looks for them.
    pub(crate) fn with_predecessor_data(self) -> Self {
        copy_folder(&repository("tests/data/predecessor"), &self.path("data/raw"));
        self
    }

    /// Sets a variable of the environment for every later call.
    pub(crate) fn with_env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The path of a file of the project.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join("project").join(inside)
    }

    /// Writes a file of the project, with the folders it needs.
    pub(crate) fn write(&self, inside: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// The text of a file of the project.
    pub(crate) fn read(&self, inside: &str) -> String {
        let path = self.path(inside);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Runs `cauce` with these arguments in the project's folder.
    #[must_use = "take a snapshot of the outcome, or assert its exit code with .success() or .code()"]
    pub(crate) fn cauce(&self, arguments: &[&str]) -> Outcome {
        self.cauce_with_input(arguments, "")
    }

    /// Runs `cauce` with these arguments and this text on its standard input.
    #[must_use = "take a snapshot of the outcome, or assert its exit code with .success() or .code()"]
    pub(crate) fn cauce_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let input_file = self.folder.path().join("input");
        fs::write(&input_file, input).unwrap();
        let output = self.command(arguments).stdin(fs::File::open(input_file).unwrap()).output().unwrap();
        let text = |bytes| self.filtered(&String::from_utf8(bytes).unwrap());
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What the next run would do with each model, whether with changed files alone, and why.
    pub(crate) fn plan(&self) -> String {
        let plan: serde_json::Value = serde_json::from_str(&self.cauce(&["plan", "--json"]).success().stdout).unwrap();
        let said = |step: &serde_json::Value| {
            let text = |key: &str| step[key].as_str().unwrap().to_owned();
            let files = if step["by_files"] == true { " by files" } else { "" };
            format!("{} {}{files}: {}", text("action"), text("model"), text("reason"))
        };
        plan["steps"].as_array().unwrap().iter().map(said).collect::<Vec<_>>().join("\n")
    }

    /// The command itself, for tests that stop it half-way.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cauce"));
        command
            .args(arguments)
            .current_dir(self.path(""))
            .stdin(Stdio::null())
            .env_clear()
            .env("HOME", self.folder.path().join("home"))
            .env("TMPDIR", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("COLUMNS", "120")
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// A text without what differs from one call to the next: folders, instants, durations, identifiers.
    fn filtered(&self, text: &str) -> String {
        let folder = self.folder.path().to_str().unwrap();
        without_chance(&text.replace(&format!("{folder}/project"), "[PROJECT]").replace(folder, "[TEMP]"))
    }
}

/// How a call of `cauce` ended; printed, it is the text of a snapshot.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; none if a signal ended the process.
    code: Option<i32>,
    /// The data, without what differs between calls.
    pub(crate) stdout: String,
    /// What was said to the person, without what differs between calls.
    pub(crate) stderr: String,
}

impl Outcome {
    /// Asserts that the call succeeded.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        self.code(0)
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "{self}");
        self
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit code: {code}")?,
            None => writeln!(f, "ended by a signal")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "----- {name} -----\n{text}")?;
                if !text.ends_with('\n') {
                    writeln!(f, "[no line end]")?;
                }
            }
        }
        Ok(())
    }
}

/// The path of a file of the repository.
pub(crate) fn repository(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(inside)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Puts names in the place of identifiers, instants, durations and memory.
pub(crate) fn without_chance(text: &str) -> String {
    static PATTERNS: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
        [
            (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "[ID]"),
            (r"\brun [0-9a-f]{32}\b", "run [ID]"),
            (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z", "[INSTANT]"),
            // A duration at the end of an aligned line brings its alignment: "   12 ms" is as wide as " 1.2 s".
            (r" {2,}\d+(\.\d+)? ?(ns|µs|ms|s|min)\b", "    [TIME]"),
            (r"\b\d+(\.\d+)? ?(ns|µs|ms|s|min)\b", "[TIME]"),
        ]
        .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    });
    let replace = |text: &str, (pattern, name): &(Regex, &str)| match pattern.replace_all(text, *name) {
        Cow::Borrowed(_) => text.to_owned(),
        Cow::Owned(replaced) => replaced,
    };
    PATTERNS.iter().fold(text.to_owned(), |text, rule| replace(&text, rule))
}

#[test]
fn chance_is_filtered_and_data_is_not() {
    let text = "release 1 at 2025-03-01T10:20:30.123Z in 1.25 s (run 0f8fad5b-d9cb-469f-a165-70867728950e)\n\
                2024-12-31 00:00:00 | 15.2 minutes | 12 rows | 30 states";
    assert_eq!(
        without_chance(text),
        "release 1 at [INSTANT] in [TIME] (run [ID])\n2024-12-31 00:00:00 | 15.2 minutes | 12 rows | 30 states"
    );
}

#[test]
fn an_outcome_tells_streams_and_exit_code() {
    let outcome = Outcome { code: Some(1), stdout: "a\n".into(), stderr: "error: b".into() };
    assert_eq!(outcome.to_string(), "exit code: 1\n----- stdout -----\na\n----- stderr -----\nerror: b[no line end]\n");
}
