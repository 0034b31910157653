//! A whole rules file, or a directory of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::{Api, ApiName, Discover, Origin, Patroni, Receiver, Rule, TemplateValue};

/// Rules that have passed every check.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleSet {
    /// The number of matching rules that may fire.
    pub matching: Match,
    /// The endpoints by name; every name used in a request is included.
    pub apis: BTreeMap<ApiName, Api>,
    /// The local Patroni, if the file names it.
    pub patroni: Option<Patroni>,
    /// The clusters that an agent follows, by name.
    pub clusters: BTreeMap<String, Patroni>,
    /// The source of further clusters.
    pub discover: Option<Discover>,
    /// The file's variables, in order: each may use those before it.
    pub vars: Vec<Var>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// The settings of the state.
    pub state: StateSettings,
    /// The rules to use if the file is broken.
    pub fallback: Fallback,
    /// The receivers of notifications.
    pub receivers: Vec<Receiver>,
    /// The environment variables of headers, with their places.
    pub header_variables: Vec<(String, Origin)>,
    /// The places of the endpoints.
    pub places: Places,
}

impl RuleSet {
    /// The APIs used by requests.
    pub fn used_apis(&self) -> BTreeSet<&ApiName> {
        let enabled = self.rules.iter().filter(|rule| rule.enabled);
        let requests = enabled.flat_map(|rule| &rule.requests);
        requests.map(|request| &request.api).collect()
    }

    /// Returns true if there is a Patroni that a fence can ask.
    pub fn has_patroni(&self) -> bool {
        self.patroni.is_some() || self.names_clusters()
    }

    /// Returns true if there are clusters to follow from one place.
    pub fn names_clusters(&self) -> bool {
        !self.clusters.is_empty() || self.discover.is_some()
    }

    /// Returns true if any rule is for the cluster with this name.
    pub fn has_rule_for(&self, cluster: &str) -> bool {
        let mut enabled = self.rules.iter().filter(|rule| rule.enabled);
        enabled.any(|rule| rule.cluster.include(cluster))
    }

    /// The number of Barman servers that receive WAL by streaming, as far as the rules' text shows: pairs of an API and
    /// the text of a switch's `server`.
    pub fn streaming_targets(&self) -> usize {
        let requests = self
            .rules
            .iter()
            .filter(|rule| rule.enabled)
            .flat_map(|rule| &rule.requests);
        let switches = requests.filter(|request| request.kind.restarts_receiver());
        let mut seen: Vec<(&ApiName, &TemplateValue)> = Vec::new();
        for request in switches {
            let Some(server) = &request.server else {
                continue;
            };
            let same = |(api, other): &(&ApiName, &TemplateValue)| {
                *api == &request.api && same_text(other, server)
            };
            if !seen.iter().any(same) {
                seen.push((&request.api, server));
            }
        }
        seen.len()
    }
}

fn same_text(one: &TemplateValue, other: &TemplateValue) -> bool {
    match (one, other) {
        (TemplateValue::Text(one), TemplateValue::Text(other)) => one.text == other.text,
        _ => one == other,
    }
}

/// The places of the endpoints in the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// Each pg-backup-api.
    pub apis: BTreeMap<ApiName, Origin>,
    /// Patroni.
    pub patroni: Option<Origin>,
}

/// The settings of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateSettings {
    /// The database; a default place if absent.
    pub path: Option<PathBuf>,
    /// The retention time of settled requests.
    pub keep: Duration,
}

impl Default for StateSettings {
    fn default() -> Self {
        Self {
            path: None,
            keep: Duration::from_secs(30 * 86_400),
        }
    }
}

/// The rules to use if the rules file is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// The last rules that passed every check.
    #[default]
    LastGood,
    /// None: the call ends as invalid.
    None,
}

/// The number of matching rules that may fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Match {
    /// All of them, in order.
    #[default]
    All,
    /// Only the first.
    First,
}

/// A variable of the rules file.
#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    /// Its unique name in the templates of the rule set.
    pub name: String,
    /// Its name in the file. Another file or rule may have its own variable of the same name.
    pub label: String,
    /// Its value.
    pub value: TemplateValue,
    /// The place of its value.
    pub origin: Origin,
}

impl Var {
    /// Returns true if it belongs to a rule.
    pub fn is_of_rule(&self) -> bool {
        self.origin.pointer.starts_with("/rules/")
    }
}
