//! The SQL functions of a session, each with how it is called and what it gives.

use datafusion::logical_expr::Documentation;
use datafusion::prelude::SessionContext;

/// A SQL function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Its name.
    pub name: String,
    /// `scalar`, `aggregate`, `window` or `table`.
    pub kind: &'static str,
    /// How it is called: `date_trunc(precision, expression)`.
    pub signature: String,
    /// What it gives, in one sentence; empty where nobody wrote it.
    pub description: String,
}

/// All functions, by name.
pub(super) fn functions(context: &SessionContext) -> Vec<FunctionEntry> {
    let state = context.state();
    let entry = |name: &String, kind, documentation: Option<&Documentation>| FunctionEntry {
        name: name.clone(),
        kind,
        signature: documentation.map_or_else(|| format!("{name}(…)"), |known| signature(name, known)),
        description: documentation.map_or_else(String::new, |known| first_sentence(&known.description)),
    };
    let scalar = state.scalar_functions().iter().map(|(name, it)| entry(name, "scalar", it.documentation()));
    let aggregate = state.aggregate_functions().iter().map(|(name, it)| entry(name, "aggregate", it.documentation()));
    let window = state.window_functions().iter().map(|(name, it)| entry(name, "window", it.documentation()));
    let table = state.table_functions().keys().map(|name| entry(name, "table", None));
    let mut entries: Vec<FunctionEntry> = scalar.chain(aggregate).chain(window).chain(table).collect();
    entries.sort_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
    // An aggregate stands among the window functions, too.
    entries.dedup_by(|later, earlier| later.name == earlier.name);
    entries
}

/// How `name` is called, in one line: the documentation is that of the name it is an alias of.
fn signature(name: &str, documentation: &Documentation) -> String {
    let example = documentation.syntax_example.lines().next().unwrap_or_default();
    match example.split_once('(') {
        Some((_, arguments)) => format!("{name}({arguments}"),
        None => format!("{name}()"),
    }
}

fn first_sentence(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    line.split(". ").next().unwrap_or(line).trim_end_matches('.').to_owned()
}
