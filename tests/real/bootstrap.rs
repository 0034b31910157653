//! A new cluster that is created from another one's backup.

use super::cluster::{Cluster, Settings};
use super::postgres;
use super::stack::Stack;
use super::wait::seconds;

#[test]
fn bootstrap_from_a_backup() {
    let mut stack = Stack::start();
    let cluster = stack.cluster("main", &["n1"], 1);
    let port = cluster.node("n1").port;
    postgres::query(
        port,
        "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id",
    )
    .expect("a table");
    stack.barman.backup("main");

    let settings = Settings {
        from_backup: true,
        ..stack.settings("main")
    };
    let mut restored = Cluster::configure(&stack.guard, "restored", &["r1"], &settings);
    restored.start("r1");
    restored.settle("r1", seconds(120));
    let node = restored.node("r1");
    assert_eq!(
        node.calls.exit_of_last("bootstrap", seconds(5)),
        0,
        "{:?}",
        node.calls.all()
    );
    assert_eq!(
        postgres::query(node.port, "SELECT sum(id) FROM kept").as_deref(),
        Ok("500500")
    );

    // the copy must not make Barman leave the original
    assert_eq!(
        node.calls.exit_of_last("on_start primary", seconds(30)),
        1,
        "{:?}",
        node.calls.all()
    );
    assert!(postgres::barman_streams(port).is_ok());
}

/// Without `get-wal`, Barman only restores the WAL of the backup's own timeline.
#[test]
fn bootstrap_from_a_backup_older_than_a_failover() {
    let mut stack = Stack::start();
    let cluster = stack.cluster("main", &["n1", "n2"], 2);
    let insert = "INSERT INTO kept SELECT generate_series(1, 1000)";
    let first = cluster.node("n1").port;
    postgres::query(first, "CREATE TABLE kept (id int)").expect("a table");
    postgres::query(first, insert).expect("rows before the backup");
    stack.barman.backup("main");
    postgres::query(first, insert).expect("rows before the switchover");
    cluster.switchover("n1", "n2");
    stack.follows(&cluster, "n2");
    cluster.settle("n2", seconds(60));
    postgres::query(cluster.node("n2").port, insert).expect("rows after it");

    let settings = Settings {
        from_backup: true,
        ..stack.settings("main")
    };
    let mut restored = Cluster::configure(&stack.guard, "restored", &["r1"], &settings);
    let calls = restored.node("r1").calls.clone();
    restored.start("r1");
    assert_eq!(calls.exit_of_last("bootstrap", seconds(60)), 2);
    let log = restored.log("r1");
    assert!(
        log.contains("is of timeline 1, and Barman has reached timeline 2")
            && log.contains("set `recovery_options = get-wal` for `main`"),
        "{log}"
    );
    restored.ends_by_itself("r1");

    stack.serve_wal();
    stack.barman.reconfigure(
        "main",
        &[(
            "create_slot = auto",
            "create_slot = auto\nrecovery_options = get-wal",
        )],
    );
    // it also provides WAL that it has received but not yet archived
    stack
        .barman
        .must(&["switch-wal", "--force", "main"], seconds(30));
    restored.start("r1");
    restored.settle("r1", seconds(120));
    assert_eq!(
        calls.exit_of_last("bootstrap", seconds(5)),
        0,
        "{:?}",
        calls.all()
    );
    assert_eq!(
        postgres::query(restored.node("r1").port, "SELECT count(*) FROM kept").as_deref(),
        Ok("3000")
    );
}

#[test]
fn the_documented_configuration_bootstraps_where_nodes_have_a_network_of_their_own() {
    let stack = Stack::start();
    let settings = Settings {
        apart: true,
        ..stack.settings("main")
    };
    let mut printed = Cluster::configure(&stack.guard, "printed", &["p1"], &settings);
    printed.start("p1");
    printed.settle("p1", seconds(60));
}
