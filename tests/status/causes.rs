//! Each problem is reported in one line, to people and to Nagios.

use patroni_barman::simulator::BackupStatus;
use patroni_barman::simulator::barman::Slot;

use super::{RULES, barman, nagios, node, with};
use crate::support::node::Node;
use crate::support::patroni::Patroni;
use crate::support::text::{has, starts};

/// Asserts that a cause is reported in its own line, with this exit code of `status`, and first to Nagios.
#[track_caller]
fn says(node: &Node, exit: i32, level: &str, cause: &str) {
    let ended = node.run(["status"]).exits(exit);
    let wanted = format!("{level:<9} {cause}");
    let found = ended.stdout.lines().any(|line| line.starts_with(&wanted));
    assert!(found, "no `{wanted}` in\n{}", ended.stdout);
    let code = match level {
        "WARNING" => 1,
        "CRITICAL" => 2,
        _ => 3,
    };
    let wanted = format!("{level} - demo: {cause}").replace(';', ",");
    starts(&nagios(node, code), &wanted);
}

#[track_caller]
fn critical(node: &Node, cause: &str) {
    says(node, 1, "CRITICAL", cause);
}

#[test]
fn all_is_well() {
    let node = node();
    node.run(["status"]).exits(0).shows("as wanted\n");
    let line = nagios(&node, 0);
    assert_eq!(
        line,
        "OK - demo: Barman is as the rules want it, the leader is n1"
    );
}

#[test]
fn the_receiver_is_dead_whatever_the_rule_verifies() {
    for verify in ["streaming", "applied", "none"] {
        let node = node();
        node.write_rules(&RULES.replace("verify: streaming", &format!("verify: {verify}")));
        node.barman().kill_receiver("demo");
        critical(
            &node,
            "the replication slot `barman` of `demo` is not active",
        );
        let state = &node.json(&["status"], 1)["states"][0];
        assert_eq!(state["as_wanted"], false);
        assert_eq!(state["wal"]["received"], false);
    }
}

#[test]
fn barman_is_with_another_member() {
    let node = with(barman().active("demo", "demo:n2"));
    critical(
        &node,
        "the active model of `demo` is `demo:n2` and not `demo:n1`",
    );
}

#[test]
fn barman_cannot_connect() {
    let node = node();
    node.barman()
        .change_postgres("demo:n1", |postgres| postgres.reachable = false);
    critical(
        &node,
        "Barman cannot connect to the PostgreSQL of `demo`: connection to server at",
    );
}

#[test]
fn the_model_points_to_a_replica() {
    let node = node();
    node.barman()
        .change_postgres("demo:n1", |postgres| postgres.in_recovery = true);
    critical(
        &node,
        "the active model of `demo` points to a replica, not to the primary",
    );
}

#[test]
fn the_slot_is_missing() {
    let node = node();
    node.barman()
        .change_postgres("demo:n1", |postgres| postgres.slot = Slot::Missing);
    critical(
        &node,
        "the replication slot `barman` of `demo` does not exist on the PostgreSQL that Barman is set to",
    );
}

#[test]
fn a_server_without_a_slot_is_judged_by_the_walsender() {
    let node = with(barman().option("demo", "slot_name", ""));
    node.patroni().walsenders(&["n2", "barman_receive_wal"]);
    node.run(["status"]).exits(0);
    node.patroni().walsenders(&["n2"]);
    critical(
        &node,
        "Barman does not receive WAL of `demo`: the primary has no walsender `barman_receive_wal`",
    );
}

#[test]
fn an_inactive_or_passive_server_is_told() {
    for (option, value, what) in [
        ("active", "false", "is not active in Barman"),
        (
            "primary_ssh_command",
            "ssh barman@other",
            "is passive in Barman",
        ),
    ] {
        let node = with(barman().option("demo", option, value));
        let cause = format!("server `demo` {what}; WAL is not checked");
        says(&node, 0, "WARNING", &cause);
    }
}

#[test]
fn a_failed_backup_is_told_with_the_last_good_one() {
    let node = with(barman().backup_with_status("demo", "20261121T000000", BackupStatus::Failed));
    says(
        &node,
        0,
        "WARNING",
        "the last backup of `demo`, 20261121T000000, FAILED; the last good one is 20261120T000000, ",
    );
    let ended = node.run(["status"]);
    for line in [
        "last backup        20261121T000000 FAILED, ",
        "last good backup   20261120T000000 DONE, ",
    ] {
        has(&ended.stdout, line);
    }
    let state = &node.json(&["status"], 0)["states"][0];
    assert_eq!(state["last_backup"]["status"], "FAILED");
    assert_eq!(state["last_good_backup"]["id"], "20261120T000000");
    assert_eq!(
        state["last_good_backup"]["ended"],
        "2026-11-20T00:00:00.000Z"
    );
}

