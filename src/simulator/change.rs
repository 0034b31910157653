//! `config-update`: changes that Barman accepts, refuses, and fails on.
//!
//! Barman first checks all changes, then writes them to a file, one line each. A value that passes the checks without
//! being a string can't be written: it fails, and blocks all later changes in the queue.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::options::{self, converts};
use super::recorded::default_option;
use super::sections::{Model, Options, Postgres, Server};

/// Changes that Barman refuses as a whole, before any is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// A change that can't be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unwritable;

/// The changes of one section.
#[derive(Debug)]
pub(super) struct Change {
    section: Section,
    options: Map<String, Value>,
}

#[derive(Debug)]
enum Section {
    Server(String),
    Model(String),
    /// A name that is not a string.
    Nameless,
}

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
    let mut options = item.clone();
    options.retain(|option, _| option != "scope" && option != name_key);
    let mut each = options.iter();
    let fits = each.all(|(option, value)| is_known(option, &section) && converts(option, value));
    fits.then_some(Change { section, options }).ok_or(Refused)
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

/// Returns true if the section may have the option: models have no paths and no hooks.
fn is_known(option: &str, section: &Section) -> bool {
    let for_servers_only = || {
        option.ends_with("_script")
            || (option.ends_with("_directory") && option != "cloud_staging_directory")
    };
    match section {
        Section::Model(_) if option == "model" => true,
        Section::Model(_) => default_option(option).is_some() && !for_servers_only(),
        Section::Server(_) | Section::Nameless => default_option(option).is_some(),
    }
}

impl Change {
    /// The section's name, if it is one.
    pub(super) fn section(&self) -> Option<&str> {
        match &self.section {
            Section::Server(name) | Section::Model(name) => Some(name),
            Section::Nameless => None,
        }
    }

    /// Applies the change.
    pub(super) fn apply(
        self,
        servers: &mut BTreeMap<String, Server>,
        models: &mut BTreeMap<String, Model>,
    ) -> Result<(), Unwritable> {
        let mut written = Vec::new();
        for (option, value) in self.options {
            let Value::String(text) = value else {
                return Err(Unwritable);
            };
            let value = options::shown(&option, &text).unwrap_or_default();
            written.push((option, value));
        }
        // Without an option, nothing is written, and no section is created.
        if written.is_empty() {
            return Ok(());
        }
        let options = match self.section {
            Section::Nameless => return Err(Unwritable),
            // An unknown server becomes one with nothing but these options.
            Section::Server(name) => {
                let server = servers.entry(name);
                &mut server
                    .or_insert_with_key(|name| unknown_server(name))
                    .options
            }
            Section::Model(name) => &mut models.entry(name).or_insert_with(new_model).options,
        };
        for (option, value) in written {
            options.set(option, value);
        }
        Ok(())
    }
}

fn unknown_server(name: &str) -> Server {
    let mut options = Options::default();
    options.set("cluster".to_owned(), name.into());
    Server::new(options, None)
}

fn new_model() -> Model {
    let mut options = Options::default();
    options.set("model".to_owned(), true.into());
    Model {
        options,
        postgres: Postgres::default(),
    }
}
