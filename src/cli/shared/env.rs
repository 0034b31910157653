//! The inputs from the process's environment: the only place that reads it.

use std::collections::BTreeMap;
use std::fs;

/// The environment and the machine's name.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// All variables; bytes that are not UTF-8 are replaced by `U+FFFD`.
    pub vars: BTreeMap<String, String>,
    /// The machine's host name.
    pub host: Option<String>,
}

impl Environment {
    /// Reads the environment.
    #[must_use]
    pub fn read() -> Self {
        let vars = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect();
        let host = fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty());
        Self { vars, host }
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}
