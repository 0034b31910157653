//! Mutants: rules with one change, which a test should notice.
//!
//! Coverage shows which rules the tests evaluate, and mutants whether the tests would notice a mistake. A mutant
//! for which no test fails has survived. Everything happens in memory: the rules are changed, and only tests
//! whose events the change concerns are run again.

mod edits;
mod rule;

use crate::diagnostic::Place;
use crate::load::{Locator, Spot};
use crate::model::{Match, Origin, RuleSet};

use super::narrow::Narrow;
use super::suite::Suite;

use edits::{Change, Edit};

/// The maximum number of evaluations of a rule for all mutants together: a few seconds.
const MOST_LOOKS: usize = 50_000_000;

/// The number of evaluations that one process of a scenario counts as.
const PROCESS: usize = 1_000;

/// The results of the mutants of one rule set.
#[derive(Debug, Clone, PartialEq)]
pub struct Mutants {
    pub total: usize,
    /// The number beyond the limit, which were not tried.
    pub left_out: usize,
    /// Those that no test notices, in the order of the rules.
    pub survived: Vec<Survivor>,
}

/// A mutant that no test notices.
#[derive(Debug, Clone, PartialEq)]
pub struct Survivor {
    /// The rule; `None` for a change outside the rules.
    pub rule: Option<String>,
    pub what: String,
    pub place: Place,
}

/// Tries the mutants of the rules of these suites, which must be the same in all of them and pass all of their tests.
pub fn mutate(suites: &[&Suite]) -> Option<Mutants> {
    let first = suites.first()?;
    let rules = &first.rules;
    let mut trial = Trial {
        suites,
        rules,
        mutant: rules.clone(),
        locator: Locator::new(&first.rules_sources),
        looks_left: MOST_LOOKS,
        result: Mutants {
            total: 0,
            left_out: 0,
            survived: Vec::new(),
        },
    };
    for edit in edits::of_the_file(rules, &first.rules_sources) {
        trial.undergo(edit);
    }
    for index in 0..rules.rules.len() {
        for edit in rule::edits(rules, index) {
            trial.undergo(edit);
        }
    }
    Some(trial.result)
}

struct Trial<'a> {
    suites: &'a [&'a Suite],
    rules: &'a RuleSet,
    /// The rules, with a temporary change.
    mutant: RuleSet,
    locator: Locator<'a>,
    looks_left: usize,
    result: Mutants,
}

impl Trial<'_> {
    fn undergo(&mut self, edit: Edit) {
        let cost = self.cost(&edit.change);
        if cost > self.looks_left {
            self.result.left_out += 1;
            return;
        }
        self.looks_left -= cost;
        self.result.total += 1;
        if self.is_caught(edit.change) {
            return;
        }
        let place = self.locator.place(&Spot::value(&edit.origin));
        let beginning = || self.locator.place(&Spot::value(&Origin::default()));
        let survivor = place.or_else(beginning).map(|place| Survivor {
            rule: edit.rule,
            what: edit.what,
            place,
        });
        self.result.survived.extend(survivor);
    }

    fn is_caught(&mut self, change: Change) -> bool {
        let mut suites = self.suites.iter();
        match change {
            Change::Set(edit) => {
                let mut set = self.rules.clone();
                edit(&mut set);
                suites.any(|suite| suite.notices(&set, None))
            }
            Change::Rule(index, rule) => {
                let narrow = Narrow::new(self.rules, index, &rule);
                let Some(place) = self.mutant.rules.get_mut(index) else {
                    return true;
                };
                let own = std::mem::replace(place, *rule);
                let caught = suites.any(|suite| suite.notices(&self.mutant, narrow.as_ref()));
                if let Some(place) = self.mutant.rules.get_mut(index) {
                    *place = own;
                }
                caught
            }
        }
    }

    fn cost(&self, change: &Change) -> usize {
        let all = self.rules.rules.len();
        let sizes = self.suites.iter().map(|suite| suite.size());
        let (events, processes) = sizes.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1));
        let rules = match change {
            Change::Rule(..) if self.rules.matching == Match::All => 1,
            Change::Rule(..) | Change::Set(_) => all,
        };
        events * rules + processes * (PROCESS + all)
    }
}

impl Mutants {
    pub const fn caught(&self) -> usize {
        self.total.saturating_sub(self.survived.len())
    }
}
