//! The API in front of a Barman other than the one in memory.

use std::time::Duration;

use patroni_barman::simulator::backend::{Backend, OperationKey, Outcome, Task};
use patroni_barman::simulator::{Front, Moment, Simulator};
use serde_json::{Value, json};

use super::client::{Still, get, post};

/// A Barman that knows every server, has no state to show, and records the operations that it starts.
#[derive(Default)]
struct Recorder {
    started: Vec<(OperationKey, Task)>,
}

impl Backend for Recorder {
    fn has_server(&mut self, server: &str) -> bool {
        server != "nope"
    }

    fn has_backup(&mut self, _now: Moment, _server: &str, backup_id: &str) -> bool {
        backup_id == "latest"
    }

    fn start(&mut self, _now: Moment, key: &OperationKey, task: Task) {
        self.started.push((key.clone(), task));
    }

    fn outcome(&mut self, _now: Moment, key: &OperationKey) -> Option<Outcome> {
        let (_, task) = self.started.iter().find(|(started, _)| started == key)?;
        Some(if task.name() == "recovery" {
            Outcome::Failed
        } else {
            Outcome::Done
        })
    }

    fn diagnose(&mut self, _now: Moment) -> Option<Value> {
        None
    }

    fn operation_time(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn another_barman_can_stand_behind_the_api() {
    let still = Still::default();
    let simulator =
        Simulator::start_with_backend(Recorder::default(), Front::default(), still.clock())
            .unwrap();
    let address = simulator.address();
    assert_eq!(get(address, "/diagnose").status, 500);
    assert_eq!(get(address, "/servers/nope/operations").status, 404);
    let recovery = json!({
        "backup_id": "latest",
        "remote_ssh_command": "ssh postgres@n1",
        "destination_directory": "/srv/data",
    });
    let switch = json!({"type": "config_switch", "reset": true});
    let update = json!({"type": "config_update", "changes": [1]});
    for (operations, body, status) in [
        ("/servers/a/operations", recovery, "FAILED"),
        ("/servers/b/operations", switch, "DONE"),
        ("/operations", update, "DONE"),
    ] {
        let id = post(address, operations, &body).operation_id();
        assert_eq!(
            get(address, &format!("{operations}/{id}")).json()["status"],
            status
        );
    }
}
