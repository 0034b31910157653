//! Unit tests for rules, written in YAML.
//!
//! A test says what the rules make of an event, or of many: the requests, in order and exactly, the
//! rules that fire, or nothing. A scenario carries callbacks out one after the other, by the same step
//! machine as `run`, against a Barman in memory and in a time that passes at once.

mod case;
mod coverage;
mod format;
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
pub use read::{Loaded, load};

use case::Case;
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
    cases: Vec<Case>,
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
}

impl TestResult {
    /// Whether everything was as it should be.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl Suite {
    /// Runs every test, and takes note of what they see of the rules.
    #[must_use]
    pub fn run(&self, coverage: &mut Coverage) -> Vec<TestResult> {
        let cases = self.cases.iter();
        let mut results: Vec<_> = cases.map(|case| case.run(&self.rules, coverage)).collect();
        let scenarios = self.scenarios.iter();
        results.extend(scenarios.map(|scenario| scenario.run(&self.rules, coverage)));
        results
    }
}
