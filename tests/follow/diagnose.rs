//! Verification with a `/diagnose` that is big, slow, delayed or incomplete, and its evidence of other faults.

use std::fs::File;
use std::process::Stdio;

use patroni_barman::simulator::Config;
use wait4::Wait4 as _;

use super::{RULES, barman, leader, looks};
use crate::support::node::Node;
use crate::support::text::lacks;

/// Node n1, the leader, with a switch that is verified in this way.
fn verifying(how: &str, config: Config) -> Node {
    let rules = RULES.replace("verify: applied", how);
    Node::new(&rules).with_patroni("n1").with_barman(config)
}

/// Runs a callback, and asserts that its request was executed, and that the log contains this.
#[track_caller]
fn does(node: &Node, words: &str) {
    let ended = node.promoted().exits(0).says(words);
    ended.never_says("may not have reached");
    assert_eq!(node.active(), "demo:n1");
    assert_eq!(node.posts().len(), 1);
    assert_eq!(node.outcomes(), ["done"]);
}

#[test]
fn a_diagnose_that_hangs_does_not_make_a_done_switch_fail() {
    let node = verifying("verify: applied, poll: {timeout: 700ms}", barman());
    node.faults("diagnose:hang");
    does(&node, "done, but not verified within 700ms: no answer from");
}

#[test]
fn a_diagnose_that_is_not_published_is_asked_once() {
    for fault in [
        "diagnose:403+nginx",
        "diagnose:404+nginx",
        "diagnose:403",
        "diagnose:401",
    ] {
        let node = leader();
        node.faults(fault);
        does(&node, "publish `/diagnose`, or set `verify: none`");
        assert_eq!(looks(&node), 1, "{fault}");
    }
}

/// The peak memory of a callback, in KiB.
fn memory_of_a_callback(node: &Node) -> u64 {
    let log = node.folder().join("log");
    let mut child = node
        .callback()
        .command()
        .stdout(Stdio::null())
        .stderr(File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let ended = child.wait4().unwrap();
    let log = std::fs::read_to_string(&log).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{log}");
    lacks(&log, "not verified");
    assert!(looks(node) > 0);
    ended.rusage.maxrss / 1024
}

#[test]
fn a_diagnose_of_40_megabytes_is_read_in_the_memory_of_a_small_one() {
    let small = memory_of_a_callback(&leader());
    let node = verifying("verify: applied", barman().diagnose_size(640, 50));
    let big = memory_of_a_callback(&node);
    assert_eq!(node.active(), "demo:n1");
    assert!(
        big < small + 8 * 1024,
        "{big} KiB, and {small} KiB of a small one"
    );
}

#[test]
fn an_option_in_barmans_automatic_file_is_taken_for_done_and_sent_once() {
    let node = leader();
    let request = "{type: config_update, changes: [{scope: server, server_name: demo, parallel_jobs: \"4\"}]}";
    node.write_rules(&RULES.replace(
        "{type: config_switch, server: demo, model_name: \"demo:{{ node }}\"}",
        request,
    ));
    node.promoted().exits(0).says("`.barman.auto.conf`");
    for _ in 0..3 {
        node.run(["reconcile"]).exits(0);
    }
    assert_eq!(node.posts().len(), 1);
    assert_eq!(node.outcomes(), ["done"]);
}

#[test]
fn a_server_that_receives_nothing_is_judged_by_its_model() {
    for (option, value, what) in [
        ("active", "false", "server `demo` is not active in Barman"),
        (
            "primary_ssh_command",
            "ssh other",
            "server `demo` is passive in Barman",
        ),
    ] {
        let node = verifying("verify: streaming", barman().option("demo", option, value));
        does(&node, what);
    }
}

#[test]
fn a_model_that_points_to_a_replica_does_not_verify() {
    let node = verifying("verify: streaming, poll: {timeout: 3s}", barman());
    node.barman()
        .change_postgres("demo:n1", |postgres| postgres.in_recovery = true);
    let why = "the active model of `demo` points to a replica, not to the primary";
    node.promoted().exits(2).says(why);
}

#[test]
fn an_operation_that_failed_after_its_switch_is_done() {
    let node = leader();
    node.faults("post:fail-done*1");
    does(&node, "");
}

#[test]
fn a_postgresql_that_barman_cannot_reach_is_named_as_the_reason() {
    let node = verifying("verify: streaming, poll: {timeout: 3s}", barman());
    node.barman()
        .change_postgres("demo:n1", |postgres| postgres.reachable = false);
    let why = "Barman cannot connect to the PostgreSQL of `demo`";
    let ended = node.promoted().exits(2).says(why);
    for wrong in ["no answer from", "may not have reached"] {
        lacks(&ended.stderr, wrong);
    }
}
