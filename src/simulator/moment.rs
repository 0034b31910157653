//! Time in the simulator: always passed in, never read.

use std::time::Duration;

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
        let (year, month, day) = civil_date(self.wall.as_secs() / 86_400);
        let second = self.wall.as_secs() % 86_400;
        format!(
            "{year:04}{month:02}{day:02}T{:02}{:02}{:02}",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }

    /// The same instant in ISO 8601 with microseconds, the format of Barman's timestamps.
    pub fn timestamp(self) -> String {
        let (year, month, day) = civil_date(self.wall.as_secs() / 86_400);
        let second = self.wall.as_secs() % 86_400;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:06}+00:00",
            second / 3_600,
            second / 60 % 60,
            second % 60,
            self.wall.subsec_micros()
        )
    }
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
fn civil_date(days: u64) -> (u64, u64, u64) {
    // Counted in eras of 400 years that begin on 1 March, so that the leap day comes last.
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
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
