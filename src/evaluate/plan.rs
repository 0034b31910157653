//! The plan: what will be sent, and why.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{
    ApiName, Event, Fence, OnFailure, Operation, Poll, Retry, Role, Rule, Verify, duration,
};
use crate::template::RenderError;

use super::Facts;

/// The steps that the rules make of the facts. A plan that exists can be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The event it was made for.
    pub event: Event,
    /// The role as rules name it.
    pub role: Role,
    /// Patroni's scope.
    pub cluster: String,
    /// The node's name, if it was known.
    pub node: Option<String>,
    /// What to send, in order.
    pub steps: Vec<Step>,
    /// For every rule, in the file's order, whether it fired.
    pub trace: Vec<Trace>,
}

/// One request and how it is carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The rule that asked for it.
    pub rule: String,
    /// The endpoint it goes to.
    pub api: ApiName,
    /// Where it is posted to.
    pub url: String,
    /// What is asked.
    pub operation: Operation,
    /// How it is tried again.
    pub retry: Retry,
    /// How the operation is waited for.
    pub poll: Poll,
    /// What guards it.
    pub fence: Fence,
    /// What must be seen before it counts as done.
    pub verify: Verify,
    /// What its failure means for the steps after it.
    pub on_failure: OnFailure,
    /// Whether a recovery may end on a timeline older than the cluster's.
    pub allow_older_timeline: bool,
}

/// Whether a rule fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The rule.
    pub rule: String,
    /// What the rule is for, in the words of its author.
    pub description: Option<String>,
    /// Why it did not fire; `None` if it did.
    pub because: Option<Because>,
    /// Whether it does nothing on purpose where it fires.
    pub does_nothing: bool,
}

/// The first part of a rule that did not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The rule's key: `enabled`, `on` (or `events`), `role`, `cluster`, `match` or `when`; `request` if the rule
    /// matches and its request can't be made.
    pub field: &'static str,
    /// What the rule asks for.
    pub wanted: String,
    /// What there was.
    pub got: String,
}

impl Plan {
    pub(super) fn empty(facts: &Facts) -> Self {
        Self {
            event: facts.event,
            role: facts.role,
            cluster: facts.cluster.clone(),
            node: facts.node.clone(),
            steps: Vec::new(),
            trace: Vec::new(),
        }
    }

    /// The rules that fired and do nothing on purpose.
    pub fn idle(&self) -> impl Iterator<Item = &Trace> {
        self.trace.iter().filter(|trace| trace.idles())
    }

    /// What a rule is for, in the words of its author.
    pub fn description(&self, rule: &str) -> Option<&str> {
        let of_rule = self.trace.iter().find(|trace| trace.rule == rule)?;
        of_rule.description.as_deref()
    }

    /// The plan as `schemas/plan.schema.json` describes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "event": self.event,
            "role": self.role,
            "cluster": self.cluster,
            "node": self.node,
            "steps": self.steps.iter().map(Step::to_json).collect::<Vec<_>>(),
            "trace": self.trace.iter().map(Trace::to_json).collect::<Vec<_>>(),
        })
    }
}

impl Step {
    /// The step as `schemas/plan.schema.json` describes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "rule": self.rule,
            "api": self.api,
            "method": "POST",
            "url": self.url,
            "body": self.operation.body(),
            "verify": self.verify,
            "fence": self.fence,
        })
    }

    /// Everything that a step is, by the names that the rules file has for it.
    pub fn details(&self) -> Value {
        json!({
            "rule": self.rule,
            "api": self.api,
            "method": "POST",
            "url": self.url,
            "body": self.operation.body(),
            "verify": self.verify,
            "fence": self.fence,
            "on_failure": self.on_failure,
            "allow_older_timeline": self.allow_older_timeline,
            "retry": {
                "attempts": self.retry.attempts,
                "wait": duration::format(self.retry.wait),
                "max_wait": duration::format(self.retry.max_wait),
                "deadline": duration::format(self.retry.deadline),
            },
            "poll": {
                "every": duration::format(self.poll.every),
                "timeout": self.poll.timeout.map(duration::format),
            },
        })
    }
}

impl Trace {
    /// The trace of a rule whose condition or request can't be evaluated.
    pub(super) fn undecided(rule: &Rule, error: &RenderError) -> Self {
        let when = rule
            .when
            .as_ref()
            .filter(|when| when.origin == error.origin);
        let because = Because {
            field: if when.is_some() { "when" } else { "request" },
            wanted: when
                .map_or("a request that can be sent", |when| &when.text)
                .to_owned(),
            got: error.message.clone(),
        };
        Self::of(rule, Some(because))
    }

    /// The trace of a rule that fires, or does not for this reason.
    pub(super) fn of(rule: &Rule, because: Option<Because>) -> Self {
        Self {
            rule: rule.name.clone(),
            description: rule.description.clone(),
            because,
            does_nothing: rule.does_nothing(),
        }
    }

    /// Returns true if the rule fired and does nothing on purpose.
    pub const fn idles(&self) -> bool {
        self.fired() && self.does_nothing
    }

    /// Whether the rule fired.
    #[must_use]
    pub const fn fired(&self) -> bool {
        self.because.is_none()
    }

    /// The trace as `schemas/plan.schema.json` describes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut all = json!({"rule": self.rule, "fired": self.fired(), "because": self.because});
        if let Value::Object(all) = &mut all {
            let description = self.description.as_deref().map(Value::from);
            all.extend(description.map(|text| ("description".to_owned(), text)));
            all.extend(
                self.does_nothing
                    .then(|| ("does_nothing".to_owned(), true.into())),
            );
        }
        all
    }
}
