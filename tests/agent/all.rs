//! `status`, `reconcile` and `check --online` with `--all`.

use crate::support::fleet::Fleet;

const TWO: [(&str, &str); 2] = [("main", "east"), ("side", "west")];

/// The exit code and standard output of a command.
fn run(fleet: &Fleet, arguments: &[&str]) -> (Option<i32>, String) {
    let output = fleet.command("all", arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.code(),
        text + &String::from_utf8_lossy(&output.stderr),
    )
}

#[test]
fn every_cluster_is_looked_at_and_corrected() {
    let fleet = Fleet::new(&TWO);
    fleet.world.tell("side", "promote n2").unwrap();
    let (code, text) = run(&fleet, &["status", "--all"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("main: ok\n") && text.contains("side: wrong: "),
        "{text}"
    );
    let (code, text) = run(&fleet, &["status", "--all", "--format", "nagios"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(
        text.starts_with("PATRONI_BARMAN CRITICAL - 1 of 2 clusters: side: "),
        "{text}"
    );
    let (code, text) = run(&fleet, &["reconcile", "--all", "--dry-run"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(fleet.posts("west", "side").is_empty());
    let (code, text) = run(&fleet, &["reconcile", "--all", "--second-look", "0s"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(fleet.active("west", "side"), "side:n2");
    let (code, text) = run(&fleet, &["status", "--all", "--format", "json"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("\"condition\": \"ok\""), "{text}");
}

#[test]
fn check_asks_for_every_cluster() {
    let fleet = Fleet::new(&TWO);
    let path = fleet.rules_path();
    let path = path.to_str().unwrap();
    let (code, text) = run(&fleet, &["check", "--online", "--all", path]);
    assert_eq!(code, Some(0), "{text}");
    let rules = std::fs::read_to_string(path).unwrap();
    let rules = rules.replacen("name: follow-side", "name: follow-other", 1);
    let (head, tail) = rules.split_once("name: follow-other").unwrap();
    let tail = tail.replace("\"{{ cluster }}:{{ node }}\"", "\"gone:{{ node }}\"");
    fleet.write_rules(&format!("{head}name: follow-other{tail}"));
    let (code, text) = run(&fleet, &["check", "--online", "--all", path]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("PB402"), "{text}");
    fleet.world.tell("main", "scope n1 elsewhere").unwrap();
    let (_, text) = run(&fleet, &["check", "--online", "--all", path]);
    assert!(
        text.contains("is of cluster `elsewhere`, not `main`"),
        "{text}"
    );
}
