//! Durations on the command line.

use std::time::Duration;

use crate::model::duration;

/// A duration as rules write it.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write it like `500ms`, `2s`, `5m` or `1h30m`".to_owned())
}
