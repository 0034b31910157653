//! The configuration of a simulator.

use std::time::Duration;

use super::backup::{Backup, BackupStatus};
use super::fault::Faults;
use super::filler::Filler;
use super::jobs::SameSecond;
use super::receiver::ReceiverTimes;
use super::version::Version;

/// The files that a finished recovery leaves in its destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecoverFiles {
    /// Nothing: the destination belongs to another machine.
    #[default]
    None,
    /// The files that identify a restored data directory, on this machine.
    Local,
}

/// A Barman server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub name: String,
    /// The cluster whose models it accepts.
    pub cluster: String,
    /// True if it was added after pg-backup-api had read the configuration.
    pub is_late: bool,
}

/// A Barman model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub name: String,
    /// Its cluster; `None` if its name has it (`CLUSTER:NODE`).
    pub cluster: Option<String>,
}

/// The whole configuration of a simulator.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Config {
    /// The Barman servers.
    pub servers: Vec<Server>,
    /// The models.
    pub models: Vec<Model>,
    /// The backups.
    pub backups: Vec<Backup>,
    /// The active models at the start, by server.
    pub active: Vec<(String, String)>,
    /// The timeline at the start, by server or model; 1 for those not named.
    pub timelines: Vec<(String, u64)>,
    /// Options in the file, by server or model, in the file's notation.
    pub options: Vec<(String, String, String)>,
    /// The last archived WAL files, by server; for servers without any, streamed WAL counts as archived.
    pub wals: Vec<(String, String)>,
    /// The time for which each operation stays `IN_PROGRESS`.
    pub operation_time: Duration,
    /// The start times of Barman's WAL receivers.
    pub receiver: ReceiverTimes,
    /// Barman's version; `None` for the newest known one.
    pub barman_version: Option<Version>,
    /// True if a recovery into a directory that is not empty fails.
    pub empty_only: bool,
    /// The files that a finished recovery leaves in its destination.
    pub recover_files: RecoverFiles,
    /// The behaviour of the API in front of it.
    pub front: Front,
}

/// The behaviour of the API, with any Barman behind it.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// A path prefix of the API, such as `/backup`.
    pub prefix: String,
    /// The answer to a second operation in one second.
    pub same_second: SameSecond,
    /// The faults.
    pub faults: Faults,
    /// The version of pg-backup-api; `None` for the newest known one.
    pub api_version: Option<Version>,
    /// Further servers in `/diagnose`.
    pub diagnose_size: Option<Filler>,
}

impl Config {
    /// Adds a server whose cluster has its name.
    pub fn server(self, name: &str) -> Self {
        self.server_of_cluster(name, name)
    }

    /// Adds a server of a cluster with another name.
    pub fn server_of_cluster(mut self, name: &str, cluster: &str) -> Self {
        self.servers.push(Server {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            is_late: false,
        });
        self
    }

    /// Adds a server that pg-backup-api does not know before it answers `/diagnose`.
    pub fn late_server(mut self, name: &str) -> Self {
        self = self.server(name);
        if let Some(server) = self.servers.last_mut() {
            server.is_late = true;
        }
        self
    }

    /// Sets an option of a server or model in the file.
    pub fn option(mut self, section: &str, option: &str, value: &str) -> Self {
        self.options
            .push((section.to_owned(), option.to_owned(), value.to_owned()));
        self
    }

    /// Sets the last archived WAL file of a server on the timeline in its name.
    pub fn wal(mut self, server: &str, name: &str) -> Self {
        self.wals.push((server.to_owned(), name.to_owned()));
        self
    }

    /// Adds a model named `CLUSTER:NODE`, or `SERVER:NODE` for a model of that server's cluster.
    pub fn model(mut self, name: &str) -> Self {
        self.models.push(Model {
            name: name.to_owned(),
            cluster: None,
        });
        self
    }

    /// Adds a model with any name.
    pub fn model_of_cluster(mut self, name: &str, cluster: &str) -> Self {
        self.models.push(Model {
            name: name.to_owned(),
            cluster: Some(cluster.to_owned()),
        });
        self
    }

