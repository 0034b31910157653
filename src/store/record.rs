//! The recorded form of a step.

use std::time::Duration;

use serde_json::{Value, json};

use crate::evaluate::Step;
use crate::model::{ApiName, Fence, Name, OnFailure, Operation, Poll, Retry, Verify};

/// The step as JSON.
pub(super) fn write(step: &Step) -> Value {
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    json!({
        "rule": step.rule,
        "api": step.api,
        "url": step.url,
        "server": step.operation.server(),
        "body": step.operation.body(),
        "retry": {
            "attempts": step.retry.attempts,
            "wait": millis(step.retry.wait),
            "max_wait": millis(step.retry.max_wait),
            "deadline": millis(step.retry.deadline),
        },
        "poll": {"every": millis(step.poll.every), "timeout": step.poll.timeout.map(millis)},
        "fence": step.fence,
        "verify": step.verify,
        "on_failure": step.on_failure,
        "allow_older_timeline": step.allow_older_timeline,
    })
}

/// The step in JSON written by [`write`]; `None` if it is not one.
pub(super) fn read(value: &Value) -> Option<Step> {
    let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
    let number = |path: &str| value.pointer(path)?.as_u64();
    let millis = |path: &str| number(path).map(Duration::from_millis);
    let server = match text("server") {
        Some(name) => Some(Name::new(name).ok()?),
        None => None,
    };
    Some(Step {
        rule: text("rule")?,
        api: ApiName(text("api")?),
        url: text("url")?,
        operation: Operation::from_body(server, value.get("body")?)?,
        retry: Retry {
            attempts: number("/retry/attempts").and_then(|number| u32::try_from(number).ok()),
            wait: millis("/retry/wait")?,
            max_wait: millis("/retry/max_wait")?,
            deadline: millis("/retry/deadline")?,
        },
        poll: Poll {
            every: millis("/poll/every")?,
            timeout: millis("/poll/timeout"),
        },
        fence: match text("fence")?.as_str() {
            "role" => Fence::Role,
            "none" => Fence::None,
            _ => return None,
        },
        verify: match text("verify")?.as_str() {
            "none" => Verify::None,
            "applied" => Verify::Applied,
            "streaming" => Verify::Streaming,
            _ => return None,
        },
        on_failure: match text("on_failure")?.as_str() {
            "stop" => OnFailure::Stop,
            "continue" => OnFailure::Continue,
            _ => return None,
        },
        allow_older_timeline: value.get("allow_older_timeline")?.as_bool()?,
    })
}
