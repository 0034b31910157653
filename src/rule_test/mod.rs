//! Unit tests for rules, written in YAML.
//!
//! A test says what the rules make of an event, or of many: the requests, in order and exactly, the
//! rules that fire, or nothing. A scenario carries callbacks out one after the other, by the same step
//! machine as `run`, against a Barman in memory and in a time that passes at once.

mod action;
mod case;
mod clock;
mod command;
mod coverage;
mod expected;
mod format;
mod invariant;
mod mutants;
mod process;
mod read;
mod scenario;
mod spec;
mod world;

use std::path::PathBuf;

use crate::diagnostic::Place;
use crate::evaluate::Trace;
use crate::model::RuleSet;
use crate::source::Source;

pub use coverage::{Coverage, Share};
pub use mutants::{Mutants, Survivor, mutate};
pub use read::{Loaded, load};

use case::Case;
use invariant::Invariant;
use scenario::Scenario;

/// A test file and the rules that it is about; a suite that exists can be run.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The file.
    pub source: Source,
    /// The rules' path, as messages say it.
    pub rules_path: String,
    /// Where they are, the same however the path to them is written.
    pub rules_place: PathBuf,
    /// The rules.
    pub rules: RuleSet,
    rules_sources: Vec<Source>,
    cases: Vec<Case>,
    invariants: Vec<Invariant>,
    scenarios: Vec<Scenario>,
}

/// What became of one test or scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// How many events it looked at.
    pub cells: usize,
    /// What was not as it should be.
    pub failures: Vec<Failure>,
}

/// Something that was not as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The event, role, cluster and node, or the step of a scenario.
    pub at: String,
    /// What was compared.
    pub what: &'static str,
    /// What the test wants, one line each.
    pub wanted: Vec<String>,
    /// What there was.
    pub got: Vec<String>,
    /// Why each rule fired or did not.
    pub trace: Vec<Trace>,
    /// The command line that shows the event, if it is one.
    pub plan: Option<String>,
}

impl TestResult {
    /// Whether everything was as it should be.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Suite {
    /// The name and the place of each test, in order.
    pub fn tests(&self) -> impl Iterator<Item = (&str, &Place)> {
        let cases = self.cases.iter().map(|it| (&it.name, &it.place));
        let invariants = self.invariants.iter().map(|it| (&it.name, &it.place));
        let scenarios = self.scenarios.iter().map(|it| (&it.name, &it.place));
        let all = cases.chain(invariants).chain(scenarios);
        all.map(|(name, place)| (name.as_str(), place))
    }

    /// Leaves out the tests whose names are not wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.cases.retain(|case| wanted(&case.name));
        self.invariants.retain(|invariant| wanted(&invariant.name));
        self.scenarios.retain(|scenario| wanted(&scenario.name));
    }

    /// Runs every test, and takes note of what they see of the rules.
    #[must_use]
    pub fn run(&self, coverage: &mut Coverage) -> Vec<TestResult> {
        let cases = self.cases.iter();
        let mut results: Vec<_> = cases
            .map(|case| case.run(&self.rules, &self.rules_path, coverage))
            .collect();
        let invariants = self.invariants.iter();
        results.extend(invariants.map(|it| it.run(&self.rules, &self.rules_path)));
        let scenarios = self.scenarios.iter();
        results.extend(scenarios.map(|scenario| scenario.run(&self.rules, coverage)));
        results
    }
}
