//! Which step became which.

use serde_json::{Value, json};

use crate::evaluate::Step;
use crate::model::{Operation, duration};

use super::{Change, Field};

/// What changed from these steps to those; nothing exactly if they are equal.
pub(super) fn steps(old: &[Step], new: &[Step]) -> Vec<Change> {
    if old == new {
        return Vec::new();
    }
    let partners = partners(old, new);
    let mut changes = Vec::new();
    for (index, step) in new.iter().enumerate() {
        let Some(before) = partners.iter().position(|partner| *partner == Some(index)) else {
            changes.push(Change::Added(Box::new(step.clone())));
            continue;
        };
        let Some(was) = old.get(before) else {
            continue;
        };
        let mut fields = fields(was, step);
        if overtakes(&partners, before, index) {
            fields.push(Field {
                field: "position".to_owned(),
                old: (before + 1).into(),
                new: (index + 1).into(),
            });
        }
        if !fields.is_empty() {
            changes.push(Change::Changed {
                old: Box::new(was.clone()),
                new: Box::new(step.clone()),
                fields,
            });
        }
    }
    let gone = old.iter().zip(&partners);
    let gone = gone.filter(|(_, partner)| partner.is_none());
    changes.extend(gone.map(|(step, _)| Change::Removed(Box::new(step.clone()))));
    changes
}

/// For every old step, the new one that it became: equal ones first, then those most alike.
fn partners(old: &[Step], new: &[Step]) -> Vec<Option<usize>> {
    let mut partners = vec![None; old.len()];
    let mut taken = vec![false; new.len()];
    for least in (1..=MOST_ALIKE).rev() {
        for (before, partner) in partners.iter_mut().enumerate() {
            let Some(was) = old.get(before).filter(|_| partner.is_none()) else {
                continue;
            };
            let free = new.iter().enumerate();
            let free = free.filter(|(index, _)| taken.get(*index) == Some(&false));
            let found = free
                .filter(|(_, is)| alike(was, is) >= least)
                .min_by_key(|(index, _)| index.abs_diff(before));
            if let Some((index, _)) = found {
                *partner = Some(index);
                if let Some(taken) = taken.get_mut(index) {
                    *taken = true;
                }
            }
        }
    }
    partners
}

/// What equal steps have.
const MOST_ALIKE: u8 = 5;

/// How much two steps have in common; 0 if one did not become the other.
fn alike(old: &Step, new: &Step) -> u8 {
    if old == new {
        return MOST_ALIKE;
    }
    if old.operation.kind() != new.operation.kind() {
        return 0;
    }
    let rule = u8::from(old.rule == new.rule) * 2;
    let target = u8::from(target(old) == target(new));
    let body = u8::from(old.operation.body() == new.operation.body());
    rule + target + body
}

/// Whether a step that stood behind this one stands before it now, or the other way round.
fn overtakes(partners: &[Option<usize>], before: usize, index: usize) -> bool {
    let others = partners.iter().enumerate();
    others
        .filter_map(|(other, partner)| Some((other, (*partner)?)))
        .any(|(was, is)| (was < before) != (is < index) && was != before)
}

/// Whose state a step sets: an API and the servers and models in it.
pub(super) fn target(step: &Step) -> (String, Vec<String>) {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let within = match &step.operation {
        Operation::ConfigUpdate { changes } => {
            let name = |change: &serde_json::Map<String, Value>| {
                let scope = text(change.get("scope"));
                let name = text(change.get(&format!("{scope}_name")));
                format!("{scope} {name}")
            };
            changes.iter().map(name).collect()
        }
        Operation::ConfigSwitch { .. } | Operation::Recovery(_) => Vec::new(),
    };
    (step.url.clone(), within)
}

/// What of a step is another.
fn fields(old: &Step, new: &Step) -> Vec<Field> {
    let mut found = Vec::new();
    compare("", &value(old), &value(new), &mut found);
    found
}

/// Everything that a step is, by the names that the rules file has for it.
pub(super) fn value(step: &Step) -> Value {
    json!({
        "rule": step.rule,
        "api": step.api,
        "url": step.url,
        "body": step.operation.body(),
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
            "timeout": duration::format(step.poll.timeout),
        },
    })
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<Field>) {
    if old == new {
        return;
    }
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in old {
                let other = new.get(key).unwrap_or(&Value::Null);
                compare(&below(key), value, other, found);
            }
            let added = new.iter().filter(|(key, _)| !old.contains_key(*key));
            for (key, value) in added {
                compare(&below(key), &Value::Null, value, found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{index}]"), old, new, found);
            }
        }
        _ => found.push(Field {
            field: path.to_owned(),
            old: old.clone(),
            new: new.clone(),
        }),
    }
}
