//! How it went.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::evaluate::Step;
use crate::model::Name;
use crate::store::IntentId;

use super::End;

/// What became of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Every step, in order.
    pub steps: Vec<StepReport>,
    /// All of it in one word.
    pub verdict: Verdict,
    /// The first intent of the plan, if it was written down.
    pub first: Option<IntentId>,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// The rule that asked for it.
    pub rule: String,
    /// Where it was posted to.
    pub url: String,
    /// What was posted.
    pub body: Value,
    /// pg-backup-api's operation, if it took one up.
    pub operation_id: Option<Name>,
    /// How often it was posted.
    pub attempts: u32,
    /// From the first attempt to the end.
    pub duration: Duration,
    /// How it ended.
    pub outcome: StepOutcome,
    /// Why, if it is not done.
    pub message: Option<String>,
}

/// How one step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// Done, and verified if that was asked for.
    Done,
    /// Barman's operation failed.
    Failed,
    /// The API, or the connection to it, refused the request for good, or no longer knows the operation.
    Refused,
    /// The operation is done and the state that was asked for is not there.
    Unverified,
    /// The API could not be reached, or time ran out.
    Unfinished,
    /// This node no longer has the role that it was decided for.
    Fenced,
    /// A newer decision took its place.
    Superseded,
    /// A step before it was not done.
    NotRun,
}

impl StepOutcome {
    /// Whether it keeps the steps behind it from being taken, if it is to stop for failures. What a newer decision took
    /// over has not failed, and the others have targets of their own.
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Done | Self::Superseded)
    }
}

/// A plan's outcome in one word, and the program's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything that was asked for was done.
    Done,
    /// No rule matched.
    Skipped,
    /// An operation failed, was refused or could not be verified.
    Failed,
    /// The API could not be reached, or time ran out. What is left is kept.
    Unfinished,
    /// This node no longer has the role, or a newer decision was made; nothing more was sent.
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
    /// Sums up the steps: what failed for good weighs more than what is not finished, and that this node is no
    /// longer the one to ask weighs most.
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

    /// The outcome as `schemas/run.schema.json` describes it, with the exit code that the program ends with.
    #[must_use]
    pub fn to_json(&self, exit_code: u8) -> Value {
        json!({
            "outcome": self.verdict,
            "exit_code": exit_code,
            "steps": self.steps.iter().map(StepReport::to_json).collect::<Vec<_>>(),
        })
    }
}

impl StepReport {
    pub(super) fn new(step: &Step) -> Self {
        Self {
            rule: step.rule.clone(),
            url: step.url.clone(),
            body: step.operation.body(),
            operation_id: None,
            attempts: 0,
            duration: Duration::ZERO,
            outcome: StepOutcome::NotRun,
            message: None,
        }
    }

    /// A step that was not taken. If the one before it is to be gone on with, so is this one.
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

    /// A step whose state was there already.
    pub(super) fn already(step: &Step) -> Self {
        Self {
            outcome: StepOutcome::Done,
            ..Self::new(step)
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule,
            "request": {"method": "POST", "url": self.url, "body": self.body},
            "operation_id": self.operation_id,
            "attempts": self.attempts,
            "duration_seconds": self.duration.as_secs_f64(),
            "outcome": self.outcome,
            "message": self.message,
        })
    }
}
