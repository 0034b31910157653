//! The answers of Barman and Patroni, as far as the rules can be compared with them.

use std::collections::{BTreeMap, BTreeSet};

use crate::space::Known;

/// The facts about this node and its cluster.
#[derive(Debug, Clone, Default)]
pub struct Here {
    /// The name of this node as the user gave it.
    pub given: Option<String>,
    /// The name that the local Patroni reports.
    pub told: Option<String>,
    /// The host, the environment and other facts.
    pub known: Known,
    /// The Patronis that answered, in the order of the rules.
    pub patronis: Vec<Seen>,
}

/// A cluster as seen by a Patroni.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub url: String,
    pub scope: Option<String>,
    pub members: Vec<Member>,
    /// The permanent physical slots, if the configuration could be read.
    pub slots: Option<BTreeSet<String>>,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub name: String,
    pub never_leads: bool,
}

/// The content of one Barman.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// The content of `/diagnose`, if it could be read.
    pub content: Option<Content>,
    /// pg-backup-api knows no operations but recoveries.
    pub api_is_too_old: bool,
}

/// The content of `/diagnose`.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub servers: BTreeMap<String, Server>,
    pub models: BTreeMap<String, Model>,
    /// The reason why Barman can't have models, if any.
    pub why_no_models: Option<String>,
}

/// A server; only its cluster is known if no details were requested.
#[derive(Debug, Clone, Default)]
pub struct Server {
    pub cluster: Option<String>,
    pub active: Option<bool>,
    /// It copies from another Barman.
    pub passive: bool,
    pub streaming_archiver: Option<bool>,
    pub slot_name: Option<String>,
    /// Recoveries fetch the WAL of later timelines from Barman.
    pub gets_wal: bool,
    pub backups: BTreeMap<String, BackupState>,
}

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub cluster: Option<String>,
    /// The replication slot, if it has one of its own.
    pub slot_name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupState {
    Usable,
    Failed,
    /// It is in progress, or its state is unknown.
    Other,
}

impl Here {
    pub fn name(&self) -> Option<&str> {
        self.given.as_deref().or(self.told.as_deref())
    }

    /// This node's cluster, as the first Patroni that answered shows it.
    pub fn cluster(&self) -> Option<&Seen> {
        self.patronis.iter().find(|seen| seen.scope.is_some())
    }
}
