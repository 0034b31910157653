//! `status`: the reports to operators and monitoring systems, and the nodes they are available on.

mod causes;
mod metrics;
mod sources;

use std::time::Duration;

use patroni_barman::simulator::Config;

use crate::support::follow::{demo, follow};
use crate::support::node::Node;

const RULES: &str = follow!(
    "verify: streaming, retry: {wait: 10ms, max_wait: 20ms, deadline: 300ms}, poll: {timeout: 30s}"
);

/// A Barman that follows n1.
fn barman() -> Config {
    demo("n1")
        .backup("demo", "20261120T000000")
        .operation_time(Duration::from_millis(20))
}

/// Node n1, the leader.
fn node() -> Node {
    with(barman())
}

fn with(config: Config) -> Node {
    Node::new(RULES).with_patroni("n1").with_barman(config)
}

/// The first line of the output for Nagios, which ends with this exit code, without performance data.
#[track_caller]
fn nagios(node: &Node, exit: i32) -> String {
    let ended = node.run(["status", "--format", "nagios"]).exits(exit);
    let line = ended.stdout.lines().next().unwrap_or_default();
    let (line, _) = line.split_once('|').unwrap_or((line, ""));
    line.to_owned()
}
