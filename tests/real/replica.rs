//! A node that is built from Barman's backup, and an attempt to build one while Barman is down.

use super::cluster::Cluster;
use super::stack::Stack;
use super::support::text::has;
use super::wait::seconds;

#[test]
fn replica_from_a_backup_and_without_barman() {
    let mut stack = Stack::start();
    let mut cluster = stack.cluster("main", &["n1", "n2", "n3"], 2);
    let kept = "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id";
    cluster.query("n1", kept);
    stack.barman.backup("main");
    joins(&mut cluster, 0, "barman");

    // Barman is down: because of the exit code, Patroni uses the next method
    cluster.stop("n3");
    cluster.wipe("n3");
    stack.barman.stop_api();
    joins(&mut cluster, 3, "basebackup");
}

/// Starts n3, for which the program ends with this code, and asserts that Patroni creates it with this method.
fn joins(cluster: &mut Cluster, exit: i32, method: &str) {
    cluster.start("n3");
    cluster.settle("n1", seconds(120));
    cluster.node("n3").calls.ends("create_replica", exit);
    let created = format!("replica has been created using {method}");
    has(&cluster.log("n3"), &created);
    assert_eq!(cluster.query("n3", "SELECT sum(id) FROM kept"), "500500");
}
