//! The use of the status, the metrics, and the files in `packaging/monitoring` by monitoring systems.

mod grafana;
mod icinga;
mod nagios;
mod prometheus;

use std::path::PathBuf;
use std::time::Duration;

use crate::support::follow::{demo, follow};
use crate::support::node::Node;
use crate::support::program::root;

const RULES: &str =
    follow!("verify: streaming, retry: {wait: 10ms, max_wait: 20ms, deadline: 300ms}");

/// Node n1, the leader, after a failover.
fn node() -> Node {
    let config = demo("n2")
        .backup("demo", "20261120T000000")
        .operation_time(Duration::from_millis(20));
    let node = Node::new(RULES).with_patroni("n1").with_barman(config);
    node.promoted().exits(0);
    node
}

fn file(name: &str) -> PathBuf {
    root().join("packaging/monitoring").join(name)
}

/// The metrics of a node on which everything has happened at least once.
fn metrics() -> String {
    let node = node();
    node.barman().kill_receiver("demo");
    node.metrics(0)
}
