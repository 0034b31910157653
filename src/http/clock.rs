//! The computer's own clock: the one place that reads the time, waits, and draws random numbers.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant, SystemTime};

use super::Clock;

/// The real clock.
#[derive(Debug, Clone, Copy)]
pub struct Real {
    start: Instant,
}

impl Real {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for Real {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Real {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn wall(&self) -> Duration {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn random(&self) -> f64 {
        // Each `RandomState` has its own keys, seeded by the operating system: enough for jitter.
        let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or_default();
        f64::from(bits) / (f64::from(u32::MAX) + 1.0)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_in_its_bounds_and_is_not_always_the_same() {
        let clock = Real::new();
        let draws: Vec<f64> = (0..100).map(|_| clock.random()).collect();
        assert!(draws.iter().all(|draw| (0.0..1.0).contains(draw)));
        assert!(draws.iter().any(|draw| (draw - draws[0]).abs() > 0.0));
    }

    #[test]
    fn time_goes_on_and_started_long_ago() {
        let clock = Real::new();
        assert!(clock.now() <= clock.now());
        assert!(clock.wall() > Duration::from_secs(1_700_000_000));
    }
}
