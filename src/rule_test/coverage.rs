//! The part of the rules that tests see: cells, rules that fire, both outcomes of each condition, and the requests that
//! are compared with what a test expects.

use std::collections::{BTreeMap, BTreeSet};

use crate::evaluate::{Facts, Survey};
use crate::model::{Event, Role, RuleSet};
use crate::space::{clusters, events, signature};

/// What was seen so far of one rule set.
#[derive(Debug, Clone)]
pub struct Coverage {
    rules: RuleSet,
    cells: BTreeSet<(Event, Role, Vec<String>)>,
    fired: BTreeSet<String>,
    conditions: BTreeSet<(String, bool)>,
    /// The requests that a test says, each by its rule and its number in it.
    asserted: BTreeSet<(String, usize)>,
    kinds: BTreeMap<String, Vec<String>>,
}

/// How much of something was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// How many there are.
    pub total: usize,
    /// Those that were not seen, in order.
    pub missing: Vec<String>,
}

impl Share {
    /// How many were seen.
    #[must_use]
    pub const fn covered(&self) -> usize {
        self.total.saturating_sub(self.missing.len())
    }

    /// Whether at least so many hundredths were seen. Of nothing, everything was.
    #[must_use]
    pub const fn reaches(&self, percent: usize) -> bool {
        self.covered() * 100 >= percent * self.total
    }
}

impl Coverage {
    /// Nothing seen yet.
    #[must_use]
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

    /// Takes note of what an event showed.
    pub(super) fn see(&mut self, facts: &Facts, survey: &Survey) {
        let rules = &self.rules;
        let kind = self
            .kinds
            .entry(facts.cluster.clone())
            .or_insert_with(|| signature(&[rules], &facts.cluster));
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

    /// Takes note that a test says each of these requests.
    pub(super) fn assert_requests(&mut self, survey: &Survey) {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for step in &survey.plan.steps {
            let number = numbers.entry(&step.rule).or_default();
            self.asserted.insert((step.rule.clone(), *number));
            *number += 1;
        }
    }

    /// The cells: events with roles, in every kind of cluster that the rules tell apart.
    #[must_use]
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

    /// The rules that fire in some test; those that are switched off don't count.
    #[must_use]
    pub fn fired(&self) -> Share {
        let rules = self.rules.rules.iter().filter(|rule| rule.enabled);
        let names: Vec<&String> = rules.map(|rule| &rule.name).collect();
        Share {
            total: names.len(),
            missing: names
                .into_iter()
                .filter(|name| !self.fired.contains(*name))
                .cloned()
                .collect(),
        }
    }

    /// Both outcomes of each `when`.
    #[must_use]
    pub fn conditions(&self) -> Share {
        let rules = self.rules.rules.iter();
        let rules = rules.filter(|rule| rule.enabled && rule.when.is_some());
        let outcomes: Vec<_> = rules
            .flat_map(|rule| [(rule.name.clone(), true), (rule.name.clone(), false)])
            .collect();
        Share {
            total: outcomes.len(),
            missing: outcomes
                .into_iter()
                .filter(|outcome| !self.conditions.contains(outcome))
                .map(|(rule, outcome)| format!("`when` of {rule} is {outcome}"))
                .collect(),
        }
    }
    /// The requests that some test says. One that only names the rules that fire says none.
    #[must_use]
    pub fn requests(&self) -> Share {
        let rules = self.rules.rules.iter().filter(|rule| rule.enabled);
        let all: Vec<(&str, usize, usize)> = rules
            .flat_map(|rule| {
                let count = rule.requests.len();
                (0..count).map(move |number| (rule.name.as_str(), number, count))
            })
            .collect();
        let said = |(rule, number, _): &&(&str, usize, usize)| {
            !self.asserted.contains(&((*rule).to_owned(), *number))
        };
        let words = |(rule, number, count): &(&str, usize, usize)| match count {
            1 => format!("the request of {rule}"),
            _ => format!("request {} of {rule}", number + 1),
        };
        Share {
            total: all.len(),
            missing: all.iter().filter(said).map(words).collect(),
        }
    }
}
