//! Durations on the command line.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

use crate::model::duration;

/// A duration in the notation of the rules.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "write it like `500ms`, `2s`, `5m` or `1h30m`".to_owned())
}

/// A time in the past, as a duration, in weeks, or `yesterday`.
pub fn parse_since(text: &str) -> Result<Duration, String> {
    let weeks = text
        .strip_suffix('w')
        .and_then(|weeks| weeks.parse::<u32>().ok());
    match (text, weeks) {
        ("yesterday", _) => Ok(DAY),
        (_, Some(weeks)) => Ok(DAY.saturating_mul(7).saturating_mul(weeks)),
        _ => duration::parse(text)
            .ok_or_else(|| "write it like `30m`, `1d`, `2w` or `yesterday`".to_owned()),
    }
}
