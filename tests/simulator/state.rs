//! Servers, models, backups and operations, and their changes as seen by clients.

use std::time::Duration;

use patroni_barman::simulator::barman::Slot;
use patroni_barman::simulator::{BackupStatus, Config, RecoverFiles, SameSecond, Simulator};
use serde_json::{Value, json};

use super::client::post;
use super::stage::{OPERATIONS, Stage, switch_to};
use crate::support::folder::Folder;
use crate::support::schema::has_values;

use crate::support::text::has;

fn demo() -> Config {
    Config::default()
        .server("demo")
        .model("demo:n1")
        .model("demo:n2")
        .backup("demo", "20260101T000000")
        .operation_time(Duration::from_secs(2))
}

#[test]
fn an_operation_changes_the_state_when_it_ends() {
    let stage = Stage::start(demo().active("demo", "demo:n1"));
    let id = stage.post(OPERATIONS, &switch_to("demo:n2")).operation_id();
    stage.still.pass(Duration::from_millis(1_999));
    assert_eq!(stage.status(OPERATIONS, &id), "IN_PROGRESS");
    assert_eq!(stage.active(), "demo:n1");
    stage.still.pass(Duration::from_millis(1));
    assert_eq!(stage.active(), "demo:n2");
    assert_eq!(stage.status(OPERATIONS, &id), "DONE");
    let reset = json!({"type": "config_switch", "reset": true});
    stage.ends(OPERATIONS, &reset, "DONE");
    assert_eq!(stage.active(), "");
}

#[test]
fn two_operations_in_one_second_collide_within_their_scope_only() {
    let stage = Stage::start(demo().server("other").model("other:n1"));
    let address = stage.simulator.address();
    let first = post(address, OPERATIONS, &switch_to("demo:n1")).operation_id();
    let second = post(address, OPERATIONS, &switch_to("demo:n2"));
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
    stage.pass_seconds(1);
    assert_ne!(
        post(address, OPERATIONS, &switch_to("demo:n2")).operation_id(),
        first
    );
}

#[test]
fn two_clients_can_be_given_the_same_id() {
    for (same_second, kept) in [
        (SameSecond::KeepFirst, "demo:n1"),
        (SameSecond::KeepLast, "demo:n2"),
    ] {
        let stage = Stage::start(demo().same_second(same_second));
        let ids = ["demo:n1", "demo:n2"]
            .map(|model| stage.post(OPERATIONS, &switch_to(model)).operation_id());
        assert_eq!(ids[0], ids[1]);
        stage.pass_seconds(2);
        assert_eq!(stage.status(OPERATIONS, &ids[0]), "DONE");
        assert_eq!(stage.active(), kept);
    }
}

#[test]
fn an_operation_that_has_ended_keeps_its_status_when_its_id_is_given_again() {
    let stage = Stage::start(
        demo()
            .same_second(SameSecond::KeepLast)
            .operation_time(Duration::ZERO),
    );
    let ids =
        ["nope", "demo:n2"].map(|model| stage.post(OPERATIONS, &switch_to(model)).operation_id());
    assert_eq!(ids[0], ids[1]);
    assert_eq!(stage.status(OPERATIONS, &ids[0]), "FAILED");
    assert_eq!(stage.active(), "demo:n2");
}

fn update(changes: &Value) -> Value {
    json!({"type": "config_update", "changes": changes})
}

#[test]
fn diagnose_shows_the_whole_state() {
    let config = demo()
        .server_of_cluster("second", "demo")
        .model_of_cluster("elsewhere", "paris")
        .backup_with_status("demo", "20260102T030405", BackupStatus::Failed)
        .active("demo", "demo:n1")
        .timeline("demo:n1", 3)
        .timeline("second", 4);
    let stage = Stage::start(config);
    stage.simulator.change_postgres("demo:n1", |postgres| {
        postgres.in_recovery = true;
        postgres.slot = Slot::Idle;
    });
    let shown = stage.diagnose();
    let conninfo = &shown["models"]["demo:n1"]["config"]["conninfo"];
    let facts = json!({
        "/global/system_info/timestamp": "2026-11-23T03:45:31.000000+00:00",
        "/models/demo:n1/config/cluster": "demo",
        "/models/demo:n2/config/cluster": "demo",
        "/models/elsewhere/config/cluster": "paris",
        "/servers/demo/active_model": "demo:n1",
        "/servers/demo/config/conninfo": conninfo,
        "/servers/demo/config/wals_directory": "/var/lib/barman/demo/wals",
        "/servers/demo/status/timeline": 3,
        "/servers/demo/status/is_in_recovery": true,
        "/servers/demo/status/streaming": true,
        "/servers/demo/status/replication_slot": ["barman", false, "0/6000000"],
        "/servers/demo/wals/last_archived_wal_per_timeline/00000003/name": "000000030000000000000007",
        "/servers/demo/backups/20260101T000000/status": "DONE",
        "/servers/demo/backups/20260102T030405/status": "FAILED",
        "/servers/demo/backups/20260102T030405/begin_time": "2026-01-02T03:04:05.000000+00:00",
        "/servers/second/active_model": null,
        "/servers/second/config/cluster": "demo",
        "/servers/second/config/name": "second",
        "/servers/second/status/timeline": 4,
        "/servers/second/backups": {},
    });
    has_values(&shown, &facts);
    let backups = &shown["servers"]["demo"]["backups"];
    assert_eq!(backups.as_object().unwrap().len(), 2);
}

