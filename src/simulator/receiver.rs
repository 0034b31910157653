//! Barman's WAL receiver of one server: started, restarted, killed, and started again by `barman cron`.

use std::time::Duration;

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Barman does not start one.
    Off,
    /// It is started at that time.
    Starting(Duration),
    /// WAL is received.
    Running,
    /// Nobody but `barman cron` or a switch starts it again.
    Down,
}

/// A server's WAL receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receiver {
    pub(super) state: State,
    /// How often a switch or a change of the configuration has restarted it.
    pub(super) restarts: u32,
    /// How often it was started, by whomever, and received WAL.
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

/// When receivers start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverTimes {
    /// How long after the end of a switch the receiver is started.
    pub delay: Duration,
    /// How often `barman cron` runs.
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

/// A receiver as clients of the simulator see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Receiving {
    /// How often a switch or a change of the configuration has restarted it.
    pub restarts: u32,
    /// How often it was started and received WAL.
    pub starts: u32,
    /// The host that it receives from; none if it does not.
    pub from: Option<String>,
}

/// A connection of a Barman to a node, for its WAL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The name that Barman connects with.
    pub application_name: String,
}
