//! The command lines of the Python tool, and their results with this program: `tests/parity/scenarios.yml`.

use std::sync::Arc;

use libtest_mimic::Trial;

use crate::support::parity::{Program, Scenarios};

pub fn trials() -> Vec<Trial> {
    let all = Arc::new(Scenarios::read());
    let trial = |number: usize| {
        let all = Arc::clone(&all);
        Trial::test(format!("parity::{}", all.list[number].name), move || {
            all.check(&all.list[number], &Program::Native)?;
            Ok(())
        })
    };
    (0..all.list.len()).map(trial).collect()
}
