//! Coverage of the rules by tests: cells, rules that fire, both outcomes of each condition, and the requests that
//! are compared with what a test expects.

use std::collections::{BTreeMap, BTreeSet};

use crate::evaluate::{Facts, Survey};
use crate::model::{Event, Role, Rule, RuleSet};
use crate::space::{clusters, events, signature};

/// The coverage of one rule set so far.
#[derive(Debug, Clone)]
pub struct Coverage {
    rules: RuleSet,
    cells: BTreeSet<(Event, Role, Vec<String>)>,
    fired: BTreeSet<String>,
    conditions: BTreeSet<(String, bool)>,
    /// The requests that a test states, each by its rule and its number in it.
    asserted: BTreeSet<(String, usize)>,
    kinds: BTreeMap<String, Vec<String>>,
}

/// The covered share of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub total: usize,
    /// The missing ones, in order.
    pub missing: Vec<String>,
}

impl Share {
    /// The number of covered ones.
    pub const fn covered(&self) -> usize {
        self.total.saturating_sub(self.missing.len())
    }

    /// Returns true if the share is at least this percentage. An empty total is fully covered.
    pub const fn reaches(&self, percent: usize) -> bool {
        self.covered() * 100 >= percent * self.total
    }
}

impl Coverage {
    /// No coverage yet.
    pub fn of(rules: &RuleSet) -> Self {
        Self {
            rules: rules.clone(),
            cells: BTreeSet::new(),
            fired: BTreeSet::new(),
            conditions: BTreeSet::new(),
            asserted: BTreeSet::new(),
            kinds: BTreeMap::new(),
        }
    }

    /// Records an event's result.
    pub(super) fn see(&mut self, facts: &Facts, survey: &Survey) {
        let rules = &self.rules;
        let kind = self.kinds.entry(facts.cluster.clone());
        let kind = kind.or_insert_with(|| signature(&[rules], &facts.cluster));
        self.cells.insert((facts.event, facts.role, kind.clone()));
        for trace in &survey.plan.trace {
            match &trace.because {
                None => {
                    self.fired.insert(trace.rule.clone());
                    self.conditions.insert((trace.rule.clone(), true));
                }
                Some(because) if because.field == "when" && because.got == "false" => {
                    self.conditions.insert((trace.rule.clone(), false));
                }
                Some(_) => {}
            }
        }
    }

    /// Records that a test states each of these requests.
    pub(super) fn assert_requests(&mut self, survey: &Survey) {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &survey.plan.steps {
            let number = numbers.entry(&step.rule).or_default();
            self.asserted.insert((step.rule.clone(), *number));
            *number += 1;
        }
    }

    fn enabled(&self) -> impl Iterator<Item = &Rule> {
        self.rules.rules.iter().filter(|rule| rule.enabled)
    }

    /// The cells: events with roles, in every kind of cluster that the rules distinguish.
    pub fn cells(&self) -> Share {
        let clusters = clusters(&[&self.rules], &[]);
        let mut missing = Vec::new();
        for cluster in &clusters {
            for (event, role) in events() {
                if !self.cells.contains(&(event, role, cluster.matches.clone())) {
                    missing.push(format!("{event} {role} in {}", cluster.name));
                }
            }
        }
        Share {
            total: clusters.len() * events().count(),
            missing,
        }
    }

    /// The rules that fire in some test; disabled ones don't count.
    pub fn fired(&self) -> Share {
        let names: Vec<&String> = self.enabled().map(|rule| &rule.name).collect();
        let missing = names.iter().filter(|name| !self.fired.contains(**name));
        Share {
            total: names.len(),
            missing: missing.copied().cloned().collect(),
        }
    }

    /// Both outcomes of each `when`.
    pub fn conditions(&self) -> Share {
        let rules = self.enabled().filter(|rule| rule.when.is_some());
        let outcomes: Vec<_> = rules
            .flat_map(|rule| [(rule.name.clone(), true), (rule.name.clone(), false)])
            .collect();
        let missing = outcomes
            .iter()
            .filter(|one| !self.conditions.contains(*one));
        Share {
            total: outcomes.len(),
            missing: missing
                .map(|(rule, outcome)| format!("`when` of {rule} is {outcome}"))
                .collect(),
        }
    }

    /// The requests that some test states. A test that only names the rules that fire states none.
    pub fn requests(&self) -> Share {
        let of_rule = |rule: &'_ Rule| {
            let count = rule.requests.len();
            let name = rule.name.clone();
            (0..count).map(move |number| (name.clone(), number, count))
        };
        let all: Vec<(String, usize, usize)> = self.enabled().flat_map(of_rule).collect();
        let said = |(rule, number, _): &&(String, usize, usize)| {
            !self.asserted.contains(&(rule.clone(), *number))
        };
        let words = |(rule, number, count): &(String, usize, usize)| match count {
            1 => format!("the request of {rule}"),
            _ => format!("request {} of {rule}", number + 1),
        };
        Share {
            total: all.len(),
            missing: all.iter().filter(said).map(words).collect(),
        }
    }
}