#[test]
fn a_request_is_pending() {
    let node = node();
    node.misses_barman();
    says(
        &node,
        1,
        "WARNING",
        "1 request is pending for 0 s: config_switch of `demo` to model `demo:n1` (",
    );
    node.run(["status"]).shows("pending:\n  1  for ");
}

#[test]
fn the_api_is_down() {
    let node = node();
    node.barman().take_down();
    says(&node, 1, "UNKNOWN", "API `default`: can't connect to ");
}

#[test]
fn nobody_tells_of_the_cluster() {
    let node = node();
    node.write_rules(&RULES.replace("PATRONI", "http://127.0.0.1:1"));
    node.run(["status"])
        .exits(3)
        .shows("UNKNOWN   Patroni cannot be reached: ")
        .shows("pg-backup-api 2.1.0 or later");
    let json = node.json(&["status"], 3);
    assert_eq!(json["cluster"], serde_json::Value::Null);
    starts(&nagios(&node, 3), "UNKNOWN - Patroni cannot be reached: ");
}

#[test]
fn each_member_tells_of_the_whole_cluster() {
    let node = Node::new(RULES).with_patroni("n2").with_barman(barman());
    let leader = Patroni::start("n2", "n2");
    node.patroni().lists("n2", &leader.url);
    critical(
        &node,
        "the active model of `demo` is `demo:n1` and not `demo:n2` (for the leader `n2`)",
    );
    node.run(["status"])
        .starts("demo: n1 is a replica, the leader is n2");
}

#[test]
fn a_patroni_of_another_cluster_is_told() {
    let node = node();
    node.write_rules(&RULES.replace("    role: primary", "    cluster: main\n    role: primary"));
    let cause = format!(
        "the Patroni at `{}` belongs to the cluster `demo`, for which there is no rule",
        node.patroni().url
    );
    says(&node, 1, "UNKNOWN", &cause);
    node.run(["reconcile"]).exits(1).says(&cause);
}

#[test]
fn performance_data_can_be_drawn() {
    let node = with(barman().backup("demo", "20261121T000000"));
    node.run(["reconcile"]).exits(0);
    let ended = node.run(["status", "--format", "nagios"]).exits(0);
    let (_, data) = ended.stdout.trim_end().split_once('|').unwrap();
    let pattern = regex::Regex::new(
        "^'demo_wal_lag'=1984B;;;0 'demo_last_wal_age'=\\d+s;;;0 'demo_last_backup_age'=\\d+s;;;0 pending=0;;;0 drift=0;;;0$",
    )
    .unwrap();
    assert!(pattern.is_match(data), "{data}");
}

#[test]
fn a_bar_in_a_message_does_not_begin_performance_data() {
    let node = node();
    node.write_rules(&RULES.replace("PATRONI", "http://nowhere.invalid/a|b"));
    let ended = node.run(["status", "--format", "nagios"]).exits(3);
    assert!(ended.stdout.matches('|').count() <= 1, "{}", ended.stdout);
}

#[test]
fn a_barman_that_takes_long_is_given_up_in_time() {
    let node = node();
    node.faults("diagnose:hang");
    let cause = "no answer from ";
    node.run(["status", "--timeout", "300ms"])
        .exits(1)
        .shows(cause);
    node.run(["status", "--format", "nagios", "--timeout", "300ms"])
        .exits(3)
        .shows("within 300ms");
}

/// What Nagios reads is standard output, and 4 is no exit code of a plugin.
#[test]
fn a_plugin_with_wrong_arguments_is_unknown() {
    let node = node();
    for words in [
        &["status", "--format", "nagios", "--nonsense"][..],
        &["status", "--format=nagios", "--timeout", "soon"],
        &["status", "--all", "--format", "nagios"],
    ] {
        let ended = node.run(words).case(format!("{words:?}")).exits(3);
        let ended = ended.starts("UNKNOWN - ");
        assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
    }
    node.run(["status", "--nonsense"]).exits(4);
}
