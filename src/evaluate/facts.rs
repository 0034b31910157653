//! What is known when rules are evaluated.

use std::collections::BTreeMap;

use crate::model::{Event, Role, Var};
use crate::template::Scope;

/// When `datadir` is known.
pub const DATADIR: &str = "Patroni passes it with `bootstrap` and `create_replica` only";

/// When `connstring` is known.
pub const CONNSTRING: &str = "Patroni passes it with `create_replica` only";

/// What happened, to which node, and what the process was told besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The event.
    pub event: Event,
    /// The role as rules name it.
    pub role: Role,
    /// The role as Patroni passed it.
    pub raw_role: String,
    /// Patroni's scope.
    pub cluster: String,
    /// The Patroni member's name, if it is known.
    pub node: Option<String>,
    /// The machine's host name, if it is known.
    pub host: Option<String>,
    /// The data directory to fill; Patroni passes it with `bootstrap` and `create_replica`.
    pub datadir: Option<String>,
    /// How to connect to the leader; Patroni passes it with `create_replica`.
    pub connstring: Option<String>,
    /// Every `--name=value` that Patroni appended.
    pub args: BTreeMap<String, String>,
    /// The process's environment.
    pub env: BTreeMap<String, String>,
    /// It is an event of another node: its host name, its environment and the words of its callback are not known here,
    /// and none of them can even be said to be missing.
    pub elsewhere: bool,
}

impl Facts {
    /// An event with nothing else known.
    #[must_use]
    pub fn new(event: Event, role: Role, cluster: impl Into<String>) -> Self {
        Self {
            event,
            role,
            raw_role: role.as_str().to_owned(),
            cluster: cluster.into(),
            node: None,
            host: None,
            datadir: None,
            connstring: None,
            args: BTreeMap::new(),
            env: BTreeMap::new(),
            elsewhere: false,
        }
    }

    /// What templates see of it.
    #[must_use]
    pub fn scope(&self, vars: &[Var]) -> Scope {
        let scope = Scope::new(vars)
            .text("event", self.event.as_str())
            .text("role", self.role.as_str())
            .text("raw_role", &self.raw_role)
            .text("cluster", &self.cluster)
            .maybe(
                "node",
                self.node.as_deref(),
                "give `--node` in the callback's command (Patroni removes `PATRONI_NAME` from the environment), or name the local Patroni under `patroni` in the rules file",
            )
            .maybe(
                "datadir",
                self.datadir.as_deref(),
                DATADIR,
            )
            .maybe(
                "connstring",
                self.connstring.as_deref(),
                CONNSTRING,
            )
            ;
        if self.elsewhere {
            return ["host", "args", "env"]
                .into_iter()
                .fold(scope, Scope::unsettled);
        }
        scope
            .maybe(
                "host",
                self.host.as_deref(),
                "this machine has no host name",
            )
            .table("args", &self.args)
            .table("env", &self.env)
    }
}
