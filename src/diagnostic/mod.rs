//! Findings in a rules file, as plain data.
//!
//! A finding has a code, a place and a help text; its presentation on a terminal, in JSON or in
//! SARIF is the task of `report`.

mod code;
mod explain;
mod words;

use std::sync::Arc;

use crate::source::Position;

pub use code::{Code, Severity};
pub use explain::Explanation;
pub use words::{list, ticked};

/// The place of a finding: a file and a position in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the [`Source`](crate::source::Source).
    pub file: Arc<str>,
    /// The first character it covers.
    pub position: Position,
    /// The number of characters it covers on the line, at least 1.
    pub length: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Position { line, column } = self.position;
        write!(f, "{}:{line}:{column}", self.file)
    }
}

impl Place {
    /// The column after the last character it covers.
    pub const fn end_column(&self) -> usize {
        self.position.column + self.length
    }
}

/// Another place that helps to explain a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// The place.
    pub place: Place,
    /// The explanation of the place.
    pub message: String,
}

/// An error or probable mistake in a rules file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of finding, which determines its severity.
    pub code: Code,
    /// The message, in lower case, with the user's words in backticks.
    pub message: String,
    /// The place of the finding.
    pub place: Place,
    /// The suggested correction.
    pub help: Option<String>,
    /// Related places.
    pub related: Vec<Related>,
}

/// A finding that a comment in the rules silences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silenced {
    /// The finding.
    pub finding: Finding,
    /// The reason given in the comment.
    pub reason: String,
}

impl Finding {
    /// Its severity.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }
}
