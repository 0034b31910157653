//! Rules and facts in, a plan out.
//!
//! Pure: no clock, no network, no environment. The same rules and the same facts give the same plan,
//! which is why `plan` can show before a failover what `run` will do in it.

mod facts;
mod matching;
mod plan;
mod request;

use crate::model::{Match, RuleSet};
use crate::template::RenderError;

pub use facts::Facts;
pub use plan::{Because, Plan, Step, Trace};

/// The rules could not be turned into a plan for these facts; nothing may be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}`: {source}")]
pub struct EvaluateError {
    /// The rule.
    pub rule: String,
    /// What went wrong and where in the file.
    pub source: RenderError,
    /// The fact that was not known, if that was the reason. With the node's name known, say, another
    /// evaluation may succeed.
    pub missing: Option<&'static str>,
}

/// Makes the plan.
///
/// # Errors
/// [`EvaluateError`] for the first rule whose condition or request can't be rendered, or whose
/// request pg-backup-api would refuse.
pub fn evaluate(rules: &RuleSet, facts: &Facts) -> Result<Plan, EvaluateError> {
    let scope = facts.scope(&rules.vars);
    let failed = |rule: &str, source: RenderError| EvaluateError {
        rule: rule.to_owned(),
        source,
        missing: scope.missing(),
    };
    let mut plan = Plan::empty(facts);
    let mut first: Option<&str> = None;
    for rule in &rules.rules {
        let taken = first.filter(|_| rules.matching == Match::First);
        let because = matching::why_not(rule, facts, taken, &scope)
            .map_err(|source| failed(&rule.name, source))?;
        if because.is_none() {
            first = first.or(Some(&rule.name));
            for template in &rule.requests {
                let step = request::step(rules, rule, template, &scope);
                plan.steps
                    .push(step.map_err(|source| failed(&rule.name, source))?);
            }
        }
        plan.trace.push(Trace {
            rule: rule.name.clone(),
            because,
        });
    }
    Ok(plan)
}
