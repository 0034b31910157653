//! `config-update`: what Barman takes, what it refuses, and what it chokes on.
//!
//! Barman checks all changes first, then writes them down, one file line each. A value that passes the checks without
//! being a string can't be written: it fails, and stays in the queue in front of everything that comes later.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::barman::{Model, Postgres, Server};
use super::diagnose;

/// Changes that Barman refuses as a whole, before any is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// A change that can't be written down.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unwritable;

/// The changes of one section.
#[derive(Debug)]
pub(super) struct Change {
    section: Section,
    options: Vec<(String, Value)>,
}

#[derive(Debug)]
enum Section {
    Server(String),
    Model(String),
    /// A name that isn't a string.
    Nameless,
}

/// Options whose default is unset and that take a number.
const NUMBERS: [&str; 8] = [
    "aws_read_timeout",
    "aws_snapshot_lock_cool_off_period",
    "aws_snapshot_lock_duration",
    "backup_compression_level",
    "backup_compression_workers",
    "cloud_delete_batch_size",
    "max_incoming_wals_queue",
    "warehousepg_dbid",
];

/// Reads the `changes` of a request.
pub(super) fn read(
    changes: &Value,
    servers: &BTreeMap<String, Server>,
    models: &BTreeMap<String, Model>,
) -> Result<Vec<Change>, Refused> {
    match changes {
        Value::Array(items) => items
            .iter()
            .map(|item| read_one(item, servers, models))
            .collect(),
        Value::Object(entries) if entries.is_empty() => Ok(Vec::new()),
        _ => Err(Refused),
    }
}

fn read_one(
    item: &Value,
    servers: &BTreeMap<String, Server>,
    models: &BTreeMap<String, Model>,
) -> Result<Change, Refused> {
    let item = item.as_object().ok_or(Refused)?;
    let scope = item.get("scope").and_then(Value::as_str);
    let (name_key, section) = match scope {
        Some("server") => ("server_name", name(item, "server_name", Section::Server)?),
        Some("model") => ("model_name", name(item, "model_name", Section::Model)?),
        _ => return Err(Refused),
    };
    match &section {
        Section::Server(name) if models.contains_key(name) => return Err(Refused),
        Section::Model(name) if servers.contains_key(name) => return Err(Refused),
        Section::Model(name) if !models.contains_key(name) && !item.contains_key("cluster") => {
            return Err(Refused);
        }
        _ => {}
    }
    let options: Vec<(String, Value)> = item
        .iter()
        .filter(|(option, _)| *option != "scope" && *option != name_key)
        .map(|(option, value)| (option.clone(), value.clone()))
        .collect();
    let fits = options
        .iter()
        .all(|(option, value)| is_known(option, &section) && converts(option, value));
    if fits {
        Ok(Change { section, options })
    } else {
        Err(Refused)
    }
}

fn name(
    item: &Map<String, Value>,
    key: &str,
    section: fn(String) -> Section,
) -> Result<Section, Refused> {
    match item.get(key) {
        None => Err(Refused),
        Some(Value::String(name)) => Ok(section(name.clone())),
        Some(_) => Ok(Section::Nameless),
    }
}

/// Whether the section may have the option: models have no paths and no hooks.
fn is_known(option: &str, section: &Section) -> bool {
    let for_servers_only = || {
        option.ends_with("_script")
            || (option.ends_with("_directory") && option != "cloud_staging_directory")
    };
    match section {
        Section::Model(_) if option == "model" => true,
        Section::Model(_) => diagnose::default_option(option).is_some() && !for_servers_only(),
        Section::Server(_) | Section::Nameless => diagnose::default_option(option).is_some(),
    }
}

/// Whether Barman's parser for the option takes the value.
fn converts(option: &str, value: &Value) -> bool {
    match (kind(option), value) {
        (Kind::Boolean, Value::String(text)) => boolean(text).is_some(),
        (Kind::Boolean, _) => false,
        (Kind::Number, Value::String(text)) => text.trim().parse::<i64>().is_ok(),
        (Kind::Number, value) => value.is_number() || value.is_boolean(),
        (Kind::Text, _) => true,
    }
}

enum Kind {
    Boolean,
    Number,
    Text,
}

fn kind(option: &str) -> Kind {
    match diagnose::default_option(option) {
        _ if option == "model" => Kind::Boolean,
        Some(Value::Bool(_)) => Kind::Boolean,
        Some(Value::Number(_)) => Kind::Number,
        _ if NUMBERS.contains(&option) => Kind::Number,
        _ => Kind::Text,
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "1" | "on" => Some(true),
        "false" | "f" | "no" | "0" | "off" => Some(false),
        _ => None,
    }
}

/// The value as `/diagnose` shows it once it was written and read again.
fn converted(option: &str, text: &str) -> Value {
    match kind(option) {
        Kind::Boolean => boolean(text).map_or(Value::Null, Value::Bool),
        Kind::Number => text.trim().parse::<i64>().map_or(Value::Null, Value::from),
        Kind::Text => text.into(),
    }
}

impl Change {
    /// Makes the change.
    pub(super) fn apply(
        self,
        servers: &mut BTreeMap<String, Server>,
        models: &mut BTreeMap<String, Model>,
    ) -> Result<(), Unwritable> {
        let mut written = Map::new();
        for (option, value) in &self.options {
            let Value::String(text) = value else {
                return Err(Unwritable);
            };
            written.insert(option.clone(), converted(option, text));
        }
        let options = match self.section {
            Section::Nameless => {
                return if written.is_empty() {
                    Ok(())
                } else {
                    Err(Unwritable)
                };
            }
            // Nothing is written, so no section comes to be.
            _ if written.is_empty() => return Ok(()),
            // A server that Barman does not know becomes one that has nothing but these options.
            Section::Server(name) => {
                &mut servers
                    .entry(name)
                    .or_insert_with_key(|name| unknown_server(name))
                    .options
            }
            Section::Model(name) => &mut models.entry(name).or_insert_with(new_model).options,
        };
        options.extend(written);
        Ok(())
    }
}

fn unknown_server(name: &str) -> Server {
    let mut options = Map::new();
    options.insert("cluster".to_owned(), name.into());
    Server {
        options,
        active_model: None,
        postgres: None,
        backups: BTreeMap::new(),
    }
}

fn new_model() -> Model {
    let mut options = Map::new();
    options.insert("model".to_owned(), true.into());
    Model {
        options,
        postgres: Postgres::default(),
    }
}
