//! Execution of sequences of callbacks and passes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::diagnostic::Place;
use crate::evaluate::survey;
use crate::http::together;
use crate::model::{ApiName, RuleSet};
use crate::simulator::api::Api;
use crate::simulator::barman::Barman;
use crate::simulator::service::Service;
use crate::simulator::{Config, SameSecond};

use super::action::Action;
use super::clock::Virtual;
use super::coverage::Coverage;
use super::narrow::Narrow;
use super::process::path_of;
use super::result::{Failure, TestResult};
use super::spec::with_vars;
use super::world::{Cluster, Outside};

/// The time after the last step by which everything in Barman has ended.
const LATER: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) cluster: String,
    pub(super) vars: Map<String, Value>,
    /// The Barman behind each API of the rules.
    pub(super) apis: BTreeMap<ApiName, Config>,
    /// The steps; the actions of each overlap.
    pub(super) steps: Vec<Vec<Action>>,
    pub(super) end: Vec<Active>,
}

/// A model that must be active at the end; `None` for a server without one.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) label: String,
    pub(super) api: ApiName,
    pub(super) server: String,
    pub(super) model: Option<String>,
}

impl Scenario {
    pub(super) fn run(&self, rules: &RuleSet, coverage: &mut Coverage) -> TestResult {
        let rules = with_vars(rules, &self.vars);
        for facts in self.actions().filter_map(Action::facts) {
            coverage.see(facts, &survey(&rules, facts));
        }
        TestResult {
            name: self.name.clone(),
            place: self.place.clone(),
            cells: self.actions().count(),
            failures: self.failures(&rules),
        }
    }

    /// Returns true if it passes. With `narrow`, it is only executed if the change concerns one of its events.
    pub(super) fn passes(&self, rules: &RuleSet, narrow: Option<&Narrow>) -> bool {
        let narrow = narrow.map(|narrow| narrow.with(&self.vars));
        let concerned = |action: &Action| match (action.facts(), &narrow) {
            (Some(facts), Some(narrow)) => narrow.concerns(facts),
            // A pass evaluates the rules for every member.
            (None, _) | (_, None) => true,
        };
        !self.actions().any(concerned) || self.failures(&with_vars(rules, &self.vars)).is_empty()
    }

    fn actions(&self) -> impl Iterator<Item = &Action> {
        self.steps.iter().flatten()
    }

    fn failures(&self, rules: &RuleSet) -> Vec<Failure> {
        let outside = self.outside(rules);
        let mut failures = Vec::new();
        let mut log = Vec::new();
        for (number, step) in self.steps.iter().enumerate() {
            let running = step.iter().map(|action| action.run(rules, &outside));
            let ended = outside.clock.run(together(running.collect()));
            for (index, (action, ended)) in step.iter().zip(ended.unwrap_or_default()).enumerate() {
                let place = match step.len() {
                    1 => format!("step {}: {}", number + 1, action.at()),
                    _ => format!("step {}.{}: {}", number + 1, index + 1, action.at()),
                };
                log.push(format!("{place}: {}", ended.line()));
                for failure in action.differences(&ended) {
                    failures.push(Failure {
                        at: place.clone(),
                        trace: ended.trace(),
                        ..failure
                    });
                }
            }
        }
        outside.clock.advance(LATER);
        let end = self.end.iter();
        failures.extend(end.filter_map(|wanted| wanted.differs(&outside, &log)));
        failures
    }

    fn outside(&self, rules: &RuleSet) -> Outside {
        let mut members: Vec<String> = Vec::new();
        for node in self.actions().flat_map(Action::nodes) {
            if !members.iter().any(|known| known == node) {
                members.push(node.to_owned());
            }
        }
        let service = |name: &ApiName| {
            let api = rules.apis.get(name)?;
            let config = self.apis.get(name)?;
            let barman = Barman::new(config).ok()?;
            let api = Api::new(barman, path_of(api.url.as_str()), SameSecond::default());
            Some(RefCell::new(Service::new(api, config.front.faults.clone())))
        };
        let apis = rules.apis.keys();
        let apis = apis.filter_map(|name| Some((name.clone(), service(name)?)));
        Outside {
            clock: Virtual::default(),
            apis: apis.collect(),
            cluster: RefCell::new(Cluster {
                name: self.cluster.clone(),
                members,
                ..Cluster::default()
            }),
            restored: RefCell::default(),
        }
    }
}

impl Active {
    fn differs(&self, outside: &Outside, log: &[String]) -> Option<Failure> {
        let active = outside.active_model(&self.api, &self.server);
        if active == self.model {
            return None;
        }
        let word = |model: Option<String>| model.unwrap_or_else(|| "none".to_owned());
        let mut got = vec![format!("{}: {}", self.label, word(active))];
        got.extend_from_slice(log);
        let wanted = vec![format!("{}: {}", self.label, word(self.model.clone()))];
        Some(Failure {
            at: "the end".to_owned(),
            ..Failure::new("active model", wanted, got)
        })
    }
}
