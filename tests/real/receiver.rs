//! Barman's receiver: events that start it, events that do not disturb it, and reports of one that is not running.
//!
//! `barman cron`, which would start it within a minute, is not running here.

use super::cluster::Cluster;
use super::guard::Spec;
use super::postgres;
use super::prerequisites::POSTGRES;
use super::proxy::Proxy;
use super::stack::Stack;
use super::wait::{self, seconds};

#[test]
fn the_receiver_is_left_alone_mended_and_started_again() {
    let (mut stack, mut cluster) = Stack::of_two();
    stack.follows(&cluster, "n1");
    stack.barman.stop_cron();
    patroni_restarted_over_a_running_primary(&mut cluster);
    receiver_killed(&stack, &cluster);
    slot_in_use(&stack, &cluster);
    slow_catch_up(&mut stack, &cluster);
}

/// Patroni finds its PostgreSQL running as the primary, and fires `on_start`.
fn patroni_restarted_over_a_running_primary(cluster: &mut Cluster) {
    let before = walsender(cluster, "n1").expect("Barman's walsender");
    let calls = cluster.node("n1").calls.clone();
    let called = calls.all().len();
    cluster.kill_patroni("n1");
    cluster.start("n1");
    wait::until_true(seconds(60), "`on_start primary`", || {
        let mut new = calls.all().into_iter().skip(called);
        new.any(|call| call.arguments.contains("on_start primary") && call.exit() == Some(0))
    });
    cluster.settle("n1", seconds(60));
    assert_eq!(walsender(cluster, "n1"), Ok(before));
}

fn kill_receiver(stack: &Stack, cluster: &Cluster) {
    stack.kill_receivers();
    wait::until_true(seconds(20), "the end of Barman's walsender", || {
        walsender(cluster, "n1").is_err()
    });
}

/// `status` reports it, and `reconcile` restarts it: at once on its own node, and on another one after a second look.
fn receiver_killed(stack: &Stack, cluster: &Cluster) {
    let (before, _) = walsender(cluster, "n1").expect("Barman's walsender");
    kill_receiver(stack, cluster);
    // each node reports the whole cluster
    for node in ["n1", "n2"] {
        stack
            .ask(cluster, node, &["status"])
            .exits(1)
            .says("the replication slot `barman` of `main` is not active");
    }
    stack.ask(cluster, "n1", &["reconcile"]).exits(0);
    let (after, _) = walsender(cluster, "n1").expect("Barman's walsender");
    assert_ne!(before, after);
    stack.ask(cluster, "n1", &["status"]).exits(0);

    kill_receiver(stack, cluster);
    let words = ["reconcile", "--every", "2s"];
    let every = stack.guard.start(&stack.on(cluster, "n2", &words));
    wait::until(seconds(30), "Barman's receiver", || {
        walsender(cluster, "n1")
    });
    every.stop(seconds(20));
}

/// The switch is done, but the receiver does not start: another one is using the slot.
fn slot_in_use(stack: &Stack, cluster: &Cluster) {
    let port = cluster.node("n2").port;
    // Patroni creates it on a replica in its next loop
    let count = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'barman'";
    wait::until_true(seconds(60), "the slot on the replica", || {
        postgres::query(port, count).as_deref() == Ok("1")
    });
    let folder = stack.guard.folder().join("intruder").display().to_string();
    let make = ["install", "-d", "-o", "postgres", folder.as_str()];
    stack.guard.must(&Spec::new("setup", make), seconds(10));
    let words = [
        format!("{POSTGRES}/pg_receivewal"),
        "--slot=barman".to_owned(),
        format!("--directory={folder}"),
        format!(
            "--dbname=host=127.0.0.1 port={port} user=streaming_barman password=secret-of-streaming-barman application_name=intruder"
        ),
    ];
    let intruder = stack
        .guard
        .start(&Spec::new("intruder", words).user("postgres"));
    wait::until(seconds(30), "somebody else in the slot", || {
        postgres::barman_streams(port)
    });
    let log = stack.barman.home().join("barman.log");
    let refused = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.matches("replication slot 'barman' is already in use")
            .count()
    };
    let before = refused();
    cluster.switchover("n1", "n2");
    wait::until_true(seconds(60), "the receiver's failed start", || {
        refused() > before
    });
    intruder.kill();
    // the goal is 5 s from here, or 15 s in total
    wait::until(seconds(15), "Barman's receiver on n2", || {
        walsender(cluster, "n2")
    });
    let calls = &cluster.node("n2").calls;
    calls.ends("on_role_change primary", 0);
    stack.follows(cluster, "n2");
    cluster.settle("n2", seconds(60));
}

/// A receiver that takes longer than a retry to catch up is left alone.
fn slow_catch_up(stack: &mut Stack, cluster: &Cluster) {
    const SPEED: u64 = 4 * 1024 * 1024;
    const SEGMENTS: u64 = 6;
    let port = cluster.node("n1").port;
    let slow = Proxy::start(port);
    slow.limit(SPEED);
    let user = "user=streaming_barman";
    stack.barman.reconfigure(
        "main",
        &[(
            &format!("port={port} {user}"),
            &format!("port={} {user}", slow.port),
        )],
    );
    stack.barman.stop_api();
    cluster.switchover("n2", "n1");
    cluster.settle("n1", seconds(60));
    for _ in 0..SEGMENTS {
        postgres::query(
            port,
            "SELECT pg_logical_emit_message(false, '', repeat('x', 1000)); SELECT pg_switch_wal()",
        )
        .expect("a segment");
    }
    stack.barman.start_api();
    let first = wait::until(seconds(30), "Barman's receiver on n1", || {
        walsender(cluster, "n1")
    });
    let mut catching_up = 0_u32;
    wait::until(seconds(90), "the end of its catching up", || {
        // at the end of an old timeline a walsender reports `streaming` for a moment
        let state = postgres::query(
            port,
            "SELECT CASE WHEN sent_lsn < pg_current_wal_flush_lsn() THEN 'behind' ELSE state END \
             FROM pg_stat_replication WHERE application_name = 'barman_receive_wal'",
        )?;
        catching_up += u32::from(state == "behind");
        if state == "streaming" {
            Ok(())
        } else {
            Err(state)
        }
    });
    assert!(catching_up > 100, "it was too fast: {catching_up}");
    let calls = &cluster.node("n1").calls;
    calls.ends("on_role_change primary", 0);
    assert_eq!(walsender(cluster, "n1"), Ok(first));
    slow.limit(0);
}

/// The process and start time of the walsender that Barman receives from.
fn walsender(cluster: &Cluster, node: &str) -> Result<(String, String), String> {
    let sql = "SELECT pid, backend_start FROM pg_stat_replication \
               WHERE application_name = 'barman_receive_wal' AND state IN ('catchup', 'streaming')";
    let row = postgres::query(cluster.node(node).port, sql)?;
    let (pid, start) = row.split_once('|').ok_or("Barman has no walsender")?;
    Ok((pid.to_owned(), start.to_owned()))
}
