//! A test of the rules' results for events.

use serde_json::{Map, Value};

use crate::diagnostic::Place;
use crate::evaluate::{Facts, Survey, survey};
use crate::model::RuleSet;

use super::command;
use super::coverage::Coverage;
use super::expected::{line, seen};
use super::narrow::Narrow;
use super::result::{Failure, TestResult};
use super::spec::with_vars;

/// One test: its events, and the expected result of each.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) place: Place,
    /// At least one.
    pub(super) cells: Vec<Cell>,
    pub(super) vars: Map<String, Value>,
    pub(super) expect: Expect,
}

/// One event of a test.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) facts: Facts,
    /// The expected requests, if the test is about requests.
    pub(super) requests: Option<Vec<Value>>,
}

#[derive(Debug, Clone)]
pub(super) enum Expect {
    Nothing,
    /// The rules can't be evaluated, and the message contains this text.
    Fails(String),
    /// These rules, the cell's requests, or both.
    Plan {
        fires: Option<Vec<String>>,
    },
}

impl Case {
    pub(super) fn run(
        &self,
        rules: &RuleSet,
        rules_path: &str,
        coverage: &mut Coverage,
    ) -> TestResult {
        let rules = with_vars(rules, &self.vars);
        let mut failures = Vec::new();
        for cell in &self.cells {
            let survey = survey(&rules, &cell.facts);
            coverage.see(&cell.facts, &survey);
            let differences = self.expect.differences(cell, &survey);
            if differences.is_empty() && cell.requests.is_some() {
                coverage.assert_requests(&survey);
            }
            failures.extend(differences.into_iter().map(|difference| Failure {
                at: at(&cell.facts),
                trace: survey.plan.trace.clone(),
                plan: Some(command::plan(rules_path, &cell.facts, &self.vars)),
                ..difference
            }));
        }
        TestResult {
            name: self.name.clone(),
            place: self.place.clone(),
            cells: self.cells.len(),
            failures,
        }
    }

    /// Returns true if it passes. With `narrow`, only events that the change concerns are evaluated.
    pub(super) fn passes(&self, rules: &RuleSet, narrow: Option<&Narrow>) -> bool {
        let rules = with_vars(rules, &self.vars);
        let narrow = narrow.map(|narrow| narrow.with(&self.vars));
        let concerns = |facts| narrow.as_ref().is_none_or(|narrow| narrow.concerns(facts));
        let mut cells = self.cells.iter().filter(|cell| concerns(&cell.facts));
        cells.all(|cell| {
            let survey = survey(&rules, &cell.facts);
            self.expect.differences(cell, &survey).is_empty()
        })
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

/// The reasons why rules can't be evaluated, one line each.
pub(super) fn unresolved(survey: &Survey) -> Vec<String> {
    let errors = survey.unresolved.iter();
    errors
        .map(|error| format!("rule `{}`: {}", error.rule, error.source.message))
        .collect()
}

impl Expect {
    fn differences(&self, cell: &Cell, survey: &Survey) -> Vec<Failure> {
        let unresolved = unresolved(survey);
        if let Self::Fails(wanted) = self {
            if unresolved.iter().any(|message| message.contains(wanted)) {
                return Vec::new();
            }
            let got = match unresolved.as_slice() {
                [] => sent(survey, None).iter().map(line).collect(),
                messages => messages.to_vec(),
            };
            return vec![Failure::new("failure", vec![wanted.clone()], got)];
        }
        if !unresolved.is_empty() {
            return vec![Failure::new("failure", Vec::new(), unresolved)];
        }
        let mut found = Vec::new();
        let (rules, requests) = match self {
            Self::Plan { fires } => (fires.clone(), cell.requests.clone()),
            _ => (Some(Vec::new()), Some(Vec::new())),
        };
        let fired = survey.plan.trace.iter().filter(|trace| trace.fired());
        let fired: Vec<String> = fired.map(|trace| trace.rule.clone()).collect();
        if let Some(wanted) = rules.filter(|wanted| *wanted != fired) {
            found.push(Failure::new("rules that fire", wanted, fired));
        }
        let sent = sent(survey, requests.as_deref());
        if let Some(wanted) = requests.filter(|wanted| *wanted != sent) {
            let lines = |all: &[Value]| all.iter().map(line).collect();
            found.push(Failure::new("requests", lines(&wanted), lines(&sent)));
        }
        found
    }
}

/// The steps in the form in which they are compared with the expected ones.
fn sent(survey: &Survey, wanted: Option<&[Value]>) -> Vec<Value> {
    let steps = survey.plan.steps.iter().enumerate();
    steps
        .map(|(index, step)| seen(step, wanted.and_then(|wanted| wanted.get(index))))
        .collect()
}
