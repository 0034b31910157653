//! Receipts of changes of timeline that really happened.

use serde_json::Value;

use super::cluster::Cluster;
use super::postgres;
use super::stack::Stack;
use super::wait::{self, seconds};
use super::wal::Restored;

/// The newest receipt of a cluster, as a pass on this node leaves it.
fn receipt(stack: &Stack, cluster: &Cluster, node: &str) -> Value {
    stack.ask(cluster, node, &["reconcile"]);
    let history = stack.ask(cluster, node, &["history", "--format", "json"]);
    let start = history.output.find('{').unwrap_or_default();
    let all: Value = serde_json::from_str(&history.output[start..]).expect("JSON");
    all["receipts"][0].clone()
}

/// Waits for a verdict on the change to the leader's timeline, and asserts that there is no alarm meanwhile.
#[track_caller]
fn is_continuous(stack: &Stack, cluster: &Cluster, node: &str) {
    let timeline = postgres::query(
        cluster.node(node).port,
        "SELECT timeline_id FROM pg_control_checkpoint()",
    );
    let timeline: u64 = timeline.expect("a timeline").parse().expect("a number");
    wait::until(seconds(90), "a continuous archive", || {
        let receipt = receipt(stack, cluster, node);
        assert_ne!(receipt["needs_backup"], true, "{receipt:#}");
        if receipt["timeline"] == timeline && receipt["verdict"] == "continuous" {
            Ok(())
        } else {
            Err(format!("{receipt:#}"))
        }
    });
}

#[test]
fn switchover_and_crash_are_continuous_and_a_gap_is_found() {
    let mut stack = Stack::start();
    let mut cluster = stack.cluster("main", &["n1", "n2"], 2);
    let backup = stack.barman.backup("main");

    cluster.switchover("n1", "n2");
    stack.follows(&cluster, "n2");
    cluster.settle("n2", seconds(60));
    is_continuous(&stack, &cluster, "n2");

    cluster.crash("n2");
    stack.follows(&cluster, "n1");
    is_continuous(&stack, &cluster, "n1");
    cluster.start("n2");
    cluster.settle("n1", seconds(90));

    lose_wal(&mut stack, &cluster);
    let mut gap = Value::Null;
    wait::until(seconds(90), "a gap", || {
        let receipt = receipt(&stack, &cluster, "n2");
        gap = receipt["gap"].clone();
        if gap.is_null() {
            Err(format!("{receipt:#}"))
        } else {
            Ok(())
        }
    });
    println!("the gap: {gap}");
    // The position of the restore point is in it.
    let inside =
        "SELECT pg_wal_lsn_diff(lsn, 'BEGIN') >= 0 AND pg_wal_lsn_diff('END', lsn) > 0 FROM lost";
    let inside = inside
        .replace("BEGIN", gap["begin"].as_str().expect("a position"))
        .replace("END", gap["end"].as_str().expect("a position"));
    let port = cluster.node("n2").port;
    assert_eq!(postgres::query(port, &inside).as_deref(), Ok("t"));
    let status = stack.ask(&cluster, "n2", &["status"]);
    assert_eq!(status.code, 1, "{}", status.output);
    assert!(status.output.contains("GAP from"), "{}", status.output);

    // It cannot be restored: PostgreSQL ends before it gets there.
    let options = ["--target-tli", "latest", "--target-name", "lost"];
    let restored = Restored::recover(&stack, &backup, "inside", &options);
    let log = stack.guard.log("inside");
    wait::until(seconds(60), "the end of a recovery without WAL", || {
        let log =
            std::fs::read_to_string(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        if log.contains("recovery ended before configured recovery target was reached") {
            Ok(())
        } else {
            Err(log)
        }
    });
    assert!(restored.query("SELECT 1").is_err());

    let backup = stack.barman.backup("main");
    let receipt = receipt(&stack, &cluster, "n2");
    assert_eq!(
        [&receipt["verdict"], &receipt["backup"]],
        ["gap", backup.as_str()]
    );
    assert_eq!(receipt["needs_backup"], false);
    postgres::query(port, "CREATE TABLE afterwards ()").expect("a table");
    Restored::archive(&stack, &cluster, "n2");
    let restored = Restored::recover(&stack, &backup, "after", &["--target-tli", "latest"]);
    wait::until(seconds(60), "the restored server", || {
        restored.query("SELECT 'afterwards'::regclass")
    });
}

/// While nothing receives WAL, the slot goes, and with it the WAL of which it was the only keeper; then n2 leads, and an
/// operator lets the receiver begin anew.
fn lose_wal(stack: &mut Stack, cluster: &Cluster) {
    let [old, new] = ["n1", "n2"].map(|name| cluster.node(name).port);
    stack.barman.stop_cron();
    stack
        .barman
        .must(&["receive-wal", "--stop", "main"], seconds(30));
    let ask = |port: u16, sql: &str| postgres::query(port, sql).expect(sql);
    ask(old, "CREATE TABLE lost (lsn pg_lsn)");
    ask(old, "SELECT pg_switch_wal()");
    ask(
        old,
        "INSERT INTO lost SELECT pg_create_restore_point('lost')",
    );
    // More than `wal_keep_size`, which Patroni sets to 128 MB.
    for _ in 0..12 {
        ask(old, "INSERT INTO in_common VALUES (now())");
        ask(old, "SELECT pg_switch_wal()");
    }
    let forget = "SELECT pg_drop_replication_slot('barman') FROM pg_replication_slots WHERE slot_name = 'barman' AND NOT active";
    for port in [old, new] {
        ask(port, forget);
        ask(port, "CHECKPOINT");
    }
    cluster.switchover("n1", "n2");
    cluster.settle("n2", seconds(90));
    ask(new, "CHECKPOINT");
    ask(new, "INSERT INTO in_common VALUES (now())");
    ask(new, "SELECT pg_switch_wal()");
    ask(new, "CHECKPOINT");
    ask(new, forget);
    wait::until(seconds(60), "a receiver that begins anew", || {
        stack
            .barman
            .run(&["receive-wal", "--create-slot", "main"], seconds(30));
        let reset = stack
            .barman
            .run(&["receive-wal", "--reset", "main"], seconds(30));
        if reset.code == 0 {
            Ok(())
        } else {
            Err(reset.output)
        }
    });
    stack.barman.start_cron();
    wait::until(seconds(90), "WAL that streams again", || {
        postgres::barman_streams(new)
    });
    for _ in 0..2 {
        ask(new, "INSERT INTO in_common VALUES (now())");
        ask(new, "SELECT pg_switch_wal()");
    }
}

/// Takes several minutes: `cargo test --features real-tests --test real -- --ignored thirty`.
#[test]
#[ignore = "takes a quarter of an hour"]
fn thirty_switchovers_in_a_row_raise_no_alarm() {
    let mut stack = Stack::start();
    let cluster = stack.cluster("main", &["n1", "n2"], 2);
    stack.barman.backup("main");
    for busy in [false, true] {
        for round in 0..30 {
            let (from, to) = if round % 2 == 0 {
                ("n1", "n2")
            } else {
                ("n2", "n1")
            };
            cluster.switchover(from, to);
            stack.follows(&cluster, to);
            cluster.settle(to, seconds(60));
            is_continuous(&stack, &cluster, to);
            if busy {
                let load = "CREATE TABLE IF NOT EXISTS load (t text);
                    INSERT INTO load SELECT repeat('x', 1000) FROM generate_series(1, 100000)";
                postgres::query(cluster.node(to).port, load).expect("load");
            }
        }
    }
}
