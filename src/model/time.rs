//! Times: in local time for people, in UTC for programs.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

/// A time in the format of RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline, extend("format" = "date-time")))]
pub struct Utc(String);

/// A time since the epoch in the format of RFC 3339.
pub fn utc(time: Duration) -> Utc {
    Utc(format!("{:.3}", timestamp(time)))
}

/// Serializes a time since the epoch, or one that may be absent, as [`utc`] does.
pub fn serialize<S: Serializer>(
    time: &(impl Copy + Into<Option<Duration>>),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let time: Option<Duration> = (*time).into();
    time.map(utc).serialize(serializer)
}

/// A time since the epoch, to the second, in local time.
#[must_use]
pub fn local_time(time: Duration) -> String {
    let local = timestamp(time).to_zoned(TimeZone::system()).datetime();
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn timestamp(time: Duration) -> Timestamp {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or_default()
}
