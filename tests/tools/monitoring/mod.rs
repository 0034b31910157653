//! The use of the status, the metrics, and the files in `packaging/monitoring` by monitoring systems.

mod grafana;
mod icinga;
mod nagios;
mod prometheus;

use std::path::PathBuf;
use std::time::Duration;

use patroni_barman::simulator::Config;

use crate::support::node::Node;
use crate::support::program::root;

const RULES: &str = r#"version: 1
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
defaults: {verify: streaming, retry: {wait: 10ms, max_wait: 20ms, deadline: 300ms}}
rules:
  - name: follow
    on: [on_role_change, on_start]
    role: primary
    request: {type: config_switch, server: demo, model_name: "demo:{{ node }}"}
"#;

/// Node n1, the leader, after a failover.
fn node() -> Node {
    let config = Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .active("demo", "demo:n2")
        .backup("demo", "20261120T000000")
        .operation_time(Duration::from_millis(20));
    let node = Node::new(RULES).with_patroni("n1").with_barman(config);
    node.callback().run().exits(0);
    node
}

fn file(name: &str) -> PathBuf {
    root().join("packaging/monitoring").join(name)
}

/// The metrics of a node on which everything has happened at least once.
fn metrics() -> String {
    let node = node();
    node.barman().kill_receiver("demo");
    let file = node.folder().join("metrics.prom");
    node.run(["reconcile", "--metrics-file", file.to_str().unwrap()]);
    std::fs::read_to_string(file).unwrap()
}
