//! A test of what the rules make of events.

use serde_json::{Map, Value, json};

use crate::diagnostic::Place;
use crate::evaluate::{Facts, Step, Survey, survey};
use crate::model::RuleSet;

use super::coverage::Coverage;
use super::spec::with_vars;
use super::{Failure, TestResult};

/// One test: the events that it is about and what it expects of each.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) place: Place,
    /// At least one.
    pub(super) cells: Vec<Facts>,
    pub(super) vars: Map<String, Value>,
    pub(super) expect: Expect,
}

/// What a test expects.
#[derive(Debug, Clone)]
pub(super) enum Expect {
    /// No rule fires.
    Nothing,
    /// The rules can't be evaluated, and the message says this.
    Fails(String),
    /// These rules, these requests, or both.
    Plan {
        fires: Option<Vec<String>>,
        requests: Option<Vec<Value>>,
    },
}

impl Case {
    pub(super) fn run(&self, rules: &RuleSet, coverage: &mut Coverage) -> TestResult {
        let rules = with_vars(rules, &self.vars);
        let mut failures = Vec::new();
        for facts in &self.cells {
            let survey = survey(&rules, facts);
            coverage.see(facts, &survey);
            let differences = self.expect.differences(&survey);
            failures.extend(differences.into_iter().map(|difference| Failure {
                at: at(facts),
                what: difference.what,
                wanted: difference.wanted,
                got: difference.got,
                trace: survey.plan.trace.clone(),
            }));
        }
        TestResult {
            name: self.name.clone(),
            place: self.place.clone(),
            cells: self.cells.len(),
            failures,
        }
    }
}

/// An event in a few words.
pub(super) fn at(facts: &Facts) -> String {
    let node = facts.node.as_deref().unwrap_or_default();
    format!(
        "{} {} in {} on {node}",
        facts.event, facts.role, facts.cluster
    )
}

struct Difference {
    what: &'static str,
    wanted: Vec<String>,
    got: Vec<String>,
}

impl Expect {
    fn differences(&self, survey: &Survey) -> Vec<Difference> {
        let unresolved: Vec<String> = survey
            .unresolved
            .iter()
            .map(|error| format!("rule `{}`: {}", error.rule, error.source.message))
            .collect();
        if let Self::Fails(wanted) = self {
            if unresolved.iter().any(|message| message.contains(wanted)) {
                return Vec::new();
            }
            let got = match unresolved.as_slice() {
                [] => sent(survey).iter().map(line).collect(),
                messages => messages.to_vec(),
            };
            return vec![Difference {
                what: "failure",
                wanted: vec![wanted.clone()],
                got,
            }];
        }
        if !unresolved.is_empty() {
            return vec![Difference {
                what: "failure",
                wanted: Vec::new(),
                got: unresolved,
            }];
        }
        let mut found = Vec::new();
        let (rules, requests) = match self {
            Self::Plan { fires, requests } => (fires.clone(), requests.clone()),
            _ => (Some(Vec::new()), Some(Vec::new())),
        };
        let fired: Vec<String> = survey
            .plan
            .trace
            .iter()
            .filter(|trace| trace.fired())
            .map(|trace| trace.rule.clone())
            .collect();
        if let Some(wanted) = rules.filter(|wanted| *wanted != fired) {
            found.push(Difference {
                what: "rules that fire",
                wanted,
                got: fired,
            });
        }
        let sent = sent(survey);
        if let Some(wanted) = requests.filter(|wanted| *wanted != sent) {
            found.push(Difference {
                what: "requests",
                wanted: wanted.iter().map(line).collect(),
                got: sent.iter().map(line).collect(),
            });
        }
        found
    }
}

fn sent(survey: &Survey) -> Vec<Value> {
    survey.plan.steps.iter().map(request).collect()
}

/// A step as tests write it: the body with server and API.
fn request(step: &Step) -> Value {
    let mut all = Map::new();
    all.insert("api".to_owned(), json!(step.api));
    if let Some(server) = step.operation.server() {
        all.insert("server".to_owned(), json!(server));
    }
    if let Value::Object(body) = step.operation.body() {
        all.extend(body);
    }
    Value::Object(all)
}

fn line(request: &Value) -> String {
    let mut request = request.clone();
    if let Value::Object(all) = &mut request
        && all.get("api") == Some(&Value::from("default"))
    {
        all.shift_remove("api");
    }
    request.to_string()
}
