//! The leader's Patroni and PostgreSQL are killed at once.

use super::postgres;
use super::stack::Stack;
use super::wait::seconds;

#[test]
fn crash_of_the_leader() {
    let (stack, mut cluster) = Stack::of_two();
    cluster.crash("n1");
    stack.follows(&cluster, "n2");
    cluster.settle("n2", seconds(60));
    let n2 = &cluster.node("n2").calls;
    n2.ends("on_role_change primary", 0);

    // the old leader comes back as a replica: nothing for Barman to do
    cluster.start("n1");
    cluster.settle("n2", seconds(90));
    let n1 = &cluster.node("n1").calls;
    n1.ends("on_start replica", 1);
    stack.follows(&cluster, "n2");
    let old = postgres::barman_streams(cluster.node("n1").port);
    assert!(old.is_err(), "Barman streams from the old leader too");
}
