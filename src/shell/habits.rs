//! What people of other shells write, and what they mean by it here.
//!
//! `FROM t` is a whole query in DuckDB, `DESCRIBE t`, `SUMMARIZE t` and `SHOW TABLES` are statements that ask what a
//! command of ours answers better.

use crate::sql::Statement;

/// What a statement means.
pub(super) enum Meant {
    /// What it says.
    Statement(Statement),
    /// A command of the shell, without its `\`.
    Command(String),
}

/// What is meant by `statement`.
pub(super) fn meant(statement: Statement) -> Meant {
    let mut words = statement.text().split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_uppercase();
    let rest: Vec<&str> = words.collect();
    let command = match (first.as_str(), rest.as_slice()) {
        ("SHOW", [what]) if what.eq_ignore_ascii_case("tables") => Some("d".to_owned()),
        ("SHOW", [what]) if what.eq_ignore_ascii_case("functions") => Some("df".to_owned()),
        ("DESCRIBE" | "DESC", [table]) => Some(format!("d {table}")),
        ("SUMMARIZE", [table]) => Some(format!("profile {table}")),
        _ => None,
    };
    match command {
        Some(command) => Meant::Command(command),
        None => Meant::Statement(completed(statement)),
    }
}

/// `statement` with the `SELECT *` that its writer left out before FROM.
#[must_use]
pub fn completed(statement: Statement) -> Statement {
    if statement.first_word().eq_ignore_ascii_case("FROM") { statement.after("SELECT * ") } else { statement }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Source;

    #[test]
    fn habits_of_other_shells_are_understood() {
        let meant = |text: &str| match meant(Source::new("q", text).only_statement().unwrap()) {
            Meant::Command(command) => format!("\\{command}"),
            Meant::Statement(statement) => statement.parse().unwrap().to_string(),
        };
        assert_eq!(meant("show tables;"), "\\d");
        assert_eq!(meant("DESCRIBE curated.kpi_nps"), "\\d curated.kpi_nps");
        assert_eq!(meant("SUMMARIZE tickets"), "\\profile tickets");
        assert_eq!(meant("FROM tickets LIMIT 5"), "SELECT * FROM tickets LIMIT 5");
        assert_eq!(meant("SELECT 1"), "SELECT 1");
    }
}
