//! The inputs from the process's environment: the only place that reads it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

use crate::evaluate::Facts;
use crate::model::{Event, Role};

/// The environment and the machine's name.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// All variables; bytes that are not UTF-8 are replaced by `U+FFFD`.
    pub vars: BTreeMap<String, String>,
    pub host: Option<String>,
}

impl Environment {
    pub fn read() -> Self {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        let vars = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
        let vars = vars.collect();
        let host = fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty());
        Self { vars, host }
    }

    /// The facts of an event in this environment, without its arguments.
    pub fn facts(&self, event: Event, role: Role, cluster: &str) -> Facts {
        Facts {
            host: self.host.clone(),
            env: self.vars.clone(),
            ..Facts::new(event, role, cluster)
        }
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}
