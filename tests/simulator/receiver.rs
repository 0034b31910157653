//! Barman's WAL receiver: its starts, and its state in `/diagnose`.

use std::time::Duration;

use patroni_barman::simulator::barman::Slot;
use patroni_barman::simulator::{Config, ReceiverTimes};
use serde_json::{Value, json};

use super::stage::{OPERATIONS, Stage, switch_to};
use crate::support::follow::demo;

fn start(config: Config, faults: &str) -> Stage {
    match faults {
        "" => Stage::start(config),
        faults => Stage::start(config.faults(faults.parse().unwrap())),
    }
}

fn switch(stage: &Stage, model: &str) {
    let id = stage.post(OPERATIONS, &switch_to(model)).operation_id();
    assert_eq!(stage.status(OPERATIONS, &id), "DONE");
}

fn from(stage: &Stage) -> Option<String> {
    stage.receiving().from
}

fn status(stage: &Stage) -> Value {
    stage.demo()["status"].clone()
}

#[test]
fn a_switch_restarts_it_also_to_the_model_that_is_active() {
    let stage = start(demo("n1"), "");
    assert_eq!(from(&stage).as_deref(), Some("n1"));
    for (restarts, model) in [(1, "demo:n1"), (2, "demo:n2"), (3, "demo:n2")] {
        switch(&stage, model);
        assert_eq!(stage.receiving().restarts, restarts);
        stage.pass_seconds(1);
    }
    assert_eq!(from(&stage).as_deref(), Some("n2"));
}

#[test]
fn it_starts_after_the_operation_is_done() {
    let times = ReceiverTimes {
        delay: Duration::from_secs(3),
        ..ReceiverTimes::default()
    };
    let stage = start(demo("n1").receiver(times), "");
    switch(&stage, "demo:n2");
    assert_eq!(from(&stage), None);
    assert_eq!(
        status(&stage)["replication_slot"],
        json!(["barman", false, "0/6000000"])
    );
    assert_eq!(status(&stage)["streaming"], true);
    stage.pass_seconds(3);
    assert_eq!(from(&stage).as_deref(), Some("n2"));
    assert_eq!(
        status(&stage)["replication_slot"],
        json!(["barman", true, "0/6000000"])
    );
}

#[test]
fn a_start_that_fails_is_for_cron_or_the_next_switch() {
    // the faults, whether the same switch is sent again after 10 s, and the second at which WAL finally streams
    let cases = [
        ("receiver:ok", false, 1),
        ("receiver:slow=5s*1", false, 6),
        ("receiver:fail*1", false, 60),
        ("receiver:fail*2", false, 120),
        ("receiver:fail*1", true, 10),
        ("receiver:fail*2", true, 60),
    ];
    for (faults, again, streams_at) in cases {
        let stage = start(demo("n1"), faults);
        stage.pass_seconds(1);
        switch(&stage, "demo:n2");
        for second in 1..=streams_at {
            if again && second == 10 {
                switch(&stage, "demo:n2");
            }
            let is_streaming = from(&stage).is_some();
            assert_eq!(is_streaming, second == streams_at, "{faults} at {second}");
            stage.pass_seconds(1);
        }
    }
}

#[test]
fn killed_it_waits_for_cron() {
    let stage = start(demo("n1"), "");
    stage.pass_seconds(10);
    assert!(stage.simulator.kill_receiver("demo"));
    assert!(!stage.simulator.kill_receiver("demo"));
    stage.pass_seconds(49);
    assert_eq!(from(&stage), None);
    stage.pass_seconds(1);
    assert_eq!(from(&stage).as_deref(), Some("n1"));
    assert_eq!(stage.receiving().restarts, 0);
}

#[test]
fn a_host_that_does_not_answer_ends_it_and_diagnose_says_why() {
    let stage = start(demo("n1"), "");
    stage
        .simulator
        .change_postgres("demo:n2", |postgres| postgres.reachable = false);
    switch(&stage, "demo:n2");
    assert_eq!(from(&stage), None);
    let status = status(&stage);
    let error = status["connection_error"].as_str().unwrap();
    assert!(error.starts_with("connection to server at \"n2\", port 5432 failed"));
    for key in [
        "streaming",
        "timeline",
        "is_in_recovery",
        "replication_slot",
    ] {
        assert_eq!(status[key], Value::Null, "{key}");
    }
    stage
        .simulator
        .change_postgres("demo:n2", |postgres| postgres.reachable = true);
    stage.pass_seconds(60);
    assert_eq!(from(&stage).as_deref(), Some("n2"));
}

#[test]
fn servers_that_receive_nothing_are_told_apart() {
    // the option, the slot in `/diagnose`, whether the status has a PostgreSQL
    let idle = json!(["barman", false, "0/6000000"]);
    let cases = [
        ("active", "off", idle.clone(), true),
        ("streaming_archiver", "off", idle, true),
        (
            "primary_ssh_command",
            "ssh barman@elsewhere",
            Value::Null,
            false,
        ),
    ];
    for (option, value, slot, is_known) in cases {
        let stage = start(demo("n1").option("demo", option, value), "");
        switch(&stage, "demo:n2");
        stage.pass_seconds(600);
        let receiving = stage.receiving();
        assert_eq!((receiving.restarts, receiving.from), (0, None), "{option}");
        let status = status(&stage);
        assert_eq!(status["replication_slot"], slot, "{option}");
        assert_eq!(status["timeline"].is_u64(), is_known, "{option}");
    }
    // without a slot it receives WAL anyway
    let stage = start(demo("n1").option("demo", "slot_name", ""), "");
    assert_eq!(status(&stage)["replication_slot"], Value::Null);
    assert!(from(&stage).is_some());
    stage
        .simulator
        .change_postgres("demo:n1", |postgres| postgres.slot = Slot::Missing);
    assert_eq!(status(&stage)["replication_slot"], Value::Null);
}

#[test]
fn what_is_streamed_counts_as_archived_on_its_timeline() {
    let stage = start(demo("n1").timeline("demo:n2", 2), "");
    switch(&stage, "demo:n2");
    stage
        .simulator
        .change_postgres("demo:n2", |postgres| postgres.timeline = 3);
    stage.pass_seconds(1);
    let wals = &stage.demo()["wals"]["last_archived_wal_per_timeline"];
    let timelines: Vec<&String> = wals.as_object().unwrap().keys().collect();
    assert_eq!(timelines, ["00000001", "00000002", "00000003"]);
}
