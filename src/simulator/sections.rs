//! The sections of Barman's configuration, and the PostgreSQL servers behind them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::model::{SEGMENT, WalFile};

use super::backup::BackupStatus;
use super::options;
use super::receiver::Receiver;
use super::recorded::{RECORDED, default_option};

/// Barman's replication slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slot {
    /// It does not exist.
    Missing,
    /// It is never in use.
    Idle,
    /// It is in use while Barman's receiver runs.
    #[default]
    Usable,
}

/// The state of the PostgreSQL that a server or a model points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// True if it accepts connections.
    pub reachable: bool,
    /// Its timeline.
    pub timeline: u64,
    /// True if it is a standby.
    pub in_recovery: bool,
    /// True if it accepts streaming connections.
    pub streaming: bool,
    /// Barman's replication slot on it.
    pub slot: Slot,
    /// The time of its promotion, on the simulator's clock; it then leaves recovery, on the next timeline.
    pub promotes_at: Option<Duration>,
    /// The identifier of its cluster.
    pub system_id: String,
    /// Its WAL, if the cluster reports it.
    pub wal: Option<Wal>,
}

/// The WAL of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wal {
    /// Its end.
    pub position: u64,
    /// The past timelines, each with its end.
    pub ended: Vec<(u64, u64)>,
}

impl Postgres {
    /// Ends a promotion that is due.
    pub(super) fn settle(&mut self, now: Duration) {
        if self.promotes_at.is_some_and(|at| at <= now) {
            self.promotes_at = None;
            self.in_recovery = false;
            self.timeline += 1;
        }
    }
}

impl Default for Postgres {
    fn default() -> Self {
        Self {
            reachable: true,
            timeline: 1,
            in_recovery: false,
            streaming: true,
            slot: Slot::default(),
            promotes_at: None,
            system_id: system_id(),
            wal: None,
        }
    }
}

/// The identifier of the recorded cluster.
fn system_id() -> String {
    let recorded = RECORDED.backup.get("systemid").and_then(Value::as_str);
    recorded.unwrap_or_default().to_owned()
}

/// A member's PostgreSQL as its clients see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub host: String,
    pub port: u16,
    /// The PostgreSQL there.
    pub postgres: Postgres,
}

/// Options, by the file that contains them.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    /// The section's options in Barman's configuration files.
    pub(super) file: Map<String, Value>,
    /// The options that `config-update` has put into `.barman.auto.conf`, which pg-backup-api does not read.
    pub(super) auto: Map<String, Value>,
    /// True if the files contain the section at all.
    pub(super) is_in_file: bool,
}

impl Options {
    pub(super) fn in_file(file: Map<String, Value>) -> Self {
        Self {
            file,
            auto: Map::new(),
            is_in_file: true,
        }
    }

    /// The value that Barman uses.
    pub(super) fn get(&self, option: &str) -> Option<&Value> {
        self.auto.get(option).or_else(|| self.file.get(option))
    }

    /// Writes a value to the file that `config-update` uses.
    pub(super) fn set(&mut self, option: String, value: Value) {
        let is_there = options::is_in_every_file(&option) || self.file.contains_key(&option);
        if self.is_in_file && is_there {
            self.file.insert(option, value);
        } else {
            self.auto.insert(option, value);
        }
    }
}

/// A backup.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) status: BackupStatus,
    pub(super) timeline: u64,
    pub(super) system_id: String,
    /// The WAL file in which it began, if not the default one.
    pub(super) begin: Option<String>,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            status: BackupStatus::Done,
            timeline: 1,
            system_id: system_id(),
            begin: None,
        }
    }
}

/// A server's section and state.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) options: Options,
    /// True if pg-backup-api has read it.
    pub(super) is_loaded: bool,
    pub(super) active_model: Option<String>,
    /// `None` for a server of which only a configuration section is known.
    pub(super) postgres: Option<Postgres>,
    pub(super) backups: BTreeMap<String, Stored>,
    /// The last archived WAL file of each timeline.
    pub(super) wals: BTreeMap<u64, String>,
    /// True if only the files in the configuration are archived.
    pub(super) has_given_wals: bool,
    pub(super) receiver: Receiver,
    /// The timeline and the position up to which WAL was received, if the cluster reports it.
    pub(super) received: Option<(u64, u64)>,
}

impl Server {
    pub(super) fn new(options: Options, postgres: Option<Postgres>) -> Self {
        Self {
            options,
            is_loaded: true,
            active_model: None,
            postgres,
            backups: BTreeMap::new(),
            wals: BTreeMap::new(),
            has_given_wals: false,
            receiver: Receiver::default(),
            received: None,
        }
    }

    /// Receives and archives the WAL of a PostgreSQL on this timeline, timeline after timeline. Without a position to continue
    /// from, it begins at the end.
    pub(super) fn receive(&mut self, timeline: u64, wal: &Wal) {
        let (mut from, mut at) = self.received.unwrap_or((timeline, wal.position));
        let ended = wal.ended.iter().copied();
        let ended = ended.filter(|(ended, _)| *ended < timeline);
        for (ended, end) in ended.chain([(timeline, wal.position)]) {
            if ended < from {
                continue;
            }
            if let Some(last) = (end / SEGMENT).checked_sub(1)
                && last >= at / SEGMENT
            {
                let file = WalFile {
                    timeline: ended,
                    segment: last,
                };
                self.wals.insert(ended, file.name(SEGMENT));
            }
            (from, at) = (ended + 1, end);
        }
        self.received = Some((timeline, wal.position));
    }

    pub(super) fn cluster(&self) -> Option<&str> {
        self.options.get("cluster").and_then(Value::as_str)
    }

    /// The active model, if it exists.
    pub(super) fn model<'a>(&self, models: &'a BTreeMap<String, Model>) -> Option<&'a Model> {
        models.get(self.active_model.as_ref()?)
    }

    /// The PostgreSQL that it points to while `model` is active.
    pub(super) fn postgres_with<'a>(&'a self, model: Option<&'a Model>) -> Option<&'a Postgres> {
        model
            .map(|model| &model.postgres)
            .or(self.postgres.as_ref())
    }

    /// The value that Barman uses while `model` is active.
    pub(super) fn option<'a>(
        &'a self,
        model: Option<&'a Model>,
        option: &str,
    ) -> Option<&'a Value> {
        let overlaid = |model: &'a Model| model.options.get(option);
        model
            .and_then(overlaid)
            .or_else(|| self.options.get(option))
            .or_else(|| default_option(option))
    }

    pub(super) fn is(&self, option: &str) -> bool {
        self.option(None, option) == Some(&Value::Bool(true))
    }

    /// Returns true if its WAL comes from another Barman.
    pub(super) fn is_passive(&self) -> bool {
        self.option(None, "primary_ssh_command")
            .is_some_and(Value::is_string)
    }

    /// Returns true if Barman starts a WAL receiver for it.
    pub(super) fn receives(&self) -> bool {
        self.postgres.is_some()
            && self.is("active")
            && !self.is("disabled")
            && self.is("streaming_archiver")
            && !self.is_passive()
    }
}

/// A model's section, and the node it points to.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) options: Options,
    pub(super) postgres: Postgres,
}
