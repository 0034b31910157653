//! The Python tool.

use std::path::PathBuf;

// The tests compare with the same tool.
#[path = "../../tests/python/environment.rs"]
mod environment;

/// The path of its program.
pub fn tool() -> PathBuf {
    let environment = environment::environment().expect("the Python tool");
    environment.join("bin/patroni_barman")
}
