//! Callbacks one after the other, carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnostic::Place;
use crate::evaluate::{Facts, survey};
use crate::execute::{Called, Outcome, World as _, execute};
use crate::http::block_on;
use crate::model::{ApiName, RuleSet};
use crate::simulator::api::Api;
use crate::simulator::barman::Barman;
use crate::simulator::service::Service;
use crate::simulator::{Config, SameSecond};

use super::case::at;
use super::coverage::Coverage;
use super::spec::with_vars;
use super::world::{Cluster, Outside};
use super::{Failure, TestResult};

/// The exit code of `run` when the rules can't be evaluated.
const INVALID: u8 = 4;

/// After the last callback, what is still running in Barman ends.
const LATER: Duration = Duration::from_secs(24 * 3600);

/// How long a scenario waits for a recovery that does not end.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// One scenario.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) cluster: String,
    pub(super) vars: serde_json::Map<String, serde_json::Value>,
    /// What is behind each API of the rules.
    pub(super) apis: BTreeMap<ApiName, Config>,
    pub(super) calls: Vec<Call>,
    pub(super) end: Vec<Active>,
}

/// One callback.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) facts: Facts,
    pub(super) after: Duration,
    pub(super) leader: Option<String>,
    pub(super) exit_code: Option<u8>,
    pub(super) posts: Option<usize>,
    pub(super) message: Option<String>,
}

/// A model that must be active in the end; none for a server without one.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) label: String,
    pub(super) api: ApiName,
    pub(super) server: String,
    pub(super) model: Option<String>,
}

/// How a callback ended.
struct Ended {
    exit_code: u8,
    messages: Vec<String>,
    posts: usize,
    took: Duration,
}

impl Scenario {
    pub(super) fn passes(&self, rules: &RuleSet, _narrow: Option<&super::mutants::Narrow>) -> bool {
        self.run(rules, &mut Coverage::of(rules)).passed()
    }

    pub(super) fn run(&self, rules: &RuleSet, coverage: &mut Coverage) -> TestResult {
        let rules = with_vars(rules, &self.vars);
        let outside = self.outside(&rules);
        let mut failures = Vec::new();
        let mut log = Vec::new();
        for (index, call) in self.calls.iter().enumerate() {
            outside.clock().advance(call.after);
            let mut survey = survey(&rules, &call.facts);
            coverage.see(&call.facts, &survey);
            for step in &mut survey.plan.steps {
                step.poll.timeout.get_or_insert(LONGEST);
            }
            call.take_role(&outside);
            let begun = outside.clock_now();
            let posted = outside.posts.get();
            let (exit_code, messages) = if let Some(error) = survey.unresolved.first() {
                (
                    INVALID,
                    vec![format!("rule `{}`: {}", error.rule, error.source.message)],
                )
            } else {
                let outcome = block_on(execute(&survey.plan, Called::at(begun), &outside));
                (outcome.verdict.exit_code(), messages(&outcome))
            };
            let ended = Ended {
                exit_code,
                messages,
                posts: outside.posts.get() - posted,
                took: outside.clock_now().saturating_sub(begun),
            };
            let place = format!("step {}: {}", index + 1, at(&call.facts));
            log.push(format!("{place}: {}", ended.line()));
            for mut failure in call.differences(&ended) {
                failure.at.clone_from(&place);
                failure.trace.clone_from(&survey.plan.trace);
                failures.push(failure);
            }
        }
        outside.clock().advance(LATER);
        failures.extend(
            self.end
                .iter()
                .filter_map(|wanted| wanted.differs(&outside, &log)),
        );
        TestResult {
            name: self.name.clone(),
            place: self.place.clone(),
            cells: self.calls.len(),
            failures,
        }
    }

    fn outside(&self, rules: &RuleSet) -> Outside {
        let mut members: Vec<String> = Vec::new();
        let nodes = self
            .calls
            .iter()
            .flat_map(|call| [&call.facts.node, &call.leader]);
        for node in nodes.flatten() {
            if !members.contains(node) {
                members.push(node.clone());
            }
        }
        let cluster = Cluster {
            name: self.cluster.clone(),
            members,
            ..Cluster::default()
        };
        Outside::new(rules, cluster, |api, prefix| {
            let config = self.apis.get(api)?;
            let barman = Barman::new(config).ok()?;
            let api = Api::new(barman, prefix, SameSecond::default());
            Some(Service::new(api, config.front.faults.clone()))
        })
    }
}

impl Outside {
    fn clock_now(&self) -> Duration {
        use crate::http::Clock as _;
        self.clock().now()
    }
}

impl Call {
    /// Who holds the leader key while this callback runs.
    fn take_role(&self, outside: &Outside) {
        let mut cluster = outside.cluster.borrow_mut();
        let node = self.facts.node.clone().unwrap_or_default();
        let leads = self.facts.role.leads();
        if let Some(leader) = &self.leader {
            cluster.leader = Some(leader.clone());
        } else if leads {
            cluster.leader = Some(node.clone());
        } else if cluster.leader.as_ref() == Some(&node) {
            cluster.leader = None;
        }
        cluster.node = node;
    }

    fn differences(&self, ended: &Ended) -> Vec<Failure> {
        let mut found = Vec::new();
        let mut differs = |what, wanted: String, got: String| {
            found.push(Failure {
                at: String::new(),
                what,
                wanted: vec![wanted],
                got: vec![got, ended.line()],
                trace: Vec::new(),
                plan: None,
            });
        };
        if let Some(wanted) = self.exit_code.filter(|wanted| *wanted != ended.exit_code) {
            differs("exit code", wanted.to_string(), ended.exit_code.to_string());
        }
        if let Some(wanted) = self.posts.filter(|wanted| *wanted != ended.posts) {
            differs("posts", wanted.to_string(), ended.posts.to_string());
        }
        if let Some(wanted) = &self.message
            && !ended
                .messages
                .iter()
                .any(|message| message.contains(wanted))
        {
            differs("message", wanted.clone(), ended.messages.join("; "));
        }
        found
    }
}

impl Ended {
    fn line(&self) -> String {
        let messages: Vec<_> = self
            .messages
            .iter()
            .map(|message| format!(": {message}"))
            .collect();
        format!(
            "exit code {}, {} posted, took {:.1} s{}",
            self.exit_code,
            self.posts,
            self.took.as_secs_f64(),
            messages.concat()
        )
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
        Some(Failure {
            at: "the end".to_owned(),
            what: "active model",
            wanted: vec![format!("{}: {}", self.label, word(self.model.clone()))],
            got,
            trace: Vec::new(),
            plan: None,
        })
    }
}

fn messages(outcome: &Outcome) -> Vec<String> {
    let steps = outcome.steps.iter();
    steps.filter_map(|step| step.message.clone()).collect()
}
