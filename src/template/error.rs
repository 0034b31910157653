//! Mistakes of templates, as data.

use minijinja::Error;

use crate::model::{Origin, Template};

/// A template that could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    /// The kind of the mistake.
    pub kind: RenderErrorKind,
    /// What went wrong.
    pub message: String,
    /// The template that it went wrong in.
    pub origin: Origin,
}

/// The kinds of mistake that a lint tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderErrorKind {
    /// A value has more in it than a value may have.
    TooLarge,
    /// A condition gives a text instead of true or false.
    TextForTruth,
    /// A variable that the template uses fails.
    OfVariable,
    /// Any other mistake.
    Other,
}

/// Carries the kind of a mistake through the engine.
#[derive(Debug, thiserror::Error)]
#[error("")]
pub(super) struct Cause(pub(super) RenderErrorKind);

impl Cause {
    pub(super) fn of(error: &Error) -> Option<RenderErrorKind> {
        let mut next = std::error::Error::source(error);
        while let Some(error) = next {
            if let Some(Self(kind)) = error.downcast_ref() {
                return Some(*kind);
            }
            next = error.source();
        }
        None
    }
}

impl RenderError {
    /// The error of a condition that gives a value of this kind; `or_false` if it may also be false.
    pub(super) fn no_truth(kind: &str, or_false: bool, template: &Template) -> Self {
        let unless = if or_false { " unless it is false" } else { "" };
        Self {
            kind: match kind {
                "string" => RenderErrorKind::TextForTruth,
                _ => RenderErrorKind::Other,
            },
            message: format!("`when` must give true or false, and gives a {kind}{unless}"),
            origin: template.origin.clone(),
        }
    }

    /// An error of no special kind.
    #[must_use]
    pub const fn new(message: String, origin: Origin) -> Self {
        Self {
            kind: RenderErrorKind::Other,
            message,
            origin,
        }
    }
}
