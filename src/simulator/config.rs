//! What a simulator is started with.

use std::time::Duration;

use super::fault::Faults;
use super::jobs::SameSecond;

/// What a finished recovery leaves in its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecoverFiles {
    /// Nothing: the destination belongs to another machine.
    #[default]
    None,
    /// The files by which a restored data directory is known, on this machine.
    Local,
}

/// A Barman server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// The cluster whose models it takes.
    pub cluster: String,
}

/// A Barman model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The cluster it is for; none if its name says so (`CLUSTER:NODE`).
    pub cluster: Option<String>,
}

/// How a backup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupStatus {
    /// It can be restored.
    Done,
    /// It can't: a recovery from it fails.
    Failed,
}

/// A backup of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The server it is of.
    pub server: String,
    /// Its id, the time it was begun.
    pub id: String,
    /// How it ended.
    pub status: BackupStatus,
}

/// Everything that a simulator is told at its start.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The Barman servers.
    pub servers: Vec<Server>,
    /// The models.
    pub models: Vec<Model>,
    /// The backups.
    pub backups: Vec<Backup>,
    /// The model that is active at the start, by server.
    pub active: Vec<(String, String)>,
    /// The timeline at the start, by server or model; 1 for those not named.
    pub timelines: Vec<(String, u64)>,
    /// How long each operation stays `IN_PROGRESS`.
    pub operation_time: Duration,
    /// What a finished recovery leaves in its destination.
    pub recover_files: RecoverFiles,
    /// How the API in front of it behaves.
    pub front: Front,
}

/// How the API behaves, whatever Barman is behind it.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// A path below which the API is served, such as `/backup`.
    pub prefix: String,
    /// What a second operation in one second gets.
    pub same_second: SameSecond,
    /// What goes wrong.
    pub faults: Faults,
}

impl Config {
    /// Adds a server whose cluster has its name.
    #[must_use]
    pub fn server(self, name: &str) -> Self {
        self.server_of_cluster(name, name)
    }

    /// Adds a server of a cluster with another name.
    #[must_use]
    pub fn server_of_cluster(mut self, name: &str, cluster: &str) -> Self {
        self.servers.push(Server {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
        });
        self
    }

    /// Adds a model named `CLUSTER:NODE`, or `SERVER:NODE` for a model of that server's cluster.
    #[must_use]
    pub fn model(mut self, name: &str) -> Self {
        self.models.push(Model {
            name: name.to_owned(),
            cluster: None,
        });
        self
    }

    /// Adds a model of any name.
    #[must_use]
    pub fn model_of_cluster(mut self, name: &str, cluster: &str) -> Self {
        self.models.push(Model {
            name: name.to_owned(),
            cluster: Some(cluster.to_owned()),
        });
        self
    }

    /// Adds a backup that can be restored.
    #[must_use]
    pub fn backup(self, server: &str, id: &str) -> Self {
        self.backup_with_status(server, id, BackupStatus::Done)
    }

    /// Adds a backup.
    #[must_use]
    pub fn backup_with_status(mut self, server: &str, id: &str, status: BackupStatus) -> Self {
        self.backups.push(Backup {
            server: server.to_owned(),
            id: id.to_owned(),
            status,
        });
        self
    }

    /// Sets the model that is active on a server at the start.
    #[must_use]
    pub fn active(mut self, server: &str, model: &str) -> Self {
        self.active.push((server.to_owned(), model.to_owned()));
        self
    }

    /// Sets the timeline of the PostgreSQL behind a server or model.
    #[must_use]
    pub fn timeline(mut self, name: &str, timeline: u64) -> Self {
        self.timelines.push((name.to_owned(), timeline));
        self
    }

    /// Sets how long each operation stays `IN_PROGRESS`.
    #[must_use]
    pub fn operation_time(mut self, time: Duration) -> Self {
        self.operation_time = time;
        self
    }

    /// Serves the API below a path.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.front.prefix);
        self
    }

    /// Sets what a second operation in one second gets.
    #[must_use]
    pub fn same_second(mut self, same_second: SameSecond) -> Self {
        self.front.same_second = same_second;
        self
    }

    /// Adds faults.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.front.faults.extend(faults);
        self
    }

    /// Sets what a finished recovery leaves in its destination.
    #[must_use]
    pub fn recover_files(mut self, recover_files: RecoverFiles) -> Self {
        self.recover_files = recover_files;
        self
    }
}

/// A configuration that contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A name that could not stand in a URL.
    #[error("`{0}` can't be a name: use letters, digits, `.`, `_`, `:` and `-`")]
    Name(String),
    /// A name given twice: servers and models share one space of names.
    #[error("`{0}` is named twice: every server and model needs a name of its own")]
    Twice(String),
    /// A model whose name does not say its cluster.
    #[error(
        "model `{0}` has no cluster: name it `CLUSTER:NODE`, or give the cluster as `{0}=CLUSTER`"
    )]
    NoCluster(String),
    /// Something that belongs to a server that isn't there.
    #[error("there is no server `{server}` for {what}; servers: {servers}")]
    NoServer {
        /// What belongs to it.
        what: String,
        /// The server named.
        server: String,
        /// Those there are.
        servers: String,
    },
    /// An active model that isn't there.
    #[error("there is no model `{model}` to be active on server `{server}`")]
    NoModel {
        /// The server.
        server: String,
        /// The model named.
        model: String,
    },
    /// An active model of another cluster.
    #[error(
        "model `{model}` is of cluster `{found}` and can't be active on server `{server}` of cluster `{wanted}`"
    )]
    OtherCluster {
        /// The server.
        server: String,
        /// The model.
        model: String,
        /// The server's cluster.
        wanted: String,
        /// The model's cluster.
        found: String,
    },
    /// A timeline for something that isn't there.
    #[error("there is no server or model `{0}` to set a timeline of")]
    NoSection(String),
    /// A path prefix that is none.
    #[error("prefix `{0}` must begin with `/` and have no query")]
    Prefix(String),
}
