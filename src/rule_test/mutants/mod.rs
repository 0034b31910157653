//! Mutants: rules with one thing changed, which a test should notice.
//!
//! Coverage says which rules the tests look at, and mutants whether the tests would see that something is wrong. A mutant
//! that no test fails for has survived. Everything happens in memory: rules that were read are changed, and only tests
//! whose events the change concerns are run again.

mod edits;
mod rule;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::diagnostic::Place;
use crate::evaluate::{Facts, Survey, survey};
use crate::load::{Locator, Spot};
use crate::model::{Match, Origin, Rule, RuleSet};

use super::Suite;
use super::spec::with_vars;

use edits::{Change, edits};

/// How many mutants of one rule set are tried.
const MOST: usize = 20_000;

/// What became of the mutants of one rule set.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutants {
    /// How many were tried.
    pub total: usize,
    /// How many there are beyond the most that are tried.
    pub left_out: usize,
    /// Those that no test notices, in the order of the rules.
    pub survived: Vec<Survivor>,
}

/// A mutant that no test notices.
#[derive(Debug, Clone, PartialEq)]
pub struct Survivor {
    /// The rule; none for what is outside the rules.
    pub rule: Option<String>,
    /// What was changed, in words.
    pub what: String,
    /// Where.
    pub place: Place,
}

/// Tries the mutants of the rules of these suites, which are the same in all of them and pass all of their tests.
#[must_use]
pub fn mutate(suites: &[&Suite]) -> Option<Mutants> {
    let first = suites.first()?;
    let rules = &first.rules;
    let mut edits = edits(rules, &first.rules_sources);
    let left_out = edits.len().saturating_sub(MOST);
    edits.truncate(MOST);
    let total = edits.len();
    let mut locator = Locator::new(&first.rules_sources);
    let mut mutant = rules.clone();
    let mut survived = Vec::new();
    for edit in edits {
        let caught = match edit.change {
            Change::Set(set) => suites.iter().any(|suite| suite.notices(&set, None)),
            Change::Rule(index, rule) => {
                let narrow = Narrow::new(rules, index, &rule);
                let Some(place) = mutant.rules.get_mut(index) else {
                    continue;
                };
                let own = std::mem::replace(place, *rule);
                let narrow = narrow.as_ref();
                let caught = suites.iter().any(|suite| suite.notices(&mutant, narrow));
                if let Some(place) = mutant.rules.get_mut(index) {
                    *place = own;
                }
                caught
            }
        };
        if caught {
            continue;
        }
        let place = locator.place(&Spot::value(&edit.origin));
        let beginning = || locator.place(&Spot::value(&Origin::default()));
        survived.extend(place.or_else(beginning).map(|place| Survivor {
            rule: edit.rule,
            what: edit.what,
            place,
        }));
    }
    Some(Mutants {
        total,
        left_out,
        survived,
    })
}

impl Suite {
    /// Tells whether a test fails with these rules.
    fn notices(&self, mutant: &RuleSet, narrow: Option<&Narrow>) -> bool {
        self.cases.iter().any(|case| !case.passes(mutant, narrow))
            || self
                .invariants
                .iter()
                .any(|invariant| !invariant.passes(mutant, narrow))
            || self
                .scenarios
                .iter()
                .any(|scenario| !scenario.passes(mutant, narrow))
    }
}

/// One rule before and after a change. Where both do the same, so do all rules together.
#[derive(Debug, Clone)]
pub(super) struct Narrow {
    before: RuleSet,
    after: RuleSet,
}

impl Narrow {
    /// `None` if what other rules do depends on this one.
    fn new(rules: &RuleSet, index: usize, changed: &Rule) -> Option<Self> {
        if rules.matching == Match::First {
            return None;
        }
        let with = |rule: &Rule| RuleSet {
            matching: rules.matching,
            apis: rules.apis.clone(),
            vars: rules.vars.clone(),
            rules: vec![rule.clone()],
            ..RuleSet::default()
        };
        Some(Self {
            before: with(rules.rules.get(index)?),
            after: with(changed),
        })
    }

    /// The same with other values of variables.
    pub(super) fn with(&self, vars: &Map<String, Value>) -> Cow<'_, Self> {
        if vars.is_empty() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            before: with_vars(&self.before, vars),
            after: with_vars(&self.after, vars),
        })
    }

    /// Tells whether the change makes a difference to an event.
    pub(super) fn concerns(&self, facts: &Facts) -> bool {
        fn seen(survey: &Survey) -> impl Iterator<Item = (&str, bool)> {
            let trace = survey.plan.trace.iter();
            trace.map(|trace| (trace.rule.as_str(), trace.fired()))
        }
        let (before, after) = (survey(&self.before, facts), survey(&self.after, facts));
        before.plan.steps != after.plan.steps
            || before.unresolved != after.unresolved
            || !seen(&before).eq(seen(&after))
    }
}

impl Mutants {
    /// How many a test fails for.
    #[must_use]
    pub const fn caught(&self) -> usize {
        self.total.saturating_sub(self.survived.len())
    }
}
