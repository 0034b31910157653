//! Receipts of real changes of timeline.

use serde_json::Value;

use super::cluster::Cluster;
use super::postgres;
use super::stack::Stack;
use super::wait::{self, seconds};

/// The newest receipt of a cluster after a pass on this node.
fn receipt(stack: &Stack, cluster: &Cluster, node: &str) -> Value {
    stack.ask(cluster, node, &["reconcile"]);
    let history = stack.ask(cluster, node, &["history", "--format", "json"]);
    let start = history.output.find('{').unwrap_or_default();
    let all: Value = serde_json::from_str(&history.output[start..]).expect("JSON");
    all["receipts"][0].clone()
}

/// Waits for a verdict on the change to the leader's timeline, and asserts that there is no alarm in the meantime.
#[track_caller]
fn is_continuous(stack: &Stack, cluster: &Cluster, node: &str) {
    let timeline = postgres::query(
        cluster.node(node).port,
        "SELECT timeline_id FROM pg_control_checkpoint()",
    );
    let timeline: u64 = timeline.expect("a timeline").parse().expect("a number");
    wait::until(seconds(90), "a continuous archive", || {
        let receipt = receipt(stack, cluster, node);
        assert_ne!(receipt["needs_backup"], true, "{receipt:#}");
        if receipt["timeline"] == timeline && receipt["verdict"] == "continuous" {
            Ok(())
        } else {
            Err(format!("{receipt:#}"))
        }
    });
}

#[test]
fn switchover_and_crash_are_continuous() {
    let mut stack = Stack::start();
    let mut cluster = stack.cluster("main", &["n1", "n2"], 2);
    stack.barman.backup("main");

    cluster.switchover("n1", "n2");
    stack.follows(&cluster, "n2");
    cluster.settle("n2", seconds(60));
    is_continuous(&stack, &cluster, "n2");

    cluster.crash("n2");
    stack.follows(&cluster, "n1");
    is_continuous(&stack, &cluster, "n1");
}

/// Takes several minutes: `cargo test --features real-tests --test real -- --ignored thirty`.
#[test]
#[ignore = "takes a quarter of an hour"]
fn thirty_switchovers_in_a_row_raise_no_alarm() {
    let mut stack = Stack::start();
    let cluster = stack.cluster("main", &["n1", "n2"], 2);
    stack.barman.backup("main");
    for busy in [false, true] {
        for round in 0..30 {
            let (from, to) = if round % 2 == 0 {
                ("n1", "n2")
            } else {
                ("n2", "n1")
            };
            cluster.switchover(from, to);
            stack.follows(&cluster, to);
            cluster.settle(to, seconds(60));
            is_continuous(&stack, &cluster, to);
            if busy {
                let load = "CREATE TABLE IF NOT EXISTS load (t text);
                    INSERT INTO load SELECT repeat('x', 1000) FROM generate_series(1, 100000)";
                postgres::query(cluster.node(to).port, load).expect("load");
            }
        }
    }
}
