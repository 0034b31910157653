//! Why an exchange did not give what was asked for, by what can be done about it.

use std::time::Duration;

use crate::http::Failure;

/// What an attempt's failure means for the next one. This is the one place that decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing was sent; try again.
    NotSent,
    /// It will be refused again; stop.
    Refused,
    /// The request may have arrived; only what sets a state may be sent again without looking.
    Unknown,
    /// A success without what it should hold; try again.
    Malformed,
    /// Too busy just now; try again, not earlier than it says.
    Busy {
        /// How long the API asks to wait.
        retry_after: Option<Duration>,
    },
    /// Another operation began in the same second and has the id; try again when the next second
    /// has begun. Other faults of the API look the same, so it is not worth trying for ever.
    Collision,
    /// Not known to the API: 404.
    Gone,
}

/// An exchange that did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// What can be done about it.
    pub class: Class,
    /// What happened, with the API's own sentence if it gave one.
    pub message: String,
}

impl Trouble {
    pub(super) fn new(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            message: message.into(),
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotSent(message) => Self::new(Class::NotSent, message),
            Failure::Refused(message) => Self::new(Class::Refused, message),
            Failure::Unknown(message) => Self::new(Class::Unknown, message),
        }
    }
}
