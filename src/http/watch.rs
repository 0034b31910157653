//! What is known of an exchange when it fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far an exchange has come, noted by the transport on the way.
///
/// Whether a request may be sent again depends on whether it can have arrived; the error alone
/// does not tell.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    sent: AtomicBool,
    answered: AtomicBool,
    asked_for_certificate: AtomicBool,
}

impl Watch {
    /// A new exchange begins.
    pub(super) fn start(&self) {
        self.0.sent.store(false, Ordering::Relaxed);
        self.0.answered.store(false, Ordering::Relaxed);
    }

    /// Bytes of the request are handed over; they may have arrived from here on.
    pub(super) fn sending(&self) {
        self.0.sent.store(true, Ordering::Relaxed);
    }

    /// Bytes of the answer have come.
    pub(super) fn receiving(&self) {
        self.0.answered.store(true, Ordering::Relaxed);
    }

    /// The server wants to see a client certificate.
    pub(super) fn certificate_wanted(&self) {
        self.0.asked_for_certificate.store(true, Ordering::Relaxed);
    }

    /// Whether the request can have arrived.
    pub(super) fn sent(&self) -> bool {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// Whether an answer has begun.
    pub(super) fn answered(&self) -> bool {
        self.0.answered.load(Ordering::Relaxed)
    }

    /// Whether the server asked for a client certificate in any handshake.
    pub(super) fn asked_for_certificate(&self) -> bool {
        self.0.asked_for_certificate.load(Ordering::Relaxed)
    }
}
