//! The answer of `/diagnose`: a recorded one, overlaid with the simulator's own state.

use serde_json::{Map, Value, json};

use crate::model::{Lsn, SEGMENT};

use super::backup::BackupStatus;
use super::moment::Moment;
use super::receiver::State;
use super::recorded::RECORDED;
use super::sections::{Model, Options, Postgres, Server, Slot, Stored};
use super::version::Version;

pub(super) fn server_options(cluster: &str, host: &str) -> Map<String, Value> {
    let conninfo = format!("host={host} port=5432 user=barman dbname=postgres");
    let streaming = format!("host={host} port=5432 user=streaming_barman");
    let options = [
        ("conninfo", conninfo),
        ("streaming_conninfo", streaming),
        ("cluster", cluster.to_owned()),
    ];
    let options = options.into_iter();
    options
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect()
}

pub(super) fn model_options(cluster: &str, node: &str) -> Map<String, Value> {
    let mut options = server_options(cluster, node);
    options.insert("model".to_owned(), true.into());
    options.sort_keys();
    options
}

/// The `global` part.
pub(super) fn global(now: Moment, version: Version) -> Value {
    let mut global = RECORDED.global.clone();
    if let Some(system) = global.get_mut("system_info").and_then(Value::as_object_mut) {
        system.insert("timestamp".to_owned(), now.timestamp().into());
        system.insert("barman_ver".to_owned(), version.to_string().into());
    }
    global.into()
}

/// A model's part.
pub(super) fn model(model: &Model) -> Value {
    json!({"config": model.options.file})
}

/// A server's part, with its active model applied to its options. Options in `.barman.auto.conf` are not shown:
/// pg-backup-api does not read it.
pub(super) fn server(name: &str, server: &Server, model: Option<&Model>) -> Map<String, Value> {
    let own = server.postgres.as_ref().filter(|_| !server.is_passive());
    let postgres = own.map(|own| model.map_or(own, |model| &model.postgres));
    let backups = server.backups.iter();
    let backups: Map<String, Value> = backups
        .map(|(id, stored)| (id.clone(), backup(name, id, stored)))
        .collect();
    let config = config(name, server, model);
    let wals = server
        .wals
        .iter()
        .map(|(timeline, name)| wal(*timeline, name));
    let wals: Map<String, Value> = wals.collect();
    let status = match postgres {
        None => unknown_status(),
        Some(postgres) if !postgres.reachable => unreachable_status(&config),
        Some(postgres) => status(postgres, slot(server, postgres, &config)),
    };
    let active = server.active_model.as_ref().filter(|_| model.is_some());
    let mut part = Map::new();
    let mut set = |key: &str, value: Value| part.insert(key.to_owned(), value);
    set("active_model", json!(active));
    set("backups", backups.into());
    set("config", config.into());
    set("msg_list", json!([]));
    set("status", status);
    set("wals", json!({"last_archived_wal_per_timeline": wals}));
    part
}

fn config(name: &str, server: &Server, model: Option<&Model>) -> Map<String, Value> {
    let mut config = RECORDED.server.config.clone();
    for (option, value) in &mut config {
        // The recorded server's directories contain its name.
        if let Some(path) = value.as_str().filter(|_| option.ends_with("_directory")) {
            let own = path.replace("/barman/demo", &format!("/barman/{name}"));
            *value = own.into();
        }
    }
    config.insert("name".to_owned(), name.into());
    config.extend(server.options.file.clone());
    if let Some(model) = model {
        let mut overrides = model.options.file.clone();
        overrides.retain(|option, _| !matches!(option.as_str(), "cluster" | "model"));
        config.extend(overrides);
    }
    config
}

/// PostgreSQL's answer about Barman's slot: null if there is none with that name, or Barman has no name for it.
fn slot(server: &Server, postgres: &Postgres, config: &Map<String, Value>) -> Value {
    match config.get("slot_name") {
        Some(Value::String(name)) if postgres.slot != Slot::Missing => {
            let is_running = server.receiver.state == State::Running;
            let active = is_running && postgres.slot == Slot::Usable;
            let at = server
                .received
                .map_or(0x0600_0000, |(_, at)| at / SEGMENT * SEGMENT);
            json!([name, active, Lsn(at)])
        }
        _ => Value::Null,
    }
}

