//! The decision whether a rule fires, and the part that did not match if it does not.

use std::fmt::Display;
use std::ops::Deref;

use crate::model::{Rule, Template};
use crate::template::{RenderError, Scope, condition};

use super::{Because, Facts};

/// The first part of the rule that does not match, cheapest first; `None` if it fires. `taken` is the
/// rule that has fired already under `match: first`.
pub(super) fn why_not(
    rule: &Rule,
    facts: &Facts,
    taken: Option<&str>,
    scope: &impl Deref<Target = Scope>,
) -> Result<Option<Because>, RenderError> {
    if let Some(because) = mismatch(rule, facts, taken) {
        return Ok(Some(because));
    }
    match &rule.when {
        Some(when) if !condition(when, scope)? => Ok(Some(not_true(when))),
        _ => Ok(None),
    }
}

/// The same for everything but the condition, which needs an evaluation.
pub(super) fn mismatch(rule: &Rule, facts: &Facts, taken: Option<&str>) -> Option<Because> {
    let because = |field, wanted: String, got: &dyn Display| {
        Some(Because {
            field,
            wanted,
            got: got.to_string(),
        })
    };
    if !rule.enabled {
        return because("enabled", "true".to_owned(), &"false");
    }
    if !rule.on.contains(&facts.event) {
        return because(rule.events_key, list(&rule.on), &facts.event);
    }
    if !rule.role.is_empty() && !rule.role.contains(&facts.role) {
        return because("role", list(&rule.role), &facts.role);
    }
    if !rule.cluster.include(&facts.cluster) {
        return because("cluster", rule.cluster.to_string(), &facts.cluster);
    }
    let earlier = taken?;
    because("match", "no earlier rule that fires".to_owned(), &earlier)
}

/// The reason that the condition is false.
pub(super) fn not_true(when: &Template) -> Because {
    Because {
        field: "when",
        wanted: when.text.clone(),
        got: "false".to_owned(),
    }
}

fn list(all: &[impl Display]) -> String {
    all.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
