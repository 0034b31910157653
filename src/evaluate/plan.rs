//! The plan: the steps to send, and the reasons.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{
    ApiName, Event, Fence, OnFailure, Operation, Poll, Retry, Role, Rule, Verify, duration,
};
use crate::template::RenderError;

use super::Facts;

/// The steps that the rules produce from the facts. A plan that exists can be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The event it was made for.
    pub event: Event,
    /// The role in the words of the rules.
    pub role: Role,
    /// Patroni's scope.
    pub cluster: String,
    /// The node's name, if it was known.
    pub node: Option<String>,
    /// The requests to send, in order.
    pub steps: Vec<Step>,
    /// For every rule, in the file's order, the result.
    pub trace: Vec<Trace>,
}

/// One request and its options.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The rule that asked for it.
    pub rule: String,
    /// The endpoint it goes to.
    pub api: ApiName,
    /// The address it is posted to.
    pub url: String,
    /// The operation to request.
    pub operation: Operation,
    /// The retry settings.
    pub retry: Retry,
    /// The settings for waiting for the operation.
    pub poll: Poll,
    /// The fence.
    pub fence: Fence,
    /// The condition for it to count as done.
    pub verify: Verify,
    /// The effect of its failure on later steps.
    pub on_failure: OnFailure,
    /// True if a recovery may end on a timeline older than the cluster's.
    pub allow_older_timeline: bool,
}

/// The result of matching a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The rule.
    pub rule: String,
    /// The rule's description.
    pub description: Option<String>,
    /// The reason why it did not fire; `None` if it did.
    pub because: Option<Because>,
    /// True if it does nothing on purpose when it fires.
    pub does_nothing: bool,
}

/// The first part of a rule that did not match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// The rule's key: `enabled`, `on` (or `events`), `role`, `cluster`, `match` or `when`; `request` if the rule
    /// matches but its request can't be rendered.
    pub field: &'static str,
    /// The value that the rule requires.
    pub wanted: String,
    /// The actual value.
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

    /// A rule's description.
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

    /// All properties of a step, by their names in the rules file.
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

    /// Returns true if the rule fired.
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
