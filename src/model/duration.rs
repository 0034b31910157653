//! Durations in the notation of the rules: `500ms`, `2s`, `5m`, `1h30m`.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Serialize as _, Serializer};

/// The units, largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The longest duration, in milliseconds: a hundred years.
const LONGEST: u64 = 100 * 365 * 86_400_000;

/// The reason why a text is not a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationError {
    /// It has another form.
    Shape,
    /// It is longer than a hundred years.
    TooLong,
}

/// Reads one or more whole numbers, each with a unit, largest unit first and each unit once.
pub fn read(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text;
    let mut total: Option<u64> = Some(0);
    let mut units = UNITS.iter();
    if rest.is_empty() {
        return Err(DurationError::Shape);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
        let (number, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let known = units.find(|(name, _)| digits > 0 && *name == unit);
        let (_, factor) = known.ok_or(DurationError::Shape)?;
        // Digits that can't be parsed are too many.
        let number = number.parse().ok();
        let here = number.and_then(|number: u64| number.checked_mul(*factor));
        total = total.and_then(|total| total.checked_add(here?));
        rest = tail;
    }
    let total = total.filter(|total| *total <= LONGEST);
    total
        .map(Duration::from_millis)
        .ok_or(DurationError::TooLong)
}

/// A duration for people: `120 ms`, `3.6 s`, `5 min 10 s`, `1 h 30 min`.
pub fn rounded(duration: Duration) -> String {
    let tenths = duration.as_millis().div_ceil(100);
    let seconds = duration.as_secs();
    let two = |large: u64, one: &str, small: u64, other: &str| match small {
        0 => format!("{large} {one}"),
        small => format!("{large} {one} {small} {other}"),
    };
    match duration.as_millis() {
        0..1_000 => format!("{} ms", duration.as_millis()),
        1_000..60_000 if tenths.is_multiple_of(10) => format!("{} s", tenths / 10),
        1_000..60_000 => format!("{}.{} s", tenths / 10, tenths % 10),
        60_000..3_600_000 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600_000..172_800_000 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

/// Reads a duration as [`read`] does.
pub fn parse(text: &str) -> Option<Duration> {
    read(text).ok()
}

/// Writes a duration the way [`parse`] reads it, down to the millisecond.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, factor) in UNITS {
        let count = rest / factor;
        rest %= factor;
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    text
}

/// Serializes a duration, or one that may be absent, as [`format`] writes it.
pub(super) fn serialize<S: Serializer>(
    duration: &(impl Copy + Into<Option<Duration>>),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let duration: Option<Duration> = (*duration).into();
    duration.map(format).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1s500ms", 1_500),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(format(Duration::from_millis(millis)), text);
        }
        assert_eq!(parse("0s"), Some(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "5s5s",
            "1s1m",
            "-1s",
            "1.5s",
            "5sec",
            "٣s",
            "5\u{663}s",
        ] {
            assert_eq!(read(text), Err(DurationError::Shape), "{text}");
        }
        for text in ["99999999999999999999s", "40000d", "99999999999999999999d1s"] {
            assert_eq!(read(text), Err(DurationError::TooLong), "{text}");
        }
    }
}
