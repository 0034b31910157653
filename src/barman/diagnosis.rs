//! The answer of `GET /diagnose`: the parts that rules and checks need.
//!
//! Barman leaves out values that it could not determine, and puts `null`, `false` or a message where a
//! value should be when PostgreSQL is down. So every value here may be missing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::{Lsn, ModelName};

/// Barman's configuration and state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnosis {
    /// Barman's version.
    pub version: Option<String>,
    /// Its servers by name.
    pub servers: BTreeMap<String, ServerState>,
    /// Its models by name.
    pub models: BTreeMap<String, ModelState>,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerState {
    /// The model applied to its configuration.
    pub active_model: ActiveModel,
    /// The options in force.
    pub config: Map<String, Value>,
    /// Its backups by ID.
    pub backups: BTreeMap<String, Backup>,
    /// Barman reached PostgreSQL over the replication protocol.
    pub streaming: Option<bool>,
    /// PostgreSQL is a standby.
    pub is_in_recovery: Option<bool>,
    /// PostgreSQL's timeline.
    pub timeline: Option<u64>,
    /// PostgreSQL's WAL position.
    pub position: Option<Lsn>,
    /// Barman's replication slot on PostgreSQL.
    pub slot: Option<Slot>,
    /// The reason why Barman did not reach PostgreSQL.
    pub connection_error: Option<String>,
    /// PostgreSQL's system identifier.
    pub systemid: Option<String>,
    /// `active` in its configuration: Barman skips an inactive server.
    pub active: Option<bool>,
    /// It copies from another Barman (`primary_ssh_command`) and receives nothing from PostgreSQL.
    pub passive: bool,
    /// Barman receives WAL by streaming.
    pub streaming_archiver: Option<bool>,
    /// The `application_name` of Barman's WAL receiver.
    pub streaming_archiver_name: Option<String>,
    /// `archiver`: PostgreSQL's `archive_command` also delivers WAL files.
    pub archiver: Option<bool>,
    /// `recovery_options`, for example `get-wal`.
    pub recovery_options: Option<String>,
    /// The newest WAL file in the archive of each timeline.
    pub last_archived_wal_per_timeline: BTreeMap<u64, ArchivedWal>,
    /// The size of PostgreSQL's WAL segments in bytes.
    pub segment_size: Option<u64>,
}

/// A WAL file in the archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArchivedWal {
    /// Its name.
    pub name: String,
    /// The time the file was last written.
    #[serde(rename = "archived", serialize_with = "crate::model::time::serialize")]
    #[cfg_attr(test, schemars(with = "Option<crate::model::Utc>"))]
    pub written: Option<Duration>,
}

/// The model that is active on a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ActiveModel {
    /// Unknown: Barman is older than 3.10, or could not read it.
    #[default]
    Unknown,
    /// No model is active.
    None,
    /// This model is active.
    Model(ModelName),
}

