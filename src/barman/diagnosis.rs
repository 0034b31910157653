//! What `GET /diagnose` tells: the parts that rules and checks need.
//!
//! Barman leaves out what it could not find out, and puts `null`, `false` or a message where a
//! value should be when PostgreSQL is down. So everything here may be missing.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::Name;

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
    /// The model laid over its configuration.
    pub active_model: ActiveModel,
    /// Its options as they are in force.
    pub config: Map<String, Value>,
    /// Its backups by id.
    pub backups: BTreeMap<String, Backup>,
    /// Whether Barman reached PostgreSQL over the replication protocol.
    pub streaming: Option<bool>,
    /// Whether that PostgreSQL is a standby.
    pub is_in_recovery: Option<bool>,
    /// That PostgreSQL's timeline.
    pub timeline: Option<u64>,
    /// That PostgreSQL's position in the WAL.
    pub xlogpos: Option<String>,
    /// Barman's replication slot there.
    pub slot: Option<Slot>,
    /// The newest WAL file in the archive.
    pub last_wal: Option<String>,
}

/// Which model is active on a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ActiveModel {
    /// The answer does not say: Barman is older than 3.10, or could not read it.
    #[default]
    Unknown,
    /// None is.
    None,
    /// This one is.
    Model(Name),
}

/// Barman's replication slot on the PostgreSQL that a server is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Whether WAL is being received through it.
    pub active: bool,
}

/// One backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backup {
    /// `DONE`, `FAILED`, `WAITING_FOR_WALS` and so on.
    pub status: Option<String>,
    /// When it ended, as Barman writes it.
    pub end_time: Option<String>,
    /// The timeline it was taken on.
    pub timeline: Option<u64>,
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
    /// Takes what is there.
    #[must_use]
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
        let status = server.get("status").unwrap_or(&Value::Null);
        Self {
            active_model: match server.get("active_model") {
                None => ActiveModel::Unknown,
                Some(Value::Null) => ActiveModel::None,
                Some(model) => text(Some(model))
                    .and_then(|name| Name::new(name).ok())
                    .map_or(ActiveModel::Unknown, ActiveModel::Model),
            },
            config: options(server),
            backups: each(server.get("backups"), |backup| Backup {
                status: text(backup.get("status")),
                end_time: text(backup.get("end_time")),
                timeline: backup.get("timeline").and_then(Value::as_u64),
            }),
            streaming: status.get("streaming").and_then(Value::as_bool),
            is_in_recovery: status.get("is_in_recovery").and_then(Value::as_bool),
            timeline: status.get("timeline").and_then(Value::as_u64),
            xlogpos: text(status.get("xlogpos")),
            slot: status.get("replication_slot").and_then(Slot::read),
            last_wal: last_wal(server),
        }
    }
}

impl Slot {
    /// Barman writes a named tuple as a list: name, active, restart position.
    fn read(slot: &Value) -> Option<Self> {
        Some(Self {
            name: slot.get(0)?.as_str()?.to_owned(),
            active: slot.get(1)?.as_bool()?,
        })
    }
}

/// Whether an option that `/diagnose` shows has the value that an update asked for.
///
/// An update carries texts as Barman's configuration files do (`"on"`, `"4"`); `/diagnose` shows
/// what Barman made of them (`true`, `4`).
#[must_use]
pub fn same_value(shown: &Value, wanted: &Value) -> bool {
    shown == wanted || plain(shown).is_some_and(|shown| Some(shown) == plain(wanted))
}

/// A single value as text, truth values in one spelling.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        Value::Array(_) | Value::Object(_) => return None,
    };
    Some(match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "on" => "true".to_owned(),
        "false" | "f" | "no" | "off" => "false".to_owned(),
        _ => text,
    })
}

/// Names of WAL files begin with the timeline, so the greatest is the newest.
fn last_wal(server: &Value) -> Option<String> {
    let wals = server
        .pointer("/wals/last_archived_wal_per_timeline")?
        .as_object()?;
    wals.values().filter_map(|wal| text(wal.get("name"))).max()
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
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

    #[test]
    fn values_are_compared_as_barman_reads_them() {
        for (shown, wanted, same) in [
            (json!("changed"), json!("changed"), true),
            (json!(true), json!("on"), true),
            (json!(false), json!("off"), true),
            (json!(true), json!("false"), false),
            (json!(4), json!("4"), true),
            (json!(4), json!("5"), false),
            (json!(null), json!(""), true),
            (json!("None"), json!(null), false),
            (json!(["a"]), json!(["a"]), true),
            (json!(["a"]), json!("a"), false),
        ] {
            assert_eq!(same_value(&shown, &wanted), same, "{shown} {wanted}");
        }
    }

    #[test]
    fn what_is_missing_or_odd_is_unknown() {
        let odd = json!({
            "servers": {
                "empty": {},
                "down": {"active_model": null, "status": {"streaming": false, "replication_slot": null, "timeline": "?"}},
                "odd": {"active_model": "a b", "status": {"replication_slot": [null]}, "backups": [], "config": 3},
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
                active: true
            })
        );
        assert_eq!(
            server("on").active_model,
            ActiveModel::Model(Name::new("m").unwrap())
        );
        assert_eq!(diagnosis.models["m"].cluster, None);
        assert_eq!(Diagnosis::read(&json!([1])), Diagnosis::default());
    }
}
