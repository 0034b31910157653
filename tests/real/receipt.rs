//! Receipts of real changes of timeline.

use serde_json::Value;

use super::cluster::Cluster;
use super::postgres;
use super::restored::{self, Restored};
use super::stack::Stack;
use super::wait::{self, seconds};

use super::support::text::has;

/// The newest receipt of a cluster after a pass on this node.
fn receipt(stack: &Stack, cluster: &Cluster, node: &str) -> Value {
    stack.ask(cluster, node, &["reconcile"]);
    let history = stack.ask(cluster, node, &["history", "--format", "json"]);
    let start = history.output.find('{').unwrap_or_default();
    let all: Value = serde_json::from_str(&history.output[start..]).expect("JSON");
    all["receipts"][0].clone()
}

/// Waits for a verdict on the change to the leader's timeline, and asserts that there is no alarm in the meantime.
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
fn switchover_and_crash_are_continuous() {
    let (stack, mut cluster) = Stack::of_two();
    stack.barman.backup("main");

    stack.moves(&cluster, "n1", "n2");
    is_continuous(&stack, &cluster, "n2");

    cluster.crash("n2");
    stack.follows(&cluster, "n1");
    is_continuous(&stack, &cluster, "n1");
}

/// The receiver is down during a failover, the slot is dropped, and PostgreSQL removes the WAL that only it had.
#[test]
fn a_gap_is_found_and_cannot_be_restored() {
    let (mut stack, cluster) = Stack::of_two();
    let backup = stack.barman.backup("main");
    let inside = lose_wal(&mut stack, &cluster);

    let port = cluster.node("n2").port;
    restored::archive_all(&stack, port);
    let found = wait::until(seconds(60), "a verdict", || {
        let found = receipt(&stack, &cluster, "n2");
        match found["verdict"].as_str() {
            Some("gap") => Ok(found),
            _ => Err(format!("{found:#}")),
        }
    });
    let end = |which: &str| found["gap"][which].as_str().unwrap_or_default().to_owned();
    let (begin, end) = (end("begin"), end("end"));
    let lies = format!("SELECT '{inside}'::pg_lsn BETWEEN '{begin}' AND '{end}'");
    assert_eq!(postgres::query(port, &lies).as_deref(), Ok("t"), "{lies}");
    assert_eq!(found["switch_lsn"], end, "{found:#}");
    assert_eq!(found["needs_backup"], true, "{found:#}");
    let status = stack.ask(&cluster, "n2", &["status"]).exits(1);
    let said = format!("GAP from {begin} to {end}");
    has(&status.output, &said);
    println!("{}", status.output);

    // a moment in the gap cannot be reached
    let options = ["--target-tli", "latest", "--target-lsn", &inside];
    let restored = Restored::start(&stack, "in-the-gap", &backup, &options);
    let log = restored.gives_up();
    let missed = "recovery ended before configured recovery target was reached";
    has(&log, missed);

    // a moment after a new backup can
    let backup = stack.barman.backup("main");
    let row = "INSERT INTO lost VALUES ('after')";
    postgres::query(port, row).expect("a row");
    let after = postgres::query(port, "SELECT pg_current_wal_lsn()").expect("a position");
    restored::archive_all(&stack, port);
    let found = receipt(&stack, &cluster, "n2");
    assert_eq!(found["backup"], *backup, "{found:#}");
    assert_eq!(found["needs_backup"], false, "{found:#}");
    let options = ["--target-tli", "latest", "--target-lsn", &after];
    let restored = Restored::start(&stack, "after-the-gap", &backup, &options);
    let rows = "SELECT string_agg(row, ',') FROM lost";
    wait::until(seconds(60), "the restored server", || restored.query(rows));
    assert_eq!(restored.query(rows).as_deref(), Ok("inside,after"));
    stack.ask(&cluster, "n2", &["status"]).exits(0);
}