/// Barman's replication slot on the PostgreSQL server it backs up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// WAL is being received through it.
    pub active: bool,
    /// The position from which PostgreSQL keeps WAL for it.
    #[serde(skip)]
    pub restart: Option<Lsn>,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backup {
    /// `DONE`, `FAILED`, `WAITING_FOR_WALS` and so on.
    pub status: Option<String>,
    /// The time it ended, in Barman's notation.
    pub end_time: Option<String>,
    /// The timeline it was taken on.
    pub timeline: Option<u64>,
    /// The system identifier of its cluster.
    pub systemid: Option<String>,
    /// The WAL file in which it began.
    pub begin_wal: Option<String>,
    /// The WAL file in which it ended; without it the backup is unusable.
    pub end_wal: Option<String>,
    /// The size of WAL segments in bytes.
    pub segment_size: Option<u64>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelState {
    /// The cluster it is for.
    pub cluster: Option<String>,
    /// Its options.
    pub config: Map<String, Value>,
}

impl Diagnosis {
    /// The reason why a Barman that is too old has no models; `None` if it is not too old.
    pub fn why_no_models(&self) -> Option<String> {
        let version = self.version.as_deref()?;
        let mut numbers = version.split('.').map(str::parse::<u32>);
        match (numbers.next()?, numbers.next()?) {
            (Ok(major), Ok(minor)) if (major, minor) < (3, 10) => Some(format!(
                "this is Barman {version}; models need 3.10 or later"
            )),
            _ => None,
        }
    }

    /// Reads the whole answer.
    pub fn read(answer: &Value) -> Self {
        Self {
            version: text(answer.pointer("/global/system_info/barman_ver")),
            servers: each(answer.get("servers"), ServerState::read),
            models: each(answer.get("models"), |model| {
                let config = options(model);
                ModelState {
                    cluster: text(config.get("cluster")),
                    config,
                }
            }),
        }
    }
}

impl ServerState {
    fn read(server: &Value) -> Self {
        let status = |key: &str| server.get("status").and_then(|status| status.get(key));
        let config = options(server);
        let option = |key: &str| config.get(key);
        Self {
            active_model: match server.get("active_model") {
                None => ActiveModel::Unknown,
                Some(Value::Null) => ActiveModel::None,
                Some(model) => text(Some(model))
                    .and_then(|name| ModelName::new(name).ok())
                    .map_or(ActiveModel::Unknown, ActiveModel::Model),
            },
            backups: each(server.get("backups"), Backup::read),
            streaming: status("streaming").and_then(Value::as_bool),
            is_in_recovery: status("is_in_recovery").and_then(Value::as_bool),
            timeline: status("timeline").and_then(Value::as_u64),
            position: lsn(status("xlogpos")).or_else(|| lsn(status("current_lsn"))),
            slot: status("replication_slot").and_then(Slot::read),
            connection_error: text(status("connection_error")),
            systemid: text(status("postgres_systemid"))
                .or_else(|| text(status("streaming_systemid"))),
            active: option("active").and_then(Value::as_bool),
            passive: text(option("primary_ssh_command")).is_some(),
            streaming_archiver: option("streaming_archiver").and_then(Value::as_bool),
            streaming_archiver_name: text(option("streaming_archiver_name")),
            archiver: option("archiver").and_then(Value::as_bool),
            recovery_options: text(option("recovery_options")),
            last_archived_wal_per_timeline: last_wals(server),
            segment_size: status("xlog_segment_size").and_then(Value::as_u64),
            config,
        }
    }

    /// Barman's default `streaming_archiver_name`.
    pub const RECEIVER: &str = "barman_receive_wal";

    /// The `application_name` of its WAL receiver.
    pub fn receiver(&self) -> &str {
        let name = self.streaming_archiver_name.as_deref();
        name.unwrap_or(Self::RECEIVER)
    }

    /// The replication slot that it is configured to use.
    pub fn slot_name(&self) -> Option<&str> {
        let name = self.config.get("slot_name").and_then(Value::as_str);
        name.filter(|name| !name.is_empty())
    }

    /// The bytes of WAL that PostgreSQL has written and Barman has not confirmed, which the slot retains. Barman confirms only
    /// whole segments.
    pub fn wal_lag(&self) -> Option<u64> {
        let confirmed = self.slot.as_ref()?.restart?;
        Some(self.position?.0.saturating_sub(confirmed.0))
    }

    /// The newest backup and its ID; IDs are times.
    pub fn last_backup(&self) -> Option<(&str, &Backup)> {
        let (id, backup) = self.backups.last_key_value()?;
        Some((id, backup))
    }

    /// The newest backup that Barman can restore.
    pub fn last_good_backup(&self) -> Option<(&str, &Backup)> {
        let mut all = self.backups.iter().rev();
        let (id, backup) = all.find(|(_, backup)| backup.is_usable())?;
        Some((id, backup))
    }

    /// The newest WAL file in the archive: file names begin with the timeline.
    pub fn last_wal(&self) -> Option<&ArchivedWal> {
        let wals = self.last_archived_wal_per_timeline.values();
        wals.max_by_key(|wal| &wal.name)
    }
}

impl Backup {
    /// The time it ended, since the Unix epoch.
    pub fn ended(&self) -> Option<Duration> {
        let time: Timestamp = self.end_time.as_deref()?.parse().ok()?;
        u64::try_from(time.as_second())
            .ok()
            .map(Duration::from_secs)
    }

    /// Returns true if Barman can restore the backup.
    pub fn is_usable(&self) -> bool {
        let status = self.status.as_deref();
        status.is_some_and(|status| ["DONE", "WAITING_FOR_WALS"].contains(&status))
    }

    fn read(backup: &Value) -> Self {
        Self {
            status: text(backup.get("status")),
            end_time: text(backup.get("end_time")),
            timeline: backup.get("timeline").and_then(Value::as_u64),
            systemid: text(backup.get("systemid")),
            begin_wal: text(backup.get("begin_wal")),
            end_wal: text(backup.get("end_wal")),
            segment_size: backup.get("xlog_segment_size").and_then(Value::as_u64),
        }
    }
}

impl Slot {
    /// Barman writes a named tuple as a list: name, active, restart position.
    fn read(slot: &Value) -> Option<Self> {
        Some(Self {
            name: slot.get(0)?.as_str()?.to_owned(),
            active: slot.get(1)?.as_bool()?,
            restart: lsn(slot.get(2)),
        })
    }
}

/// Timelines are written as eight hexadecimal digits.
fn last_wals(server: &Value) -> BTreeMap<u64, ArchivedWal> {
    let wals = server
        .pointer("/wals/last_archived_wal_per_timeline")
        .and_then(Value::as_object);
    let wals = wals.into_iter().flatten().filter_map(|(timeline, wal)| {
        let timeline = u64::from_str_radix(timeline, 16).ok()?;
        let written = wal.get("time").and_then(Value::as_f64);
        let wal = ArchivedWal {
            name: text(wal.get("name"))?,
            written: written.and_then(|time| Duration::try_from_secs_f64(time).ok()),
        };
        Some((timeline, wal))
    });
    wals.collect()
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

fn lsn(value: Option<&Value>) -> Option<Lsn> {
    Lsn::parse(value?.as_str()?)
}

fn options(section: &Value) -> Map<String, Value> {
    let config = section.get("config").and_then(Value::as_object);
    config.cloned().unwrap_or_default()
}

fn each<T>(section: Option<&Value>, read: impl Fn(&Value) -> T) -> BTreeMap<String, T> {
    section
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), read(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::SEGMENT;

    #[test]
    fn the_recorded_answer_is_read() {
        let recorded = include_str!("../simulator/diagnose/recorded.json");
        let recorded: Value = serde_json::from_str(recorded).unwrap();
        let diagnosis = Diagnosis::read(&json!({
            "global": recorded["global"],
            "servers": {"demo": {
                "active_model": null,
                "config": recorded["server"]["config"],
                "status": recorded["server"]["status"],
                "backups": {"20261123T032313": recorded["backup"]},
                "wals": {"last_archived_wal_per_timeline": {"00000003": recorded["wal"]}},
            }},
        }));
        let server = &diagnosis.servers["demo"];
        assert_eq!(server.connection_error, None);
        assert_eq!(server.active, Some(true));
        assert!(!server.passive);
        assert_eq!(server.streaming_archiver, Some(true));
        assert_eq!(
            server.streaming_archiver_name.as_deref(),
            Some("barman_receive_wal")
        );
        assert_eq!(server.recovery_options.as_deref(), Some(""));
        assert_eq!(server.systemid.as_deref(), Some("7711199725761920879"));
        let last = server.last_wal().unwrap();
        assert_eq!(last.name, "000000030000000000000005");
        assert!(last.written.is_some());
        assert_eq!(server.segment_size, Some(SEGMENT));
        assert_eq!(server.last_archived_wal_per_timeline.len(), 1);
        let backup = &server.backups["20261123T032313"];
        assert_eq!(backup.systemid, server.systemid);
        assert_eq!(backup.end_wal.as_ref(), Some(&last.name));
        assert_eq!(backup.begin_wal, backup.end_wal);
        assert_eq!(diagnosis.why_no_models(), None);
    }

    #[test]
    fn models_came_with_barman_3_10() {
        for (version, without) in [
            ("3.9.0", true),
            ("3.10.0", false),
            ("2.19", true),
            ("4.0b1", false),
            ("", false),
        ] {
            let diagnosis = Diagnosis {
                version: Some(version.to_owned()),
                ..Diagnosis::default()
            };
            assert_eq!(diagnosis.why_no_models().is_some(), without, "{version}");
        }
    }

    #[test]
    fn what_is_missing_or_odd_is_unknown() {
        let odd = json!({
            "servers": {
                "empty": {},
                "down": {"active_model": null, "status": {"streaming": false, "replication_slot": null, "timeline": "?"}},
                "odd": {"active_model": "a[b", "status": {"replication_slot": [null]}, "backups": [], "config": 3},
                "on": {"active_model": "m", "status": {"replication_slot": ["barman", true, "0/1"], "timeline": 7}},
            },
            "models": {"m": {"config": {"cluster": 5}}, "n": null},
        });
        let diagnosis = Diagnosis::read(&odd);
        let server = |name: &str| diagnosis.servers[name].clone();
        assert_eq!(server("empty"), ServerState::default());
        assert_eq!(server("down").active_model, ActiveModel::None);
        assert_eq!(server("down").streaming, Some(false));
        assert_eq!(server("down").timeline, None);
        assert_eq!(server("odd"), ServerState::default());
        assert_eq!(
            server("on").slot,
            Some(Slot {
                name: "barman".into(),
                active: true,
                restart: Some(Lsn(1)),
            })
        );
        assert_eq!(
            server("on").active_model,
            ActiveModel::Model(ModelName::new("m").unwrap())
        );
        assert_eq!(diagnosis.models["m"].cluster, None);
        assert_eq!(Diagnosis::read(&json!([1])), Diagnosis::default());
    }
}
