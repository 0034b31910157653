//! The seam between the API (paths, ids, error pages) and the Barman behind it.

use std::time::Duration;

use serde_json::Value;

use super::fault::Faults;
use super::moment::Moment;
use super::receiver::Stream;
use super::route::Scope;
use super::sections::Node;
use super::version::{self, Version};

/// What names an operation: ids are unique within a scope only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationKey {
    /// Whose operation it is.
    pub scope: Scope,
    /// The second it was created in.
    pub id: String,
}

/// What an operation does. The API has checked its shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Lay a model over a server's configuration.
    ConfigSwitch {
        /// The server.
        server: String,
        /// The model, or none to take the active one off.
        model: Option<String>,
    },
    /// Restore a backup.
    Recovery {
        /// The server that the backup is of.
        server: String,
        /// The backup's id or alias, as asked for.
        backup_id: String,
        /// How Barman reaches the destination's host.
        remote_ssh_command: String,
        /// Where the data goes.
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
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConfigSwitch { .. } => "config_switch",
            Self::Recovery { .. } => "recovery",
            Self::ConfigUpdate { .. } => "config_update",
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// `DONE`
    Done,
    /// `FAILED`
    Failed,
}

/// A Barman: what pg-backup-api starts commands on and asks for its state.
///
/// While a call lasts nobody else is served, as with pg-backup-api's one worker.
pub trait Backend: Send {
    /// Whether a server of that name is configured.
    fn has_server(&mut self, server: &str) -> bool;

    /// Whether the server has the backup that an id or alias (`latest`, `oldest`, …) stands for.
    fn has_backup(&mut self, now: Moment, server: &str, backup_id: &str) -> bool;

    /// Starts an operation and returns at once. A second one with the same key replaces the first one's task.
    fn start(&mut self, now: Moment, key: &OperationKey, task: Task);

    /// How the operation ended; none while it runs.
    fn outcome(&mut self, now: Moment, key: &OperationKey) -> Option<Outcome>;

    /// What `barman diagnose` prints; none if it can't be had, which the API reports as a 500.
    fn diagnose(&mut self, now: Moment) -> Option<Value>;

    /// How long an operation that was made to fail pretends to run.
    fn operation_time(&self) -> Duration;

    /// Which Barman it is.
    fn barman_version(&self) -> Version {
        version::BARMAN
    }

    /// Shows Barman what has become of a cluster's nodes, if it can be shown anything.
    fn see(&mut self, _now: Moment, _cluster: &str, _nodes: &[Node]) {}

    /// The connections of its WAL receivers to one node of a cluster.
    fn streams_from(&mut self, _now: Moment, _cluster: &str, _node: (&str, u16)) -> Vec<Stream> {
        Vec::new()
    }

    /// Does what somebody who plays with it says, such as `kill-receiver demo`; else says what could be done.
    ///
    /// # Errors
    /// When it can't do that.
    fn control(&mut self, _now: Moment, _words: &[&str]) -> Result<(), String> {
        Err("this Barman does what it does".to_owned())
    }

    /// What is so, for whoever plays with it.
    fn state(&mut self, _now: Moment) -> Value {
        Value::Null
    }

    /// Takes over the faults that meet Barman rather than a request; those of before are over.
    fn trouble(&mut self, _faults: Faults) {}
}
