//! The facts about an exchange that matter when it fails.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::Error;
use ureq::unversioned::transport::NextTimeout;

use super::Clock as _;
use super::clock::Real;

/// The progress of an exchange, recorded by the transport.
///
/// A request may be sent again only if it can't have arrived; the error alone
/// does not say.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    sent: AtomicBool,
    answered: AtomicBool,
    asked_for_certificate: AtomicBool,
    time: Mutex<Time>,
}

/// The times of an exchange.
#[derive(Debug)]
struct Time {
    /// The clock, at zero when the exchange begins.
    clock: Real,
    /// The time at which it must be over.
    end: Duration,
    /// The time by which the connection must be open, until it is.
    connected: Option<Duration>,
}

impl Default for Time {
    fn default() -> Self {
        Self {
            clock: Real::new(),
            end: Duration::MAX,
            connected: None,
        }
    }
}

impl Watch {
    /// Starts a new exchange with this timeout.
    pub(super) fn start(&self, timeout: Duration) {
        *self.time() = Time {
            end: timeout,
            ..Time::default()
        };
        self.0.sent.store(false, Ordering::Relaxed);
        self.0.answered.store(false, Ordering::Relaxed);
    }

    /// Starts to open a connection with this timeout, or one to a proxy.
    pub(super) fn connecting(&self, timeout: Duration) {
        let mut time = self.time();
        let end = time.clock.now().saturating_add(timeout);
        time.connected.get_or_insert(end);
    }

    /// The connection is open.
    pub(super) fn connected(&self) {
        self.time().connected = None;
    }

    /// A timeout, limited to the exchange's own times; [`Error::Timeout`] if nothing is left.
    pub(super) fn within(&self, timeout: NextTimeout) -> Result<NextTimeout, Error> {
        let time = self.time();
        let end = time.connected.map_or(time.end, |end| end.min(time.end));
        let left = end.saturating_sub(time.clock.now());
        if left.is_zero() {
            return Err(Error::Timeout(timeout.reason));
        }
        Ok(NextTimeout {
            after: timeout.after.min(left.into()),
            ..timeout
        })
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.0.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the request are handed over; from now on they may have arrived.
    pub(super) fn sending(&self) {
        self.0.sent.store(true, Ordering::Relaxed);
    }

    /// Bytes of the answer have arrived.
    pub(super) fn receiving(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// The server asks for a client certificate.
    pub(super) fn certificate_wanted(&self) {
        self.0.asked_for_certificate.store(true, Ordering::Relaxed);
    }

    /// The request can have arrived.
    pub(super) fn sent(&self) -> bool {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// An answer has begun.
    pub(super) fn answered(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// The server asked for a client certificate in any handshake.
    pub(super) fn asked_for_certificate(&self) -> bool {
        self.0.asked_for_certificate.load(Ordering::Relaxed)
    }
}
