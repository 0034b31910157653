//! A clock that advances when everything is waiting.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::http::Clock;
use crate::simulator;

/// The start time of every scenario, in seconds since 1970.
const BEGIN: Duration = Duration::from_secs(1_795_403_676);

/// The clock of a scenario.
#[derive(Debug, Default)]
pub(super) struct Virtual {
    elapsed: Cell<Duration>,
    /// The earliest end of the waits polled since the clock last advanced.
    next: Cell<Option<Duration>>,
}

impl Virtual {
    pub(super) fn advance(&self, by: Duration) {
        self.elapsed.set(self.elapsed.get().saturating_add(by));
    }

    pub(super) fn moment(&self) -> simulator::Moment {
        simulator::Moment {
            elapsed: self.now(),
            wall: self.wall(),
        }
    }

    /// Returns true once this time has come. Everything pending is polled again before the clock advances.
    pub(super) fn is_over(&self, until: Duration) -> bool {
        let over = self.now() >= until;
        if !over {
            let next = self.next.get().map_or(until, |next| next.min(until));
            self.next.set(Some(next));
        }
        over
    }

    /// Runs a future to its end: when all of it is waiting, the clock advances to the end of the shortest wait. `None` if it
    /// waits for anything but time.
    pub(super) fn run<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            self.next.set(None);
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            self.elapsed.set(self.next.get()?);
        }
    }
}

impl Clock for Virtual {
    fn now(&self) -> Duration {
        self.elapsed.get()
    }

    fn wall(&self) -> Duration {
        BEGIN.saturating_add(self.elapsed.get())
    }

    /// The middle of every jitter: a scenario always ends in the same way.
    fn random(&self) -> f64 {
        0.5
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now().saturating_add(duration);
        poll_fn(|_| {
            if self.is_over(until) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}
