//! Two Barmans that receive WAL from one cluster under the same name: the state of one is not mistaken for the other's.

use super::barman::Barman;
use super::cluster::Cluster;
use super::postgres;
use super::prerequisites::Versions;
use super::stack::Stack;
use super::wait::{self, seconds};

#[test]
fn one_of_two_barmans_is_dead() {
    let (mut stack, cluster) = Stack::of_two();
    stack.barman.stop_cron();
    let mut second = Barman::configure(&stack.guard, "second", &stack.binary, Versions::Newest);
    second.serve_cluster("main", &cluster);
    second.reconfigure("main", &[("slot_name = barman", "slot_name = second")]);
    second.start_api();
    let rules = format!(
        "
  - name: the-second-follows
    on: [on_role_change, on_start]
    role: primary
    request: {{type: config_switch, api: second, server: main, model_name: \"main:{{{{ node }}}}\"}}
    verify: streaming
apis:
  second: {{url: \"http://127.0.0.1:{}\"}}
",
        second.api
    );
    for node in &cluster.nodes {
        node.write_rules(&stack.settings("main"), &rules);
    }
    stack.ask(&cluster, "n1", &["reconcile"]).exits(0);
    let first = received(&cluster, "n1", "barman").expect("the first Barman's receiver");
    received(&cluster, "n1", "second").expect("the second Barman's receiver");

    // only its receiver
    kill_receiver(&stack, &cluster, "n1");
    stack
        .ask(&cluster, "n1", &["status"])
        .exits(1)
        .says("the replication slot `second` of `main` is not active");
    stack.ask(&cluster, "n1", &["reconcile"]).exits(0);
    received(&cluster, "n1", "second").expect("the second Barman's receiver");
    assert_eq!(received(&cluster, "n1", "barman"), Ok(first));

    // all of it, during a change of leader
    second.stop_api();
    kill_receiver(&stack, &cluster, "n1");
    stack.moves(&cluster, "n1", "n2");
    let n2 = &cluster.node("n2").calls;
    let call = n2.last("on_role_change primary").expect("the callback");
    assert_eq!(call.exit(), None, "the second Barman is not done");
    let status = stack.ask(&cluster, "n2", &["status"]);
    assert_ne!(status.code, 0, "{}", status.output);
    second.start_api();
    wait::until(seconds(15), "the second Barman's receiver", || {
        received(&cluster, "n2", "second")
    });
    n2.ends("on_role_change primary", 0);
    stack.ask(&cluster, "n2", &["status"]).exits(0);
}

/// The process that is using a slot.
fn received(cluster: &Cluster, node: &str, slot: &str) -> Result<String, String> {
    let sql = format!(
        "SELECT active_pid FROM pg_replication_slots WHERE slot_name = '{slot}' AND active"
    );
    let pid = postgres::query(cluster.node(node).port, &sql)?;
    if pid.is_empty() {
        Err(format!("slot {slot} is not in use"))
    } else {
        Ok(pid)
    }
}

/// Ends the second Barman's receiver.
fn kill_receiver(stack: &Stack, cluster: &Cluster, node: &str) {
    let home = stack.guard.folder().join("second").display().to_string();
    let config = format!("{home}.conf");
    for pid in stack.processes(&["receive-wal", "pg_receivewal"]) {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        if line.contains(&home) || line.contains(&config) {
            stack.guard.kill_tree(pid);
        }
    }
    wait::until_true(
        seconds(20),
        "the end of the second Barman's walsender",
        || received(cluster, node, "second").is_err(),
    );
}