#[test]
fn a_model_of_the_clusters_other_server_fits() {
    let stage = Stage::start(demo().server_of_cluster("second", "demo"));
    stage.ends("/servers/second/operations", &switch_to("demo:n2"), "DONE");
    assert_eq!(stage.simulator.active_model("second").unwrap(), "demo:n2");
    assert_eq!(stage.active(), "");
}

#[test]
fn config_update_changes_servers_and_models() {
    let stage = Stage::start(
        demo()
            .option("demo", "check_timeout", "30")
            .option("demo", "active", "on"),
    );
    let changes = json!([
        {"scope": "server", "server_name": "demo", "description": "left by n1", "check_timeout": "17", "active": "off"},
        {"scope": "model", "model_name": "demo:n1", "conninfo": "host=elsewhere"},
    ]);
    stage.ends("/operations", &update(&changes), "DONE");
    let facts = json!({
        "/servers/demo/config/description": "left by n1",
        "/servers/demo/config/check_timeout": 17,
        "/servers/demo/config/active": false,
        "/models/demo:n1/config/conninfo": "host=elsewhere",
    });
    has_values(&stage.diagnose(), &facts);
}

#[test]
fn diagnose_does_not_show_what_barman_has_in_its_automatic_file() {
    let options = [
        ("minimum_redundancy", "1"),
        ("parallel_jobs", "4"),
        ("last_backup_maximum_age", "1 DAY"),
    ];
    let change = |(option, value): (&str, &str)| json!([{"scope": "server", "server_name": "demo", option: value}]);
    for (option, value) in options {
        for is_in_file in [false, true] {
            let config = if is_in_file {
                demo().option("demo", option, value)
            } else {
                demo()
            };
            let stage = Stage::start(config.active("demo", "demo:n1"));
            let old = stage.demo()["config"][option].clone();
            let value = value.replace(['1', '4'], "3");
            let body = update(&change((option, &value)));
            stage.ends("/operations", &body, "DONE");
            let new = &stage.demo()["config"][option];
            assert_eq!(*new != old, is_in_file, "{option}: {old} {new}");
            // each time, even if nothing else changes
            assert_eq!(stage.receiving().restarts, 1);
        }
    }
}

#[test]
fn a_model_that_config_update_makes_is_barmans_secret() {
    let stage = Stage::start(demo());
    let changes = json!([{"scope": "model", "model_name": "demo:n3", "cluster": "demo", "streaming_conninfo": "host=n3"}]);
    let body = update(&changes);
    stage.ends("/operations", &body, "DONE");
    stage.ends(OPERATIONS, &switch_to("demo:n3"), "DONE");
    assert_eq!(stage.active(), "demo:n3");
    assert_eq!(stage.receiving().from.as_deref(), Some("n3"));
    let shown = stage.diagnose();
    assert_eq!(shown["models"].get("demo:n3"), None);
    assert_eq!(shown["servers"]["demo"]["active_model"], Value::Null);
}

#[test]
fn values_are_shown_as_barman_shows_them() {
    let written = [
        ("last_backup_maximum_age", "2 DAYS", json!("2 days")),
        ("last_wal_maximum_age", "2 HOURS", json!("2 hours")),
        ("last_backup_minimum_size", "2 Mi", json!(2_097_152)),
        ("tablespace_bandwidth_limit", "a:2", json!({"a": 2})),
        ("slot_name", "", Value::Null),
    ];
    let config = written.iter().fold(demo(), |config, (option, value, _)| {
        config.option("demo", option, value)
    });
    let stage = Stage::start(config);
    let server = &stage.demo();
    for (option, _, shown) in &written {
        assert_eq!(server["config"][option], *shown, "{option}");
    }
    assert_eq!(server["status"]["replication_slot"], Value::Null);
}

