//! Real failovers, from the callback of the new primary until Barman receives its WAL.
//!
//! `cargo bench --features real-tests --bench failover` does 20 switchovers and 10 crashes of the leader, and writes the table
//! of `docs/performance.md`. With `-- SWITCHOVERS CRASHES` it does that many and only prints.
//!
//! Nothing but the API runs on the Barman host: no `barman cron` helps.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::float_cmp,
    clippy::indexing_slicing,
    reason = "these rules are the program's; a measurement that meets something unexpected has failed"
)]
#![allow(
    dead_code,
    reason = "the stack is that of tests/real, which uses all of it"
)]

#[path = "../../tests/real/barman.rs"]
mod barman;
#[path = "../../tests/real/calls.rs"]
mod calls;
#[path = "../../tests/real/cluster.rs"]
mod cluster;
#[path = "../../tests/real/folder.rs"]
mod folder;
#[path = "../../tests/real/guard.rs"]
mod guard;
#[path = "../../tests/real/http.rs"]
mod http;
#[path = "../../tests/real/postgres.rs"]
mod postgres;
#[path = "../../tests/real/prerequisites.rs"]
mod prerequisites;
#[path = "../../tests/real/sshd.rs"]
mod sshd;
#[path = "../../tests/real/stack.rs"]
mod stack;
mod table;
#[path = "../../tests/real/template.rs"]
mod template;
#[path = "../../tests/real/wait.rs"]
mod wait;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cluster::Cluster;
use stack::Stack;
use table::Series;
use wait::seconds;

fn main() {
    let counts: Vec<usize> = std::env::args()
        .filter_map(|word| word.parse().ok())
        .collect();
    let (switchovers, crashes) = match counts.as_slice() {
        [] => (20, 10),
        [switchovers] => (*switchovers, 0),
        [switchovers, crashes, ..] => (*switchovers, *crashes),
    };
    let mut stack = Stack::start();
    let mut cluster = stack.cluster("main", &["n1", "n2"], 2);
    stack.barman.stop_cron();
    let mut leader = Leader::default();
    let mut all = [
        Series::new("switchover"),
        Series::new("crash of the leader"),
    ];
    for _ in 0..switchovers {
        let (from, to) = leader.next();
        let calls = cluster.node(to).calls.all().len();
        cluster.switchover(from, to);
        all[0].push(measure(&cluster, to, calls));
        cluster.settle(to, seconds(120));
    }
    for _ in 0..crashes {
        let (from, to) = leader.next();
        let calls = cluster.node(to).calls.all().len();
        write_a_row(&cluster, from, to);
        cluster.crash(from);
        all[1].push(measure(&cluster, to, calls));
        // start from scratch: the state that a crash leaves behind is not measured here
        cluster.wipe(from);
        cluster.start(from);
        cluster.settle(to, seconds(120));
    }
    let table = table::render(&all);
    println!("{table}");
    if counts.is_empty() {
        table::write(&table);
    }
}

/// Makes sure that both nodes and Barman share WAL past the last end of a segment. A primary that dies exactly at a
/// segment's end leaves Barman at a position that no other node knows, which takes `barman receive-wal --reset`.
fn write_a_row(cluster: &Cluster, leader: &str, replica: &str) {
    let rows =
        |node: &str| postgres::query(cluster.node(node).port, "SELECT count(*) FROM in_common");
    postgres::query(
        cluster.node(leader).port,
        "INSERT INTO in_common VALUES (now())",
    )
    .expect("a row");
    let written = rows(leader);
    wait::until(seconds(30), "the row on the replica", || {
        if rows(replica) == written {
            Ok(())
        } else {
            Err("not yet")
        }
    });
}

/// The current leader of the two nodes.
#[derive(Default)]
struct Leader {
    second: bool,
}

impl Leader {
    /// The current leader and the next one.
    const fn next(&mut self) -> (&'static str, &'static str) {
        self.second = !self.second;
        if self.second {
            ("n1", "n2")
        } else {
            ("n2", "n1")
        }
    }
}

/// One failover.
pub struct Took {
    /// Seconds from the callback's start until the slot is in use on the new primary.
    until_streaming: f64,
    /// Seconds until the callback has ended.
    until_ended: f64,
    /// Its exit code.
    exit: i32,
}

fn measure(cluster: &Cluster, to: &str, calls_before: usize) -> Took {
    let node = cluster.node(to);
    let called = wait::until(seconds(90), "the callback of the new primary", || {
        let all = node.calls.all();
        let mut new = all.into_iter().skip(calls_before);
        new.find(|call| call.arguments.contains("on_role_change "))
            .ok_or("not yet")
    });
    let start = Instant::now();
    // without a pause, which would count
    while let Err(last) = postgres::barman_streams(node.port) {
        assert!(
            start.elapsed() < seconds(120),
            "waited 120 s for Barman streaming from {to}; last: {last}"
        );
    }
    let streaming = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs_f64();
    let (ended, exit) = wait::until(seconds(60), "the end of the callback", || {
        let all = node.calls.all();
        let call = all.into_iter().find(|call| call.at == called.at);
        call.and_then(|call| call.end).ok_or("it runs")
    });
    Took {
        until_streaming: streaming - called.at,
        until_ended: ended - called.at,
        exit,
    }
}
