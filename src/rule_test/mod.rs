//! Unit tests for rules, written in YAML.
//!
//! A test states the rules' result for an event, or for many: the requests, in order and exactly, the
//! rules that fire, or nothing. A scenario executes callbacks one after the other, with the same step
//! machine as `run`, against a Barman in memory and with a simulated clock.

mod action;
mod case;
mod clock;
mod command;
mod coverage;
mod expected;
mod format;
mod invariant;
mod mutants;
mod narrow;
mod process;
mod read;
mod result;
mod scenario;
mod spec;
mod suite;
mod world;

pub use coverage::Coverage;
pub use read::load;

pub(crate) use coverage::Share;
pub(crate) use mutants::{Mutants, Survivor, mutate};
pub use result::TestResult;

pub(crate) use result::Failure;
pub(crate) use suite::Suite;
