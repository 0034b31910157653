//! The results of execution.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::evaluate::{Post, Step};
use crate::model::Name;
use crate::store::IntentId;

use super::End;

/// The result of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Every step, in order.
    pub steps: Vec<StepReport>,
    /// The overall verdict.
    pub verdict: Verdict,
    /// The first intent of the plan, if it was recorded.
    pub first: Option<IntentId>,
}

/// The result of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct StepReport {
    /// The rule that asked for it.
    pub rule: String,
    /// The request.
    pub request: Post,
    /// pg-backup-api's operation, if it was accepted.
    pub operation_id: Option<Name>,
    /// The number of attempts.
    pub attempts: u32,
    /// The time from the first attempt to the end.
    #[serde(rename = "duration_seconds", serialize_with = "seconds")]
    #[cfg_attr(test, schemars(with = "f64", range(min = 0)))]
    pub duration: Duration,
    /// Its outcome.
    pub outcome: StepOutcome,
    /// The reason, if it is not done.
    pub message: Option<String>,
}

/// The outcome of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum StepOutcome {
    /// Done, and verified if requested.
    Done,
    /// Barman's operation failed.
    Failed,
    /// The API, or the connection to it, refused the request permanently, or no longer knows the operation.
    Refused,
    /// The operation is done but the requested state is not in place.
    Unverified,
    /// The API could not be reached, or time ran out.
    Unfinished,
    /// This node no longer has the role for which it was decided.
    Fenced,
    /// A newer decision replaced it.
    Superseded,
    /// An earlier step was not done.
    NotRun,
}

impl StepOutcome {
    /// Returns true if it stops the steps after it, given `on_failure: stop`. A request that a newer decision
    /// replaced has not failed, and the other steps have their own targets.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Done | Self::Superseded)
    }
}

/// A plan's outcome in one word, and the program's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Verdict {
    /// All requests were done.
    Done,
    /// No rule matched.
    Skipped,
    /// An operation failed, was refused or could not be verified.
    Failed,
    /// The API could not be reached, or time ran out. The rest is kept.
    Unfinished,
    /// This node no longer has the role, or there is a newer decision; nothing more was sent.
    Fenced,
}

impl Verdict {
    /// The exit code of `run`.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Skipped => 1,
            Self::Failed => 2,
            Self::Unfinished => 3,
            Self::Fenced => 5,
        }
    }
}

impl Outcome {
    /// Sums up the steps: a permanent failure outweighs an unfinished step, and the loss of the role
    /// outweighs both.
    #[must_use]
    pub fn of(steps: Vec<StepReport>) -> Self {
        let any = |wanted: &[StepOutcome]| steps.iter().any(|step| wanted.contains(&step.outcome));
        let verdict = if steps.is_empty() {
            Verdict::Skipped
        } else if any(&[StepOutcome::Fenced, StepOutcome::Superseded]) {
            Verdict::Fenced
        } else if any(&[
            StepOutcome::Failed,
            StepOutcome::Refused,
            StepOutcome::Unverified,
        ]) {
            Verdict::Failed
        } else if any(&[StepOutcome::Unfinished, StepOutcome::NotRun]) {
            Verdict::Unfinished
        } else {
            Verdict::Done
        };
        Self {
            steps,
            verdict,
            first: None,
        }
    }
}

impl StepReport {
    pub(super) fn new(step: &Step) -> Self {
        Self {
            rule: step.rule.clone(),
            request: step.post(),
            operation_id: None,
            attempts: 0,
            duration: Duration::ZERO,
            outcome: StepOutcome::NotRun,
            message: None,
        }
    }

    /// Returns true if it is the report of this step.
    pub(super) fn is_of(&self, step: &Step) -> bool {
        self.rule == step.rule && self.request == step.post()
    }

    /// A step that was not taken. If the one before it will be resumed, so will this one.
    pub(super) fn not_run(step: &Step, before: StepOutcome) -> Self {
        let outcome = match before {
            StepOutcome::Unfinished => StepOutcome::Unfinished,
            _ => StepOutcome::NotRun,
        };
        Self::ended(step, End::new(outcome, "a step before it was not done"))
    }

    /// A step that ended without being sent.
    pub(super) fn ended(step: &Step, end: End) -> Self {
        Self {
            outcome: end.outcome,
            message: Some(end.message),
            ..Self::new(step)
        }
    }

    /// A step whose state was already in place.
    pub(super) fn already(step: &Step) -> Self {
        Self {
            outcome: StepOutcome::Done,
            ..Self::new(step)
        }
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    duration.as_secs_f64().serialize(serializer)
}
