//! The space of everything that can happen, as far as rules can distinguish it: every event with every role that
//! Patroni passes with it, in every kind of cluster that the rules name.
//!
//! The space is small, so it is enumerated and never sampled. Facts that a cell does not fix (the node's
//! name, the environment and so on) are placeholders in capitals, or come from the user.

mod clusters;
mod kinds;
mod named;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::evaluate::{Facts, Unknown};
use crate::model::{Event, Role};

pub use clusters::{Cluster, clusters, signature};

/// The facts known in every cell, other than event, role and cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Known {
    /// The Patroni member's name, or a placeholder.
    pub node: String,
    /// The machine's host name, or a placeholder.
    pub host: String,
    /// The data directory that Patroni passes with `bootstrap` and `create_replica`.
    pub datadir: String,
    /// The leader's address that Patroni passes with `create_replica`.
    pub connstring: String,
    /// The given arguments, other than those that Patroni appends itself.
    pub args: BTreeMap<String, String>,
    /// The given environment variables; this process's own are not used.
    pub env: BTreeMap<String, String>,
    /// The facts given by the user; the others are placeholders.
    pub given: BTreeSet<&'static str>,
    /// The environment variables and arguments that are missing; any other may exist.
    pub unset: BTreeSet<String>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            node: "NODE".to_owned(),
            host: "HOST".to_owned(),
            datadir: "/DATADIR".to_owned(),
            connstring: "CONNSTRING".to_owned(),
            args: BTreeMap::new(),
            env: BTreeMap::new(),
            given: BTreeSet::new(),
            unset: BTreeSet::new(),
        }
    }
}

impl Known {
    /// The facts of a cell, as `run` would derive them from Patroni's arguments.
    #[must_use]
    pub fn facts(&self, event: Event, role: Role, cluster: &str) -> Facts {
        let creates = event == Event::CreateReplica;
        let fills = creates || event == Event::Bootstrap;
        let passed = [
            ("scope", fills.then_some(cluster)),
            ("role", creates.then_some(role.as_str())),
            ("datadir", fills.then_some(self.datadir.as_str())),
            ("connstring", creates.then_some(self.connstring.as_str())),
        ];
        let passed = passed
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let mut args = self.args.clone();
        args.extend(passed);
        Facts {
            node: Some(self.node.clone()),
            host: Some(args.get("host").unwrap_or(&self.host).clone()),
            datadir: fills.then(|| self.datadir.clone()),
            connstring: creates.then(|| self.connstring.clone()),
            args,
            env: self.env.clone(),
            ..Facts::new(event, role, cluster)
        }
    }

    /// The facts of such a cell that are placeholders.
    pub fn unknown(&self, event: Event, role: Role) -> Unknown {
        let creates = event == Event::CreateReplica;
        let fills = creates || event == Event::Bootstrap;
        let facts = [
            ("node", true),
            ("host", !self.args.contains_key("host")),
            // Patroni has used several words for it.
            ("raw_role", role == Role::Primary),
            ("datadir", fills),
            ("connstring", creates),
        ];
        let facts = facts
            .into_iter()
            .filter_map(|(name, open)| open.then_some(name));
        Unknown {
            facts: facts.filter(|name| !self.given.contains(name)).collect(),
            absent: self.unset.clone(),
        }
    }
}

/// Every event with every role that Patroni passes with it, in the order of tables.
pub fn events() -> impl Iterator<Item = (Event, Role)> {
    Event::ALL
        .into_iter()
        .flat_map(|event| event.roles().iter().map(move |role| (event, *role)))
}
