//! The facts that rules are evaluated with.

use std::collections::BTreeMap;

use crate::model::{Event, Role, Var};
use crate::template::Scope;

/// The reason why `datadir` may be missing.
pub const DATADIR: &str = "Patroni passes it with `bootstrap` and `create_replica` only";

/// The reason why `connstring` may be missing.
pub const CONNSTRING: &str = "Patroni passes it with `create_replica` only";

/// The event, the node, and the other inputs of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The event.
    pub event: Event,
    /// The role in the words of the rules.
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
    /// The connection string of the leader; Patroni passes it with `create_replica`.
    pub connstring: Option<String>,
    /// Every `--name=value` that Patroni appended.
    pub args: BTreeMap<String, String>,
    /// The process's environment.
    pub env: BTreeMap<String, String>,
    /// The event is of another node: its host name, its environment and its callback's arguments are unknown here,
    /// and can't even be treated as missing.
    pub elsewhere: bool,
}

impl Facts {
    /// An event without any other facts.
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

    /// The variables that templates see.
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