#[test]
fn backups_say_what_they_were_taken_of() {
    let stage = Stage::start(
        demo()
            .backup("demo", "20260102T000000")
            .of(3, Some("7000000000000000001"))
            .backup_with_status("demo", "20260103T000000", BackupStatus::WaitingForWals)
            .backup_with_status("demo", "20260104T000000", BackupStatus::Started)
            .wal("demo", "000000010000000000000009")
            .wal("demo", "00000003000000000000000A"),
    );
    let server = &stage.demo();
    let facts = json!({
        "/backups/20260102T000000/timeline": 3,
        "/backups/20260102T000000/systemid": "7000000000000000001",
        "/backups/20260102T000000/begin_wal": "000000030000000000000007",
        "/backups/20260101T000000/status": "DONE",
        "/backups/20260101T000000/timeline": 1,
        "/backups/20260103T000000/status": "WAITING_FOR_WALS",
        "/backups/20260103T000000/timeline": 1,
        "/backups/20260104T000000/status": "STARTED",
        "/backups/20260104T000000/timeline": 1,
        "/wals/last_archived_wal_per_timeline/00000001/name": "000000010000000000000009",
        "/wals/last_archived_wal_per_timeline/00000003/name": "00000003000000000000000A",
    });
    has_values(server, &facts);
}

#[test]
fn config_update_refuses_all_changes_if_one_is_wrong() {
    let good = json!({"scope": "server", "server_name": "demo", "description": "never seen"});
    let wrong = [
        json!("not an object"),
        json!({"server_name": "demo"}),
        json!({"scope": "cluster", "server_name": "demo"}),
        json!({"scope": "server"}),
        json!({"scope": "server", "model_name": "demo"}),
        json!({"scope": "server", "server_name": "demo:n1", "description": "a model"}),
        json!({"scope": "model", "model_name": "demo", "cluster": "demo", "description": "a server"}),
        json!({"scope": "model", "model_name": "demo:n9", "conninfo": "no cluster"}),
        json!({"scope": "model", "model_name": "demo:n1", "wals_directory": "/not/for/models"}),
        json!({"scope": "server", "server_name": "demo", "no_such_option": "x"}),
        json!({"scope": "server", "server_name": "demo", "name": "x"}),
        json!({"scope": "server", "server_name": "demo", "active": "perhaps"}),
        json!({"scope": "server", "server_name": "demo", "active": true}),
        json!({"scope": "server", "server_name": "demo", "check_timeout": "soon"}),
    ];
    let stage = Stage::start(demo());
    let before = stage.diagnose();
    for wrong in wrong {
        stage.ends("/operations", &update(&json!([good, wrong])), "FAILED");
    }
    for changes in [json!(null), json!("x"), json!({"a": 1})] {
        stage.ends("/operations", &update(&changes), "FAILED");
    }
    assert_eq!(stage.diagnose()["servers"], before["servers"]);
    stage.ends("/operations", &update(&json!([good])), "DONE");
}

#[test]
fn a_value_that_is_not_text_blocks_every_later_update() {
    for value in [json!(5), json!(true), json!(null)] {
        let stage = Stage::start(demo());
        let text = json!([{"scope": "server", "server_name": "demo", "description": "text"}]);
        let other = json!([{"scope": "server", "server_name": "demo", "description": value}]);
        stage.ends("/operations", &update(&text), "DONE");
        stage.ends("/operations", &update(&other), "FAILED");
        stage.ends("/operations", &update(&text), "FAILED");
        stage.ends(OPERATIONS, &switch_to("demo:n1"), "DONE");
    }
}

#[test]
fn config_update_of_an_unknown_server_succeeds_and_is_not_seen() {
    let stage = Stage::start(demo());
    let changes =
        json!([{"scope": "server", "server_name": "dmeo", "description": "a slip of the finger"}]);
    stage.ends("/operations", &update(&changes), "DONE");
    // Barman has it in a file that pg-backup-api does not read
    assert_eq!(stage.diagnose()["servers"].get("dmeo"), None);
    assert_eq!(stage.get("/servers/dmeo/operations").status, 404);
}

fn recovery(backup_id: &str, directory: &str) -> Value {
    json!({
        "type": "recovery",
        "backup_id": backup_id,
        "remote_ssh_command": "ssh postgres@node",
        "destination_directory": directory,
    })
}

#[test]
fn backups_have_aliases() {
    let with = |config: Config| {
        config.backup("demo", "20260103T000000").backup_with_status(
            "demo",
            "20260104T000000",
            BackupStatus::Failed,
        )
    };
    let cases = [
        ("latest", "20260103T000000", "DONE"),
        ("last", "20260103T000000", "DONE"),
        ("oldest", "20260101T000000", "DONE"),
        ("first", "20260101T000000", "DONE"),
        ("20260101T000000", "20260101T000000", "DONE"),
        ("last-failed", "20260104T000000", "FAILED"),
    ];
    for (alias, id, status) in cases {
        let folder = Folder::new();
        let data = folder.path("data");
        let stage = Stage::start(with(demo()).recover_files(RecoverFiles::Local));
        let mut body = recovery(alias, data.to_str().unwrap());
        if alias == "latest" {
            // a request without a type is a recovery
            body.as_object_mut().unwrap().remove("type");
        }
        stage.ends(OPERATIONS, &body, status);
        let restored = data.join("PG_VERSION").exists();
        assert_eq!(restored, status == "DONE", "{alias}");
        if restored {
            let label = std::fs::read_to_string(data.join("backup_label")).unwrap();
            has(&label, &format!("BACKUP: {id}\n"));
        }
    }
    let stage = Stage::start(Config::default().server("demo"));
    for alias in ["latest", "first", "last-failed"] {
        let answer = stage.post(OPERATIONS, &recovery(alias, "/srv/data"));
        assert_eq!(
            answer.json()["error"],
            format!("404 Not Found: Backup '{alias}' does not exist")
        );
    }
}

