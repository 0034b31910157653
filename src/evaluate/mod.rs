//! Rules and facts in, a plan out.
//!
//! Pure: no clock, no network, no environment. The same rules and facts always give the same plan,
//! so `plan` can show before a failover what `run` will do in it.

mod facts;
mod matching;
mod plan;
mod preview;
mod request;
mod wanted;

use std::cell::LazyCell;

use crate::model::{Match, RuleSet};
use crate::template::RenderError;

pub use facts::{CONNSTRING, DATADIR, Facts};
pub use plan::{Because, Method, Plan, Post, Step, Trace};
pub use preview::{Preview, Previewer, Unknown, Unresolved, UnresolvedView, Why, as_written};
pub use wanted::{ClusterView, Conflict, Left, MemberView, Wanted, wanted};

/// The rules could not be turned into a plan for these facts; nothing may be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {source}")]
pub struct EvaluateError {
    /// The rule.
    pub rule: String,
    /// The error and its position in the file.
    pub source: RenderError,
    /// The unknown fact, if that was the reason. If, for example, the node's name is then found out, another
    /// evaluation may succeed.
    pub missing: Option<&'static str>,
}

/// Makes the plan.
///
/// # Errors
/// [`EvaluateError`] for the first rule whose condition or request can't be rendered, or whose
/// request pg-backup-api would refuse.
pub fn evaluate(rules: &RuleSet, facts: &Facts) -> Result<Plan, EvaluateError> {
    let mut failed = Vec::new();
    let plan = walk(rules, facts, |error| {
        failed.push(error);
        Walk::Stop
    });
    match failed.pop() {
        Some(error) => Err(error),
        None => Ok(plan),
    }
}

/// The result for an event before it happens, when some facts are unknown.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The plan of the rules that can be evaluated. It has no steps if another rule fails whatever the event's facts are: nothing
    /// is sent in that case.
    pub plan: Plan,
    /// The errors of the others. `run` sends nothing while there are any.
    pub unresolved: Vec<EvaluateError>,
}

/// Makes the plan of the rules that can be evaluated, and returns the errors of the others.
#[must_use]
pub fn survey(rules: &RuleSet, facts: &Facts) -> Survey {
    let mut unresolved: Vec<EvaluateError> = Vec::new();
    let mut plan = walk(rules, facts, |error| {
        unresolved.push(error);
        Walk::GoOn
    });
    // These are either passed with an event or not; anything else may be known when it happens.
    let passed = ["datadir", "connstring"];
    let never = |error: &EvaluateError| error.missing.is_some_and(|fact| passed.contains(&fact));
    if unresolved.iter().any(never) {
        plan.steps.clear();
    }
    Survey { plan, unresolved }
}

/// The action after a rule that can't be evaluated.
enum Walk {
    Stop,
    GoOn,
}

fn walk(rules: &RuleSet, facts: &Facts, mut failed: impl FnMut(EvaluateError) -> Walk) -> Plan {
    // Most rules are for other events, and none of their templates is evaluated.
    let scope = LazyCell::new(|| facts.scope(&rules.vars));
    let mut plan = Plan::empty(facts);
    let mut first: Option<&str> = None;
    for rule in &rules.rules {
        let taken = first.filter(|_| rules.matching == Match::First);
        let result = matching::why_not(rule, facts, taken, &scope).and_then(|because| {
            let mut steps = Vec::new();
            if because.is_none() {
                for template in &rule.requests {
                    steps.push(request::step(rules, rule, template, &scope)?);
                }
            }
            Ok((because, steps))
        });
        match result {
            Ok((because, steps)) => {
                if because.is_none() {
                    first = first.or(Some(&rule.name));
                }
                plan.steps.extend(steps);
                plan.trace.push(Trace::of(rule, because));
            }
            Err(source) => {
                plan.trace.push(Trace::undecided(rule, &source));
                let error = EvaluateError {
                    rule: rule.name.clone(),
                    source,
                    missing: scope.missing().or(scope.guessed().then_some("env")),
                };
                if matches!(failed(error), Walk::Stop) {
                    break;
                }
            }
        }
    }
    plan
}
