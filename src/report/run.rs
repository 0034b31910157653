//! The outcome of a plan, for people.

use crate::execute::{Outcome, StepOutcome, Verdict};

use super::text::{Screen, Style};

/// The outcome, one line per step.
pub fn run(outcome: &Outcome, screen: Screen) -> String {
    let (style, verdict, rest) = match outcome.verdict {
        Verdict::Done => (Style::Good, "done", ""),
        Verdict::Skipped => (Style::Strong, "skipped", ": no rule matches"),
        Verdict::Failed => (Style::Error, "failed", ""),
        Verdict::Unfinished => (Style::Error, "not finished", ""),
        Verdict::Fenced => (Style::Warning, "fenced", ""),
    };
    let mut text = screen.styled(style, verdict, rest);
    for step in &outcome.steps {
        let (style, word) = match step.outcome {
            StepOutcome::Done => (Style::Good, "done"),
            StepOutcome::Failed => (Style::Error, "failed"),
            StepOutcome::Refused => (Style::Error, "refused"),
            StepOutcome::Unverified => (Style::Error, "not verified"),
            StepOutcome::Unfinished => (Style::Error, "not finished"),
            StepOutcome::Fenced => (Style::Warning, "fenced"),
            StepOutcome::Superseded => (Style::Warning, "superseded"),
            StepOutcome::NotRun => (Style::Warning, "not sent"),
        };
        let id = step.operation_id.as_ref();
        let id = id.map_or_else(String::new, |id| format!(", operation {id}"));
        let attempts = match step.attempts {
            0 => String::new(),
            1 => ", 1 attempt".to_owned(),
            more => format!(", {more} attempts"),
        };
        let time = format!("{:.2} s", step.duration.as_secs_f64());
        let head = format!("  {}: {word}", step.rule);
        text.push_str(&screen.styled(style, &head, &format!("{id}{attempts}, {time}")));
        if let Some(message) = &step.message {
            text.push_str(&screen.wrapped(None, "    ", message, 4));
        }
    }
    text
}
