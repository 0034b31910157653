//! The real program killed with SIGKILL at every point where it waits for another program, and the recovery afterwards.

mod crowd;
mod stale;

use std::fs;

use rusqlite::Connection;

use patroni_barman::simulator::{Config, RecoverFiles};

use crate::support::call::Call;
use crate::support::follow::{demo, faulty, follow, rebuild};
use crate::support::node::Node;
use crate::support::wait::until;

/// A switch, an update and a recovery, each with its own event or in one.
const RULES: &str = concat!(
    follow!("retry: {attempts: 4, wait: 10ms, max_wait: 10ms}"),
    "  - name: note
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_update, changes: [{scope: model, model_name: \"demo:{{ node }}\", description: \"led by {{ node }}\"}]}
",
    rebuild!()
);

/// A Barman whose operations end at once.
fn config() -> Config {
    demo("n2")
        .backup("demo", "20260101T000000")
        .recover_files(RecoverFiles::Local)
}

/// Node n1, the leader.
fn node() -> Node {
    Node::new(RULES).with_patroni("n1").with_barman(config())
}

/// The API's fault for the request during which the process is killed.
const NOT_SERVED: &str = "hang";
const SERVED_BUT_NOT_ANSWERED: &str = "slow=60s";

/// Kills a process at each of its requests to the API in turn, and passes on the node it left.
fn at_every_request(call: impl Fn(&Node) -> Call<'_>, then: impl Fn(&Node, &str)) {
    for effect in [NOT_SERVED, SERVED_BUT_NOT_ANSWERED] {
        for before in 0.. {
            let node = node();
            let first = match before {
                0 => String::new(),
                _ => format!("any:ok*{before},"),
            };
            node.faults(&format!("{first}any:{effect}*1"));
            let mut running = call(&node).start();
            if !running.kill_when(|| node.barman().served().len() > before) {
                // there are no more requests than that
                assert!(before > 1, "{}", running.log());
                break;
            }
            node.faults("any:ok");
            then(&node, &format!("killed at request {before}, {effect}"));
        }
    }
}

#[test]
fn reconcile_finishes_what_a_killed_callback_left_and_sends_nothing_twice() {
    at_every_request(Node::callback, |node, when| {
        node.run(["reconcile"]).case(when).exits(0);
        assert_eq!(node.active(), "demo:n1", "{when}");
        assert_eq!(node.outcomes(), ["done", "done"], "{when}");
        for kind in ["config_switch", "config_update"] {
            assert_eq!(node.accepted(kind), 1, "{when}: {kind}");
        }
    });
}

#[test]
fn the_next_callback_makes_good_what_a_killed_one_left() {
    at_every_request(Node::callback, |node, when| {
        node.event("on_start", "primary").case(when).exits(0);
        assert_eq!(node.active(), "demo:n1", "{when}");
        let outcomes = node.outcomes();
        assert!(!outcomes.contains(&"pending".to_owned()), "{when}");
    });
}

#[test]
fn a_killed_recovery_is_found_again_or_given_up_and_never_sent_twice() {
    at_every_request(Node::create_replica, |node, when| {
        // the first request only asks for the backup
        let posts = node.posts_of("recovery").len();
        assert!(posts <= 1, "{when}");
        let output = node.run(["reconcile"]);
        let said = &output.stderr;
        assert_eq!(node.posts_of("recovery").len(), posts, "{when}: {said}");
        let outcome = node.outcomes().pop().unwrap();
        if node.accepted("recovery") == 1 {
            assert_eq!(outcome, "done", "{when}: {said}");
            assert!(node.datadir().join("PG_VERSION").exists());
        } else {
            assert_eq!(outcome, "abandoned", "{when}: {said}");
        }
        // it stays like this
        node.run(["reconcile"]);
        assert_eq!(node.posts_of("recovery").len(), posts, "{when}");
    });
}

#[test]
fn a_second_recovery_into_a_directory_waits_for_the_end_of_the_first() {
    let node = node();
    node.patroni().leader("n2");
    node.faults("poll:hang*1");
    let mut running = node.create_replica().start();
    // `/diagnose`, the request, and the poll of its operation
    let is_polled = || node.barman().served().len() > 2;
    assert!(running.kill_when(is_polled), "{}", running.log());
    let before = node.barman().served().len();
    let said = node.create_replica().run().exits(0).stderr;
    let served = node.barman().served();
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
    let node = node();
    let silent = faulty("any:hang");
    node.write_rules(&RULES.replace("PATRONI", silent.url()));
    let mut running = node.callback().start();
    let is_asked = || !silent.served().is_empty();
    assert!(running.kill_when(is_asked), "{}", running.log());
    node.write_rules(RULES);
    assert_eq!(node.outcomes(), ["pending", "pending"]);

    node.run(["reconcile"]).exits(0);
    assert_eq!(node.outcomes(), ["done", "done"]);
    assert_eq!(node.accepted("config_switch"), 1);
    assert_eq!(node.accepted("config_update"), 1);
}

#[test]
fn nothing_is_sent_before_it_is_written_down() {
    let node = node();
    // another process writes to the database
    fs::create_dir(node.state().parent().unwrap()).unwrap();
    let other = Connection::open(node.state()).unwrap();
    other
        .execute_batch("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE")
        .unwrap();
    let mut running = node.callback().start();
    let open_files = format!("/proc/{}/fd", running.id());
    let is_state =
        |file: fs::DirEntry| fs::read_link(file.path()).is_ok_and(|path| path == node.state());
    until(|| fs::read_dir(&open_files).unwrap().flatten().any(is_state));
    running.kill();
    drop(other);
    assert_eq!(node.posts_of("config_switch").len(), 0);
    node.run(["reconcile"]).exits(0);
    assert_eq!(node.active(), "demo:n1");
}
