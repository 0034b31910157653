//! Rule tests as JUnit XML, which CI systems show.

use std::fmt::Write as _;

use super::test_run::{Tested, counts, failure_lines};

/// One `testsuite` for each file, one `testcase` for each test.
#[must_use]
pub fn junit(files: &[Tested]) -> String {
    let (passed, failed) = counts(files);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"patroni_barman\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">\n",
        passed + failed
    );
    for tested in files {
        let (passed, failed) = counts(std::slice::from_ref(tested));
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\">",
            escape(&tested.file),
            passed + failed
        );
        for result in &tested.results {
            let _ = write!(
                xml,
                "    <testcase name=\"{}\" classname=\"{}\"",
                escape(&result.name),
                escape(&tested.file)
            );
            let Some(first) = result.failures.first() else {
                xml.push_str("/>\n");
                continue;
            };
            let lines: Vec<String> = result.failures.iter().flat_map(failure_lines).collect();
            let _ = write!(
                xml,
                ">\n      <failure type=\"failure\" message=\"{}\">{}:{}:{}\n{}\n</failure>\n    </testcase>\n",
                escape(&format!("{}: {}", first.at, first.what)),
                escape(&tested.file),
                result.place.position.line,
                result.place.position.column,
                escape(&lines.join("\n"))
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// Text in XML. Characters that XML does not have become `U+FFFD`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
