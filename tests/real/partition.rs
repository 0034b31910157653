//! The old leader loses its connection to etcd: it does not set Barman back, however late its request is.

use super::postgres;
use super::proxy::Proxy;
use super::stack::Stack;
use super::wait::{self, seconds};

#[test]
fn a_leader_cut_off_from_etcd_does_not_switch_barman_back() {
    let mut stack = Stack::start();
    let cluster = stack.configure("main", &["n1", "n2"]);
    let way = Proxy::start(stack.etcd);
    cluster.node("n1").reach_etcd_by(stack.etcd, way.port);
    let cluster = stack.bring_up(cluster, 2);

    // n1 leads, and a request from that time waits for the API
    stack.barman.stop_api();
    let stale = stack.stale_callback(&cluster, "n1");
    wait::until(seconds(20), "its first attempt", || {
        let log = std::fs::read_to_string(stack.guard.log("run-n1")).unwrap_or_default();
        if log.contains("next attempt in") {
            Ok(())
        } else {
            Err(log)
        }
    });

    way.cut();
    let n2 = cluster.node("n2").calls.clone();
    n2.until_called("on_role_change primary");
    // it is no longer the leader, and can't find out which member is
    stack.barman.start_api();
    stack.follows(&cluster, "n2");
    n2.ends("on_role_change primary", 0);
    stack.ask(&cluster, "n1", &["reconcile"]).exits(3);
    assert_eq!(stale.exit(), None, "without Patroni's word it waits");
    stack.follows(&cluster, "n2");

    way.mend();
    assert_eq!(stale.ends(seconds(90)), 5);
    cluster.settle("n2", seconds(90));
    stack.follows(&cluster, "n2");
    let old = postgres::barman_streams(cluster.node("n1").port);
    assert!(old.is_err(), "Barman streams from the old leader too");
}
