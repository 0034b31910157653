//! `recovery`: restores a backup to a node.

use serde_json::{Value, json};

use super::{Facts, Parts, Request, Settings};
use crate::model::{ApiName, Name, Target, Verify};

/// The facts about the type. Its operation is waited for without a bound: when the wait ends, Barman still copies,
/// and Patroni's next method would write into the same directory.
pub(super) const FACTS: Facts = Facts {
    word: "recovery",
    sets_state: false,
    restarts_receiver: false,
    timeout: None,
    names: &["backup_id"],
    is_comparable: |_: Verify| false,
    settings,
};

/// Restore a backup to a node; the parts are named as pg-backup-api names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The server whose backup it is.
    pub server: Name,
    /// A backup's id, or `latest`, `last`, `oldest`, `first`, `last-failed`.
    pub backup_id: Name,
    /// The command by which Barman reaches the node, for example `ssh postgres@node2`.
    pub remote_ssh_command: String,
    /// The data directory on the node.
    pub destination_directory: String,
}

impl Recovery {
    pub(super) fn read(server: Option<Name>, body: &Value) -> Option<Self> {
        let text = |key: &str| body.get(key)?.as_str().map(str::to_owned);
        Some(Self {
            server: server?,
            backup_id: Name::new(text("backup_id")?).ok()?,
            remote_ssh_command: text("remote_ssh_command")?,
            destination_directory: text("destination_directory")?,
        })
    }
}

impl Request for Recovery {
    fn server(&self) -> Option<&Name> {
        Some(&self.server)
    }

    fn body(&self) -> Value {
        json!({
            "type": FACTS.word,
            "backup_id": self.backup_id,
            "remote_ssh_command": self.remote_ssh_command,
            "destination_directory": self.destination_directory,
        })
    }

    fn targets(&self, _: &ApiName) -> Vec<Target> {
        vec![Target::directory(
            &self.remote_ssh_command,
            &self.destination_directory,
        )]
    }

    fn words(&self) -> String {
        let (backup, server) = (&self.backup_id, &self.server);
        let directory = &self.destination_directory;
        format!("recovery of backup `{backup}` of `{server}` to `{directory}`")
    }

    fn short_words(&self) -> String {
        format!("recovery of {}", self.server)
    }
}

fn settings(parts: &Parts<'_>) -> Settings {
    let (backup, server) = (parts.text("backup_id")?, parts.server()?);
    let value = format!("backup `{backup}` of `{server}`");
    let ssh = parts.text("remote_ssh_command")?;
    let directory = parts.text("destination_directory")?;
    Some(vec![(Target::directory(&ssh, &directory), value)])
}
