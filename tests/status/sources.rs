//! `status` names its sources, and reports those that it could not read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{RULES, nagios, node};
use crate::support::patroni::Patroni;
use crate::support::text::{has, starts};

#[test]
fn it_names_what_it_has_read() {
    let node = node();
    let json = node.json(&["status"], 0);
    assert_eq!(json["rules"]["path"], node.rules().to_str().unwrap());
    assert_eq!(json["rules"]["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(json["state"]["path"], node.state().to_str().unwrap());
    assert_eq!(json["state"]["exists"], false);
    assert_eq!(json["patroni"]["version"], "4.1.5");
    assert_eq!(json["apis"][0]["barman"], "3.19.1");
    assert_eq!(json["apis"][0]["version"], "2.1.0 or later");
    let said = node.run(["status"]).stdout;
    for words in [
        node.rules().to_str().unwrap(),
        "state.db (not made yet)",
        "last reconcile     never",
        "Patroni            4.1.5",
        "Barman 3.19.1, pg-backup-api 2.1.0 or later",
    ] {
        has(&said, words);
    }
}

#[test]
fn it_writes_nothing() {
    let node = node();
    node.run(["status"]).exits(0);
    node.run(["reconcile", "--dry-run"]).exits(0);
    assert!(!node.state().parent().unwrap().exists());
}

#[test]
fn it_tells_of_the_last_pass() {
    let node = node();
    node.run(["reconcile"]).exits(0);
    node.run(["status"]).exits(0).shows("s ago, exit code 0\n");
    let json = node.json(&["status"], 0);
    assert_eq!(json["state"]["last_reconcile"]["exit_code"], 0);
    node.write_rules(&RULES.replace("PATRONI", "http://127.0.0.1:1"));
    node.run(["reconcile"]).exits(3);
    let json = node.json(&["status"], 0);
    assert_eq!(json["state"]["last_reconcile"]["exit_code"], 3);
}

#[test]
fn broken_rules_are_no_success() {
    let node = node();
    node.promoted().exits(0);
    node.run(["status"]).exits(0);
    for broken in [
        RULES.replace("role: primary", "role: primry"),
        "rulez".to_owned(),
    ] {
        node.write_rules(&broken);
        let cause = "the last good rules are in use";
        node.run(["status"])
            .exits(1)
            .shows(cause)
            .shows("as wanted\n");
        has(&nagios(&node, 1), cause);
        assert!(node.json(&["status"], 1)["rules"]["broken"].is_string());
    }
    fs::remove_file(node.rules()).unwrap();
    node.run(["status"]).exits(1).says("can't read");
}

#[test]
fn rules_that_cannot_be_used_at_all_are_unknown_to_nagios() {
    let node = node();
    node.write_rules("rulez");
    node.run(["status"]).exits(4);
    starts(&nagios(&node, 3), "UNKNOWN - the rules in ");
}

#[test]
fn a_state_that_cannot_be_read_is_told() {
    let node = node();
    node.promoted().exits(0);
    let folder = node.state().parent().unwrap().to_owned();
    node.spoil_state();
    let cause = format!("the state `{}` can't be opened", node.state().display());
    node.run(["status"])
        .exits(1)
        .shows(format!("UNKNOWN   {cause}"));
    has(&nagios(&node, 3), &cause);
    // root may read any directory
    fs::set_permissions(&folder, Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&folder).is_err() {
        node.run(["status"])
            .exits(1)
            .shows("can't be read: Permission denied");
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_history_that_is_not_there_is_no_empty_one() {
    let node = node();
    let said = node.run(["history", "--rules", "/nowhere/rules.yml"]);
    said.exits(2).says("can't read");
    let elsewhere = node
        .call(["history"])
        .env("PATRONI_BARMAN_STATE", "/nowhere/state.db");
    elsewhere
        .run()
        .exits(2)
        .says("there is no folder for the state `/nowhere/state.db`");
    fs::create_dir(node.state().parent().unwrap()).unwrap();
    let said = node.run(["history"]).exits(0).stdout;
    let words = format!("no requests recorded in `{}`\n", node.state().display());
    assert_eq!(said, words);
}

#[test]
fn a_recovery_is_recorded_for_the_member_that_patroni_names() {
    let node = node();
    let rules = format!(
        "{RULES}  - name: rep\n    on: create_replica\n    request: {{type: recovery, server: demo, backup_id: latest, \
         remote_ssh_command: ssh, destination_directory: \"{{{{ datadir }}}}\"}}\n"
    );
    node.write_rules(&rules);
    let datadir = format!("--datadir={}", node.datadir().display());
    let create = ["run", "--event", "create_replica", "--scope=demo"];
    let call = node.call(create).args(["--role=replica", &datadir]);
    call.run().exits(2);
    assert_eq!(node.newest()["node"], "n1");
}

#[test]
fn a_silent_local_patroni_leaves_the_members_that_reconcile_saw() {
    let node = node();
    let other = Patroni::start("n2", "n1");
    node.patroni().lists("n1", "http://127.0.0.1:1");
    node.patroni().lists("n2", &other.url);
    node.run(["reconcile"]).exits(0);
    node.write_rules(&RULES.replace("PATRONI", "http://127.0.0.1:1"));
    node.run(["reconcile"]).exits(3);
    for leader in ["n1", "n2"] {
        other.leader(leader);
        let status = node.json(&["status"], i32::from(leader == "n2"));
        assert_eq!(status["leader"], leader);
        assert_eq!(status["node"], serde_json::Value::Null);
    }
}

#[test]
fn an_api_that_no_rule_uses_is_not_asked() {
    let node = node();
    let more = "apis: {other: {url: \"http://127.0.0.1:1\"}}\nrules:";
    node.write_rules(&RULES.replace("rules:", more));
    let status = node.json(&["status"], 0);
    assert_eq!(status["apis"].as_array().unwrap().len(), 1);
}
