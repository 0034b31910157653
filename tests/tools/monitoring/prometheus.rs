//! Prometheus' own tool reads the metrics, and tests the alert rules.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use super::{file, metrics};
use crate::support::prerequisite::find;

fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(find(&["promtool"], "prometheus"))
        .args(arguments)
        .current_dir(file(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn passes(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// Checks the rules of a file that contain this expression.
pub fn check_expression(expression: &str) {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yml");
    let rule = serde_json::json!({"groups": [{"name": "g", "rules": [{"record": "r", "expr": expression}]}]});
    std::fs::write(&rules, rule.to_string()).unwrap();
    passes(&promtool(&["check", "rules", rules.to_str().unwrap()], ""));
}

#[test]
fn the_metrics_have_no_fault() {
    let metrics = metrics();
    let output = promtool(&["check", "metrics"], &metrics);
    passes(&output);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for line in [
        "patroni_barman_promotion_to_streaming_seconds_count{cluster=\"demo\"} 1",
        "patroni_barman_corrections_total{cluster=\"demo\",api=\"default\",server=\"demo\"} 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{metrics}");
    }
    let wrong = metrics.replace("corrections_total", "corrections");
    assert!(!promtool(&["check", "metrics"], &wrong).stderr.is_empty());
}

#[test]
fn the_alert_rules_pass_their_tests() {
    passes(&promtool(&["check", "rules", "alerts.yml"], ""));
    passes(&promtool(&["test", "rules", "alerts-test.yml"], ""));
}

#[test]
fn the_alert_rules_use_metrics_that_there_are() {
    let rules = std::fs::read_to_string(file("alerts.yml")).unwrap();
    let metrics = metrics();
    super::grafana::assert_names(&rules, &metrics);
}
