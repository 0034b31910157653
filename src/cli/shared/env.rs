//! What the process was started with: the one place that reads the environment.

use std::collections::BTreeMap;
use std::fs;

/// The environment and the machine's name.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Every variable; one that is not UTF-8 is read with `U+FFFD` in place of what is not.
    pub vars: BTreeMap<String, String>,
    /// The machine's host name.
    pub host: Option<String>,
}

impl Environment {
    /// Reads it.
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

    /// A variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}
