//! A test file that can be run.

use std::path::PathBuf;

use crate::diagnostic::Place;
use crate::model::RuleSet;
use crate::source::Source;

use super::case::Case;
use super::coverage::Coverage;
use super::invariant::Invariant;
use super::narrow::Narrow;
use super::result::TestResult;
use super::scenario::Scenario;

/// A test file and its rules; a suite that exists can be run.
#[derive(Debug, Clone)]
pub struct Suite {
    pub source: Source,
    /// The rules' path in messages.
    pub rules_path: String,
    /// Their canonical place, however the path is written.
    pub rules_place: PathBuf,
    pub rules: RuleSet,
    pub(super) rules_sources: Vec<Source>,
    pub(super) cases: Vec<Case>,
    pub(super) invariants: Vec<Invariant>,
    pub(super) scenarios: Vec<Scenario>,
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

    /// Keeps only the tests with the wanted names.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.cases.retain(|case| wanted(&case.name));
        self.invariants.retain(|invariant| wanted(&invariant.name));
        self.scenarios.retain(|scenario| wanted(&scenario.name));
    }

    /// Runs every test, and records the coverage of the rules.
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

    /// Returns true if a test fails with other rules. With `narrow`, only tests of events that it concerns are run.
    pub(super) fn notices(&self, mutant: &RuleSet, narrow: Option<&Narrow>) -> bool {
        let mut cases = self.cases.iter();
        let mut invariants = self.invariants.iter();
        let mut scenarios = self.scenarios.iter();
        cases.any(|case| !case.passes(mutant, narrow))
            || invariants.any(|invariant| !invariant.passes(mutant, narrow))
            || scenarios.any(|scenario| !scenario.passes(mutant, narrow))
    }

    /// The number of events in its tests, and of processes.
    pub(super) fn size(&self) -> (usize, usize) {
        let cases = self.cases.iter().map(|case| case.cells.len());
        let invariants = self.invariants.iter().map(Invariant::size);
        let scenarios = self.scenarios.iter();
        let processes = scenarios.flat_map(|it| &it.steps).map(Vec::len);
        (cases.chain(invariants).sum(), processes.sum())
    }
}
