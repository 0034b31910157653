//! Checks of the backup before a recovery is sent.

use patroni_barman::simulator::{BackupStatus, Config, RecoverFiles};

use crate::support::ended::Ended;
use crate::support::node::Node;

const RULES: &str = r#"version: 1
api: {url: "BARMAN"}
patroni: {url: "PATRONI"}
rules:
  - name: rebuild
    on: [bootstrap, create_replica]
    request:
      type: recovery
      server: demo
      backup_id: BACKUP
      remote_ssh_command: "ssh postgres@n2"
      destination_directory: "{{ datadir }}"
"#;

const ID: &str = "20260101T000000";

fn barman() -> Config {
    Config::default()
        .server("demo")
        .recover_files(RecoverFiles::Local)
        .operation_time(std::time::Duration::from_millis(20))
}

fn node(config: Config, backup: &str, rules: &str) -> Node {
    Node::new(&rules.replace("BACKUP", backup))
        .named("n2")
        .with_patroni("n1")
        .with_barman(config)
}

fn bootstrap(node: &Node) -> Ended {
    let datadir = format!("--datadir={}", node.datadir().display());
    node.run(["run", "--event", "bootstrap", "--scope=demo", &datadir])
}

/// Asserts that nothing is sent, for this reason.
#[track_caller]
fn refused(node: &Node, ended: Ended, why: &str) {
    ended.exits(2).says(why);
    assert_eq!(node.posts(), []);
}

#[test]
fn a_backup_that_failed_is_not_restored() {
    let node = node(
        barman().backup_with_status("demo", ID, BackupStatus::Failed),
        ID,
        RULES,
    );
    let why = format!("backup `{ID}` of `demo` is FAILED; nothing was sent");
    refused(&node, node.create_replica().run(), &why);
}

#[test]
fn a_new_cluster_is_not_left_where_its_backups_timeline_ended() {
    let older = || {
        barman()
            .backup("demo", ID)
            .of(1, None)
            .wal("demo", "000000010000000000000005")
            .wal("demo", "000000030000000000000009")
    };
    let first = node(older(), "latest", RULES);
    let why =
        format!("backup `{ID}` of `demo` is of timeline 1, and Barman has reached timeline 3");
    refused(&first, bootstrap(&first), &why);
    // a replica streams the rest from the leader
    first.create_replica().run().exits(0);

    let fetches = node(
        older().option("demo", "recovery_options", "get-wal"),
        "latest",
        RULES,
    );
    bootstrap(&fetches).exits(0);
    let allowed = RULES.replace(
        "    on: [bootstrap",
        "    allow_older_timeline: true\n    on: [bootstrap",
    );
    bootstrap(&node(older(), "latest", &allowed)).exits(0);
    let newest = older().backup("demo", "20260202T000000").of(3, None);
    bootstrap(&node(newest, "latest", RULES)).exits(0);
}

#[test]
fn a_replica_is_not_made_of_the_backup_of_another_database_system() {
    let node = node(
        barman().backup("demo", ID).of(1, Some("41")),
        "latest",
        RULES,
    );
    node.patroni().system_id("42");
    let why = "is of the database system 41, and the leader's is 42";
    refused(&node, node.create_replica().run(), why);
    node.patroni().system_id("41");
    node.create_replica().run().exits(0);
}

#[test]
fn a_recovery_that_still_runs_when_the_wait_is_over_is_not_joined_by_another() {
    let rules = RULES.replace("    request:", "    poll: {timeout: 200ms}\n    request:");
    let node = node(barman().backup("demo", ID), "latest", &rules);
    node.faults("poll:stuck");
    node.create_replica().run().exits(3);
    let why = "an earlier recovery into this directory: operation `";
    node.create_replica().run().exits(3).says(why);
    assert_eq!(node.posts().len(), 1);
}

#[test]
fn a_barman_that_does_not_tell_of_its_backups_is_asked_all_the_same() {
    let node = node(barman().backup("demo", ID), "latest", RULES);
    node.faults("diagnose:500");
    node.create_replica()
        .run()
        .exits(0)
        .says("the backup is not checked");
}

#[test]
fn a_directory_in_which_postgresql_runs_is_left_alone() {
    let node = node(barman().backup("demo", ID), "latest", RULES);
    std::fs::create_dir(node.datadir()).unwrap();
    let pid = std::process::id();
    std::fs::write(node.datadir().join("postmaster.pid"), format!("{pid}\n")).unwrap();
    refused(&node, node.create_replica().run(), "a PostgreSQL runs in");
}
