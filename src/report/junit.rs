//! Rule tests as JUnit XML, which CI systems show.

use std::fmt::Write as _;

use super::html::escape_markup;
use super::test_run::{Checked, TestRun, Tested, failure_lines};
use super::text::one_line;

/// One `testsuite` for each file, one `testcase` for each test. An unusable file is an `error`, and required coverage
/// is a suite of its own, with one `testcase` for each rule set.
pub fn junit(run: &TestRun) -> String {
    let mut rules: Vec<&str> = run.checked.iter().map(|one| one.rules.as_str()).collect();
    rules.dedup();
    let missed = |rules: &&&str| {
        let mut all = run.checked.iter();
        all.any(|one| one.rules == **rules && one.is_missed())
    };
    let missed = rules.iter().filter(missed).count();
    let (passed, failed) = run.counts();
    let errors = run.errors();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"patroni_barman\" tests=\"{}\" failures=\"{}\" errors=\"{errors}\">\n",
        passed + failed + errors + rules.len(),
        failed + missed
    );
    for tested in &run.files {
        put_file(&mut xml, tested);
    }
    if !rules.is_empty() {
        put_suite(&mut xml, "coverage", [rules.len(), missed, 0]);
        for rules in rules {
            let own = run.checked.iter().filter(|one| one.rules == rules);
            let lines: Vec<_> = own
                .filter(|one| one.is_missed())
                .map(Checked::line)
                .collect();
            put_case(&mut xml, "coverage", rules);
            match lines.first() {
                Some(first) => put_end(&mut xml, "failure", first, &lines.join("\n")),
                None => xml.push_str("/>\n"),
            }
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn put_file(xml: &mut String, tested: &Tested) {
    let (passed, failed) = tested.counts();
    let errors = usize::from(tested.error.is_some());
    let all = passed + failed + errors;
    put_suite(xml, &tested.file, [all, failed, errors]);
    if let Some(error) = &tested.error {
        put_case(xml, "the file can be used", &tested.file);
        put_end(xml, "error", &one_line(error), error);
    }
    for result in &tested.results {
        put_case(xml, &result.name, &tested.file);
        let Some(first) = result.failures.first() else {
            xml.push_str("/>\n");
            continue;
        };
        let lines: Vec<String> = result.failures.iter().flat_map(failure_lines).collect();
        let place = result.place.position;
        let (file, line, column) = (&tested.file, place.line, place.column);
        let text = format!("{file}:{line}:{column}\n{}\n", lines.join("\n"));
        let message = format!("{}: {}", first.at, first.what);
        put_end(xml, "failure", &message, &text);
    }
    xml.push_str("  </testsuite>\n");
}

fn put_suite(xml: &mut String, name: &str, [tests, failures, errors]: [usize; 3]) {
    let name = escape(name);
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
    );
}

fn put_case(xml: &mut String, name: &str, class: &str) {
    let (name, class) = (escape(name), escape(class));
    let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{class}\"");
}

/// Adds the end of a case that did not pass.
fn put_end(xml: &mut String, kind: &str, message: &str, text: &str) {
    let (message, text) = (escape(message), escape(text));
    let _ = write!(
        xml,
        ">\n      <{kind} type=\"{kind}\" message=\"{message}\">{text}</{kind}>\n    </testcase>\n"
    );
}

/// Text in XML. Characters not allowed in XML become `U+FFFD`.
fn escape(text: &str) -> String {
    let is_forbidden = |c: char| match c {
        '\t' | '\n' => false,
        c => c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}'),
    };
    escape_markup(&text.replace(is_forbidden, "\u{fffd}"))
}
