//! Ends of a command other than its result.

use std::fmt;

use super::log::Log;

/// A command that can't continue: the message and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    pub code: u8,
    /// The message; one line, lower case.
    pub message: String,
    pub help: Option<String>,
}

/// The exit code of `run`, `plan` and `reconcile` for invalid rules or arguments.
pub const INVALID: u8 = 4;

/// The exit code of a callback that did everything with the last good rules, because the file is broken.
pub const LAST_GOOD: u8 = 6;

/// The exit code of the other commands for invalid arguments and unreadable files.
pub const USAGE: u8 = 2;

/// The exit code for a command line of the Python tool that names no sub-command: its -1.
pub const NO_COMMAND: u8 = 255;

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{} ({help})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Exit {
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }

    /// Ends because the rules or the arguments of `run` are invalid.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(INVALID, message)
    }

    pub fn log(&self, log: &Log) {
        log.error(&self.to_string());
    }

    /// The same end for a command that never sends anything.
    pub fn into_usage(mut self) -> Self {
        self.code = USAGE;
        self.message = self
            .message
            .trim_end_matches("; nothing was sent")
            .to_owned();
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
