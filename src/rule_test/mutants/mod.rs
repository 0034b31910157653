//! Mutants: rules with one thing changed, which a test should notice.
//!
//! Coverage says which rules the tests look at, and mutants whether the tests would see that something is wrong. A mutant
//! that no test fails for has survived. Everything happens in memory: rules that were read are changed, and only tests
//! whose events the change concerns are run again.

mod edits;
mod rule;

use crate::diagnostic::Place;
use crate::load::{Locator, Spot};
use crate::model::{Match, Origin, RuleSet};

use super::narrow::Narrow;
use super::suite::Suite;

use edits::{Change, Edit};

/// How many looks at a rule for an event all mutants together may cost: a few seconds.
const MOST_LOOKS: usize = 50_000_000;

/// The looks that carrying out one process of a scenario is worth.
const PROCESS: usize = 1_000;

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
    /// The rules; they are changed for a moment.
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
        self.result
            .survived
            .extend(place.or_else(beginning).map(|place| Survivor {
                rule: edit.rule,
                what: edit.what,
                place,
            }));
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
    /// How many a test fails for.
    #[must_use]
    pub const fn caught(&self) -> usize {
        self.total.saturating_sub(self.survived.len())
    }
}
