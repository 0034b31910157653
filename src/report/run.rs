//! The outcome of a plan, for people.

use crate::execute::{Outcome, StepOutcome, Verdict};
use crate::model::{Operation, SwitchTo};

use super::text::put_line;

/// A request in a few words.
#[must_use]
pub fn describe(operation: &Operation) -> String {
    match operation {
        Operation::ConfigSwitch {
            server,
            to: SwitchTo::Model(model),
        } => {
            format!("config_switch of `{server}` to model `{model}`")
        }
        Operation::ConfigSwitch {
            server,
            to: SwitchTo::Reset,
        } => {
            format!("config_switch of `{server}` to no model")
        }
        Operation::Recovery(recovery) => format!(
            "recovery of backup `{}` of `{}` to `{}`",
            recovery.backup_id, recovery.server, recovery.destination_directory
        ),
        Operation::ConfigUpdate { changes } => match changes.len() {
            1 => "config_update with one change".to_owned(),
            more => format!("config_update with {more} changes"),
        },
    }
}

/// The outcome, one line per step.
#[must_use]
pub fn run(outcome: &Outcome) -> String {
    let mut text = String::new();
    let verdict = match outcome.verdict {
        Verdict::Done => "done",
        Verdict::Skipped => "skipped: no rule matches",
        Verdict::Failed => "failed",
        Verdict::Unfinished => "not finished",
        Verdict::Fenced => "fenced",
    };
    put_line!(text, "{verdict}");
    for step in &outcome.steps {
        let word = match step.outcome {
            StepOutcome::Done => "done",
            StepOutcome::Failed => "failed",
            StepOutcome::Refused => "refused",
            StepOutcome::Unverified => "not verified",
            StepOutcome::Unfinished => "not finished",
            StepOutcome::Fenced => "fenced",
            StepOutcome::Superseded => "superseded",
            StepOutcome::NotRun => "not sent",
        };
        let id = step
            .operation_id
            .as_ref()
            .map_or_else(String::new, |id| format!(", operation {id}"));
        let attempts = match step.attempts {
            0 => String::new(),
            1 => ", 1 attempt".to_owned(),
            more => format!(", {more} attempts"),
        };
        let time = format!("{:.2} s", step.duration.as_secs_f64());
        put_line!(text, "  {}: {word}{id}{attempts}, {time}", step.rule);
        if let Some(message) = &step.message {
            put_line!(text, "    {message}");
        }
    }
    text
}
