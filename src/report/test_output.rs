//! The results of rule tests for programs.

use serde::Serialize;

use crate::rule_test::{Failure, Share, Survivor, TestResult};
use crate::source::Position;

use super::test_run::{Checked, Covered, Mutated, TestRun, Tested};

/// The output of `patroni_barman test --format json`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TestOutput<'a> {
    /// The test files, in the order in which they were given.
    files: Vec<TestFile<'a>>,
    /// The number of tests that passed.
    passed: usize,
    /// The number of tests that failed.
    failed: usize,
    /// The number of files that can't be used.
    errors: usize,
    /// The coverage of each rule set; empty without `--coverage`.
    coverage: Vec<Coverage<'a>>,
    /// The figures that are below a minimum of `--fail-under`.
    missed: Vec<Missed<'a>>,
    /// The mutants of each rule set; empty without `--mutate`.
    mutants: Vec<Mutants<'a>>,
}

/// A test file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TestFile<'a> {
    /// Its path.
    file: &'a str,
    /// The path of its rules; null if the file can't be used.
    rules: Option<&'a str>,
    /// The findings that kept its tests from being run, one on each line; null if there are none.
    error: Option<&'a str>,
    /// Its tests, in order.
    tests: Vec<Test<'a>>,
}

/// The result of one test or scenario.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Test<'a> {
    /// Its name.
    name: &'a str,
    #[serde(flatten)]
    position: Position,
    /// True if it passed.
    passed: bool,
    /// The number of events that it evaluated.
    cells: usize,
    /// The differences from its expectations; empty if it passed.
    failures: &'a [Failure],
}

/// The coverage of one rule set.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Coverage<'a> {
    /// The path of the rules.
    rules: &'a str,
    /// The cells that a test looks at.
    cells: ShareView,
    /// The rules that fire in a test.
    fired: ShareView,
    /// Both results of each `when`.
    conditions: ShareView,
    /// The requests that a test states; a test that only names the rules that fire states none.
    requests: ShareView,
}

/// The covered share of something.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Share"))]
struct ShareView {
    /// The total.
    total: usize,
    /// The number of covered ones.
    covered: usize,
    /// The missing ones, in order.
    missing: Vec<String>,
}

/// A figure that is below its minimum.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Missed<'a> {
    /// The path of the rules.
    rules: &'a str,
    /// The name of the figure.
    #[cfg_attr(test, schemars(
        extend("enum" = ["cells", "fired", "conditions", "requests", "mutants"])
    ))]
    what: &'static str,
    /// The minimum, in per cent.
    least: usize,
    /// The total.
    total: usize,
    /// The number of covered ones.
    covered: usize,
}

/// The mutants of one rule set.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Mutants<'a> {
    /// The path of the rules.
    rules: &'a str,
    /// The number of mutants that were tried.
    total: usize,
    /// The number of mutants for which a test fails.
    caught: usize,
    /// The number of mutants beyond the limit, which were not tried.
    left_out: usize,
    /// The mutants that no test notices, in the order of the rules.
    survived: Vec<Survived<'a>>,
}

/// A mutant that no test notices.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Survived<'a> {
    /// The rule; null for a change outside the rules.
    rule: Option<&'a str>,
    /// The change, in words.
    what: &'a str,
    /// The path of the file.
    file: &'a str,
    #[serde(flatten)]
    position: Position,
}

impl<'a> TestOutput<'a> {
    /// The results of one run of `test`.
    pub fn of(run: &'a TestRun) -> Self {
        let (passed, failed) = run.counts();
        let missed = run.checked.iter().filter(|checked| checked.is_missed());
        Self {
            files: run.files.iter().map(TestFile::of).collect(),
            passed,
            failed,
            errors: run.errors(),
            coverage: run.covered.iter().map(Coverage::of).collect(),
            missed: missed.map(Missed::of).collect(),
            mutants: run.mutated.iter().map(Mutants::of).collect(),
        }
    }
}

impl<'a> TestFile<'a> {
    fn of(tested: &'a Tested) -> Self {
        Self {
            file: &tested.file,
            rules: tested.rules.as_deref(),
            error: tested.error.as_deref(),
            tests: tested.results.iter().map(Test::of).collect(),
        }
    }
}

impl<'a> Test<'a> {
    fn of(result: &'a TestResult) -> Self {
        Self {
            name: &result.name,
            position: result.place.position,
            passed: result.passed(),
            cells: result.cells,
            failures: &result.failures,
        }
    }
}

impl<'a> Coverage<'a> {
    fn of(covered: &'a Covered) -> Self {
        let [cells, fired, conditions, requests] =
            covered.shares().map(|(_, share)| ShareView::of(share));
        Self {
            rules: &covered.rules,
            cells,
            fired,
            conditions,
            requests,
        }
    }
}

impl ShareView {
    fn of(share: Share) -> Self {
        Self {
            total: share.total,
            covered: share.covered(),
            missing: share.missing,
        }
    }
}

impl<'a> Missed<'a> {
    fn of(checked: &'a Checked) -> Self {
        Self {
            rules: &checked.rules,
            what: checked.what,
            least: checked.least,
            total: checked.share.total,
            covered: checked.share.covered(),
        }
    }
}

impl<'a> Mutants<'a> {
    fn of(mutated: &'a Mutated) -> Self {
        let mutants = &mutated.mutants;
        Self {
            rules: &mutated.rules,
            total: mutants.total,
            caught: mutants.caught(),
            left_out: mutants.left_out,
            survived: mutants.survived.iter().map(Survived::of).collect(),
        }
    }
}

impl<'a> Survived<'a> {
    fn of(survivor: &'a Survivor) -> Self {
        Self {
            rule: survivor.rule.as_deref(),
            what: &survivor.what,
            file: &survivor.place.file,
            position: survivor.place.position,
        }
    }
}
