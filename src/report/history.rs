//! Intents: what was decided on, and what became of it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::store::{Intent, State};

use super::describe;
use super::text::put_line;

/// An intent as `schemas/history.schema.json` describes it.
#[must_use]
pub fn intent(intent: &Intent) -> Value {
    json!({
        "id": intent.id,
        "decided": utc(intent.created),
        "cluster": intent.cluster,
        "node": intent.node,
        "source": intent.source,
        "event": intent.event,
        "role": intent.role,
        "rule": intent.step.rule,
        "request": {"method": "POST", "url": intent.step.url, "body": intent.step.operation.body()},
        "outcome": intent.state,
        "attempts": intent.attempts,
        "operation_id": intent.operation_id,
        "ended": intent.ended.map(utc),
        "message": intent.message,
    })
}

/// Intents for people, two lines each.
#[must_use]
pub fn history(intents: &[Intent]) -> String {
    let mut text = String::new();
    for intent in intents {
        let took = match (intent.state, intent.ended) {
            (State::Pending, _) | (_, None) => String::new(),
            (_, Some(ended)) => {
                format!(
                    " after {:.1} s",
                    ended.saturating_sub(intent.created).as_secs_f64()
                )
            }
        };
        let id = intent
            .operation_id
            .as_ref()
            .map_or_else(String::new, |id| format!(", operation {id}"));
        put_line!(
            text,
            "{}  {} {} {} {}{}: {}{took}",
            intent.id.0,
            local_time(intent.created),
            intent.cluster,
            intent.event,
            intent.role,
            intent
                .node
                .as_ref()
                .map_or_else(String::new, |node| format!(" on {node}")),
            intent.state.as_str(),
        );
        put_line!(
            text,
            "    {}: {}, {}{id}{}",
            intent.step.rule,
            describe(&intent.step.operation),
            attempts(intent),
            intent
                .message
                .as_ref()
                .map_or_else(String::new, |why| format!("; {why}")),
        );
    }
    text
}

/// A time since the epoch, to the second, in local time.
#[must_use]
pub fn local_time(time: Duration) -> String {
    let local = timestamp(time).to_zoned(TimeZone::system()).datetime();
    local.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time since the epoch as RFC 3339 writes it.
pub(super) fn utc(time: Duration) -> String {
    format!("{:.3}", timestamp(time))
}

fn timestamp(time: Duration) -> Timestamp {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis).unwrap_or_default()
}

/// How often it was sent, in words.
pub(super) fn attempts(intent: &Intent) -> String {
    match intent.attempts {
        1 => "1 attempt".to_owned(),
        count => format!("{count} attempts"),
    }
}
