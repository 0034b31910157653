//! Requests that callbacks leave to other processes, and the reverse.

use std::fs;

use super::{RULES, node};

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

#[test]
fn whoever_waits_for_a_replica_does_not_wait_for_what_others_left() {
    let node = node();
    node.write_rules(&rules());
    node.patroni().leader("n2");
    node.barman().take_down();
    let callback = ["run", "--node", "n1", "on_role_change", "replica", "demo"];
    node.run(callback).exits(3);
    node.barman().bring_up().unwrap();
    node.create_replica()
        .args(["--connstring", "host=n1"])
        .run()
        .exits(0);
    assert_eq!(node.outcomes(), ["done", "pending"]);
}

#[test]
fn a_recovery_that_barman_no_longer_knows_does_not_stay_pending() {
    let node = node();
    node.write_rules(&rules());
    node.barman().set_faults("poll:hang*1".parse().unwrap());
    node.create_replica()
        .args(["--connstring", "host=n1"])
        .run()
        .exits(3);
    assert_eq!(node.outcomes(), ["pending"]);

    node.barman().set_faults("poll:404*3".parse().unwrap());
    let output = node.run(["reconcile"]);
    let said = &output.stderr;
    assert!(
        said.contains("is gone, pg-backup-api no longer knows it"),
        "{said}"
    );
    assert_eq!(node.outcomes().last().unwrap(), "refused", "{said}");
}

#[test]
fn what_was_left_under_another_name_holds_nothing_up() {
    let node = node();
    node.write_rules(&RULES.replace("attempts: 2", "attempts: 1"));
    node.barman().take_down();
    let callback = ["run", "--node", "n0", "on_role_change", "primary", "demo"];
    node.run(callback).exits(3);
    node.barman().bring_up().unwrap();
    let output = node.run(["reconcile"]);
    let said = &output.stderr;
    assert_eq!(output.exit, 0, "{said}");
    assert_eq!(
        node.barman().active_model("demo").as_deref(),
        Some("demo:n1")
    );
    assert_eq!(node.outcomes(), ["done", "superseded"]);
}

#[test]
fn an_operation_that_nobody_can_tell_about_does_not_keep_barman_from_being_corrected() {
    let node = node();
    node.write_rules(&RULES.replace("defaults: {", "defaults: {poll: {timeout: 100ms}, "));
    // accepted, failed in Barman, and its file is no longer readable: but Barman shows that the state is not in place
    node.barman()
        .set_faults("post:fail*1,poll:garbage*9".parse().unwrap());
    let callback = ["run", "--node", "n1", "on_role_change", "primary", "demo"];
    node.run(callback).exits(0);
    assert_eq!(node.outcomes(), ["done"]);
    assert_eq!(
        node.barman().active_model("demo").as_deref(),
        Some("demo:n1")
    );
}

#[test]
fn a_state_that_cannot_be_read_is_no_success_of_reconcile() {
    let node = node();
    node.run(["reconcile"]).exits(0);
    fs::remove_file(node.state()).unwrap();
    fs::create_dir(node.state()).unwrap();
    let output = node.run(["reconcile"]);
    let said = &output.stderr;
    assert_eq!(output.exit, 3, "{said}");
}
