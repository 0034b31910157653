//! What is wrong, said in terms of the rules' structure: the text's positions are looked up later,
//! and only if something is wrong.

use std::ops::Range;

use crate::diagnostic::Code;
use crate::model::Origin;

/// A finding whose place is not yet a line and a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind of finding.
    pub code: Code,
    /// What it is about.
    pub spot: Spot,
    /// The data that other findings are compared with.
    pub detail: Detail,
    /// What was found.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that belong to it, each with what is to be seen there.
    pub related: Vec<(Spot, String)>,
}

/// The data of a finding that decides how it goes together with others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Detail {
    /// No other finding depends on it.
    #[default]
    None,
    /// A mapping has a key that is not known.
    UnknownKey {
        /// The known key that was probably meant.
        meant: Option<String>,
    },
    /// A mapping lacks a key.
    MissingKey {
        /// The mapping in words.
        holder: String,
        /// The key.
        key: String,
        /// Whether the key decides what else the mapping must have.
        decides: bool,
        /// The help that is given even where other keys are missing as well.
        also: Option<String>,
    },
    /// A value has a type that it can't have.
    WrongType,
}

/// A value of the rules, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The value.
    pub origin: Origin,
    /// What of it.
    pub part: Part,
}

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The value itself.
    Value,
    /// The key in front of it.
    Key,
    /// These bytes of the string that it is.
    Bytes(Range<usize>),
}

impl Spot {
    /// The value itself.
    #[must_use]
    pub fn value(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            part: Part::Value,
        }
    }

    /// The key in front of the value.
    #[must_use]
    pub fn key(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            part: Part::Key,
        }
    }

    /// These bytes of the string.
    #[must_use]
    pub fn bytes(origin: &Origin, range: Range<usize>) -> Self {
        Self {
            origin: origin.clone(),
            part: Part::Bytes(range),
        }
    }
}

impl Problem {
    /// A problem without help.
    #[must_use]
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

    /// Adds the data that other findings are compared with.
    #[must_use]
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = detail;
        self
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds what to write instead, if that is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, spot: Spot, message: impl Into<String>) -> Self {
        self.related.push((spot, message.into()));
        self
    }
}

/// A key as a JSON pointer writes it.
pub(super) fn escape(key: &str) -> std::borrow::Cow<'_, str> {
    if key.contains(['~', '/']) {
        key.replace('~', "~0").replace('/', "~1").into()
    } else {
        key.into()
    }
}
