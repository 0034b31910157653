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

    // the copy is no reason for Barman to leave the original
    assert_eq!(
        node.calls.exit_of_last("on_start primary", seconds(30)),
        1,
        "{:?}",
        node.calls.all()
    );
    assert!(postgres::barman_streams(port).is_ok());
}
