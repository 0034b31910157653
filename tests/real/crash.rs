//! The leader's Patroni and PostgreSQL are killed at once.

use super::postgres;
use super::stack::Stack;
use super::wait::seconds;

#[test]
fn crash_of_the_leader() {
    let mut stack = Stack::start();
    let mut cluster = stack.cluster("main", &["n1", "n2"], 2);
    cluster.crash("n1");
    stack.follows(&cluster, "n2");
    cluster.settle("n2", seconds(60));
    let n2 = &cluster.node("n2").calls;
    assert_eq!(n2.exit_of_last("on_role_change primary", seconds(30)), 0);

    // the old leader comes back as a replica: nothing for Barman to do
    cluster.start("n1");
    cluster.settle("n2", seconds(90));
    let n1 = &cluster.node("n1").calls;
    assert_eq!(
        n1.exit_of_last("on_start replica", seconds(30)),
        1,
        "{:?}",
        n1.all()
    );
    stack.follows(&cluster, "n2");
    let old = postgres::barman_streams(cluster.node("n1").port);
    assert!(old.is_err(), "Barman streams from the old leader too");
}
