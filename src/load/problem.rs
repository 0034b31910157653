//! Problems in terms of the rules' structure: positions in the text are looked up later,
//! and only if there is a problem.

use std::ops::Range;

use crate::diagnostic::Code;
use crate::model::Origin;

/// A finding whose place is not yet a line and a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind of finding.
    pub code: Code,
    /// The value it is about.
    pub spot: Spot,
    /// Data for the comparison with other findings.
    pub detail: Detail,
    /// The message.
    pub message: String,
    /// The suggested correction.
    pub help: Option<String>,
    /// Related places, each with an explanation.
    pub related: Vec<(Spot, String)>,
}

/// Data of a finding that determines its relation to others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Detail {
    /// No other finding depends on it.
    #[default]
    None,
    /// A mapping has an unknown key.
    UnknownKey {
        /// The known key that was probably meant.
        meant: Option<String>,
    },
    /// A mapping lacks a key.
    MissingKey {
        /// The mapping in words.
        holder: String,
        key: String,
        /// True if the key determines the other required keys.
        decides: bool,
        /// The help that is shown even if other keys are missing too.
        also: Option<String>,
    },
    /// A value has a type that it can't have.
    WrongType,
}

/// A value of the rules, or part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The value.
    pub origin: Origin,
    /// The part of it.
    pub part: Part,
}

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The value itself.
    Value,
    /// The key before it.
    Key,
    /// These bytes of the string.
    Bytes(Range<usize>),
}

impl Spot {
    /// The value itself.
    pub fn value(origin: &Origin) -> Self {
        Self::part(origin, Part::Value)
    }

    /// The key before the value.
    pub fn key(origin: &Origin) -> Self {
        Self::part(origin, Part::Key)
    }

    /// These bytes of the string.
    pub fn bytes(origin: &Origin, range: Range<usize>) -> Self {
        Self::part(origin, Part::Bytes(range))
    }

    fn part(origin: &Origin, part: Part) -> Self {
        let origin = origin.clone();
        Self { origin, part }
    }
}

impl Problem {
    /// A problem without help.
    pub fn new(code: Code, spot: Spot, message: impl Into<String>) -> Self {
        Self {
            code,
            spot,
            detail: Detail::None,
            message: message.into(),
            help: None,
            related: Vec::new(),
        }
    }

    /// Adds data for the comparison with other findings.
    #[must_use]
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// Adds the suggested correction.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the suggested correction, if there is one.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Adds a related place.
    #[must_use]
    pub fn related(mut self, spot: Spot, message: impl Into<String>) -> Self {
        self.related.push((spot, message.into()));
        self
    }
}

/// A key in the notation of JSON pointers.
pub(super) fn escape(key: &str) -> std::borrow::Cow<'_, str> {
    if key.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        key.replace('~', "~0").replace('/', "~1").into()
    } else {
        key.into()
    }
}
