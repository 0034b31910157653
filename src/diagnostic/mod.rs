//! What is wrong with a rules file, as plain data.
//!
//! A finding knows its code, its place and its help; how it looks on a terminal, in JSON or in
//! SARIF is decided in `report`.

mod code;
mod explain;
mod words;

use std::sync::Arc;

use crate::source::Position;

pub use code::{Code, Severity};
pub use explain::Explanation;
pub use words::list;

/// Where a finding points: a file and a place in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The name of the [`Source`](crate::source::Source).
    pub file: Arc<str>,
    /// The first character that the finding is about.
    pub position: Position,
    /// How many characters of the line it covers, at least 1.
    pub length: usize,
}

impl Place {
    /// The column behind the last character that it covers.
    pub const fn end_column(&self) -> usize {
        self.position.column + self.length
    }
}

/// Another place that helps to understand a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is to be seen there.
    pub message: String,
}

/// One thing that is wrong, or probably not meant, in a rules file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind of finding; its severity comes with it.
    pub code: Code,
    /// What was found, in lower case, with the user's words in backticks.
    pub message: String,
    /// Where it was found.
    pub place: Place,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<Related>,
}

/// A finding that a comment in the rules silences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silenced {
    /// The finding.
    pub finding: Finding,
    /// The reason, as the comment gives it.
    pub reason: String,
}

impl Finding {
    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }
}
