//! A request in the notation of tests: the body with `server` and `api`, and the options of its execution.

use serde_json::{Map, Value, json};

use crate::evaluate::{Facts, Step};
use crate::load::{Here, template_value};
use crate::model::{ApiName, OptionScope, Origin, Target, TemplateValue, duration};
use crate::template::{RenderError, render};

/// The keys that are not part of the body. A test compares only those that it states.
const CARRIED_OUT: [&str; 7] = [
    "url",
    "verify",
    "fence",
    "on_failure",
    "retry",
    "poll",
    "allow_older_timeline",
];

/// A request in a test, its templates not yet rendered.
#[derive(Debug, Clone)]
pub(super) struct Expected(TemplateValue);

impl Expected {
    /// Reads it; `pointer` is its place in the file.
    pub(super) fn read(written: &Map<String, Value>, pointer: &str) -> Self {
        let mut written = written.clone();
        for limits in ["retry", "poll"] {
            let limits = written.get_mut(limits).and_then(Value::as_object_mut);
            for limit in limits.into_iter().flat_map(|all| all.values_mut()) {
                // Durations are compared in one notation.
                if let Some(time) = limit.as_str().and_then(duration::parse) {
                    *limit = duration::format(time).into();
                }
            }
        }
        if let Some(url) = written.get_mut("url") {
            *url = url.as_str().map(|url| url.trim_end_matches('/')).into();
        }
        let origin = Origin {
            file: 0,
            pointer: pointer.to_owned(),
        };
        Self(template_value(Here::new(&Value::Object(written), &origin)))
    }

    /// The expected request for an event. Its templates see the event's facts but not the variables of the rules: a test states
    /// their values.
    pub(super) fn render(&self, facts: &Facts) -> Result<Map<String, Value>, RenderError> {
        Ok(match render(&self.0, &facts.scope(&[]))? {
            Value::Object(request) => request,
            _ => Map::new(),
        })
    }
}

/// Adds the default API to a request that names none.
pub(super) fn with_api(mut request: Map<String, Value>) -> Value {
    request
        .entry("api")
        .or_insert_with(|| ApiName::default().0.into());
    Value::Object(request)
}

/// All properties of a step that a test can state.
pub(super) fn described(step: &Step) -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("api".to_owned(), json!(step.api));
    if let Some(server) = step.operation.server() {
        all.insert("server".to_owned(), json!(server));
    }
    if let Value::Object(body) = step.operation.body() {
        all.extend(body);
    }
    let path = step.operation.path();
    let carried_out = json!({
        "url": step.url.strip_suffix(&path).unwrap_or(&step.url),
        "verify": step.verify,
        "fence": step.fence,
        "on_failure": step.on_failure,
        "retry": {
            "attempts": step.retry.attempts,
            "wait": duration::format(step.retry.wait),
            "max_wait": duration::format(step.retry.max_wait),
            "deadline": duration::format(step.retry.deadline),
        },
        "poll": {
            "every": duration::format(step.poll.every),
            "timeout": step.poll.timeout.map(duration::format),
        },
        "allow_older_timeline": step.allow_older_timeline,
    });
    if let Value::Object(carried_out) = carried_out {
        all.extend(carried_out);
    }
    all
}

/// The step with its body, and those of its options that `expected` states.
pub(super) fn seen(step: &Step, expected: Option<&Value>) -> Value {
    let mut all = described(step);
    for key in CARRIED_OUT {
        match (
            expected.and_then(|expected| expected.get(key)),
            all.get_mut(key),
        ) {
            (Some(Value::Object(named)), Some(Value::Object(limits))) => {
                limits.retain(|limit, _| named.contains_key(limit));
            }
            (Some(_), _) => {}
            (None, _) => {
                all.shift_remove(key);
            }
        }
    }
    Value::Object(all)
}

/// A request on one line, without the default API.
pub(super) fn line(request: &Value) -> String {
    let mut request = request.clone();
    if let Value::Object(all) = &mut request
        && all.get("api") == Some(&Value::from(ApiName::default().0))
    {
        all.shift_remove("api");
    }
    // The same order on both sides, so that only a difference looks different.
    request.sort_all_objects();
    if let Value::Object(all) = &mut request {
        for (place, key) in ["type", "server"].into_iter().enumerate() {
            if let Some(value) = all.shift_remove(key) {
                all.shift_insert(place.min(all.len()), key.to_owned(), value);
            }
        }
    }
    request.to_string()
}

/// Returns true if a step has all of these values. `sets` is a server whose model or options it sets.
pub(super) fn fits(pattern: &Map<String, Value>, step: &Step) -> bool {
    let all = described(step);
    pattern.iter().all(|(key, wanted)| match key.as_str() {
        "sets" => {
            let targets = step.operation.targets(&step.api);
            targets.iter().any(|target| wanted == sets(target))
        }
        key => all.get(key).is_some_and(|own| has(own, wanted)),
    })
}

/// The server that a target belongs to.
fn sets(target: &Target) -> &str {
    match target {
        Target::Model { server, .. } => server,
        Target::Option {
            scope: OptionScope::Server,
            name,
            ..
        } => name,
        Target::Option { .. } | Target::Directory { .. } => "",
    }
}

/// Returns true if a value equals the wanted one, or contains it.
fn has(own: &Value, wanted: &Value) -> bool {
    match (own, wanted) {
        (Value::Object(own), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| own.get(key).is_some_and(|own| has(own, wanted))),
        (Value::Array(own), Value::Array(wanted)) => wanted
            .iter()
            .all(|wanted| own.iter().any(|own| has(own, wanted))),
        _ => own == wanted,
    }
}
