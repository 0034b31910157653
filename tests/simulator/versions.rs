//! Older programs, and a configuration that pg-backup-api has read too early.

use patroni_barman::simulator::{Config, Simulator, Version};
use serde_json::{Value, json};

use super::client::{get, post};

const OPERATIONS: &str = "/servers/demo/operations";

fn demo() -> Config {
    Config::default()
        .server("demo")
        .model("demo:n1")
        .backup("demo", "20260101T000000")
}

fn recovery(backup: &str) -> Value {
    json!({
        "type": "recovery", "backup_id": backup, "remote_ssh_command": "ssh n1", "destination_directory": "/srv/data",
    })
}

#[test]
fn older_apis_answer_otherwise() {
    let switch = json!({"type": "config_switch", "model_name": "demo:n1"});
    let update = json!({"type": "config_update", "changes": []});
    // the version; a switch, an update, the instance's list, an unknown backup
    let cases = [
        (Version(2, 2, 0), [202, 202, 200, 404]),
        (Version(2, 1, 0), [202, 202, 200, 404]),
        (Version(2, 0, 0), [500, 404, 404, 404]),
        (Version(1, 3, 0), [500, 404, 404, 500]),
    ];
    for (version, statuses) in cases {
        let simulator = Simulator::start(demo().api_version(version)).unwrap();
        let address = simulator.address();
        let got = [
            post(address, OPERATIONS, &switch).status,
            post(address, "/operations", &update).status,
            get(address, "/operations").status,
            post(address, OPERATIONS, &recovery("20200101T000000")).status,
        ];
        assert_eq!(got, statuses, "{version}");
    }
}

#[test]
fn the_oldest_lists_operations_as_text() {
    let simulator = Simulator::start(demo().api_version(Version(1, 3, 0))).unwrap();
    let address = simulator.address();
    let id = post(address, OPERATIONS, &recovery("latest")).operation_id();
    assert_eq!(get(address, OPERATIONS).json(), json!({"operations": [id]}));
}

#[test]
fn some_apis_and_barmans_do_not_fit_each_other() {
    let cases = [
        (Version(2, 0, 0), Version(3, 9, 0), 200),
        (Version(2, 0, 0), Version(3, 10, 0), 500),
        (Version(2, 1, 0), Version(3, 9, 0), 500),
        (Version(2, 1, 0), Version(3, 10, 0), 200),
        (Version(2, 1, 1), Version(3, 9, 0), 200),
    ];
    for (api, barman, status) in cases {
        let config = demo().api_version(api).barman_version(barman);
        let simulator = Simulator::start(config).unwrap();
        assert_eq!(
            get(simulator.address(), "/diagnose").status,
            status,
            "{api} {barman}"
        );
    }
}

#[test]
fn a_barman_before_models_has_none() {
    let simulator = Simulator::start(demo().barman_version(Version(3, 9, 0))).unwrap();
    let address = simulator.address();
    let state = get(address, "/diagnose").json();
    assert_eq!(state["global"]["system_info"]["barman_ver"], "3.9.0");
    assert_eq!(state.get("models"), None);
    assert_eq!(state["servers"]["demo"].get("active_model"), None);
    let switch = json!({"type": "config_switch", "model_name": "demo:n1"});
    let id = post(address, OPERATIONS, &switch).operation_id();
    let answer = get(address, &format!("{OPERATIONS}/{id}"));
    assert_eq!(answer.json()["status"], "FAILED");
}

#[test]
fn a_server_added_later_is_unknown_until_the_next_diagnosis() {
    let simulator = Simulator::start(demo().late_server("late")).unwrap();
    let address = simulator.address();
    simulator.add_server("later").unwrap();
    assert!(simulator.add_server("demo").is_err());
    let statuses = || {
        ["late", "later"]
            .map(|server| get(address, &format!("/servers/{server}/operations")).status)
    };
    assert_eq!(statuses(), [404, 404]);
    let state = get(address, "/diagnose").json();
    assert!(state["servers"]["late"].is_object());
    assert_eq!(statuses(), [200, 200]);
}

#[test]
fn a_big_diagnosis_comes_in_pieces() {
    let simulator = Simulator::start(demo().diagnose_size(40, 3)).unwrap();
    let state = get(simulator.address(), "/diagnose").json();
    let servers = state["servers"].as_object().unwrap();
    assert_eq!(servers.len(), 41);
    assert_eq!(servers["demo"]["backups"].as_object().unwrap().len(), 1);
    assert_eq!(
        servers["other00039"]["backups"].as_object().unwrap().len(),
        3
    );
    assert_eq!(
        servers["other00039"]["config"]["conninfo"],
        "host=other00039 port=5432 user=barman dbname=postgres"
    );
    assert_eq!(simulator.served()[0].status, Some(200));
}
