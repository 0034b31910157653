//! A statement about every event of every member, in every kind of cluster.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::diagnostic::Place;
use crate::evaluate::{Facts, Survey, survey};
use crate::matrix::Parts;
use crate::model::RuleSet;
use crate::space::Cluster;

use super::case::{at, unresolved};
use super::command;
use super::expected::{fits, line, seen};
use super::narrow::Narrow;
use super::result::{Failure, TestResult};
use super::spec::with_vars;

#[derive(Debug, Clone)]
pub(super) struct Invariant {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) vars: Map<String, Value>,
    /// The allowed number of requests of one event that match `request` of a cell.
    pub(super) number: Number,
    /// The events in each kind of cluster, at least one.
    pub(super) clusters: Vec<(Cluster, Vec<Cell>)>,
}

/// An event, and the pattern of the requests to count.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) facts: Facts,
    pub(super) request: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) least: usize,
    pub(super) most: usize,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, 0) => f.write_str("never"),
            (least, most) if least == most => write!(f, "exactly {least}"),
            (0, most) => write!(f, "at most {most}"),
            (least, usize::MAX) => write!(f, "at least {least}"),
            (least, most) => write!(f, "{least} to {most}"),
        }
    }
}

impl Invariant {
    /// Evaluates every event. The first violation is reported, with the number of others.
    pub(super) fn run(&self, rules: &RuleSet, rules_path: &str) -> TestResult {
        let rules = with_vars(rules, &self.vars);
        let mut broken: Option<Failure> = None;
        let (mut cells, mut others) = (0, 0);
        let base = RuleSet {
            rules: Vec::new(),
            ..rules.clone().into_owned()
        };
        let parts = Parts::of(&rules);
        for (cluster, events) in &self.clusters {
            // With thousands of clusters that each have their own rules, most rules are for others.
            let own = RuleSet {
                rules: parts.of_cluster(cluster).into_iter().cloned().collect(),
                ..base.clone()
            };
            for cell in events {
                cells += 1;
                let survey = survey(&own, &cell.facts);
                if self.holds(cell, &survey) {
                    continue;
                }
                match broken {
                    Some(_) => others += 1,
                    None => broken = Some(self.failure(cell, &survey, rules_path)),
                }
            }
        }
        if let Some(failure) = &mut broken
            && others > 0
        {
            failure
                .got
                .push(format!("and {others} of {cells} events more"));
        }
        TestResult {
            name: self.name.clone(),
            place: self.place.clone(),
            cells,
            failures: broken.into_iter().collect(),
        }
    }

    /// Returns true if it holds. With `narrow`, only events that the change concerns are evaluated. These rules may distinguish
    /// other clusters than those that the events were generated for.
    pub(super) fn passes(&self, rules: &RuleSet, narrow: Option<&Narrow>) -> bool {
        let rules = with_vars(rules, &self.vars);
        let narrow = narrow.map(|narrow| narrow.with(&self.vars));
        let concerns = |facts| narrow.as_ref().is_none_or(|narrow| narrow.concerns(facts));
        let cells = self.clusters.iter().flat_map(|(_, cells)| cells);
        let mut concerned = cells.filter(|cell| concerns(&cell.facts));
        concerned.all(|cell| self.holds(cell, &survey(&rules, &cell.facts)))
    }

    pub(super) fn size(&self) -> usize {
        self.clusters.iter().map(|(_, cells)| cells.len()).sum()
    }

    /// An event for which the rules can't be evaluated violates it: nothing is sent then.
    fn holds(&self, cell: &Cell, survey: &Survey) -> bool {
        let steps = survey.plan.steps.iter();
        let count = steps.filter(|step| fits(&cell.request, step)).count();
        survey.unresolved.is_empty() && (self.number.least..=self.number.most).contains(&count)
    }

    fn failure(&self, cell: &Cell, survey: &Survey, rules_path: &str) -> Failure {
        let wanted = format!("{}: {}", self.number, json!(cell.request));
        let got = match unresolved(survey).as_slice() {
            [] => {
                let steps = survey.plan.steps.iter();
                let pattern = Value::Object(cell.request.clone());
                let like = steps.filter(|step| fits(&cell.request, step));
                let lines = like.map(|step| line(&seen(step, Some(&pattern))));
                lines.collect()
            }
            messages => messages.to_vec(),
        };
        Failure {
            at: at(&cell.facts),
            what: "requests like this",
            wanted: vec![wanted],
            got,
            trace: survey.plan.trace.clone(),
            plan: Some(command::plan(rules_path, &cell.facts, &self.vars)),
        }
    }
}
