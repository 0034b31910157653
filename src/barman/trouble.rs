//! The reasons why an exchange failed, by what can be done about them.

use std::time::Duration;

use crate::http::Failure;

/// The consequence of a failed attempt for the next one. Decided where the answer is read, and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing arrived: no connection, no address, a TLS error, an unreadable secret. Try again.
    NotSent,
    /// The API's own refusal, or an address that cannot be used: the same request will be refused again.
    Refused {
        /// The API does not know the server. It caches Barman's configuration, so this may change.
        unknown_server: bool,
    },
    /// Something between here and the API answered: a web server, a proxy, a login page. Try again, but not soon.
    Between,
    /// The request may have arrived; only a request that sets a state may be sent again without checking.
    Unknown,
    /// A success without the expected content; try again.
    Malformed,
    /// Too busy at the moment; try again, but not earlier than it says.
    Busy {
        /// The wait that the API asks for.
        retry_after: Option<Duration>,
    },
    /// Another operation was created in the same second and has the ID; try again in the next second.
    /// Other faults of the API look the same, so it is not worth retrying for ever.
    Collision,
    /// The API does not know the operation.
    Gone,
}

impl Class {
    /// The shortest wait before the next attempt, whatever the rules say.
    pub const fn least_wait(self) -> Duration {
        match self {
            Self::Between => Duration::from_secs(30),
            Self::Busy {
                retry_after: Some(after),
            } => after,
            _ => Duration::ZERO,
        }
    }
}

/// A failed exchange.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// The class.
    pub class: Class,
    /// The message: who answered, and its own words if it gave any.
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
            Failure::Refused(message) => Self::new(
                Class::Refused {
                    unknown_server: false,
                },
                message,
            ),
            Failure::Unknown(message) => Self::new(Class::Unknown, message),
        }
    }
}
