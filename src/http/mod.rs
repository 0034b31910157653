//! One HTTP exchange, and the clock: the outside as `execute` sees it.
//!
//! The methods are `async` so that the one step machine can be driven two ways: in the program every
//! future is ready at once, because the implementations block; in a simulation a scheduler
//! decides which process goes on, and killing a process is dropping its future.

mod client;
mod clock;
mod date;
mod failure;
mod headers;
mod lookup;
mod timely;
mod tls;
mod transport;
mod watch;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::Value;

pub use client::{BODY_LIMIT, Client};
pub use clock::Real;
pub use headers::Secrets;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// `GET`, or `POST` with this body as JSON.
    pub body: Option<Value>,
    /// The whole address.
    pub url: String,
    /// How long it may take, if that is less than the endpoint's own timeout.
    pub limit: Option<Duration>,
    /// How much work the answer is.
    pub effort: Effort,
}

/// How much work an answer is for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// The endpoint's timeout is meant for it.
    Usual,
    /// It may take many times as long: [`Effort::LONG`] applies if that is more than the endpoint's timeout.
    Large,
}

impl Effort {
    /// How long a large answer may take at least.
    pub const LONG: Duration = Duration::from_secs(60);
}

/// What was answered, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<Duration>,
    /// The `Location` header.
    pub location: Option<String>,
    /// The `Date` header, since the Unix epoch: what the server's clock says.
    pub date: Option<Duration>,
    /// The body, at most 16 MiB.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Nothing of the request was sent: no connection, or the name was not found.
    #[error("{0}")]
    NotSent(String),
    /// The connection can't be made as the rules file says: TLS, certificates, a secret that can't be read.
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
    /// Sends a request and reads its answer; redirects are not followed.
    ///
    /// # Errors
    /// [`Failure`], by what is known of the request's fate.
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
    /// How far this machine's local time is ahead of UTC, in seconds.
    fn utc_offset(&self) -> i64 {
        0
    }
    /// A number from 0 up to but not including 1.
    fn random(&self) -> f64;
    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// Runs a future whose every wait is over at once, because what it waits for blocks.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}
