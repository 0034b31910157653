//! `status` and its Nagios output name the cause in one line, on each node, whenever Barman does not receive WAL.

use super::cluster::Cluster;
use super::postgres;
use super::stack::Stack;
use super::wait::{self, seconds};

use super::support::text::starts;

/// The messages of both.
#[derive(Clone, Copy)]
struct Cause<'a> {
    level: &'a str,
    exit: i64,
    words: &'a [&'a str],
}

#[test]
fn each_cause_is_named_in_one_line() {
    let (mut stack, mut cluster) = Stack::of_two();
    stack.follows(&cluster, "n1");
    stack.barman.stop_cron();
    all_is_well(&stack, &cluster);
    silent_patroni(&stack, &mut cluster);

    kill_receiver(&stack, &cluster);
    let slot = "the replication slot `barman` of `main` is not active";
    says(&stack, &cluster, critical(&[slot]));

    let port = cluster.node("n1").port;
    let other = cluster.node("n2").port;
    let streaming = format!("port={port} user=streaming_barman");
    let configured = |from: &str, to: &str, cause: Cause<'_>| {
        stack.barman.reconfigure("main", &[(from, to)]);
        says(&stack, &cluster, cause);
        stack.barman.reconfigure("main", &[(to, from)]);
    };
    let wrong = format!("{streaming} password=wrong");
    let refused = [
        "Barman cannot connect to the PostgreSQL of `main`: ",
        "password authentication failed for user \"streaming_barman\"",
    ];
    configured(&streaming, &wrong, critical(&refused));
    let (own, replicas) = (
        format!("model = true\nconninfo = host=127.0.0.1 port={port}"),
        format!("model = true\nconninfo = host=127.0.0.1  port={other}"),
    );
    let replica = "the active model of `main` points to a replica, not to the primary";
    configured(&own, &replicas, critical(&[replica]));
    let missing = "the replication slot `nowhere` of `main` does not exist on the PostgreSQL that Barman is set to";
    configured(
        "slot_name = barman",
        "slot_name = nowhere",
        critical(&[missing]),
    );
    let inactive = Cause {
        level: "WARNING",
        exit: 0,
        words: &["server `main` is not active in Barman; WAL is not checked"],
    };
    configured("[main]\n", "[main]\nactive = false\n", inactive);

    stack.ask(&cluster, "n1", &["reconcile"]).exits(0);
    all_is_well(&stack, &cluster);
    backup_failed(&stack, &cluster);
    api_down(&mut stack, &cluster);
}

/// The other members are asked, at the addresses stored by `reconcile`.
fn silent_patroni(stack: &Stack, cluster: &mut Cluster) {
    stack.ask(cluster, "n2", &["reconcile"]).exits(0);
    cluster.kill_patroni("n2");
    let status = stack.ask(cluster, "n2", &["status"]).exits(0);
    let start = "main: the leader is n1";
    starts(&status.output, start);
    cluster.start("n2");
    cluster.settle("n1", seconds(60));
}

const fn critical<'a>(words: &'a [&'a str]) -> Cause<'a> {
    Cause {
        level: "CRITICAL",
        exit: 1,
        words,
    }
}

/// Asserts that each node reports it, to people and to Nagios.
#[track_caller]
fn says(stack: &Stack, cluster: &Cluster, cause: Cause<'_>) {
    for node in ["n1", "n2"] {
        let status = stack.ask(cluster, node, &["status"]);
        let named = |line: &&str| cause.words.iter().all(|words| line.contains(words));
        let found = status.output.lines().find(named);
        let found = found.unwrap_or_else(|| panic!("{:?}: {}", cause.words, status.output));
        starts(found, cause.level);
        assert_eq!(status.code, cause.exit, "{}", status.output);

        let nagios = stack.ask(cluster, node, &["status", "--format", "nagios"]);
        let line = nagios.output.lines().next().unwrap_or_default();
        let start = format!("{} - main: ", cause.level);
        assert!(line.starts_with(&start), "{}", nagios.output);
        for words in cause.words {
            assert!(line.contains(&words.replace(';', ",")), "{}", nagios.output);
        }
        let code = if cause.level == "WARNING" { 1 } else { 2 };
        assert_eq!(nagios.code, code, "{}", nagios.output);
        println!("{line}");
    }
}

#[track_caller]
fn all_is_well(stack: &Stack, cluster: &Cluster) {
    for node in ["n1", "n2"] {
        stack
            .ask(cluster, node, &["status"])
            .exits(0)
            .says("Patroni            4.1.5")
            .says("Barman 3.19.1")
            .says("WAL                received");
        stack
            .ask(cluster, node, &["status", "--format", "nagios"])
            .exits(0)
            .says("'main_wal_lag'=");
    }
}

fn kill_receiver(stack: &Stack, cluster: &Cluster) {
    stack.kill_receivers();
    let port = cluster.node("n1").port;
    wait::until_true(seconds(20), "the end of Barman's receiver", || {
        postgres::barman_streams(port).is_err()
    });
}

/// A backup whose `pg_basebackup` is killed, after a successful one.
fn backup_failed(stack: &Stack, cluster: &Cluster) {
    let good = stack.barman.backup("main");
    stack
        .barman
        .reconfigure("main", &[("[main]\n", "[main]\nbandwidth_limit = 100\n")]);
    let backup = stack
        .guard
        .start(&stack.barman.command(&["backup", "main"]));
    let process = wait::until(seconds(30), "pg_basebackup", || {
        // before that, Barman asks it for its version
        let found = stack.processes(&["--max-rate"]);
        found.into_iter().next_back().ok_or("none")
    });
    stack.guard.kill_tree(process);
    backup.ends(seconds(60));
    let last = format!("the last good one is {good}, ");
    let cause = Cause {
        level: "WARNING",
        exit: 0,
        words: &["the last backup of `main`, ", " FAILED; ", &last],
    };
    says(stack, cluster, cause);
}

fn api_down(stack: &mut Stack, cluster: &Cluster) {
    stack.barman.stop_api();
    let nagios = stack
        .ask(cluster, "n2", &["status", "--format", "nagios"])
        .exits(3);
    let start = "UNKNOWN - main: API `default`: can't connect to ";
    starts(&nagios.output, start);
}
