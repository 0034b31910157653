//! Barman's WAL receiver: its starts, and its state in `/diagnose`.

use std::time::Duration;

use patroni_barman::simulator::barman::Slot;
use patroni_barman::simulator::{Config, ReceiverTimes, Simulator};
use serde_json::{Value, json};

use super::client::{Still, get, post};
use crate::support::follow::demo;

const OPERATIONS: &str = "/servers/demo/operations";

fn start(config: Config, faults: &str) -> (Simulator, Still) {
    let still = Still::default();
    let config = if faults.is_empty() {
        config
    } else {
        config.faults(faults.parse().unwrap())
    };
    let simulator = Simulator::start_with_clock(config, still.clock()).unwrap();
    (simulator, still)
}

fn switch(simulator: &Simulator, model: &str) {
    let body = json!({"type": "config_switch", "model_name": model});
    let id = post(simulator.address(), OPERATIONS, &body).operation_id();
    let answer = get(simulator.address(), &format!("{OPERATIONS}/{id}"));
    assert_eq!(answer.json()["status"], "DONE");
}

fn from(simulator: &Simulator) -> Option<String> {
    simulator.receiving("demo").unwrap().from
}

fn status(simulator: &Simulator) -> Value {
    get(simulator.address(), "/diagnose").json()["servers"]["demo"]["status"].clone()
}

#[test]
fn a_switch_restarts_it_also_to_the_model_that_is_active() {
    let (simulator, still) = start(demo("n1"), "");
    assert_eq!(from(&simulator).as_deref(), Some("n1"));
    for (restarts, model) in [(1, "demo:n1"), (2, "demo:n2"), (3, "demo:n2")] {
        switch(&simulator, model);
        assert_eq!(simulator.receiving("demo").unwrap().restarts, restarts);
        still.pass_seconds(1);
    }
    assert_eq!(from(&simulator).as_deref(), Some("n2"));
}

#[test]
fn it_starts_after_the_operation_is_done() {
    let times = ReceiverTimes {
        delay: Duration::from_secs(3),
        ..ReceiverTimes::default()
    };
    let (simulator, still) = start(demo("n1").receiver(times), "");
    switch(&simulator, "demo:n2");
    assert_eq!(from(&simulator), None);
    assert_eq!(
        status(&simulator)["replication_slot"],
        json!(["barman", false, "0/6000000"])
    );
    assert_eq!(status(&simulator)["streaming"], true);
    still.pass_seconds(3);
    assert_eq!(from(&simulator).as_deref(), Some("n2"));
    assert_eq!(
        status(&simulator)["replication_slot"],
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
        let (simulator, still) = start(demo("n1"), faults);
        still.pass_seconds(1);
        switch(&simulator, "demo:n2");
        for second in 1..=streams_at {
            if again && second == 10 {
                switch(&simulator, "demo:n2");
            }
            let is_streaming = from(&simulator).is_some();
            assert_eq!(is_streaming, second == streams_at, "{faults} at {second}");
            still.pass_seconds(1);
        }
    }
}

#[test]
fn killed_it_waits_for_cron() {
    let (simulator, still) = start(demo("n1"), "");
    still.pass_seconds(10);
    assert!(simulator.kill_receiver("demo"));
    assert!(!simulator.kill_receiver("demo"));
    still.pass_seconds(49);
    assert_eq!(from(&simulator), None);
    still.pass_seconds(1);
    assert_eq!(from(&simulator).as_deref(), Some("n1"));
    assert_eq!(simulator.receiving("demo").unwrap().restarts, 0);
}

#[test]
fn a_host_that_does_not_answer_ends_it_and_diagnose_says_why() {
    let (simulator, still) = start(demo("n1"), "");
    simulator.change_postgres("demo:n2", |postgres| postgres.reachable = false);
    switch(&simulator, "demo:n2");
    assert_eq!(from(&simulator), None);
    let status = status(&simulator);
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
    simulator.change_postgres("demo:n2", |postgres| postgres.reachable = true);
    still.pass_seconds(60);
    assert_eq!(from(&simulator).as_deref(), Some("n2"));
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
        let (simulator, still) = start(demo("n1").option("demo", option, value), "");
        switch(&simulator, "demo:n2");
        still.pass_seconds(600);
        let receiving = simulator.receiving("demo").unwrap();
        assert_eq!((receiving.restarts, receiving.from), (0, None), "{option}");
        let status = status(&simulator);
        assert_eq!(status["replication_slot"], slot, "{option}");
        assert_eq!(status["timeline"].is_u64(), is_known, "{option}");
    }
    // without a slot it receives WAL anyway
    let (simulator, _) = start(demo("n1").option("demo", "slot_name", ""), "");
    assert_eq!(status(&simulator)["replication_slot"], Value::Null);
    assert!(from(&simulator).is_some());
    simulator.change_postgres("demo:n1", |postgres| postgres.slot = Slot::Missing);
    assert_eq!(status(&simulator)["replication_slot"], Value::Null);
}

#[test]
fn what_is_streamed_counts_as_archived_on_its_timeline() {
    let (simulator, still) = start(demo("n1").timeline("demo:n2", 2), "");
    switch(&simulator, "demo:n2");
    simulator.change_postgres("demo:n2", |postgres| postgres.timeline = 3);
    still.pass_seconds(1);
    let state = get(simulator.address(), "/diagnose").json();
    let wals = &state["servers"]["demo"]["wals"]["last_archived_wal_per_timeline"];
    let timelines: Vec<&String> = wals.as_object().unwrap().keys().collect();
    assert_eq!(timelines, ["00000001", "00000002", "00000003"]);
}
