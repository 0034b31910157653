//! Prometheus' own tool reads the metrics, and tests the alert rules.

use std::process::Command;

use serde_json::json;

use super::{file, metrics};
use crate::support::ended::Ended;
use crate::support::folder::Folder;
use crate::support::prerequisite::find;

fn promtool(arguments: &[&str], input: &str) -> Ended {
    let mut command = Command::new(find(&["promtool"], "prometheus"));
    command.args(arguments).current_dir(file(""));
    Ended::fed(&mut command, input.as_bytes())
}

/// Checks the rules of a file that contain this expression.
pub fn check_expression(expression: &str) {
    let rule = json!({"groups": [{"name": "g", "rules": [{"record": "r", "expr": expression}]}]});
    let folder = Folder::with(&[("rules.yml", &rule.to_string())]);
    promtool(&["check", "rules", &folder.named("rules.yml")], "").exits(0);
}

#[test]
fn the_metrics_have_no_fault() {
    let metrics = metrics();
    let ended = promtool(&["check", "metrics"], &metrics).exits(0);
    assert_eq!(ended.stderr, "");
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
    promtool(&["check", "rules", "alerts.yml"], "").exits(0);
    promtool(&["test", "rules", "alerts-test.yml"], "").exits(0);
}

#[test]
fn the_alert_rules_use_metrics_that_there_are() {
    let rules = std::fs::read_to_string(file("alerts.yml")).unwrap();
    let metrics = metrics();
    super::grafana::assert_names(&rules, &metrics);
}
