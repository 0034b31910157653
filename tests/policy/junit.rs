//! JUnit XML against the schema that CI systems read it by: Jenkins', as its xUnit plugin publishes it (MIT;
//! taken from pytest's source package).

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::root;

/// Validates a document with libxml2, which knows XML and its schemas.
fn validate(xml: &str) -> Output {
    let mut child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema"])
        .arg(root().join("tests/policy/junit-10.xsd"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`xmllint` is needed; on Debian: apt-get install libxml2-utils");
    let mut input = child.stdin.take().unwrap();
    // One that is no XML is not read to its end.
    let _ = input.write_all(xml.as_bytes());
    drop(input);
    child.wait_with_output().unwrap()
}

/// Validates a document and gives how many test cases and failures there are, which is what it announces.
pub fn check(xml: &str) -> (usize, usize) {
    let output = validate(xml);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{xml}");
    let count = |tag: &str| xml.matches(tag).count();
    let (cases, failures) = (count("<testcase "), count("<failure "));
    let announced = format!(" tests=\"{cases}\" failures=\"{failures}\" errors=\"0\">");
    let all = xml.lines().find(|line| line.starts_with("<testsuites "));
    assert!(all.is_some_and(|line| line.ends_with(&announced)), "{xml}");
    (cases, failures)
}

#[test]
fn the_check_sees_what_is_wrong() {
    let right = "<testsuites tests=\"1\" failures=\"0\"><testsuite name=\"a\" tests=\"1\" failures=\"0\" errors=\"0\">\
                 <testcase name=\"b\" classname=\"c\"/></testsuite></testsuites>";
    assert!(validate(right).status.success());
    for (from, to) in [
        ("<testcase name=\"b\" ", "<testcase "),
        ("classname", "class"),
        ("<testsuite ", "text<testsuite "),
        ("\"c\"/>", "\"&c\"/>"),
        ("errors=\"0\"", ""),
        ("</testsuite>", ""),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert!(!validate(&wrong).status.success(), "{wrong}");
    }
}
