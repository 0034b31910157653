//! Time in the simulator: always passed in, never read.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// One instant, on both clocks. The core reads no clock of its own, so that it can be driven by a
/// virtual clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment {
    /// The time since the simulator was started. It never goes backwards; the ends of operations depend on it.
    pub elapsed: Duration,
    /// The local time of the simulated host since 1970-01-01T00:00:00. It may jump; operation IDs are derived from it.
    pub wall: Duration,
}

impl Moment {
    /// The instant this much later, if the clock does not jump.
    pub(super) fn later(self, time: Duration) -> Self {
        Self {
            elapsed: self.elapsed.saturating_add(time),
            wall: self.wall.saturating_add(time),
        }
    }

    /// The operation ID of this second, `%Y%m%dT%H%M%S`.
    pub fn operation_id(self) -> String {
        self.written("%Y%m%dT%H%M%S")
    }

    /// The same instant in ISO 8601 with microseconds, the format of Barman's timestamps.
    pub fn timestamp(self) -> String {
        self.written("%Y-%m-%dT%H:%M:%S.%6f+00:00")
    }

    fn written(self, format: &str) -> String {
        let micros = i64::try_from(self.wall.as_micros()).unwrap_or(i64::MAX);
        let wall = Timestamp::from_microsecond(micros).unwrap_or_default();
        wall.to_zoned(TimeZone::UTC).strftime(format).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> String {
        Moment {
            elapsed: Duration::ZERO,
            wall: Duration::from_secs(seconds),
        }
        .operation_id()
    }

    #[test]
    fn operation_ids_are_the_local_second() {
        assert_eq!(at(0), "19700101T000000");
        assert_eq!(at(951_782_399), "20000228T235959");
        assert_eq!(at(951_782_400), "20000229T000000");
        assert_eq!(at(1_795_405_531), "20261123T034531");
        assert_eq!(at(4_107_542_399), "21000228T235959");
        assert_eq!(at(4_107_542_400), "21000301T000000");
    }

    #[test]
    fn timestamps_carry_microseconds() {
        let moment = Moment {
            elapsed: Duration::ZERO,
            wall: Duration::new(1_795_405_531, 735_140_999),
        };
        assert_eq!(moment.timestamp(), "2026-11-23T03:45:31.735140+00:00");
    }
}
