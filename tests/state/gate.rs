//! Rules with an error of `check` are never used, and never become the last good ones.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use patroni_barman::simulator::Config;

use crate::support::follow::follow;
use crate::support::node::Node;
use crate::support::text::has;

const FOLLOW: &str = follow!("");

/// A rule that fails whenever it is evaluated, which `check` finds and loading does not.
const FAILS: &str = r#"  - name: describe
    on: on_start
    role: primary
    request: {type: config_update, changes: [{scope: server, server_name: demo, description: "{{ datadir }}"}]}
"#;

fn node(rules: &str) -> Node {
    let config = Config::default().server("demo").model("demo:n1");
    Node::new(rules).with_patroni("n1").with_barman(config)
}

#[test]
fn rules_that_pass_are_kept_and_those_with_errors_are_not() {
    let node = node(FOLLOW);
    node.promoted().exits(0);
    let sent = node.posts().len();
    node.write_rules(&format!("{FOLLOW}{FAILS}"));
    node.promoted()
        .exits(6)
        .says("error[PB214]")
        .says("have errors; the last good rules are used instead");
    assert!(node.posts().len() > sent);
    node.write_rules(&format!("{FOLLOW}{}", FAILS.replace("datadir", "nope")));
    node.promoted().exits(6).says("error[PB110]");
    // the last good rules are also used at a start
    node.event("on_start", "primary").exits(6);
    node.write_rules(FOLLOW);
    node.promoted().exits(0);
}

#[test]
fn without_good_rules_nothing_is_sent() {
    let node = node(&format!("{FOLLOW}{FAILS}"));
    node.promoted()
        .exits(4)
        .says("have errors; nothing was sent");
    node.promoted().exits(4).says("error[PB214]");
    node.run(["reconcile"]).exits(4).says("error[PB214]");
    node.run(["status"]).exits(4);
    assert_eq!(node.posts().len(), 0);
}

#[test]
fn an_error_that_is_allowed_keeps_nothing_from_being_used() {
    let allowed = FAILS.replace(
        "- name: describe",
        "- name: describe # patroni_barman: allow(PB214) nobody starts here",
    );
    let node = node(&format!("{FOLLOW}{allowed}"));
    node.promoted().exits(0);
}

#[test]
fn reconcile_and_its_metrics_know_that_the_last_good_rules_are_used() {
    let node = node(FOLLOW);
    node.promoted().exits(0);
    node.write_rules(&format!("{FOLLOW}{FAILS}"));
    has(&node.metrics(6), "\npatroni_barman_rules_valid 0\n");
}

/// The file of the directory whose name has this ending.
fn kept(node: &Node, ending: &str) -> std::path::PathBuf {
    let folder = node.folder().join("state");
    let files = fs::read_dir(folder).unwrap();
    let mut files = files.map(|file| file.unwrap().path());
    files
        .find(|file| {
            let name = file.file_name().unwrap().to_str().unwrap();
            name.starts_with("rules-") && name.ends_with(ending)
        })
        .unwrap()
}

/// Rewrites the copy as another version of the program would have written it.
fn by_another_version(node: &Node, ending: &str) {
    let file = kept(node, ending);
    let text = fs::read_to_string(&file).unwrap();
    let program = format!("\"program\":\"{}\"", env!("CARGO_PKG_VERSION"));
    has(&text, &program);
    fs::write(&file, text.replace(&program, "\"program\":\"0.0.1\"")).unwrap();
}

#[test]
fn rules_that_were_good_stay_good_after_an_upgrade() {
    let node = node(FOLLOW);
    node.promoted().exits(0);
    // this version finds an error that the one which stored the rules did not find
    let rules = format!("{FOLLOW}{FAILS}");
    node.write_rules(&rules);
    let file = kept(&node, ".json");
    let good = fs::read_to_string(&file).unwrap();
    let text = fs::read_to_string(node.rules()).unwrap();
    let mut copy: serde_json::Value = serde_json::from_str(&good).unwrap();
    copy["files"][0]["text"] = text.into();
    copy["program"] = "0.0.1".into();
    fs::write(&file, copy.to_string()).unwrap();
    node.promoted().exits(0).says("error[PB214]");
    // it is logged once
    node.promoted().exits(0).never_says("PB214");
}

#[test]
fn another_version_judges_refused_rules_again() {
    let node = node(&format!("{FOLLOW}{FAILS}"));
    node.promoted().exits(4);
    by_another_version(&node, ".refused.json");
    node.promoted().exits(4).says("error[PB214]");
    // a process killed during a write leaves part of another file, which is never read
    let file = kept(&node, ".refused.json");
    fs::write(file.with_extension("1.new"), "{\"version").unwrap();
    fs::write(&file, "{\"version\": 1, \"prog").unwrap();
    node.promoted().exits(4).says("error[PB214]");
    node.write_rules(FOLLOW);
    node.promoted().exits(0);
}

#[test]
fn where_nothing_can_be_kept_every_callback_checks() {
    let node = node(&format!("{FOLLOW}{FAILS}"));
    let state = "/proc/nowhere/state.db";
    for _ in 0..2 {
        let call = node.callback().env("PATRONI_BARMAN_STATE", state);
        call.run().exits(4).says("error[PB214]");
    }
    node.write_rules(FOLLOW);
    let call = node.callback().env("PATRONI_BARMAN_STATE", state);
    call.run()
        .exits(0)
        .says("can't be stored in `/proc/nowhere`");
}

#[test]
fn a_folder_that_may_only_be_read_still_has_the_last_good_rules() {
    let node = node(FOLLOW);
    node.promoted().exits(0);
    let folder = node.folder().join("state");
    fs::set_permissions(&folder, Permissions::from_mode(0o500)).unwrap();
    node.write_rules(&format!("{FOLLOW}{FAILS}"));
    for _ in 0..2 {
        node.promoted().exits(6).says("error[PB214]");
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
}
