//! A failure, told to a person: what, where with the place marked, and what to do next.

use std::error::Error as _;
use std::fmt::Write as _;

use super::text::{ELLIPSIS, visible_lines, width};
use crate::error::{Error, Finding, Kind, Place};

/// Columns a report may fill where the terminal does not tell its width.
pub(super) const DEFAULT_WIDTH: usize = 120;

/// Columns kept before a place when a long line is cut.
const LEAD: usize = 20;

/// How many spaces a tab of a source line is shown as.
const TAB: &str = "    ";

/// The ANSI colours of a report; every one is empty when colour is off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    pub(super) error: &'static str,
    pub(super) warning: &'static str,
    pub(super) good: &'static str,
    pub(super) hint: &'static str,
    pub(super) gutter: &'static str,
    pub(super) bold: &'static str,
    pub(super) off: &'static str,
}

impl Palette {
    /// Colours a terminal of any background shows well, or none.
    pub(super) const fn new(colour: bool) -> Self {
        if colour {
            Self {
                error: "\x1b[1;31m",
                warning: "\x1b[1;33m",
                good: "\x1b[1;32m",
                hint: "\x1b[1;36m",
                gutter: "\x1b[1;34m",
                bold: "\x1b[1m",
                off: "\x1b[0m",
            }
        } else {
            Self { error: "", warning: "", good: "", hint: "", gutter: "", bold: "", off: "" }
        }
    }
}

/// The whole report of `error`, ending with a line end.
///
/// One finding explains the error in place; of several, each is told by itself and the error's own message sums up.
pub(super) fn render(error: &Error, colour: bool, columns: Option<usize>) -> String {
    let report = Report { palette: Palette::new(colour), columns: columns.unwrap_or(DEFAULT_WIDTH) };
    let mut out = String::new();
    match error.all_findings() {
        [] => report.heading(&mut out, error.message()),
        [finding] => {
            report.heading(&mut out, error.message());
            let label = Some(finding.message.as_str()).filter(|text| !error.message().contains(*text));
            report.finding(&mut out, finding, label);
        }
        findings => {
            for finding in findings {
                report.heading(&mut out, &finding.message);
                report.finding(&mut out, finding, None);
                out.push('\n');
            }
            report.heading(&mut out, error.message());
        }
    }
    report.causes(&mut out, error);
    match (error.next_step(), error.kind()) {
        (Some(hint), _) => report.hint(&mut out, hint),
        (None, Kind::Bug) => {
            report.hint(&mut out, "this is a defect of cauce: please report it with the command you ran");
        }
        (None, _) => {}
    }
    out
}

struct Report {
    palette: Palette,
    columns: usize,
}

impl Report {
    fn heading(&self, out: &mut String, message: &str) {
        let Palette { error, bold, off, .. } = self.palette;
        let (first, rest) = message.split_once('\n').map_or((message, None), |(first, rest)| (first, Some(rest)));
        // `write!` into a String cannot fail.
        let _ = writeln!(out, "{error}error:{off} {bold}{}{off}", visible_lines(first));
        if let Some(rest) = rest {
            let _ = writeln!(out, "{}", visible_lines(rest.trim_end()));
        }
    }

    /// The place and hint of a finding; `label` stands beside the mark, or by itself where there is no place.
    fn finding(&self, out: &mut String, finding: &Finding, label: Option<&str>) {
        if let Some(place) = &finding.place {
            self.place(out, place, label);
        } else if let Some(label) = label {
            let _ = writeln!(out, "  {}", visible_lines(label));
        }
        if let Some(hint) = &finding.hint {
            self.hint(out, hint);
        }
    }

    fn hint(&self, out: &mut String, hint: &str) {
        let Palette { hint: colour, off, .. } = self.palette;
        let _ = writeln!(out, "  {colour}hint:{off} {}", visible_lines(hint));
    }

    /// The failures underneath that add something to what was said.
    fn causes(&self, out: &mut String, error: &Error) {
        let mut said = error.message().to_lowercase();
        let mut cause = error.source();
        while let Some(source) = cause {
            let text = source.to_string();
            // The operating system's number of an error says nothing more than its words.
            let words = text.split(" (os error").next().unwrap_or_default().trim_end();
            if !said.contains(&words.to_lowercase()) {
                let Palette { gutter, off, .. } = self.palette;
                let _ = writeln!(out, "  {gutter}cause:{off} {}", visible_lines(words));
                said.push_str(&words.to_lowercase());
            }
            cause = source.source();
        }
    }

