//! The metrics file of `reconcile`.

use std::collections::BTreeMap;
use std::fs;

use super::{RULES, barman, node, with};
use crate::support::node::Node;
use crate::support::text::{has, lacks};

/// Runs `reconcile` and reads its metrics: the value of each sample, and the text.
fn measure(node: &Node, exit: i32) -> (BTreeMap<String, f64>, String) {
    let text = node.metrics(exit);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let name = name.strip_prefix("patroni_barman_").unwrap();
        (name.to_owned(), value.parse().unwrap())
    });
    (samples.collect(), text)
}

#[track_caller]
fn is(samples: &BTreeMap<String, f64>, name: &str, value: f64) {
    let found = samples.get(name).copied();
    assert!(
        found.is_some_and(|found| (found - value).abs() < 1e-6),
        "{name} is {found:?} in {samples:#?}"
    );
}

const DEMO: &str = "{cluster=\"demo\",api=\"default\",server=\"demo\"}";

#[test]
fn a_healthy_leader() {
    let node = node();
    let (samples, text) = measure(&node, 0);
    let version = env!("CARGO_PKG_VERSION");
    has(
        &text,
        &format!("build_info{{version=\"{version}\",commit=\""),
    );
    for (name, value) in [
        ("last_exit_code", 0.0),
        ("rules_valid", 1.0),
        ("state_usable", 1.0),
        (
            "drift{cluster=\"demo\",api=\"default\",server=\"demo\",rule=\"follow\"}",
            0.0,
        ),
    ] {
        is(&samples, name, value);
    }
    for (name, value) in [
        ("wal_received", 1.0),
        ("wal_lag_bytes", 1984.0),
        ("last_backup_failed", 0.0),
        ("last_good_backup_timestamp_seconds", 1_795_132_800.0),
    ] {
        is(&samples, &format!("{name}{DEMO}"), value);
    }
    lacks(&text, "\npatroni_barman_pending_oldest_timestamp_seconds{");
    let sha = node.json(&["status"], 0)["rules"]["sha256"].clone();
    let info = format!(
        "rules_info{{path=\"{}\",sha256={sha}}}",
        node.rules().display()
    );
    is(&samples, &info, 1.0);
}

#[test]
fn the_rules_have_the_sum_that_sha256sum_gives() {
    let node = node();
    let nowhere = RULES.replace("BARMAN", "http://127.0.0.1:2");
    node.write_rules(&nowhere.replace("PATRONI", "http://127.0.0.1:1"));
    let sum = &node.json(&["status"], 3)["rules"]["sha256"];
    assert_eq!(
        sum,
        "b955332d4d3fc7d84b408245f1ca39fd31e3bb886508cde3f3971a45e21eec79"
    );
}

#[test]
fn healthy_replicas_are_no_alarm() {
    // the rules for a replica can't be evaluated on this node
    for rules in [RULES.to_owned(), RULES.replace("{{ node }}", "{{ host }}")] {
        let node = Node::new(&rules)
            .with_patroni("n2")
            .with_barman(barman().active("demo", "demo:n2"));
        let leader = crate::support::patroni::Patroni::start("n2", "n2");
        node.patroni().lists("n2", &leader.url);
        let exit = i32::from(rules != RULES);
        let (samples, _) = measure(&node, exit);
        is(&samples, "last_exit_code", 0.0);
    }
}

#[test]
fn a_receiver_that_does_not_run() {
    let node = node();
    node.write_rules(&RULES.replace("verify: streaming", "verify: applied"));
    node.barman().kill_receiver("demo");
    let (samples, _) = measure(&node, 0);
    is(&samples, &format!("wal_received{DEMO}"), 0.0);
}

#[test]
fn corrections_and_promotions_are_counted_for_good() {
    let node = with(barman().active("demo", "demo:n2"));
    let (samples, _) = measure(&node, 0);
    is(&samples, &format!("corrections_total{DEMO}"), 1.0);
    assert!(!samples.contains_key("promotion_to_streaming_seconds_count{cluster=\"demo\"}"));
    for promotions in [1.0, 2.0] {
        node.promoted().exits(0);
        let (samples, _) = measure(&node, 0);
        is(&samples, &format!("corrections_total{DEMO}"), 1.0);
        let histogram = "promotion_to_streaming_seconds";
        is(
            &samples,
            &format!("{histogram}_count{{cluster=\"demo\"}}"),
            promotions,
        );
        is(
            &samples,
            &format!("{histogram}_bucket{{cluster=\"demo\",le=\"+Inf\"}}"),
            promotions,
        );
        assert!(samples[&format!("{histogram}_sum{{cluster=\"demo\"}}")] > 0.0);
    }
}

#[test]
fn a_pending_request_has_an_age() {
    let node = node();
    node.barman().take_down();
    node.promoted().exits(3);
    let (samples, _) = measure(&node, 3);
    is(&samples, "pending{cluster=\"demo\"}", 1.0);
    let oldest = samples["pending_oldest_timestamp_seconds{cluster=\"demo\"}"];
    assert!(oldest <= samples["last_run_timestamp_seconds"]);
}

#[test]
fn a_state_that_cannot_be_read() {
    let node = node();
    fs::create_dir_all(node.state()).unwrap();
    let (samples, _) = measure(&node, 3);
    is(&samples, "state_usable", 0.0);
}
