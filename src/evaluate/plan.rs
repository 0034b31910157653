//! The plan: the steps to send, and the reasons.

use serde::{Serialize, Serializer};

use crate::model::{ApiName, Event, Fence, OnFailure, Operation, Poll, Retry, Role, Rule, Verify};
use crate::template::RenderError;

use super::Facts;

/// The steps that the rules produce from the facts. A plan that exists can be sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(
        description = "The output of `patroni_barman plan --format json`: what `run` would send, and why."
    )
)]
pub struct Plan {
    /// The event it was made for.
    pub event: Event,
    /// The role in the words of the rules.
    pub role: Role,
    /// Patroni's scope.
    pub cluster: String,
    /// The Patroni member's name, if it was known.
    pub node: Option<String>,
    /// The requests to send, in order.
    #[serde(serialize_with = "brief")]
    #[cfg_attr(test, schemars(with = "Vec<Brief<'static>>"))]
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
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Because {
    /// The rule's key: `enabled`, `on` (or `events`), `role`, `cluster`, `match` or `when`; `request` if the rule
    /// matches but its request can't be rendered.
    #[cfg_attr(test, schemars(extend("enum" = [
        "enabled", "on", "events", "role", "cluster", "match", "when", "request"
    ])))]
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
}

impl Step {
    /// The HTTP request.
    pub fn post(&self) -> Post {
        Post {
            method: Method::Post,
            url: self.url.clone(),
            body: self.operation.clone(),
        }
    }

    fn brief(&self) -> Brief<'_> {
        Brief {
            rule: &self.rule,
            api: &self.api,
            request: self.post(),
            verify: self.verify,
            fence: self.fence,
        }
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
}

/// An HTTP request to pg-backup-api.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Request"))]
pub struct Post {
    /// HTTP's method.
    pub method: Method,
    /// The address it is posted to.
    pub url: String,
    /// The posted body.
    pub body: Operation,
}

/// The method of every request that rules send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub enum Method {
    /// `POST`.
    Post,
}

/// A request, its condition for success and its fence.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PlannedStep"))]
struct Brief<'a> {
    /// The rule that asked for it.
    rule: &'a str,
    /// The endpoint it goes to: a key of `apis`, or `default` for `api`.
    api: &'a ApiName,
    #[serde(flatten)]
    request: Post,
    /// The condition for it to count as done.
    verify: Verify,
    /// The fence.
    fence: Fence,
}

/// A request and its options, by their names in the rules file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Step"))]
struct StepView<'a> {
    #[serde(flatten)]
    brief: Brief<'a>,
    /// The effect of its failure on later steps.
    on_failure: OnFailure,
    /// True if a recovery may end on a timeline older than the cluster's.
    allow_older_timeline: bool,
    /// The retry settings.
    retry: Retry,
    /// The settings for waiting for the operation.
    poll: Poll,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = StepView {
            brief: self.brief(),
            on_failure: self.on_failure,
            allow_older_timeline: self.allow_older_timeline,
            retry: self.retry,
            poll: self.poll,
        };
        view.serialize(serializer)
    }
}

fn brief<S: Serializer>(steps: &[Step], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(steps.iter().map(Step::brief))
}

/// The result of matching a rule.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Trace"))]
struct TraceView<'a> {
    /// The rule.
    rule: &'a str,
    /// True if it fired.
    fired: bool,
    /// The first part of the rule that did not match; null if it fired.
    because: Option<&'a Because>,
    /// The rule's description; absent if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "String"))]
    description: Option<&'a str>,
    /// Present, and true, if the rule does nothing on purpose (`request: none`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, schemars(extend("const" = true)))]
    does_nothing: bool,
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = TraceView {
            rule: &self.rule,
            fired: self.fired(),
            because: self.because.as_ref(),
            description: self.description.as_deref(),
            does_nothing: self.does_nothing,
        };
        view.serialize(serializer)
    }
}

#[cfg(test)]
mod schemas {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator};

    use super::{Step, StepView, Trace, TraceView};

    impl JsonSchema for Step {
        fn schema_name() -> Cow<'static, str> {
            StepView::schema_name()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            StepView::json_schema(generator)
        }
    }

    impl JsonSchema for Trace {
        fn schema_name() -> Cow<'static, str> {
            TraceView::schema_name()
        }

        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            TraceView::json_schema(generator)
        }
    }
}
