//! A cluster that was stopped completely and comes back with another leader.

use super::stack::Stack;
use super::wait::seconds;

#[test]
fn whole_cluster_stopped_and_started_with_another_leader() {
    let (stack, mut cluster) = Stack::of_two();
    stack.follows(&cluster, "n1");
    cluster.stop_all();
    cluster.start("n2");
    cluster.settle("n2", seconds(90));
    stack.follows(&cluster, "n2");
    cluster.start("n1");
    cluster.settle("n2", seconds(90));
    stack.follows(&cluster, "n2");
}

/// Changes that Barman missed are made up for when Patroni is started again:
/// it finds its PostgreSQL running as the primary and fires `on_start primary`, nothing else.
#[test]
fn patroni_started_again_on_another_leader() {
    let (mut stack, mut cluster) = Stack::of_two();
    stack.follows(&cluster, "n1");
    stack.barman.stop_api();
    cluster.switchover("n1", "n2");
    cluster.settle("n2", seconds(60));
    let n2 = cluster.node("n2").calls.clone();
    n2.until_called("on_role_change primary");
    for node in ["n1", "n2"] {
        cluster.kill_patroni(node);
    }
    assert_eq!(
        stack.barman.active_model("main").as_deref(),
        Some("main:n1")
    );

    stack.barman.start_api();
    for node in ["n2", "n1"] {
        cluster.start(node);
    }
    cluster.settle("n2", seconds(60));
    stack.follows(&cluster, "n2");
    n2.ends("on_start primary", 0);
}
