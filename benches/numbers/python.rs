//! The Python tool.

use std::path::PathBuf;

// The tests compare with the same one.
#[path = "../../tests/parity/environment.rs"]
mod environment;

/// The path of its program.
pub fn tool() -> PathBuf {
    environment::environment().join("bin/patroni_barman")
}