fn status(postgres: &Postgres, slot: Value) -> Value {
    let mut status = RECORDED.server.status.clone();
    let own = [
        ("is_in_recovery", postgres.in_recovery.into()),
        ("replication_slot", slot),
        ("streaming", postgres.streaming.into()),
        ("timeline", postgres.timeline.into()),
        ("postgres_systemid", postgres.system_id.clone().into()),
        ("streaming_systemid", postgres.system_id.clone().into()),
    ];
    status.extend(own.map(|(key, value): (&str, Value)| (key.to_owned(), value)));
    status.into()
}

/// The status of a server whose PostgreSQL does not answer: only the facts about this host are known.
fn unreachable_status(config: &Map<String, Value>) -> Value {
    let mut status = RECORDED.server.status.clone();
    for (key, value) in &mut status {
        if !key.starts_with("pg_basebackup") && !key.starts_with("pg_receivexlog") {
            *value = Value::Null;
        }
    }
    let conninfo = config.get("conninfo").and_then(Value::as_str);
    let (host, port) = peer(conninfo.unwrap_or_default());
    let error = format!(
        "connection to server at \"{host}\", port {port} failed: Connection refused\n\
         \tIs the server running on that host and accepting TCP/IP connections?"
    );
    status.insert("connection_error".to_owned(), error.into());
    status.into()
}

/// The status of a server without connection information.
fn unknown_status() -> Value {
    json!({"archive_command": null, "archive_mode": null})
}

/// The host and port in connection information.
pub(super) fn peer(conninfo: &str) -> (&str, u16) {
    let word = |key: &str| {
        let mut words = conninfo.split_whitespace();
        words.find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    };
    let port = word("port").and_then(|port| port.parse().ok());
    (word("host").unwrap_or_default(), port.unwrap_or(5432))
}

/// The name of the last archived WAL file of a timeline by default: the one before the file that a
/// simulated leader is writing.
pub(super) fn wal_name(timeline: u64) -> String {
    format!("{timeline:08X}00000000{:08X}", timeline + 4)
}

fn wal(timeline: u64, name: &str) -> (String, Value) {
    let mut wal = RECORDED.wal.clone();
    wal.insert("name".to_owned(), name.into());
    (format!("{timeline:08X}"), wal.into())
}

fn backup(server: &str, id: &str, stored: &Stored) -> Value {
    let mut backup = RECORDED.backup.clone();
    let mut set = |key: &str, value: Value| backup.insert(key.to_owned(), value);
    set("backup_id", id.into());
    set("server_name", server.into());
    set("timeline", stored.timeline.into());
    set("systemid", stored.system_id.clone().into());
    let usual = || wal_name(stored.timeline);
    let file = stored.begin.clone().unwrap_or_else(usual);
    set("begin_wal", file.clone().into());
    set("end_wal", file.into());
    if let Some(begin) = iso_time(id) {
        set("begin_time", begin.clone().into());
        set("end_time", begin.into());
    }
    set("status", stored.status.name().into());
    match stored.status {
        BackupStatus::Failed => {
            set("error", "failure taking the backup".into());
        }
        BackupStatus::Started => {
            set("end_time", Value::Null);
            set("end_wal", Value::Null);
        }
        _ => {}
    }
    backup.into()
}

/// A server without backups that only makes the document longer.
pub(super) fn filler_server(name: &str) -> Value {
    let mut options = server_options(name, name);
    options.sort_keys();
    let mut other = Server::new(Options::in_file(options), Some(Postgres::default()));
    other.wals.insert(1, wal_name(1));
    other.receiver.state = State::Running;
    server(name, &other, None).into()
}

/// A backup of such a server.
pub(super) fn filler_backup(server: &str, id: &str) -> Value {
    backup(server, id, &Stored::default())
}

/// The time in a backup's ID.
fn iso_time(id: &str) -> Option<String> {
    let (date, time) = id.split_once('T')?;
    let digits =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(date, 8) || !digits(time, 6) {
        return None;
    }
    let (year, month, day) = (date.get(..4)?, date.get(4..6)?, date.get(6..)?);
    let (hour, minute, second) = (time.get(..2)?, time.get(2..4)?, time.get(4..)?);
    Some(format!(
        "{year}-{month}-{day}T{hour}:{minute}:{second}.000000+00:00"
    ))
}
