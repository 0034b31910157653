//! A new cluster that is created from another one's backup.

use super::cluster::{Cluster, Settings};
use super::postgres;
use super::stack::Stack;
use super::support::text::has;
use super::wait::seconds;

/// A cluster of one node that is created from the backup of `main`; the node is not started.
fn restored(stack: &Stack) -> Cluster {
    let settings = Settings {
        from_backup: true,
        ..stack.settings("main")
    };
    Cluster::configure(&stack.guard, "restored", &["r1"], &settings)
}

#[test]
fn bootstrap_from_a_backup() {
    let mut stack = Stack::start();
    let cluster = stack.cluster("main", &["n1"], 1);
    let kept = "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id";
    cluster.query("n1", kept);
    stack.barman.backup("main");

    let mut restored = restored(&stack);
    restored.start("r1");
    restored.settle("r1", seconds(120));
    let calls = &restored.node("r1").calls;
    calls.ends("bootstrap", 0);
    assert_eq!(restored.query("r1", "SELECT sum(id) FROM kept"), "500500");

    // the copy must not make Barman leave the original
    calls.ends("on_start primary", 1);
    assert!(postgres::barman_streams(cluster.node("n1").port).is_ok());
}

/// Without `get-wal`, Barman only restores the WAL of the backup's own timeline.
#[test]
fn bootstrap_from_a_backup_older_than_a_failover() {
    let (stack, cluster) = Stack::of_two();
    let insert = "INSERT INTO kept SELECT generate_series(1, 1000)";
    cluster.query("n1", "CREATE TABLE kept (id int)");
    cluster.query("n1", insert);
    stack.barman.backup("main");
    cluster.query("n1", insert);
    stack.moves(&cluster, "n1", "n2");
    cluster.query("n2", insert);

    let mut restored = restored(&stack);
    let calls = restored.node("r1").calls.clone();
    restored.start("r1");
    calls.ends("bootstrap", 2);
    let log = restored.log("r1");
    has(&log, "is of timeline 1, and Barman has reached timeline 2");
    has(&log, "set `recovery_options = get-wal` for `main`");
    restored.ends_by_itself("r1");

    stack.serve_wal();
    let slot = "create_slot = auto";
    let get_wal = format!("{slot}\nrecovery_options = get-wal");
    stack.barman.reconfigure("main", &[(slot, &get_wal)]);
    // it also provides WAL that it has received but not yet archived
    stack
        .barman
        .must(&["switch-wal", "--force", "main"], seconds(30));
    restored.start("r1");
    restored.settle("r1", seconds(120));
    calls.ends("bootstrap", 0);
    assert_eq!(restored.query("r1", "SELECT count(*) FROM kept"), "3000");
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
