//! The outcome of a plan, for people.

use crate::execute::{Outcome, StepOutcome, Verdict};

use super::text::put_line;

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
