//! A Barman in memory: servers, models, backups, and operations that take time.
//!
//! It changes only when it is called, based on the time passed with the call.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::backend::{Backend, OperationKey, Outcome, Task};
use super::backup::BackupStatus;
use super::change::{self, Change};
use super::diagnose;
use super::fault::Faults;
use super::moment::Moment;
use super::receiver::ReceiverTimes;
use super::restore::Restore;
use super::sections::{Model, Node, Server, Stored};
use super::version::{BARMAN_WITH_MODELS, Version};

mod control;
mod receive;
mod setup;

pub use super::receiver::{Receiving, Stream};
pub use super::sections::{Postgres, Slot};

/// The state of `config-update`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UpdateQueue {
    Works,
    /// A change that can't be written stays at the head of the queue, and every later update fails on it.
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
    servers: BTreeMap<String, Server>,
    models: BTreeMap<String, Model>,
    operation_time: Duration,
    running: Vec<Running>,
    ended: HashMap<OperationKey, Outcome>,
    update_queue: UpdateQueue,
    restore: Restore,
    version: Version,
    times: ReceiverTimes,
    receiver_faults: Faults,
    /// The time up to which everything has happened.
    settled: Duration,
    /// The time until which the receivers don't change by themselves; `None` if unknown.
    quiet_until: Option<Duration>,
}

impl Barman {
    /// The active model of a server at `now`.
    pub fn active_model(&mut self, now: Moment, server: &str) -> Option<String> {
        self.advance(now);
        self.servers.get(server)?.active_model.clone()
    }

    /// The PostgreSQL that a server or a model points to, for the simulated cluster to change.
    pub fn postgres_mut(&mut self, name: &str) -> Option<&mut Postgres> {
        self.quiet_until = None;
        match self.models.get_mut(name) {
            Some(model) => Some(&mut model.postgres),
            None => self.servers.get_mut(name)?.postgres.as_mut(),
        }
    }

    fn model_cluster(&self, model: &str) -> Option<&str> {
        self.models.get(model)?.options.get("cluster")?.as_str()
    }

    /// Ends operations that are due, in order, and starts receivers in between.
    fn advance(&mut self, now: Moment) {
        let (mut due, running): (Vec<_>, Vec<_>) = std::mem::take(&mut self.running)
            .into_iter()
            .partition(|operation| operation.due <= now.elapsed);
        self.running = running;
        due.sort_by_key(|operation| operation.due);
        for operation in due {
            self.receive_until(operation.due);
            let outcome = self.carry_out(&operation.task);
            self.ended.entry(operation.key).or_insert(outcome);
        }
        self.receive_until(now.elapsed);
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
        let cluster = model.and_then(|model| self.model_cluster(model));
        let cluster = cluster.map(str::to_owned);
        let Some(section) = self.servers.get_mut(server) else {
            return Outcome::Failed;
        };
        let fits = model.is_none() || cluster.is_some() && cluster.as_deref() == section.cluster();
        if !fits || self.version < BARMAN_WITH_MODELS {
            return Outcome::Failed;
        }
        section.active_model = model.map(str::to_owned);
        self.restart_receiver(server);
        Outcome::Done
    }

    fn recover(&mut self, server: &str, backup_id: &str, directory: &str) -> Outcome {
        let Some((id, backup)) = self.find_backup(server, backup_id) else {
            return Outcome::Failed;
        };
        if !backup.status.is_usable() {
            return Outcome::Failed;
        }
        let label = format!("LABEL: pg_basebackup base backup\nSERVER: {server}\nBACKUP: {id}\n");
        let info = format!(
            "server_name={server}\nbackup_id={id}\ntimeline={}\n",
            backup.timeline
        );
        // PG_VERSION comes last: a reader may take it as the sign of a complete recovery.
        let files = [
            ("backup_label", label),
            (".barman-recover.info", info),
            ("PG_VERSION", "15\n".to_owned()),
        ];
        match self.restore.restore(Path::new(directory), &files) {
            Ok(()) => Outcome::Done,
            Err(_) => Outcome::Failed,
        }
    }

