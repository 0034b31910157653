//! The real program killed with SIGKILL, at every place where it waits for somebody else, and what comes after.

mod crowd;
mod stale;

use std::fs;

use rusqlite::Connection;

use crate::support::node::{self, Node, kill_when};
use patroni_barman::simulator::Simulator;

const CALLBACK: [&str; 6] = ["run", "--node", "n1", "on_role_change", "primary", "demo"];

/// What the API does with the request at which the process is killed.
const NOT_SERVED: &str = "hang";
const SERVED_BUT_NOT_ANSWERED: &str = "slow=60s";

/// Kills a process at each of its requests to the API in turn, and hands on the node it left.
fn at_every_request(arguments: impl Fn(&Node) -> Vec<String>, then: impl Fn(&Node, &str)) {
    for effect in [NOT_SERVED, SERVED_BUT_NOT_ANSWERED] {
        for before in 0.. {
            let node = Node::new();
            let fault = format!("any:{effect}*1");
            let faults = if before == 0 {
                fault
            } else {
                format!("any:ok*{before},{fault}")
            };
            node.barman.set_faults(faults.parse().unwrap());
            let mut child = node.start(&arguments(&node));
            let is_there = || node.barman.served().len() > before;
            let killed = kill_when(&mut child, is_there);
            if !killed {
                // That many requests there are not.
                assert!(before > 1, "{}", node.log());
                break;
            }
            node.barman.set_faults("any:ok".parse().unwrap());
            then(&node, &format!("killed at request {before}, {effect}"));
        }
    }
}

fn callback(_: &Node) -> Vec<String> {
    CALLBACK.map(str::to_owned).to_vec()
}

#[test]
fn reconcile_finishes_what_a_killed_callback_left_and_sends_nothing_twice() {
    at_every_request(callback, |node, when| {
        let output = node.run(&["reconcile"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{when}: {said}");
        assert_eq!(
            node.barman.active_model("demo").as_deref(),
            Some("demo:n1"),
            "{when}: {said}"
        );
        assert_eq!(node.outcomes(), ["done", "done"], "{when}: {said}");
        for kind in ["config_switch", "config_update"] {
            assert_eq!(node.taken_up(kind), 1, "{when}: {kind}: {said}");
        }
    });
}

#[test]
fn the_next_callback_makes_good_what_a_killed_one_left() {
    at_every_request(callback, |node, when| {
        let output = node.run(&["run", "--node", "n1", "on_start", "primary", "demo"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{when}: {said}");
        assert_eq!(
            node.barman.active_model("demo").as_deref(),
            Some("demo:n1"),
            "{when}: {said}"
        );
        assert!(
            !node.outcomes().contains(&"pending".to_owned()),
            "{when}: {said}"
        );
    });
}

#[test]
fn a_killed_recovery_is_found_again_or_given_up_and_never_sent_twice() {
    at_every_request(Node::create_replica, |node, when| {
        let output = node.run(&["reconcile"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(node.posts("recovery").len(), 1, "{when}: {said}");
        let outcome = node.outcomes().remove(0);
        if node.taken_up("recovery") == 1 {
            assert_eq!(outcome, "done", "{when}: {said}");
            assert!(node.datadir().join("PG_VERSION").exists());
        } else {
            assert_eq!(outcome, "abandoned", "{when}: {said}");
        }
        // And it stays so.
        node.run(&["reconcile"]);
        assert_eq!(node.posts("recovery").len(), 1, "{when}");
    });
}

#[test]
fn a_second_recovery_into_a_directory_waits_for_the_end_of_the_first() {
    let node = Node::new();
    node.patroni.leader("n2");
    node.barman.set_faults("poll:hang*1".parse().unwrap());
    let mut child = node.start(&node.create_replica());
    let is_polled = || node.barman.served().len() > 1;
    assert!(kill_when(&mut child, is_polled), "{}", node.log());
    let before = node.barman.served().len();
    let output = node.run(&node.create_replica());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let served = node.barman.served();
    let posted = |from: usize| served[from..].iter().position(|one| one.method == "POST");
    let looks = posted(before).expect("a second recovery");
    assert!(looks > 0, "{said}");
    let operation = &served[before].path;
    assert!(
        served[..before].iter().any(|one| one.path == *operation),
        "{said}"
    );
}

#[test]
fn a_callback_killed_at_the_fence_is_gone_on_with() {
    let node = Node::new();
    let silent = Simulator::start(node::config()).unwrap();
    silent.set_faults("any:hang".parse().unwrap());
    node.ask(silent.url());
    let mut child = node.start(&CALLBACK);
    assert!(
        kill_when(&mut child, || !silent.served().is_empty()),
        "{}",
        node.log()
    );
    node.ask(&node.patroni.url);
    assert_eq!(node.outcomes(), ["done", "pending"]);

    assert_eq!(node.run(&["reconcile"]).status.code(), Some(0));
    assert_eq!(node.outcomes(), ["done", "done"]);
    assert_eq!(node.taken_up("config_switch"), 1);
    assert_eq!(node.taken_up("config_update"), 1);
}

#[test]
fn nothing_is_sent_before_it_is_written_down() {
    let node = Node::new();
    // Somebody else writes to the database.
    let other = Connection::open(node.state()).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")
        .unwrap();
    let mut child = node.start(&CALLBACK);
    let open_files = format!("/proc/{}/fd", child.id());
    let leads_to_state =
        |file: fs::DirEntry| fs::read_link(file.path()).is_ok_and(|path| path == node.state());
    node::until(|| {
        fs::read_dir(&open_files)
            .unwrap()
            .flatten()
            .any(leads_to_state)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    drop(other);
    assert_eq!(node.posts("config_switch").len(), 0);
    assert_eq!(node.run(&["reconcile"]).status.code(), Some(0));
    assert_eq!(node.barman.active_model("demo").as_deref(), Some("demo:n1"));
}
