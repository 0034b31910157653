//! The wait before the next attempt.

use std::time::Duration;

use crate::model::Retry;

/// The wait after this attempt, counted from 1: exponential from `wait` to `max_wait`, with full
/// jitter, so that the nodes of a cluster do not retry at the same time. `chance` is from 0 up to 1.
/// If `max_wait` equals `wait`, the wait is exactly that.
pub(super) fn wait(retry: &Retry, attempt: u32, chance: f64) -> Duration {
    if retry.max_wait <= retry.wait {
        return retry.wait;
    }
    let factor = 2_u32.saturating_pow(attempt.saturating_sub(1));
    let longest = retry.wait.saturating_mul(factor).min(retry.max_wait);
    longest.mul_f64(chance.clamp(0.0, 1.0))
}

/// The wait until shortly after the next second of the wall clock begins: pg-backup-api
/// names operations by the second, and refuses a second one in the same second.
pub(super) fn next_second(wall: Duration, chance: f64) -> Duration {
    let into = Duration::from_nanos(u64::from(wall.subsec_nanos()));
    let rest = Duration::from_secs(1).saturating_sub(into);
    rest + Duration::from_millis(20) + Duration::from_millis(700).mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_their_bound_and_are_spread_below_it() {
        let retry = Retry::default();
        let longest = |attempt| wait(&retry, attempt, 1.0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 99].map(longest), [2, 4, 8, 10, 10, 10]);
        assert_eq!(wait(&retry, 3, 0.5), Duration::from_secs(4));
        assert_eq!(wait(&retry, 3, 0.0), Duration::ZERO);
    }

    #[test]
    fn a_wait_that_may_not_grow_is_exact() {
        let retry = Retry {
            max_wait: Duration::from_secs(2),
            ..Retry::default()
        };
        assert_eq!(wait(&retry, 4, 0.1), Duration::from_secs(2));
    }

    #[test]
    fn the_next_second_has_begun_after_the_wait() {
        for millis in [0, 1, 500, 999] {
            let wall = Duration::from_millis(5_000 + millis);
            assert!((wall + next_second(wall, 0.0)).as_secs() >= 6, "{millis}");
            assert!(next_second(wall, 1.0) < Duration::from_secs(2));
        }
    }
}
