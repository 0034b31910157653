//! Waiting for a condition, with the last observation if it times out.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Asks every 50 ms until there is a value; fails with the last reason after `limit`.
#[track_caller]
pub fn until<T, E: Display>(
    limit: Duration,
    what: &str,
    mut ask: impl FnMut() -> Result<T, E>,
) -> T {
    let start = Instant::now();
    loop {
        match ask() {
            Ok(value) => return value,
            Err(last) if start.elapsed() > limit => {
                panic!("waited {} s for {what}; last: {last}", limit.as_secs());
            }
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The same for a condition without details.
#[track_caller]
pub fn until_true(limit: Duration, what: &str, mut ask: impl FnMut() -> bool) {
    until(limit, what, || if ask() { Ok(()) } else { Err("not yet") });
}

/// That many seconds.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
