//! What became of tests.

use crate::diagnostic::Place;
use crate::evaluate::Trace;

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
