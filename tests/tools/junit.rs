//! JUnit XML against the schema that CI systems use: that of Jenkins, published with its xUnit plugin (MIT;
//! taken from pytest's source package).

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::support::prerequisite::find;
use crate::support::program::{program, root};

/// Validates a document with libxml2, which implements XML Schema.
fn validate(xml: &str) -> Output {
    let mut child = Command::new(find(&["xmllint"], "libxml2-utils"))
        .args(["--noout", "--nonet", "--schema"])
        .arg(root().join("tests/tools/junit-10.xsd"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // a document that is not XML is not read to its end
    let _ = input.write_all(xml.as_bytes());
    drop(input);
    child.wait_with_output().unwrap()
}

const RULES: &str = r#"version: 1
api: {url: "http://127.0.0.1:7480"}
rules:
  - name: follow
    on: on_role_change
    role: primary
    request: {type: config_switch, server: main, model_name: "main:{{ node }}"}
"#;

const TESTS: &str = r#"version: 1
rules: rules.yml
given: {cluster: main, node: n1}
tests:
  - name: followed & <checked>
    event: on_role_change
    role: primary
    fires: [follow]
    requests: [{type: config_switch, server: main, model_name: "main:n1"}]
"#;

#[test]
fn the_report_has_the_shape_that_ci_systems_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rules.yml"), RULES).unwrap();
    for (tests, code) in [
        (TESTS.to_owned(), 0),
        (TESTS.replace("main:n1", "main:<n2>"), 1),
    ] {
        fs::write(folder.path().join("tests.yml"), tests).unwrap();
        let output = program()
            .current_dir(folder.path())
            .args(["test", "--format", "junit", "tests.yml"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code));
        let xml = String::from_utf8(output.stdout).unwrap();
        let validated = validate(&xml);
        let said = String::from_utf8_lossy(&validated.stderr);
        assert!(validated.status.success(), "{said}\n{xml}");
    }
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
