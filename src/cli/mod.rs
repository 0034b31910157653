//! The command line: the only place that reads the environment and the terminal.

pub mod compat;
pub mod simulate;
