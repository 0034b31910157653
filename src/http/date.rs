//! A time for people, in messages about certificates.

use std::time::Duration;

/// The date and time in UTC, this long after the Unix epoch: `2026-11-23 03:14:36 UTC`.
pub(super) fn utc(since_epoch: Duration) -> String {
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_second(seconds) {
        Ok(moment) => moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => "a day beyond the calendar".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_right_date() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_795_403_717, "2026-11-23 03:15:17 UTC"),
            (u64::MAX, "a day beyond the calendar"),
        ] {
            assert_eq!(utc(Duration::from_secs(seconds)), text);
        }
    }
}
