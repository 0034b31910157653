//! Why an exchange did not give what was asked for, by what can be done about it.

use std::time::Duration;

use crate::http::Failure;

/// The meaning of an attempt's failure for the next one. Decided where the answer is read, and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing arrived: no connection, no address, TLS trouble, a secret that cannot be read. Try again.
    NotSent,
    /// The API's own refusal, or an address that cannot be used: the same request will be refused again.
    Refused {
        /// The API does not know the server. It caches Barman's configuration, so that may change.
        unknown_server: bool,
    },
    /// Something between here and the API answered: a web server, a proxy, a login page. Try again, but not soon.
    Between,
    /// The request may have arrived; only what sets a state may be sent again without looking.
    Unknown,
    /// A success without what it should hold; try again.
    Malformed,
    /// Too busy just now; try again, not earlier than it says.
    Busy {
        /// The wait that the API asks for.
        retry_after: Option<Duration>,
    },
    /// Another operation began in the same second and has the id; try again when the next second
    /// has begun. Other faults of the API look the same, so it is not worth trying for ever.
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

/// An exchange that did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// The class.
    pub class: Class,
    /// Words for it: who answered, and its own sentence if it gave one.
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
