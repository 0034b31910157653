//! Ends of a command that are not its result.

use std::fmt;

use super::log::Log;

/// A command that can't go on: what to say and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The exit code.
    pub code: u8,
    /// What to say; one line, lower case.
    pub message: String,
    /// The next step, if there is one.
    pub help: Option<String>,
}

/// The exit code of `run`, `plan` and `reconcile` for rules or arguments that are not valid.
pub const INVALID: u8 = 4;

/// The exit code of a callback that did everything by the last good rules, because the file is broken.
pub const LAST_GOOD: u8 = 6;

/// The exit code of the other commands for arguments that are not valid and files that can't be read.
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
    /// Ends with a code and a message.
    #[must_use]
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
        }
    }

    /// Ends because the rules or the arguments of `run` are not valid.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(INVALID, message)
    }

    /// Writes it to the log.
    pub fn log(&self, log: &Log) {
        log.error(&self.to_string());
    }

    /// The same end for a command that nothing could have been sent by.
    #[must_use]
    pub fn into_usage(mut self) -> Self {
        self.code = USAGE;
        self.message = self
            .message
            .trim_end_matches("; nothing was sent")
            .to_owned();
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
