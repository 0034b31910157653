//! Errors of templates, as data.

use minijinja::Error;

use crate::model::{Origin, Template};

/// A template that could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    /// The kind of error.
    pub kind: RenderErrorKind,
    /// The message.
    pub message: String,
    /// The template that failed.
    pub origin: Origin,
}

/// The kinds of errors that a lint distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderErrorKind {
    /// A value exceeds the limits.
    TooLarge,
    /// A condition's result is a text instead of true or false.
    TextForTruth,
    /// A variable used in the template fails.
    OfVariable,
    /// Any other error.
    Other,
}

/// Carries the kind of an error through the engine.
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
    /// The error of a condition with a result of this kind; `or_false` if it may also be false.
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

    /// An error of no particular kind.
    pub const fn new(message: String, origin: Origin) -> Self {
        Self {
            kind: RenderErrorKind::Other,
            message,
            origin,
        }
    }
}
