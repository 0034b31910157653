//! The interface between the API (paths, IDs, error pages) and the Barman behind it.

use std::time::Duration;

use serde_json::Value;

use super::fault::Faults;
use super::moment::Moment;
use super::receiver::Stream;
use super::route::Scope;
use super::sections::Node;
use super::version::{self, Version};

/// The identity of an operation: IDs are unique only within a scope.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationKey {
    /// The scope of the operation.
    pub scope: Scope,
    /// The second in which it was created.
    pub id: String,
}

/// The effect of an operation. The API has checked its shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Apply a model to a server's configuration.
    ConfigSwitch {
        /// The server.
        server: String,
        /// The model, or `None` to remove the active one.
        model: Option<String>,
    },
    /// Restore a backup.
    Recovery {
        /// The server of the backup.
        server: String,
        /// The backup's ID or alias, as requested.
        backup_id: String,
        /// The command with which Barman reaches the destination's host.
        remote_ssh_command: String,
        /// The destination of the data.
        destination_directory: String,
    },
    /// Change options of servers and models.
    ConfigUpdate {
        /// The `changes` of the request, of any shape.
        changes: Value,
    },
}

impl Task {
    /// The operation type's name in requests and lists.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConfigSwitch { .. } => "config_switch",
            Self::Recovery { .. } => "recovery",
            Self::ConfigUpdate { .. } => "config_update",
        }
    }
}

/// The end of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// `DONE`
    Done,
    /// `FAILED`
    Failed,
}

/// A Barman: pg-backup-api runs commands on it and asks for its state.
///
/// During a call no other client is served, as with pg-backup-api's single worker.
pub trait Backend: Send {
    /// Returns true if a server with this name is configured.
    fn has_server(&mut self, server: &str) -> bool;

    /// Returns true if the server has the backup for an ID or alias (`latest`, `oldest`, …).
    fn has_backup(&mut self, now: Moment, server: &str, backup_id: &str) -> bool;

    /// Starts an operation and returns at once. A second one with the same key replaces the first one's task.
    fn start(&mut self, now: Moment, key: &OperationKey, task: Task);

    /// The operation's outcome; `None` while it is running.
    fn outcome(&mut self, now: Moment, key: &OperationKey) -> Option<Outcome>;

    /// The output of `barman diagnose`; `None` if it is unavailable, which the API reports as a 500.
    fn diagnose(&mut self, now: Moment) -> Option<Value>;

    /// The simulated duration of an operation that is made to fail.
    fn operation_time(&self) -> Duration;

    /// Its version.
    fn barman_version(&self) -> Version {
        version::BARMAN
    }

    /// Passes the state of a cluster's nodes to Barman, if it supports that.
    fn see(&mut self, _now: Moment, _cluster: &str, _nodes: &[Node]) {}

    /// The connections of its WAL receivers to one node of a cluster.
    fn streams_from(&mut self, _now: Moment, _cluster: &str, _node: (&str, u16)) -> Vec<Stream> {
        Vec::new()
    }

    /// Executes a user's command such as `kill-receiver demo`.
    fn control(&mut self, _now: Moment, _words: &[&str]) -> Result<(), String> {
        Err("this Barman does what it does".to_owned())
    }

    /// Its state, for the user.
    fn state(&mut self, _now: Moment) -> Value {
        Value::Null
    }

    /// Replaces the faults that affect Barman rather than a request.
    fn trouble(&mut self, _faults: Faults) {}
}
