//! The results of tests.

use crate::diagnostic::Place;
use crate::evaluate::Trace;

/// The result of one test or scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct TestResult {
    /// Its name.
    pub name: String,
    /// Its place.
    pub place: Place,
    /// The number of events it evaluated.
    pub cells: usize,
    /// The differences from its expectations.
    pub failures: Vec<Failure>,
}

/// A difference from an expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The event, role, cluster and node, or the step of a scenario.
    pub at: String,
    /// The subject of the comparison.
    pub what: &'static str,
    /// The expected values, one line each.
    pub wanted: Vec<String>,
    pub got: Vec<String>,
    /// The reason why each rule fired or did not.
    pub trace: Vec<Trace>,
    /// The command line that shows the event, if it is about one.
    pub plan: Option<String>,
}

impl Failure {
    /// A difference, without what surrounds it.
    pub(super) const fn new(what: &'static str, wanted: Vec<String>, got: Vec<String>) -> Self {
        Self {
            at: String::new(),
            what,
            wanted,
            got,
            trace: Vec::new(),
            plan: None,
        }
    }
}

impl TestResult {
    /// Returns true if there was no difference.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}
