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
    /// Their text.
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

    /// Tells whether a test fails with other rules. Only tests of events that `narrow` concerns are run.
    pub(super) fn notices(&self, mutant: &RuleSet, narrow: Option<&Narrow>) -> bool {
        let mut cases = self.cases.iter();
        let mut invariants = self.invariants.iter();
        let mut scenarios = self.scenarios.iter();
        cases.any(|case| !case.passes(mutant, narrow))
            || invariants.any(|invariant| !invariant.passes(mutant, narrow))
            || scenarios.any(|scenario| !scenario.passes(mutant, narrow))
    }

    /// The number of events that its tests look at, and of processes that they start.
    pub(super) fn size(&self) -> (usize, usize) {
        let cases = self.cases.iter().map(|case| case.cells.len());
        let invariants = self.invariants.iter().map(Invariant::size);
        let scenarios = self.scenarios.iter();
        let processes = scenarios.flat_map(|it| &it.steps).map(Vec::len);
        (cases.chain(invariants).sum(), processes.sum())
    }
}
