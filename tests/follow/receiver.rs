//! Streaming that is confirmed by Patroni's list of walsenders, and a receiver that does not start.

use super::{RULES, looks, node};
use crate::support::node::Node;

/// Node n1, the leader, with rules that verify streaming.
fn streaming() -> Node {
    let rules = RULES
        .replace("verify: applied", "verify: streaming, poll: {timeout: 30s}")
        .replace("deadline: 2s", "deadline: 1m");
    node(&rules)
}

#[test]
fn a_walsender_of_barman_on_the_primary_is_seen_without_diagnose() {
    let node = streaming();
    node.patroni().walsenders(&["n2", "barman_receive_wal"]);
    node.promoted().exits(0);
    assert_eq!(node.active(), "demo:n1");
    assert_eq!(looks(&node), 0);
}

#[test]
fn two_walsenders_of_that_name_tell_nothing() {
    let node = streaming();
    let twice = ["barman_receive_wal", "barman_receive_wal"];
    node.patroni().walsenders(&twice);
    node.promoted().exits(0);
    assert!(looks(&node) > 0);
}

#[test]
fn a_receiver_that_does_not_start_is_started_by_the_same_switch_again() {
    for (fails, sent) in [(1, 2), (2, 3)] {
        let node = streaming();
        let faults = format!("receiver:fail*{fails}");
        node.faults(&faults);
        let ended = node.promoted().exits(0);
        assert_eq!(node.accepted("config_switch"), sent, "{}", ended.stderr);
        let receiving = node.barman().receiving("demo").unwrap();
        assert_eq!(receiving.from.as_deref(), Some("n1"));
        assert_eq!(node.outcomes(), ["done"]);
    }
}

#[test]
fn a_receiver_that_never_starts_is_named_as_the_reason() {
    let node = streaming();
    node.write_rules(&RULES.replace("verify: applied", "verify: streaming, poll: {timeout: 3s}"));
    node.faults("receiver:fail");
    let why = "the replication slot `barman` of `demo` is not active";
    node.promoted().exits(2).says(why);
    assert_eq!(node.active(), "demo:n1");
}
