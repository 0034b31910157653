//! `status`, `reconcile` and `check --online` with `--all`.

use super::TWO;
use crate::support::fleet::Fleet;

#[test]
fn every_cluster_is_looked_at_and_corrected() {
    let fleet = Fleet::new(&TWO);
    fleet.tell("side", "promote n2");
    fleet
        .run("all", &["status", "--all"])
        .exits(1)
        .shows("main: ok\n")
        .shows("side: wrong: ");
    fleet
        .run("all", &["status", "--all", "--format", "nagios"])
        .exits(2)
        .starts("PATRONI_BARMAN CRITICAL - 1 of 2 clusters: side: ");
    fleet
        .run("all", &["reconcile", "--all", "--dry-run"])
        .exits(2);
    assert!(fleet.posts("west", "side").is_empty());
    fleet
        .run("all", &["reconcile", "--all", "--second-look", "0s"])
        .exits(0);
    assert_eq!(fleet.active("west", "side"), "side:n2");
    fleet
        .run("all", &["status", "--all", "--format", "json"])
        .exits(0)
        .shows("\"condition\": \"ok\"");
}

#[test]
fn check_asks_for_every_cluster() {
    let fleet = Fleet::new(&TWO);
    let path = fleet.rules_path();
    let path = path.to_str().unwrap();
    fleet
        .run("all", &["check", "--online", "--all", path])
        .exits(0);
    let rules = std::fs::read_to_string(path).unwrap();
    let rules = rules.replacen("name: follow-side", "name: follow-other", 1);
    let (head, tail) = rules.split_once("name: follow-other").unwrap();
    let tail = tail.replace("\"{{ cluster }}:{{ node }}\"", "\"gone:{{ node }}\"");
    fleet.write_rules(&format!("{head}name: follow-other{tail}"));
    fleet
        .run("all", &["check", "--online", "--all", path])
        .exits(1)
        .tells("PB402");
    fleet.tell("main", "scope n1 elsewhere");
    fleet
        .run("all", &["check", "--online", "--all", path])
        .tells("is of cluster `elsewhere`, not `main`");
}
