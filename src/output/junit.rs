//! Test reports as `JUnit` XML, which continuous integration shows.

use super::Target;
use crate::error::Result;

/// One case of a report.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is about: a model.
    pub class: String,
    /// Its name.
    pub name: String,
    /// How long it took, in seconds, if that is known.
    pub seconds: Option<f64>,
    /// How it ended.
    pub ended: Ended,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As it should.
    Passed,
    /// Not as it should: why in a sentence, and the rest.
    Failed(String, String),
    /// Not as it should, and nobody minds: why.
    Tolerated(String),
}

/// Writes a report of one suite of `cases`.
///
/// # Errors
/// An output that cannot be written.
pub fn write_junit(mut target: Target, suite: &str, cases: &[Case]) -> Result<()> {
    target.text(&render(suite, cases))?;
    target.finish()
}

fn render(suite: &str, cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| matches!(case.ended, Ended::Failed(..))).count();
    let skipped = cases.iter().filter(|case| matches!(case.ended, Ended::Tolerated(_))).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    let tests = cases.len();
    let name = escaped(suite);
    xml.push_str(&format!(
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\">\n"
    ));
    for Case { class, name, seconds, ended } in cases {
        let time = seconds.map(|seconds| format!(" time=\"{seconds:.3}\"")).unwrap_or_default();
        let case = format!("    <testcase classname=\"{}\" name=\"{}\"{time}", escaped(class), escaped(name));
        xml.push_str(&case);
        match ended {
            Ended::Passed => xml.push_str("/>\n"),
            Ended::Failed(why, rest) => {
                let (why, rest) = (escaped(why), escaped(rest));
                xml.push_str(&format!(">\n      <failure message=\"{why}\">{rest}</failure>\n    </testcase>\n"));
            }
            Ended::Tolerated(why) => {
                xml.push_str(&format!(">\n      <skipped message=\"{}\"/>\n    </testcase>\n", escaped(why)));
            }
        }
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

/// A text as XML holds it. Control characters other than tab and line ends cannot stand in XML at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_every_case_and_is_xml_whatever_the_data() {
        let case = |name: &str, ended| Case { class: "curated.kpi".into(), name: name.into(), seconds: None, ended };
        let cases = [
            case("bien", Ended::Passed),
            case("a < b & \"c\"", Ended::Failed("fails\u{1b}".into(), "fila <1>\nfila 2".into())),
            Case { seconds: Some(0.0123), ..case("aviso", Ended::Tolerated("warns only".into())) },
        ];
        insta::assert_snapshot!(render("cauce check", &cases), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="cauce check" tests="3" failures="1" errors="0" skipped="1">
            <testcase classname="curated.kpi" name="bien"/>
            <testcase classname="curated.kpi" name="a &lt; b &amp; &quot;c&quot;">
              <failure message="fails�">fila &lt;1&gt;
        fila 2</failure>
            </testcase>
            <testcase classname="curated.kpi" name="aviso" time="0.012">
              <skipped message="warns only"/>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
