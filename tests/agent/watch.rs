//! Clusters discovered in etcd.

use serde_json::json;

use super::TWO;
use crate::support::etcd::Etcd;
use crate::support::fleet::Fleet;
use crate::support::wait::until;

/// Writes the same keys as the members of a cluster.
fn publish(etcd: &Etcd, fleet: &Fleet, cluster: &str) {
    for member in ["n1", "n2", "n3"] {
        let url = fleet.world.url(cluster, member).unwrap();
        let value = json!({"api_url": format!("{url}/patroni"), "state": "running", "timeline": 1});
        etcd.put(&format!("{cluster}/members/{member}"), &value.to_string());
    }
    etcd.put(&format!("{cluster}/leader"), "n1");
}

fn found(etcd: &Etcd, fleet: &Fleet) {
    let rules = fleet.rules(&TWO);
    let (head, rest) = rules.split_once("clusters:\n").unwrap();
    let (_, rest) = rest.split_once("rules:\n").unwrap();
    let discover = format!("discover:\n  etcd: {{endpoints: [\"{}\"]}}\n", etcd.url);
    fleet.write_rules(&format!("{head}{discover}rules:\n{rest}"));
}

#[test]
fn clusters_come_and_go_while_it_runs() {
    let (etcd, fleet) = (Etcd::start(), Fleet::new(&TWO));
    publish(&etcd, &fleet, "main");
    found(&etcd, &fleet);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    publish(&etcd, &fleet, "side");
    agent.until_fine(&["side"]);
    fleet.tell("side", "promote n2");
    etcd.put("side/leader", "n2");
    until(|| fleet.active("west", "side") == "side:n2");
    for key in ["leader", "members/n1", "members/n2", "members/n3"] {
        etcd.delete(&format!("side/{key}"));
    }
    until(|| agent.cluster("side").is_null());
    assert_eq!(agent.cluster("main")["condition"], "ok");
}

#[test]
fn a_watch_that_broke_off_is_resumed_after_a_compaction() {
    let (etcd, fleet) = (Etcd::start(), Fleet::new(&TWO));
    publish(&etcd, &fleet, "main");
    found(&etcd, &fleet);
    let mut agent = fleet.agent(&[]);
    agent.until_fine(&["main"]);
    etcd.put("main/status", "1");
    etcd.compact_and_cut();
    publish(&etcd, &fleet, "side");
    agent.until_fine(&["side"]);
    fleet.tell("main", "promote n3");
    etcd.put("main/leader", "n3");
    until(|| fleet.active("east", "main") == "main:n3");
    assert_eq!(agent.cluster("main")["followed_by"], "watch");
}
