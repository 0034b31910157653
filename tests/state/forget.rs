//! `forget` gives up pending requests.

use patroni_barman::simulator::Config;
use std::time::Duration;

use super::node;
use crate::support::node::Node;

const REBUILD: &str = r#"version: 1
api: {url: "BARMAN"}
rules:
  - name: rebuild
    on: create_replica
    verify: none
    poll: {every: 100ms}
    request:
      type: recovery
      server: demo
      backup_id: latest
      remote_ssh_command: ssh n1
      destination_directory: "{{ datadir }}"
"#;

#[test]
fn what_is_forgotten_is_not_sent() {
    let node = node();
    node.misses_barman();
    let ended = node.run(["forget", "1"]).exits(0);
    let said = "forgotten: 1, config_switch of `demo` to model `demo:n1`\n";
    assert_eq!(ended.stdout, said);
    let request = node.newest();
    assert_eq!(request["outcome"], "forgotten");
    assert_eq!(request["message"], "given up by an operator");
    assert!(request["ended"].is_string());
    assert_eq!(node.json(&["status"], 1)["pending"], serde_json::json!([]));
    node.run(["forget", "1"])
        .exits(1)
        .says("nothing is pending of request 1: it is forgotten");
    node.run(["forget", "7"])
        .exits(1)
        .says("there is no request 7");
}

#[test]
fn nothing_can_be_forgotten_where_nothing_is_remembered() {
    let node = node();
    node.run(["forget", "1"])
        .exits(1)
        .says("nothing is pending");
    assert!(!node.state().exists());
}

/// An operation that never ends, such as one whose process died on the Barman host.
#[test]
fn a_recovery_that_never_ends_holds_up_the_next_one_until_it_is_forgotten() {
    let config = Config::default()
        .server("demo")
        .backup("demo", "20260101T000000")
        .operation_time(Duration::from_secs(24 * 3600));
    let node = Node::new(REBUILD).with_barman(config);
    let mut first = node.create_replica().start();
    first.until_it_says("created operation");
    first.kill();
    let mut second = node.create_replica().start();
    second.until_it_says("an earlier recovery into the same directory may still run");
    assert_eq!(node.posts().len(), 1);
    node.run(["forget", "1"]).exits(0);
    second.until_it_says("created operation");
    assert_eq!(node.posts().len(), 2);
    // the second one is given up while its own process waits for it: Patroni continues with its next method
    node.run(["forget", "2"]).exits(0);
    assert_eq!(second.end().exit, 5);
}
