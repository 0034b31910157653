//! Servers, models, backups and operations as clients see them change.

use std::time::Duration;

use patroni_barman::simulator::{Config, SameSecond, Simulator};
use serde_json::{Value, json};

use super::client::{Still, get, post};

const SWITCHES: &str = "/servers/demo/operations";

fn demo() -> Config {
    Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .backup("demo", "20260101T000000")
        .operation_time(Duration::from_secs(2))
}

fn start(config: Config) -> (Simulator, Still) {
    let still = Still::default();
    (
        Simulator::start_with_clock(config, still.clock()).unwrap(),
        still,
    )
}

fn switch_to(model: &str) -> Value {
    json!({"type": "config_switch", "model_name": model})
}

fn status(simulator: &Simulator, scope: &str, id: &str) -> String {
    get(simulator.address(), &format!("{scope}/{id}")).json()["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Creates an operation and lets it end.
fn complete(simulator: &Simulator, still: &Still, scope: &str, body: &Value) -> String {
    let id = post(simulator.address(), scope, body).operation_id();
    assert_eq!(status(simulator, scope, &id), "IN_PROGRESS");
    still.pass_seconds(2);
    status(simulator, scope, &id)
}

#[test]
fn an_operation_changes_the_state_when_it_ends() {
    let (simulator, still) = start(demo().active("demo", "demo:n1"));
    let id = post(simulator.address(), SWITCHES, &switch_to("demo:n2")).operation_id();
    still.pass(Duration::from_millis(1_999));
    assert_eq!(status(&simulator, SWITCHES, &id), "IN_PROGRESS");
    assert_eq!(simulator.active_model("demo").unwrap(), "demo:n1");
    still.pass(Duration::from_millis(1));
    assert_eq!(simulator.active_model("demo").unwrap(), "demo:n2");
    assert_eq!(status(&simulator, SWITCHES, &id), "DONE");
    let reset = json!({"type": "config_switch", "reset": true});
    assert_eq!(complete(&simulator, &still, SWITCHES, &reset), "DONE");
    assert_eq!(simulator.active_model("demo"), None);
}

#[test]
fn two_operations_in_one_second_collide_within_their_scope_only() {
    let (simulator, still) = start(demo().server("other").model("other:n1"));
    let address = simulator.address();
    let first = post(address, SWITCHES, &switch_to("demo:n1")).operation_id();
    let second = post(address, SWITCHES, &switch_to("demo:n2"));
    assert_eq!(
        (second.status, second.content_type.as_str()),
        (500, "text/html; charset=utf-8")
    );
    let elsewhere =
        post(address, "/servers/other/operations", &switch_to("other:n1")).operation_id();
    let update = json!({"type": "config_update", "changes": []});
    let instance = post(address, "/operations", &update).operation_id();
    assert_eq!([&elsewhere, &instance], [&first; 2]);
    assert_eq!(post(address, "/operations", &update).status, 500);
    still.pass_seconds(1);
    assert_ne!(
        post(address, SWITCHES, &switch_to("demo:n2")).operation_id(),
        first
    );
}

#[test]
fn two_clients_can_be_given_the_same_id() {
    for (same_second, kept) in [
        (SameSecond::KeepFirst, "demo:n1"),
        (SameSecond::KeepLast, "demo:n2"),
    ] {
        let (simulator, still) = start(demo().same_second(same_second));
        let ids = ["demo:n1", "demo:n2"]
            .map(|model| post(simulator.address(), SWITCHES, &switch_to(model)).operation_id());
        assert_eq!(ids[0], ids[1]);
        still.pass_seconds(2);
        assert_eq!(status(&simulator, SWITCHES, &ids[0]), "DONE");
        assert_eq!(simulator.active_model("demo").unwrap(), kept);
    }
}
