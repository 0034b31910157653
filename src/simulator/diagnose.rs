//! The answer of `/diagnose`: a recorded one, with the simulator's own state laid over it.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::barman::{Model, Postgres, Server};
use super::config::BackupStatus;
use super::moment::Moment;

/// What Barman 3.19 said of one server with one backup.
#[derive(Debug, Default, serde::Deserialize)]
struct Recorded {
    global: Map<String, Value>,
    server: RecordedServer,
    backup: Map<String, Value>,
    wal: Map<String, Value>,
}

#[derive(Debug, Default, serde::Deserialize)]
struct RecordedServer {
    config: Map<String, Value>,
    status: Map<String, Value>,
}

static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    serde_json::from_str(include_str!("diagnose/recorded.json")).unwrap_or_default()
});

/// The value that every server has for an option unless it is set; none if Barman knows no such option.
pub(super) fn default_option(option: &str) -> Option<&'static Value> {
    RECORDED
        .server
        .config
        .get(option)
        .filter(|_| option != "name")
}

/// The options that make a server.
pub(super) fn server_options(cluster: &str, host: &str) -> Map<String, Value> {
    let mut options = connection(host);
    options.insert("cluster".to_owned(), cluster.into());
    options
}

/// The options that make a model.
pub(super) fn model_options(cluster: &str, node: &str) -> Map<String, Value> {
    let mut options = server_options(cluster, node);
    options.insert("model".to_owned(), true.into());
    options.sort_keys();
    options
}

fn connection(host: &str) -> Map<String, Value> {
    let mut options = Map::new();
    options.insert(
        "conninfo".to_owned(),
        format!("host={host} port=5432 user=barman dbname=postgres").into(),
    );
    options.insert(
        "streaming_conninfo".to_owned(),
        format!("host={host} port=5432 user=streaming_barman").into(),
    );
    options
}

/// The `global` part.
pub(super) fn global(now: Moment) -> Value {
    let mut global = RECORDED.global.clone();
    if let Some(system) = global.get_mut("system_info").and_then(Value::as_object_mut) {
        system.insert("timestamp".to_owned(), now.timestamp().into());
    }
    global.into()
}

/// A server's part, with its active model laid over its options.
pub(super) fn server(name: &str, server: &Server, model: Option<&Model>) -> Value {
    let postgres = server
        .postgres
        .as_ref()
        .map(|own| model.map_or(own, |model| &model.postgres));
    let backups: Map<String, Value> = server
        .backups
        .iter()
        .map(|(id, status)| (id.clone(), backup(name, id, *status)))
        .collect();
    json!({
        "active_model": server.active_model,
        "backups": backups,
        "config": config(name, server, model),
        "msg_list": [],
        "status": postgres.map_or_else(unreachable_status, status),
        "wals": {"last_archived_wal_per_timeline": postgres.map_or_else(|| json!({}), wals)},
    })
}

fn config(name: &str, server: &Server, model: Option<&Model>) -> Value {
    let mut config = RECORDED.server.config.clone();
    for (option, value) in &mut config {
        // The recorded server's directories have its name in them.
        if let Some(path) = value.as_str().filter(|_| option.ends_with("_directory")) {
            *value = path
                .replace("/barman/demo", &format!("/barman/{name}"))
                .into();
        }
    }
    config.insert("name".to_owned(), name.into());
    config.extend(server.options.clone());
    if let Some(model) = model {
        let overrides = model
            .options
            .iter()
            .filter(|(option, _)| !matches!(option.as_str(), "cluster" | "model"));
        config.extend(overrides.map(|(option, value)| (option.clone(), value.clone())));
    }
    config.into()
}

fn status(postgres: &Postgres) -> Value {
    let mut status = RECORDED.server.status.clone();
    let own = [
        ("is_in_recovery", postgres.in_recovery.into()),
        (
            "replication_slot",
            json!(["barman", postgres.slot_active, "0/6000000"]),
        ),
        ("streaming", postgres.streaming.into()),
        ("timeline", postgres.timeline.into()),
    ];
    status.extend(own.map(|(key, value): (&str, Value)| (key.to_owned(), value)));
    status.into()
}

/// The status of a server whose PostgreSQL can't be connected to.
fn unreachable_status() -> Value {
    json!({"archive_command": null, "archive_mode": null})
}

fn wals(postgres: &Postgres) -> Value {
    let mut wal = RECORDED.wal.clone();
    wal.insert(
        "name".to_owned(),
        format!("{:08X}0000000000000005", postgres.timeline).into(),
    );
    json!({format!("{:08X}", postgres.timeline): wal})
}

fn backup(server: &str, id: &str, status: BackupStatus) -> Value {
    let mut backup = RECORDED.backup.clone();
    let mut set = |key: &str, value: &str| backup.insert(key.to_owned(), value.into());
    set("backup_id", id);
    set("server_name", server);
    if let Some(begin) = iso_time(id) {
        set("begin_time", &begin);
        set("end_time", &begin);
    }
    if status == BackupStatus::Failed {
        set("status", "FAILED");
        set("error", "failure taking the backup");
    }
    backup.into()
}

/// The time that a backup's id stands for.
fn iso_time(id: &str) -> Option<String> {
    let (date, time) = id.split_once('T')?;
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(date, 8) || !digits(time, 6) {
        return None;
    }
    Some(format!(
        "{}-{}-{}T{}:{}:{}.000000+00:00",
        date.get(..4)?,
        date.get(4..6)?,
        date.get(6..)?,
        time.get(..2)?,
        time.get(2..4)?,
        time.get(4..)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recording_is_whole() {
        assert_eq!(RECORDED.server.config["wal_retention_policy"], "MAIN");
        assert_eq!(RECORDED.server.status["timeline"], 6);
        assert_eq!(RECORDED.backup["status"], "DONE");
        assert!(RECORDED.global["system_info"].is_object() && RECORDED.wal["size"].is_u64());
    }
}