    fn config_update(&mut self, changes: &Value) -> Outcome {
        let Ok(changes) = change::read(changes, &self.servers, &self.models) else {
            return Outcome::Failed;
        };
        if self.update_queue == UpdateQueue::Blocked || self.version < BARMAN_WITH_MODELS {
            return Outcome::Failed;
        }
        let sections = changes.iter().filter_map(Change::section);
        let sections: Vec<String> = sections.map(str::to_owned).collect();
        for change in changes {
            if change.apply(&mut self.servers, &mut self.models).is_err() {
                self.update_queue = UpdateQueue::Blocked;
                return Outcome::Failed;
            }
        }
        let is_changed = |name: &String| sections.contains(name);
        let is_affected = |(name, server): &(&String, &Server)| {
            is_changed(name) || server.active_model.as_ref().is_some_and(is_changed)
        };
        let affected = self.servers.iter().filter(is_affected);
        let affected: Vec<String> = affected.map(|(name, _)| name.clone()).collect();
        for server in affected {
            self.restart_receiver(&server);
        }
        Outcome::Done
    }

    fn find_backup(&self, server: &str, wanted: &str) -> Option<(&str, &Stored)> {
        let backups = self.servers.get(server)?.backups.iter();
        let mut backups = backups.map(|(id, stored)| (id.as_str(), stored));
        let is_failed = |stored: &Stored| stored.status == BackupStatus::Failed;
        match wanted {
            "latest" | "last" => backups.rfind(|(_, stored)| stored.status.is_usable()),
            "oldest" | "first" => backups.find(|(_, stored)| stored.status.is_usable()),
            "last-failed" => backups.rfind(|(_, stored)| is_failed(stored)),
            id => backups.find(|(candidate, _)| *candidate == id),
        }
    }
}

impl Backend for Barman {
    fn has_server(&mut self, server: &str) -> bool {
        self.servers
            .get(server)
            .is_some_and(|server| server.options.is_in_file && server.is_loaded)
    }

    fn has_backup(&mut self, now: Moment, server: &str, backup_id: &str) -> bool {
        self.advance(now);
        self.find_backup(server, backup_id).is_some()
    }

    fn start(&mut self, now: Moment, key: &OperationKey, task: Task) {
        self.advance(now);
        let mut running = self.running.iter_mut();
        if let Some(first) = running.find(|operation| operation.key == *key) {
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
        let has_models = self.version >= BARMAN_WITH_MODELS;
        let mut servers = Map::new();
        for (name, server) in &mut self.servers {
            if !server.options.is_in_file {
                continue;
            }
            // The configuration is read again.
            server.is_loaded = true;
            let model = server.model(&self.models);
            let model = model.filter(|model| model.options.is_in_file);
            let mut part = diagnose::server(name, server, model);
            if !has_models {
                part.remove("active_model");
            }
            servers.insert(name.clone(), part.into());
        }
        let mut all = Map::new();
        all.insert("global".to_owned(), diagnose::global(now, self.version));
        if has_models {
            let models = self.models.iter();
            let models = models.filter(|(_, model)| model.options.is_in_file);
            let models = models.map(|(name, model)| (name.clone(), diagnose::model(model)));
            all.insert("models".to_owned(), models.collect::<Map<_, _>>().into());
        }
        all.insert("servers".to_owned(), servers.into());
        Some(all.into())
    }

    fn operation_time(&self) -> Duration {
        self.operation_time
    }

    fn barman_version(&self) -> Version {
        self.version
    }

    fn trouble(&mut self, faults: Faults) {
        self.receiver_faults = faults;
    }

    fn see(&mut self, now: Moment, cluster: &str, nodes: &[Node]) {
        self.see_nodes(now, cluster, nodes);
    }

    fn streams_from(&mut self, now: Moment, cluster: &str, node: (&str, u16)) -> Vec<Stream> {
        self.streams(now, cluster, node)
    }

    fn control(&mut self, now: Moment, words: &[&str]) -> Result<(), String> {
        self.advance(now);
        control::control(self, now, words)
    }

    fn state(&mut self, now: Moment) -> Value {
        let servers: Vec<String> = self.servers.keys().cloned().collect();
        let state = |server: String| {
            let model = self.active_model(now, &server);
            let receiver = self.receiving(now, &server);
            (server, json!({"active_model": model, "receiver": receiver}))
        };
        servers.into_iter().map(state).collect::<Map<_, _>>().into()
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
