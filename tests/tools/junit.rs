//! JUnit XML against the schema that CI systems use: that of Jenkins, published with its xUnit plugin (MIT;
//! taken from pytest's source package).

use std::process::Command;

use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::prerequisite::find;
use crate::support::program::root;

/// Validates a document with libxml2, which implements XML Schema.
fn validate(xml: &str) -> Ended {
    let mut command = Command::new(find(&["xmllint"], "libxml2-utils"));
    command
        .args(["--noout", "--nonet", "--schema"])
        .arg(root().join("tests/tools/junit-10.xsd"))
        .arg("-");
    Ended::fed(&mut command, xml.as_bytes()).case(xml)
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
    for (tests, code) in [
        (TESTS.to_owned(), 0),
        (TESTS.replace("main:n1", "main:<n2>"), 1),
    ] {
        let folder = Folder::with(&[("rules.yml", RULES), ("tests.yml", &tests)]);
        let report = folder.run(["test", "--format", "junit", "tests.yml"]);
        validate(&report.exits(code).stdout).exits(0);
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let right = "<testsuites tests=\"1\" failures=\"0\"><testsuite name=\"a\" tests=\"1\" failures=\"0\" errors=\"0\">\
                 <testcase name=\"b\" classname=\"c\"/></testsuite></testsuites>";
    validate(right).exits(0);
    for (from, to) in [
        ("<testcase name=\"b\" ", "<testcase "),
        ("classname", "class"),
        ("<testsuite ", "text<testsuite "),
        ("\"c\"/>", "\"&c\"/>"),
        ("errors=\"0\"", ""),
        ("</testsuite>", ""),
    ] {
        let wrong = right.replacen(from, to, 1);
        assert_ne!(validate(&wrong).exit, 0, "{wrong}");
    }
}
