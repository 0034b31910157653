//! Barman's WAL receiver of one server: started, restarted, killed, and restarted by `barman cron`.

use std::time::Duration;

/// The state of a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Barman does not start one.
    Off,
    /// It will be started at this time.
    Starting(Duration),
    /// It receives WAL.
    Running,
    /// Only `barman cron` or a switch starts it again.
    Down,
}

/// A server's WAL receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receiver {
    pub(super) state: State,
    /// The number of restarts by a switch or a change of the configuration.
    pub(super) restarts: u32,
    /// The number of starts, by anything, after which it received WAL.
    pub(super) starts: u32,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            state: State::Off,
            restarts: 0,
            starts: 0,
        }
    }
}

/// The times at which receivers start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverTimes {
    /// The delay between the end of a switch and the start of the receiver.
    pub delay: Duration,
    /// The interval of `barman cron`.
    pub cron: Duration,
}

impl Default for ReceiverTimes {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            cron: Duration::from_secs(60),
        }
    }
}

impl ReceiverTimes {
    /// The next run of `barman cron` after a time.
    pub(super) fn next_cron(&self, after: Duration) -> Duration {
        let every = self.cron.as_millis().max(1);
        let next = (after.as_millis() / every + 1) * every;
        Duration::from_millis(u64::try_from(next).unwrap_or(u64::MAX))
    }
}

/// A receiver in the form that clients of the simulator see.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Receiving {
    /// The number of restarts by a switch or a change of the configuration.
    pub restarts: u32,
    /// The number of starts after which it received WAL.
    pub starts: u32,
    /// The host that it receives from; `None` if it does not.
    pub from: Option<String>,
}

/// A connection from a Barman to a node, for its WAL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The `application_name` of the connection.
    pub application_name: String,
}
