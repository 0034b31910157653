//! The scenarios for comparing this program with the Python tool: command lines, the answers of a scripted API,
//! and the requests of each program.

mod api;
mod program;
mod scenario;

pub use program::{Outcome, Program};
pub use scenario::{Places, Scenario, Scenarios};

impl Scenarios {
    /// Runs one scenario with a program; describes the differences from the scenario.
    pub fn check(&self, scenario: &Scenario, program: &Program) -> Result<Outcome, String> {
        let outcome = program.run(self, scenario);
        let (exit, sent) = match (program, &scenario.differs) {
            (Program::Python(_), Some(python)) => (python.exit, &python.sent),
            _ => (scenario.exit, &scenario.sent),
        };
        if outcome.exit == Some(exit) && self.fits(sent, &outcome.sent) && outcome.faults.is_empty()
        {
            return Ok(outcome);
        }
        let requests: Vec<String> = outcome.sent.iter().map(ToString::to_string).collect();
        Err(format!(
            "{}: {program}\n  expected exit {exit}, sent {sent:?}\n  found exit {:?}, sent {requests:#?}\n  {:?}\n{}",
            scenario.name, outcome.exit, outcome.faults, outcome.stderr
        ))
    }
}
