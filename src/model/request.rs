//! The requests of rules to pg-backup-api.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{ApiName, ModelName, Name, Origin, TemplateValue};

/// The types of operation that pg-backup-api has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// Apply a model to a server's configuration, or remove it: `barman config-switch`.
    ConfigSwitch,
    /// Restore a backup to a node: `barman recover`.
    Recovery,
    /// Change options of servers and models: `barman config-update`.
    ConfigUpdate,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::ConfigSwitch, Self::Recovery, Self::ConfigUpdate];

    /// The word in a request's `type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConfigSwitch => "config_switch",
            Self::Recovery => "recovery",
            Self::ConfigUpdate => "config_update",
        }
    }

    /// Returns true if it sets a state of Barman's configuration. Sending such a request again is harmless; a
    /// recovery acts once and is never sent twice.
    pub const fn sets_state(self) -> bool {
        match self {
            Self::ConfigSwitch | Self::ConfigUpdate => true,
            Self::Recovery => false,
        }
    }

    /// The default time limit of an operation. A recovery has none: when the wait is over Barman is still
    /// copying, and Patroni's next method would write into the same directory.
    pub const fn timeout(self) -> Option<Duration> {
        match self {
            Self::ConfigSwitch | Self::ConfigUpdate => Some(Duration::from_secs(600)),
            Self::Recovery => None,
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A request in the notation of the rules file, with templates not yet rendered.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestTemplate {
    /// Its `type`.
    pub kind: RequestKind,
    /// The endpoint it goes to.
    pub api: ApiName,
    /// The server that the operation belongs to; a `config_update` has none.
    pub server: Option<TemplateValue>,
    /// The body without `type`, `server` and `api`.
    pub body: Vec<(String, TemplateValue)>,
    /// Its place in the rules.
    pub origin: Origin,
}

/// A request that pg-backup-api accepts: its body is known to be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Set or reset the active model of a server.
    ConfigSwitch {
        /// The server.
        server: Name,
        /// The model to switch to, or a reset.
        to: SwitchTo,
    },
    /// Restore a backup.
    Recovery(RecoveryRequest),
    /// Change configuration options; each item is an object with `scope`.
    ConfigUpdate {
        /// The changes, at least one.
        changes: Vec<Map<String, Value>>,
    },
}

/// The end state of a config switch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SwitchTo {
    /// This model is active.
    Model(ModelName),
    /// No model is active.
    Reset,
}

/// The parts of a recovery, with pg-backup-api's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryRequest {
    /// The server of the backup.
    pub server: Name,
    /// A backup's ID, or `latest`, `last`, `oldest`, `first`, `last-failed`.
    pub backup_id: Name,
    /// The command with which Barman reaches the node, for example `ssh postgres@node2`.
    pub remote_ssh_command: String,
    /// The data directory on the node.
    pub destination_directory: String,
}

impl Operation {
    /// The operation of a valid body, as [`Operation::body`] returns it; `None` for any other.
    #[must_use]
    pub fn from_body(server: Option<Name>, body: &Value) -> Option<Self> {
        let text = |key: &str| body.get(key)?.as_str().map(str::to_owned);
        let name = |key: &str| Name::new(text(key)?).ok();
        Some(match RequestKind::parse(&text("type")?)? {
            RequestKind::ConfigSwitch => Self::ConfigSwitch {
                server: server?,
                to: match (body.get("reset"), body.get("model_name")) {
                    (Some(Value::Bool(true)), None) => SwitchTo::Reset,
                    (None, Some(_)) => SwitchTo::Model(ModelName::new(text("model_name")?).ok()?),
                    _ => return None,
                },
            },
            RequestKind::Recovery => Self::Recovery(RecoveryRequest {
                server: server?,
                backup_id: name("backup_id")?,
                remote_ssh_command: text("remote_ssh_command")?,
                destination_directory: text("destination_directory")?,
            }),
            RequestKind::ConfigUpdate => Self::ConfigUpdate {
                changes: body
                    .get("changes")?
                    .as_array()?
                    .iter()
                    .map(|change| change.as_object().cloned())
                    .collect::<Option<_>>()?,
            },
        })
    }

    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::ConfigSwitch { .. } => RequestKind::ConfigSwitch,
            Self::Recovery(_) => RequestKind::Recovery,
            Self::ConfigUpdate { .. } => RequestKind::ConfigUpdate,
        }
    }

    /// The server that the operation belongs to; `None` for the whole Barman instance.
    #[must_use]
    pub const fn server(&self) -> Option<&Name> {
        match self {
            Self::ConfigSwitch { server, .. } => Some(server),
            Self::Recovery(recovery) => Some(&recovery.server),
            Self::ConfigUpdate { .. } => None,
        }
    }

    /// The path of the collection that it is posted to.
    #[must_use]
    pub fn path(&self) -> String {
        match self.server() {
            Some(server) => format!("/servers/{server}/operations"),
            None => "/operations".to_owned(),
        }
    }

    /// The body to post.
    #[must_use]
    pub fn body(&self) -> Value {
        let kind = self.kind().as_str();
        match self {
            Self::ConfigSwitch {
                to: SwitchTo::Model(model),
                ..
            } => {
                json!({"type": kind, "model_name": model})
            }
            Self::ConfigSwitch {
                to: SwitchTo::Reset,
                ..
            } => json!({"type": kind, "reset": true}),
            Self::Recovery(recovery) => json!({
                "type": kind,
                "backup_id": recovery.backup_id,
                "remote_ssh_command": recovery.remote_ssh_command,
                "destination_directory": recovery.destination_directory,
            }),
            Self::ConfigUpdate { changes } => json!({"type": kind, "changes": changes}),
        }
    }
}
