//! A Barman in memory: servers, models, backups, and operations that take their time.
//!
//! It changes only when it is asked something, by the moment that comes with the question.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::backend::{Backend, OperationKey, Outcome, Task};
use super::config::BackupStatus;
use super::moment::Moment;
use super::restore::Restore;
use super::{change, diagnose};

mod setup;

/// What the PostgreSQL looks like that a server or a model points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Its timeline.
    pub timeline: u64,
    /// Whether it is a standby.
    pub in_recovery: bool,
    /// Whether it takes streaming connections.
    pub streaming: bool,
    /// Whether Barman's replication slot is in use there.
    pub slot_active: bool,
}

impl Default for Postgres {
    fn default() -> Self {
        Self {
            timeline: 1,
            in_recovery: false,
            streaming: true,
            slot_active: true,
        }
    }
}

/// A server's section and state.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// The options that differ from the defaults.
    pub(super) options: Map<String, Value>,
    pub(super) active_model: Option<String>,
    /// None for a server that nothing but a configuration section is known of.
    pub(super) postgres: Option<Postgres>,
    pub(super) backups: BTreeMap<String, BackupStatus>,
}

impl Server {
    pub(super) fn cluster(&self) -> Option<&str> {
        self.options.get("cluster").and_then(Value::as_str)
    }
}

/// A model's section, and the node it points to.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) options: Map<String, Value>,
    pub(super) postgres: Postgres,
}

/// Whether `config-update` still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UpdateQueue {
    Works,
    /// A change that can't be written stays at its head, and every later update fails on it.
    Blocked,
}

#[derive(Debug)]
struct Running {
    due: Duration,
    key: OperationKey,
    task: Task,
}

/// The Barman in memory.
pub struct Barman {
    pub(super) servers: BTreeMap<String, Server>,
    pub(super) models: BTreeMap<String, Model>,
    operation_time: Duration,
    running: Vec<Running>,
    ended: HashMap<OperationKey, Outcome>,
    update_queue: UpdateQueue,
    restore: Box<dyn Restore>,
}

impl Barman {
    /// The model that is active on a server at `now`.
    pub fn active_model(&mut self, now: Moment, server: &str) -> Option<String> {
        self.advance(now);
        self.servers.get(server)?.active_model.clone()
    }

    /// The PostgreSQL that a server or a model points to, to be changed by whoever plays the cluster.
    pub fn postgres_mut(&mut self, name: &str) -> Option<&mut Postgres> {
        match self.models.get_mut(name) {
            Some(model) => Some(&mut model.postgres),
            None => self.servers.get_mut(name)?.postgres.as_mut(),
        }
    }

    fn model_cluster(&self, model: &str) -> Option<&str> {
        self.models.get(model)?.options.get("cluster")?.as_str()
    }

    /// Ends what is due, in the order in which it ends.
    fn advance(&mut self, now: Moment) {
        let (mut due, running): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|operation| operation.due <= now.elapsed);
        self.running = running;
        due.sort_by_key(|operation| operation.due);
        for operation in due {
            let outcome = self.carry_out(&operation.task);
            self.ended.entry(operation.key).or_insert(outcome);
        }
    }

    fn carry_out(&mut self, task: &Task) -> Outcome {
        match task {
            Task::ConfigSwitch { server, model } => self.config_switch(server, model.as_deref()),
            Task::Recovery {
                server,
                backup_id,
                remote_ssh_command,
                destination_directory,
            } => {
                if remote_ssh_command.is_empty() || destination_directory.is_empty() {
                    return Outcome::Failed;
                }
                self.recover(server, backup_id, destination_directory)
            }
            Task::ConfigUpdate { changes } => self.config_update(changes),
        }
    }

    fn config_switch(&mut self, server: &str, model: Option<&str>) -> Outcome {
        let cluster = model
            .and_then(|model| self.model_cluster(model))
            .map(str::to_owned);
        let Some(section) = self.servers.get_mut(server) else {
            return Outcome::Failed;
        };
        if model.is_some() && (cluster.is_none() || cluster.as_deref() != section.cluster()) {
            return Outcome::Failed;
        }
        section.active_model = model.map(str::to_owned);
        Outcome::Done
    }

    fn recover(&mut self, server: &str, backup_id: &str, directory: &str) -> Outcome {
        let Some((id, BackupStatus::Done)) = self.find_backup(server, backup_id) else {
            return Outcome::Failed;
        };
        let label = format!("LABEL: pg_basebackup base backup\nSERVER: {server}\nBACKUP: {id}\n");
        // PG_VERSION comes last: whoever sees it may take the recovery for complete.
        let files = [("backup_label", label), ("PG_VERSION", "15\n".to_owned())];
        match self.restore.restore(Path::new(directory), &files) {
            Ok(()) => Outcome::Done,
            Err(_) => Outcome::Failed,
        }
    }

    fn config_update(&mut self, changes: &Value) -> Outcome {
        let Ok(changes) = change::read(changes, &self.servers, &self.models) else {
            return Outcome::Failed;
        };
        if self.update_queue == UpdateQueue::Blocked {
            return Outcome::Failed;
        }
        for change in changes {
            if change.apply(&mut self.servers, &mut self.models).is_err() {
                self.update_queue = UpdateQueue::Blocked;
                return Outcome::Failed;
            }
        }
        Outcome::Done
    }

    fn find_backup(&self, server: &str, wanted: &str) -> Option<(&str, BackupStatus)> {
        let mut backups = self
            .servers
            .get(server)?
            .backups
            .iter()
            .map(|(id, status)| (id.as_str(), *status));
        match wanted {
            "latest" | "last" => backups.rfind(|(_, status)| *status == BackupStatus::Done),
            "oldest" | "first" => backups.find(|(_, status)| *status == BackupStatus::Done),
            "last-failed" => backups.rfind(|(_, status)| *status == BackupStatus::Failed),
            id => backups.find(|(candidate, _)| *candidate == id),
        }
    }
}

impl Backend for Barman {
    fn has_server(&mut self, server: &str) -> bool {
        self.servers.contains_key(server)
    }

    fn has_backup(&mut self, now: Moment, server: &str, backup_id: &str) -> bool {
        self.advance(now);
        self.find_backup(server, backup_id).is_some()
    }

    fn start(&mut self, now: Moment, key: &OperationKey, task: Task) {
        self.advance(now);
        if let Some(first) = self
            .running
            .iter_mut()
            .find(|operation| operation.key == *key)
        {
            first.task = task;
        } else {
            self.running.push(Running {
                due: now.elapsed + self.operation_time,
                key: key.clone(),
                task,
            });
        }
    }

    fn outcome(&mut self, now: Moment, key: &OperationKey) -> Option<Outcome> {
        self.advance(now);
        self.ended.get(key).copied()
    }

    fn diagnose(&mut self, now: Moment) -> Option<Value> {
        self.advance(now);
        let servers: Map<String, Value> = self
            .servers
            .iter()
            .map(|(name, server)| {
                let model = server
                    .active_model
                    .as_ref()
                    .and_then(|model| self.models.get(model));
                (name.clone(), diagnose::server(name, server, model))
            })
            .collect();
        let models: Map<String, Value> = self
            .models
            .iter()
            .map(|(name, model)| (name.clone(), json!({"config": model.options})))
            .collect();
        Some(json!({"global": diagnose::global(now), "models": models, "servers": servers}))
    }

    fn operation_time(&self) -> Duration {
        self.operation_time
    }
}

impl std::fmt::Debug for Barman {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Barman")
            .field("servers", &self.servers)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}
