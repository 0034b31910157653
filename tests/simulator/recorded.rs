//! All recorded exchanges with pg-backup-api 2.2 are the same with the simulator.

use std::time::Duration;

use patroni_barman::simulator::{Config, Simulator};
use serde_json::Value;

use super::client::{self, Answer, Still};

fn exchanges() -> Vec<Value> {
    serde_json::from_str(include_str!("exchanges.json")).unwrap()
}

fn send(simulator: &Simulator, request: &Value, path: &str) -> Answer {
    let body = match &request["body"] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let method = request["method"].as_str().unwrap();
    client::exchange(
        simulator.address(),
        method,
        path,
        request["content_type"].as_str(),
        &body,
    )
    .unwrap()
}

/// Replaces digits by `0`: IDs and timestamps are compared by their form.
fn shape(value: &Value) -> Value {
    match value {
        Value::String(text) => text
            .chars()
            .map(|character| {
                if character.is_ascii_digit() {
                    '0'
                } else {
                    character
                }
            })
            .collect::<String>()
            .into(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        other => other.clone(),
    }
}

#[test]
fn every_recorded_exchange_holds() {
    let still = Still::default();
    let config = Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .model("other:x")
        .backup("demo", "20261123T032313")
        .operation_time(Duration::from_secs(2));
    let simulator = Simulator::start_with_clock(config, still.clock()).unwrap();
    let (lists, others): (Vec<_>, Vec<_>) = exchanges().into_iter().partition(is_list);
    assert_eq!((lists.len(), others.len()), (2, 36));
    let mut accepted = Vec::new();
    for exchange in &others {
        let name = exchange["name"].as_str().unwrap();
        let (request, recorded) = (&exchange["request"], &exchange["response"]);
        let path = request["path"].as_str().unwrap();
        // the recording polls operations by its own IDs, the replay by those it got
        let path = match (path.rsplit_once('/'), accepted.last()) {
            (Some((operations, _)), Some((_, id))) if is_poll_that_finds(exchange) => {
                format!("{operations}/{id}")
            }
            _ => path.to_owned(),
        };
        if name.contains("final status") || name.contains("a finished operation") {
            still.pass_seconds(2);
        }
        let answer = send(&simulator, request, &path);
        check(&answer, recorded, name);
        if answer.status == 202 {
            accepted.push((path, answer.operation_id()));
        }
    }
    assert_eq!(accepted.len(), 6);
    // the lists come last, so that none is empty
    for exchange in &lists {
        let path = exchange["request"]["path"].as_str().unwrap();
        let created = accepted.iter().filter(|(scope, _)| scope == path).count();
        check_list(
            &send(&simulator, &exchange["request"], path),
            exchange,
            created,
        );
    }
}

fn is_list(exchange: &Value) -> bool {
    exchange["response"]["body"]
        .as_str()
        .unwrap()
        .contains("\"operations\":")
}

fn is_poll_that_finds(exchange: &Value) -> bool {
    exchange["response"]["body"]
        .as_str()
        .unwrap()
        .contains("\"status\":")
}

fn check(answer: &Answer, recorded: &Value, name: &str) {
    assert_eq!(recorded["status"], answer.status, "{name}: {answer:?}");
    assert_eq!(recorded["content_type"], answer.content_type, "{name}");
    let body = recorded["body"].as_str().unwrap();
    match client::message(body) {
        Some(message) => assert_eq!(answer.message(), Some(message), "{name}"),
        None => assert_eq!(
            shape(&answer.json()),
            shape(&serde_json::from_str(body).unwrap()),
            "{name}"
        ),
    }
}

/// The recorded list contains earlier operations; their current number is known, and the form of an entry.
fn check_list(answer: &Answer, exchange: &Value, created: usize) {
    let name = exchange["name"].as_str().unwrap();
    let recorded = &exchange["response"];
    assert_eq!(recorded["status"], answer.status, "{name}");
    assert_eq!(recorded["content_type"], answer.content_type, "{name}");
    let body: Value = serde_json::from_str(recorded["body"].as_str().unwrap()).unwrap();
    let recorded = shape(&body["operations"]);
    let listed = answer.json();
    let listed = listed["operations"].as_array().unwrap();
    assert!(created > 0 && listed.len() == created, "{name}: {listed:?}");
    for operation in listed {
        assert!(
            recorded.as_array().unwrap().contains(&shape(operation)),
            "{name}: {operation}"
        );
    }
}
