//! This program compared with the Python tool that it replaces: the same command lines against the same scripted API must
//! lead to the same requests and the same exit code, except for the differences for which `docs/migration.md` gives a
//! reason. Each scenario is a test.
#![allow(
    clippy::restriction,
    clippy::disallowed_methods,
    reason = "these rules are the program's; a test that meets something unexpected has failed"
)]

mod environment;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use support::parity::{Program, Scenario, Scenarios};

/// The programs mostly wait; running more of them at once gains nothing.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let python = match environment::environment() {
        Ok(environment) => Program::Python(environment),
        Err(missing) => {
            eprintln!("{missing}");
            return ExitCode::FAILURE;
        }
    };
    let all = Arc::new(Scenarios::read());
    let trials = (0..all.list.len()).map(|number| {
        let (all, python) = (Arc::clone(&all), python.clone());
        Trial::test(all.list[number].name.clone(), move || {
            Ok(compare(&all, &all.list[number], &python)?)
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Runs one scenario with both programs and describes unexpected differences.
fn compare(all: &Scenarios, scenario: &Scenario, python: &Program) -> Result<(), String> {
    let theirs = all.check(scenario, python)?;
    let ours = all.check(scenario, &Program::Native)?;
    let same = theirs.exit == ours.exit && theirs.sent == ours.sent;
    if scenario.differs.is_some() && same {
        return Err("the programs do not differ".to_owned());
    }
    Ok(())
}