#[test]
fn a_recovery_touches_this_machine_only_if_told_to() {
    let folder = Folder::new();
    let data = folder.path("data");
    let stage = Stage::start(demo());
    stage.ends(
        OPERATIONS,
        &recovery("latest", data.to_str().unwrap()),
        "DONE",
    );
    assert!(!data.exists());
}

#[test]
fn a_recovery_writes_files_of_its_own_each_time() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = Folder::new();
    let data = folder.path("data");
    let stage = Stage::start(demo().recover_files(RecoverFiles::Local));
    let body = recovery("latest", data.to_str().unwrap());
    let inodes = || {
        ["PG_VERSION", ".barman-recover.info"]
            .map(|name| std::fs::metadata(data.join(name)).unwrap().ino())
    };
    stage.ends(OPERATIONS, &body, "DONE");
    let (first, kept) = (inodes(), std::fs::File::open(data.join("PG_VERSION")));
    stage.ends(OPERATIONS, &body, "DONE");
    assert_ne!(inodes()[0], first[0]);
    drop(kept);
}

#[test]
fn a_recovery_into_a_directory_that_is_not_empty_fails_if_asked_to() {
    for (file, status) in [(None, "DONE"), (Some("old"), "FAILED")] {
        let folder = tempfile::tempdir().unwrap();
        if let Some(file) = file {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let config = demo().recover_files(RecoverFiles::Local).empty_only();
        let stage = Stage::start(config);
        let body = recovery("latest", folder.path().to_str().unwrap());
        stage.ends(OPERATIONS, &body, status);
    }
}

#[test]
fn a_recovery_that_cannot_write_fails() {
    let folder = Folder::new();
    let file = folder.write("file", "in the way");
    let stage = Stage::start(demo().recover_files(RecoverFiles::Local));
    for directory in [&file, "relative", ""] {
        stage.ends(OPERATIONS, &recovery("latest", directory), "FAILED");
    }
    assert!(!std::path::Path::new("relative").exists());
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let cases = [
        (
            demo().server("demo"),
            "`demo` is named twice: every server and model needs a name of its own",
        ),
        (
            demo().server("demo:n1"),
            "`demo:n1` is named twice: every server and model needs a name of its own",
        ),
        (
            demo().server("a/b"),
            "`a/b` can't be a name: use letters, digits, `.`, `_`, `:` and `-`",
        ),
        (
            demo().server(""),
            "`` can't be a name: use letters, digits, `.`, `_`, `:` and `-`",
        ),
        (
            demo().model("n1"),
            "model `n1` has no cluster: name it `CLUSTER:NODE`, or give the cluster as `n1=CLUSTER`",
        ),
        (
            demo().backup("other", "1"),
            "there is no server `other` for backup `1`; servers: `demo`",
        ),
        (
            Config::default().active("a", "b"),
            "there is no server `a` for active model `b`; servers: none",
        ),
        (
            demo().active("demo", "demo:n3"),
            "there is no model `demo:n3` to be active on server `demo`",
        ),
        (
            demo().model("x:1").active("demo", "x:1"),
            "model `x:1` is of cluster `x` and can't be active on server `demo` of cluster `demo`",
        ),
        (
            demo().timeline("demo:n3", 2),
            "there is no server or model `demo:n3` to set a timeline of",
        ),
        (
            demo().option("demo", "check_timeout", "soon"),
            "`soon` can't be the option `check_timeout` of `demo`",
        ),
        (
            demo().option("demo", "no_such", "1"),
            "`1` can't be the option `no_such` of `demo`",
        ),
        (
            demo().wal("demo", "00000001"),
            "`00000001` is not the name of a WAL file, which has 24 hexadecimal digits",
        ),
        (
            demo().prefix("backup"),
            "prefix `backup` must begin with `/` and have no query",
        ),
        (
            demo().prefix("/a?b"),
            "prefix `/a?b` must begin with `/` and have no query",
        ),
    ];
    for (config, message) in cases {
        assert_eq!(Simulator::start(config).unwrap_err().to_string(), message);
    }
}
