//! A node that is built from Barman's backup, and an attempt to build one while Barman is down.

use super::postgres;
use super::stack::Stack;
use super::wait::seconds;

#[test]
fn replica_from_a_backup_and_without_barman() {
    let mut stack = Stack::start();
    let mut cluster = stack.cluster("main", &["n1", "n2", "n3"], 2);
    let primary = cluster.node("n1").port;
    postgres::query(
        primary,
        "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id",
    )
    .expect("a table");
    stack.barman.backup("main");
    let calls = cluster.node("n3").calls.clone();

    cluster.start("n3");
    cluster.settle("n1", seconds(120));
    assert_eq!(
        calls.exit_of_last("create_replica", seconds(5)),
        0,
        "{:?}",
        calls.all()
    );
    assert!(
        cluster
            .log("n3")
            .contains("replica has been created using barman")
    );
    assert_eq!(
        postgres::query(cluster.node("n3").port, "SELECT sum(id) FROM kept").as_deref(),
        Ok("500500")
    );

    // Barman is down: because of the exit code, Patroni uses the next method
    cluster.stop("n3");
    cluster.wipe("n3");
    stack.barman.stop_api();
    cluster.start("n3");
    cluster.settle("n1", seconds(120));
    assert_eq!(
        calls.exit_of_last("create_replica", seconds(5)),
        3,
        "{:?}",
        calls.all()
    );
    assert!(
        cluster
            .log("n3")
            .contains("replica has been created using basebackup")
    );
    assert_eq!(
        postgres::query(cluster.node("n3").port, "SELECT sum(id) FROM kept").as_deref(),
        Ok("500500")
    );
}
