//! One HTTP exchange, and the clock: the world as `execute` sees it.
//!
//! The methods are `async` so that every wait can be cancelled and several can run concurrently, and so that the same
//! step machine can be driven in two ways: by the program's runtime, whose threads do blocking work, and by a
//! simulation's scheduler, which chooses the process that runs next and kills a process by dropping its future.

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

/// The maximum size of a body that is read without a sieve; the rest is skipped.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Reduces a large body to the required part while it is read.
pub type Sieve = Arc<dyn Fn(&mut dyn Read) -> io::Result<Vec<u8>> + Send + Sync>;

/// A request to an endpoint.
#[derive(Clone)]
pub struct Request {
    /// `GET`, or `POST` with this body as JSON.
    pub body: Option<Value>,
    /// The whole address.
    pub url: String,
    /// A time limit, in addition to the endpoint's timeout.
    pub limit: Option<Duration>,
    /// The amount of work that the answer takes the server.
    pub effort: Effort,
    /// Sent over a new connection: if the server had just closed an old one, the request's fate would be unknown.
    pub fresh: bool,
    /// Reduces the body of a success.
    pub sieve: Option<Sieve>,
    /// The `Authorization` header, in addition to those in the rules file.
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

/// The amount of work that an answer takes the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// The endpoint's timeout is sufficient.
    Usual,
    /// It may take many times as long: the limit is the request's, if it has one, or [`Effort::LONG`] or the endpoint's
    /// timeout, whichever is longer.
    Large,
}

impl Effort {
    /// The limit for large answers.
    pub const LONG: Duration = Duration::from_secs(5 * 60);

    /// The limit of an exchange with an endpoint with this timeout.
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
    /// The `Date` header, since the Unix epoch: the server's clock.
    pub date: Option<Duration>,
    /// The `Server` header: a proxy puts its own name there.
    pub server: Option<String>,
    /// The body, at most 16 MiB; or the part that the request's sieve kept.
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

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing of the request arrived: no connection, no address, a TLS error, an unreadable secret.
    #[error("{0}")]
    NotSent(String),
    /// The address in the rules file can't be used.
    #[error("{0}")]
    Refused(String),
    /// The request was sent and its fate is unknown.
    #[error("{0}")]
    Unknown(String),
}

/// A client for exchanges with one endpoint.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Http {
    /// Sends a request and reads its answer; redirects are not followed. A [`Failure`] says what is known about the
    /// request's fate.
    async fn exchange(&self, request: &Request) -> Result<Response, Failure>;

    /// Removes the last request's secrets from a text that may contain parts of its answer.
    fn hide(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// Time and randomness.
#[expect(
    async_fn_in_trait,
    reason = "only ever used with static dispatch on one thread"
)]
pub trait Clock {
    /// The time since some fixed moment; it never goes back.
    fn now(&self) -> Duration;
    /// The time since the Unix epoch; it may jump.
    fn wall(&self) -> Duration;
    /// A random number from 0 up to but not including 1.
    fn random(&self) -> f64;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}