/// Returns a position in the WAL of timeline 1 that Barman can no longer receive.
fn lose_wal(stack: &mut Stack, cluster: &Cluster) -> String {
    stack.barman.stop_cron();
    stack.barman.stop_api();
    stop_receiver(stack);
    let n1 = cluster.node("n1").port;
    let lost =
        "CREATE TABLE lost (row text); SELECT pg_switch_wal(); INSERT INTO lost VALUES ('inside')";
    for sql in lost.split("; ") {
        postgres::query(n1, sql).expect(sql);
    }
    let inside = postgres::query(n1, "SELECT pg_current_wal_lsn()").expect("a position");
    for _ in 0..2 {
        let next = "INSERT INTO lost SELECT 'filler' WHERE false; SELECT pg_switch_wal()";
        postgres::query(n1, "SELECT pg_logical_emit_message(false, '', 'x')").expect("a record");
        postgres::query(n1, next).expect("a segment");
    }
    cluster.switchover("n1", "n2");
    cluster.settle("n2", seconds(60));

    let n2 = cluster.node("n2").port;
    // Patroni makes it again, at the position of then
    let drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'barman'";
    postgres::query(n2, drop).expect("no slot");
    wait::until(seconds(120), "the removal of WAL", || {
        let write =
            "SELECT pg_logical_emit_message(false, '', repeat('x', 1000)); SELECT pg_switch_wal()";
        postgres::query(n2, write)?;
        postgres::query(n2, "CHECKPOINT")?;
        let left = "SELECT count(*) FROM pg_ls_waldir() WHERE name LIKE '00000001%' AND name NOT LIKE '%.history'";
        match postgres::query(n2, left)?.as_str() {
            "0" => Ok(()),
            left => Err(format!("{left} files of timeline 1 are left")),
        }
    });
    // as an operator does who finds that Barman cannot go on where it stopped
    let barman = &stack.barman;
    barman.must(&["config-switch", "main", "main:n2"], seconds(30));
    stop_receiver(stack);
    barman.must(&["receive-wal", "--reset", "main"], seconds(30));
    stack.barman.start_cron();
    stack.barman.start_api();
    stack.follows(cluster, "n2");
    inside
}

/// Ends Barman's receiver, which only `cron` starts again.
fn stop_receiver(stack: &Stack) {
    wait::until_true(seconds(30), "the end of Barman's receiver", || {
        stack.kill_receivers() == 0
    });
}

/// Takes several minutes: `cargo test --features real-tests --test real -- --ignored thirty`.
#[test]
#[ignore = "takes seven minutes"]
fn thirty_switchovers_in_a_row_raise_no_alarm() {
    let (stack, cluster) = Stack::of_two();
    stack.barman.backup("main");
    for busy in [false, true] {
        for round in 0..30 {
            let (from, to) = sides(round);
            stack.moves(&cluster, from, to);
            is_continuous(&stack, &cluster, to);
            if busy {
                load(&cluster, to);
            }
        }
    }
}

/// Takes several minutes: `cargo test --features real-tests --test real -- --ignored crashes`.
#[test]
#[ignore = "takes ten minutes"]
fn crashes_in_a_row_raise_no_alarm() {
    let (stack, mut cluster) = Stack::of_two();
    stack.barman.backup("main");
    for busy in [false, true] {
        for round in 0..6 {
            let (from, to) = sides(round);
            if busy {
                load(&cluster, from);
                has_all(&cluster, from, to);
            }
            cluster.crash(from);
            stack.follows(&cluster, to);
            is_continuous(&stack, &cluster, to);
            cluster.start(from);
            cluster.settle(to, seconds(90));
        }
    }
}

/// The leader of a round, and the next one.
const fn sides(round: usize) -> (&'static str, &'static str) {
    if round.is_multiple_of(2) {
        ("n1", "n2")
    } else {
        ("n2", "n1")
    }
}

fn load(cluster: &Cluster, leader: &str) {
    let load = "CREATE TABLE IF NOT EXISTS load (t text);
        INSERT INTO load SELECT repeat('x', 1000) FROM generate_series(1, 100000)";
    cluster.query(leader, load);
}

/// Waits for a replica: WAL that only the leader and Barman have is lost with a leader that dies, and Barman is then ahead
/// of the new one.
fn has_all(cluster: &Cluster, leader: &str, replica: &str) {
    let position = postgres::query(
        cluster.node(leader).port,
        "SELECT pg_current_wal_flush_lsn()",
    );
    let position = position.expect("a position");
    let has = format!("SELECT pg_last_wal_receive_lsn() >= '{position}'");
    let port = cluster.node(replica).port;
    wait::until(seconds(60), "the replica", || {
        match postgres::query(port, &has)?.as_str() {
            "t" => Ok(()),
            other => Err(other.to_owned()),
        }
    });
}
