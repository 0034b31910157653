//! One HTTP exchange, and the clock: the outside as `execute` sees it.
//!
//! The methods are `async` so that every wait can be given up and several can go on at once, and so that the one
//! step machine can be driven two ways: by the runtime of the program, whose threads do what blocks, and by a
//! simulation's scheduler, which decides which process goes on and kills a process by dropping its future.

mod client;
mod clock;
mod date;
mod failure;
mod hands;
mod headers;
mod line;
mod lookup;
mod runtime;
mod timely;
mod tls;
mod transport;
mod watch;

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use client::{Client, Heard};
pub use clock::Real;
pub use headers::Secrets;
pub use runtime::{block_on, blocking, both, together, within};

/// The part of a body that is read without a sieve; the rest is left.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Reduces a large body to the part that is needed, while it is read.
pub type Sieve = Arc<dyn Fn(&mut dyn Read) -> io::Result<Vec<u8>> + Send + Sync>;

/// A question to an endpoint.
#[derive(Clone)]
pub struct Request {
    /// `GET`, or `POST` with this body as JSON.
    pub body: Option<Value>,
    /// The whole address.
    pub url: String,
    /// A limit in time, beside the endpoint's timeout.
    pub limit: Option<Duration>,
    /// The work that the answer is for the server.
    pub effort: Effort,
    /// Sent over a new connection: one that the server has just closed would leave the request's fate unknown.
    pub fresh: bool,
    /// Reads the body of a success.
    pub sieve: Option<Sieve>,
    /// The `Authorization` header, beside those that the rules file names.
    pub token: Option<String>,
}

impl Request {
    /// A `GET`.
    pub const fn get(url: String, effort: Effort) -> Self {
        Self {
            body: None,
            url,
            limit: None,
            effort,
            fresh: false,
            sieve: None,
            token: None,
        }
    }

    /// A `POST` of this body over a new connection.
    pub const fn post(url: String, body: Value) -> Self {
        Self {
            body: Some(body),
            url,
            limit: None,
            effort: Effort::Usual,
            fresh: true,
            sieve: None,
            token: None,
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("url", &self.url)
            .field("body", &self.body)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The work that an answer is for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// The endpoint's timeout is meant for it.
    Usual,
    /// It may take many times as long: the request's limit if it has one, else [`Effort::LONG`] or the endpoint's
    /// timeout, whichever is longer.
    Large,
}

impl Effort {
    /// The limit for large answers.
    pub const LONG: Duration = Duration::from_secs(5 * 60);

    /// The limit of an exchange with an endpoint that has this timeout.
    pub fn limit(self, timeout: Duration, limit: Option<Duration>) -> Duration {
        match self {
            Self::Usual => limit.map_or(timeout, |limit| limit.min(timeout)),
            Self::Large => limit.unwrap_or_else(|| timeout.max(Self::LONG)),
        }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `Date` header, since the Unix epoch: what the server's clock says.
    pub date: Option<Duration>,
    /// The `Server` header: a proxy puts its own name there.
    pub server: Option<String>,
    /// The body, at most 16 MiB; or what the request's sieve left of it.
    pub body: Vec<u8>,
}

impl Response {
    /// The server's name in the `Server` header: `nginx` of `nginx/1.18.0 (Ubuntu)`.
    pub fn product(&self) -> Option<&str> {
        let name = self.server.as_deref()?.split(['/', ' ', '(']).next()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        (!name.is_empty() && name.len() <= 40 && name.chars().all(plain)).then_some(name)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing of the request arrived: no connection, no address, TLS trouble, a secret that cannot be read.
    #[error("{0}")]
    NotSent(String),
    /// The address in the rules file can't be used.
    #[error("{0}")]
    Refused(String),
    /// The request went out and its fate is unknown.
    #[error("{0}")]
    Unknown(String),
}

/// Something that can do an exchange with one endpoint.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Http {
    /// Sends a request and reads its answer; redirects are not followed. A [`Failure`] says what is known of the
    /// request's fate.
    async fn exchange(&self, request: &Request) -> Result<Response, Failure>;

    /// Takes the secrets that went out with the last request out of a text that its answer has a part in.
    fn hide(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// Time and chance.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Clock {
    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;
    /// Time since the Unix epoch; may jump.
    fn wall(&self) -> Duration;
    /// Seconds that this machine's local time is ahead of UTC.
    fn utc_offset(&self) -> i64 {
        0
    }
    /// A number from 0 up to but not including 1.
    fn random(&self) -> f64;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}
