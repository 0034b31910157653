//! Ages and sizes, for people.

use std::time::Duration;

/// The time since a moment, in the largest unit of which there are at least two.
pub fn age(now: Duration, then: Duration) -> String {
    let seconds = now.saturating_sub(then).as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// A number of bytes, in the largest unit of which there are at least two.
pub fn bytes(count: u64) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let fitting = units.iter().find(|(_, size)| count >= 2 * size);
    match fitting {
        Some((unit, size)) => format!("{} {unit}", count / size),
        None => format!("{count} B"),
    }
}
