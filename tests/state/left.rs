//! Requests that callbacks leave to other processes, and the reverse.

use std::fs;

use super::{RULES, node};
use crate::support::ended::Ended;
use crate::support::node::Node;

/// The rules with a recovery, and a replica's target.
fn rules() -> String {
    RULES.replace(
        "rules:",
        r#"rules:
  - name: leave
    on: on_role_change
    role: replica
    request: {type: config_switch, server: archive, reset: true}
  - name: rebuild
    on: create_replica
    verify: none
    poll: {timeout: 300ms}
    request:
      type: recovery
      server: slow
      backup_id: latest
      remote_ssh_command: ssh n1
      destination_directory: "{{ datadir }}"
"#,
    )
}

fn rebuild(node: &Node) -> Ended {
    let call = node.create_replica();
    call.args(["--connstring", "host=n1"]).run()
}

#[test]
fn whoever_waits_for_a_replica_does_not_wait_for_what_others_left() {
    let node = node();
    node.write_rules(&rules());
    node.patroni().leader("n2");
    node.barman().take_down();
    node.event("on_role_change", "replica").exits(3);
    node.barman().bring_up().unwrap();
    rebuild(&node).exits(0);
    assert_eq!(node.outcomes(), ["done", "pending"]);
}

#[test]
fn a_recovery_that_barman_no_longer_knows_does_not_stay_pending() {
    let node = node();
    node.write_rules(&rules());
    node.faults("poll:hang*1");
    rebuild(&node).exits(3);
    assert_eq!(node.outcomes(), ["pending"]);

    node.faults("poll:404*3");
    node.run(["reconcile"])
        .says("is gone, pg-backup-api no longer knows it");
    assert_eq!(node.outcomes().last().unwrap(), "refused");
}

#[test]
fn what_was_left_under_another_name_holds_nothing_up() {
    let node = node();
    node.write_rules(&RULES.replace("attempts: 2", "attempts: 1"));
    node.barman().take_down();
    node.run(["run", "--node", "n0", "on_role_change", "primary", "demo"])
        .exits(3);
    node.barman().bring_up().unwrap();
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.active(), "demo:n1");
    assert_eq!(node.outcomes(), ["done", "superseded"]);
}

#[test]
fn an_operation_that_nobody_can_tell_about_does_not_keep_barman_from_being_corrected() {
    let node = node();
    node.write_rules(&RULES.replace("defaults: {", "defaults: {poll: {timeout: 100ms}, "));
    // accepted, failed in Barman, and its file is no longer readable: but Barman shows that the state is not in place
    node.faults("post:fail*1,poll:garbage*9");
    node.promoted().exits(0);
    assert_eq!(node.outcomes(), ["done"]);
    assert_eq!(node.active(), "demo:n1");
}

#[test]
fn a_state_that_cannot_be_read_is_no_success_of_reconcile() {
    let node = node();
    node.run(["reconcile"]).exits(0);
    fs::remove_file(node.state()).unwrap();
    fs::create_dir(node.state()).unwrap();
    node.run(["reconcile"]).exits(3);
}