    fn place(&self, out: &mut String, place: &Place, label: Option<&str>) {
        let Palette { error, gutter, off, .. } = self.palette;
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let _ = writeln!(out, "{margin} {gutter}-->{off} {}", visible_lines(&place.to_string()));
        let label = label.map(|text| format!(" {}", visible_lines(text))).unwrap_or_default();
        if place.text.is_empty() {
            if !label.is_empty() {
                let _ = writeln!(out, "{margin} {gutter}={off}{label}");
            }
            return;
        }
        let quote = Quote::of(place, self.columns.saturating_sub(number.len() + 3));
        let _ = writeln!(out, "{margin} {gutter}|{off}");
        let _ = writeln!(out, "{gutter}{number} |{off} {}", quote.line);
        let indent = " ".repeat(quote.before);
        let _ = writeln!(out, "{margin} {gutter}|{off} {indent}{error}{}{label}{off}", "^".repeat(quote.marked));
    }
}

/// A source line as it is shown, and where the mark stands under it.
struct Quote {
    line: String,
    /// Columns before the mark.
    before: usize,
    /// Columns of the mark, at least 1.
    marked: usize,
}

impl Quote {
    /// The line of `place` in at most about `columns` columns, cut around the place.
    fn of(place: &Place, columns: usize) -> Self {
        let start = place.column.saturating_sub(1);
        let end = start + place.width.max(1);
        let shown: Vec<String> = place.text.chars().map(show).collect();
        let columns = columns.max(2 * LEAD);
        let whole = shown.iter().map(|text| width(text)).sum::<usize>() <= columns;

        let first = if whole { 0 } else { cut_start(&shown, start) };
        let mut quote = Self { line: String::new(), before: 0, marked: 0 };
        let mut used = 0;
        if first > 0 {
            quote.line.push_str(ELLIPSIS);
            quote.before += 1;
            used += 1;
        }
        for (index, text) in shown.iter().enumerate().skip(first) {
            let columns_here = width(text);
            if !whole && used + columns_here + 1 > columns {
                quote.line.push_str(ELLIPSIS);
                break;
            }
            used += columns_here;
            quote.line.push_str(text);
            if index < start {
                quote.before += columns_here;
            } else if index < end {
                quote.marked += columns_here;
            }
        }
        // A place past the end of the line (something is missing there) is marked just after it.
        quote.before += start.saturating_sub(shown.len()).min(1);
        quote.marked = quote.marked.max(1);
        quote
    }
}

/// The first character shown so that about [`LEAD`] columns stand before the place.
fn cut_start(shown: &[String], place: usize) -> usize {
    let mut columns = 0;
    let mut first = place.min(shown.len());
    while first > 0 && columns < LEAD {
        first -= 1;
        columns += width(&shown[first]);
    }
    first
}