    /// Adds a backup that can be restored.
    pub fn backup(self, server: &str, id: &str) -> Self {
        self.backup_with_status(server, id, BackupStatus::Done)
    }

    /// Adds a backup.
    pub fn backup_with_status(mut self, server: &str, id: &str, status: BackupStatus) -> Self {
        self.backups.push(Backup {
            server: server.to_owned(),
            id: id.to_owned(),
            status,
            timeline: 1,
            system_id: None,
        });
        self
    }

    /// Changes the backup added last.
    pub fn of(mut self, timeline: u64, system_id: Option<&str>) -> Self {
        if let Some(backup) = self.backups.last_mut() {
            backup.timeline = timeline;
            backup.system_id = system_id.map(str::to_owned);
        }
        self
    }

    /// Sets the active model of a server at the start.
    pub fn active(mut self, server: &str, model: &str) -> Self {
        self.active.push((server.to_owned(), model.to_owned()));
        self
    }

    /// Sets the timeline of the PostgreSQL behind a server or model.
    pub fn timeline(mut self, name: &str, timeline: u64) -> Self {
        self.timelines.push((name.to_owned(), timeline));
        self
    }

    /// Sets the time for which each operation stays `IN_PROGRESS`.
    pub fn operation_time(mut self, time: Duration) -> Self {
        self.operation_time = time;
        self
    }

    /// Sets the start times of Barman's WAL receivers.
    pub fn receiver(mut self, times: ReceiverTimes) -> Self {
        self.receiver = times;
        self
    }

    /// Sets the version of Barman to imitate.
    pub fn barman_version(mut self, version: Version) -> Self {
        self.barman_version = Some(version);
        self
    }

    /// Makes recoveries into directories that are not empty fail, as Barman does from 3.15 on.
    pub fn empty_only(mut self) -> Self {
        self.empty_only = true;
        self
    }

    /// Sets the API's path prefix.
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.front.prefix);
        self
    }

    /// Sets the answer to a second operation in one second.
    pub fn same_second(mut self, same_second: SameSecond) -> Self {
        self.front.same_second = same_second;
        self
    }

    /// Adds faults.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.front.faults.extend(faults);
        self
    }

    /// Sets the version of pg-backup-api to imitate.
    pub fn api_version(mut self, version: Version) -> Self {
        self.front.api_version = Some(version);
        self
    }

    /// Adds this many servers, with this many backups each, to `/diagnose`.
    pub fn diagnose_size(mut self, servers: usize, backups: usize) -> Self {
        self.front.diagnose_size = Some(Filler { servers, backups });
        self
    }

    /// Sets the files that a finished recovery leaves in its destination.
    pub fn recover_files(mut self, recover_files: RecoverFiles) -> Self {
        self.recover_files = recover_files;
        self
    }
}

/// A contradictory configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("`{0}` can't be a name: use letters, digits, `.`, `_`, `:` and `-`")]
    Name(String),
    /// A duplicate name: servers and models share one namespace.
    #[error("`{0}` is named twice: every server and model needs a name of its own")]
    Twice(String),
    #[error(
        "model `{0}` has no cluster: name it `CLUSTER:NODE`, or give the cluster as `{0}=CLUSTER`"
    )]
    NoCluster(String),
    #[error("there is no server `{server}` for {what}; servers: {servers}")]
    NoServer {
        what: String,
        server: String,
        servers: String,
    },
    #[error("there is no model `{model}` to be active on server `{server}`")]
    NoModel { server: String, model: String },
    #[error(
        "model `{model}` is of cluster `{found}` and can't be active on server `{server}` of cluster `{wanted}`"
    )]
    OtherCluster {
        server: String,
        model: String,
        wanted: String,
        found: String,
    },
    #[error("there is no server or model `{0}` to set a timeline of")]
    NoSection(String),
    #[error("`{value}` can't be the option `{option}` of `{section}`")]
    Option {
        section: String,
        option: String,
        value: String,
    },
    #[error("`{0}` is not the name of a WAL file, which has 24 hexadecimal digits")]
    Wal(String),
    #[error("prefix `{0}` must begin with `/` and have no query")]
    Prefix(String),
}