/// One character of a source line as a report shows it.
fn show(c: char) -> String {
    if c == '\t' { TAB.to_owned() } else { super::text::visible(c.encode_utf8(&mut [0; 4])).into_owned() }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn plain(error: &Error) -> String {
        render(error, false, Some(60))
    }

    #[test]
    fn one_finding_is_marked_in_its_line() {
        let sql = "SELECT canal,\n\tsatisfacion\nFROM tickets";
        let finding = Finding::new("unknown column `satisfacion`")
            .at(Place::in_text("sql/curated/kpi_canal.sql", sql, 2, 2, 11))
            .hint("did you mean `satisfaccion`?");
        assert_snapshot!(plain(&Error::query("unknown column `satisfacion`").finding(finding)), @"
        error: unknown column `satisfacion`
          --> sql/curated/kpi_canal.sql:2:2
          |
        2 |     satisfacion
          |     ^^^^^^^^^^^
          hint: did you mean `satisfaccion`?
        ");
    }

    #[test]
    fn what_a_finding_adds_stands_beside_the_mark() {
        let finding =
            Finding::new("this one is an int").at(Place::in_text("statement 1", "SELECT '日本' = 1", 1, 15, 1));
        let error = Error::query("cannot compare string and int").finding(finding).hint("cast one of them");
        assert_snapshot!(plain(&error), @"
        error: cannot compare string and int
          --> statement 1:1:15
          |
        1 | SELECT '日本' = 1
          |                 ^ this one is an int
          hint: cast one of them
        ");
    }

    #[test]
    fn several_findings_are_told_one_after_another() {
        let yaml = "version: 1\nproyect: x\ndatasets: 3\n";
        let error = Error::usage("catalog.yaml: 3 mistakes")
            .finding(
                Finding::new("unknown key `proyect`")
                    .at(Place::in_text("catalog.yaml", yaml, 2, 1, 7))
                    .hint("did you mean `project`?"),
            )
            .finding(Finding::new("`datasets` must be a map").at(Place::in_text("catalog.yaml", yaml, 3, 11, 1)))
            .finding(Finding::new("`project` is missing"))
            .hint("see `cauce spec catalog`");
        assert_snapshot!(plain(&error), @"
        error: unknown key `proyect`
          --> catalog.yaml:2:1
          |
        2 | proyect: x
          | ^^^^^^^
          hint: did you mean `project`?

        error: `datasets` must be a map
          --> catalog.yaml:3:11
          |
        3 | datasets: 3
          |           ^

        error: `project` is missing

        error: catalog.yaml: 3 mistakes
          hint: see `cauce spec catalog`
        ");
    }

    #[test]
    fn a_long_line_is_cut_around_its_place() {
        let sql =
            format!("SELECT {} FROM t WHERE x = satisfacion AND {}", "columna, ".repeat(20), "y = 1 AND ".repeat(20));
        let column = sql.find("satisfacion").unwrap() + 1;
        let finding = Finding::new("unknown column").at(Place::in_text("a.sql", &sql, 1, column, 11));
        assert_snapshot!(plain(&Error::query("unknown column").finding(finding)), @"
        error: unknown column
          --> a.sql:1:206
          |
        1 | …,  FROM t WHERE x = satisfacion AND y = 1 AND y = 1 AN…
          |                      ^^^^^^^^^^^
        ");
    }

    #[test]
    fn a_place_after_the_end_is_marked_after_it() {
        let finding = Finding::new("expected FROM").at(Place::in_text("statement 1", "SELECT 1 +", 1, 11, 0));
        assert_snapshot!(plain(&Error::query("expected FROM").finding(finding)), @"
        error: expected FROM
          --> statement 1:1:11
          |
        1 | SELECT 1 +
          |           ^
        ");
    }

    #[test]
    fn causes_are_told_once_and_controls_are_not_obeyed() {
        let io = std::io::Error::other("denied \x1b[2J");
        let error = Error::store("cannot write `salida\x07.csv`").because(io);
        assert_snapshot!(plain(&error), @"
        error: cannot write `salida␇.csv`
          cause: denied ␛[2J
        ");
        let same = Error::store("cannot write: no space").because(std::io::Error::other("No space (os error 28)"));
        assert_snapshot!(plain(&same), @"error: cannot write: no space");
    }

    #[test]
    fn a_defect_asks_to_be_reported() {
        assert_snapshot!(plain(&Error::bug("two tables of one name")), @"
        error: two tables of one name
          hint: this is a defect of cauce: please report it with the command you ran
        ");
    }

    #[test]
    fn colour_is_only_sent_when_it_is_on() {
        let finding = Finding::new("unknown column `a`").at(Place::in_text("a.sql", "SELECT a", 1, 8, 1)).hint("b");
        let error = Error::query("unknown column `a`").finding(finding);
        assert!(!render(&error, false, None).contains('\x1b'));
        assert_snapshot!(render(&error, true, None).replace('\x1b', "␛"), @"
        ␛[1;31merror:␛[0m ␛[1munknown column `a`␛[0m
          ␛[1;34m-->␛[0m a.sql:1:8
          ␛[1;34m|␛[0m
        ␛[1;34m1 |␛[0m SELECT a
          ␛[1;34m|␛[0m        ␛[1;31m^␛[0m
          ␛[1;36mhint:␛[0m b
        ");
    }
}
