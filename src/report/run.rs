//! The outcome of a plan.

use serde::Serialize;

use crate::evaluate::Trace;
use crate::execute::{Here, Outcome, StepOutcome, StepReport, Verdict};
use crate::model::{Event, Role};

use super::text::{Screen, Style};

/// The output of `patroni_barman run --format json`. With `--dry-run`, it is the output of `patroni_barman plan`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunOutput<'a> {
    /// The event.
    pub event: Event,
    /// The node's role in the words of the rules.
    pub role: Role,
    /// Patroni's scope.
    pub cluster: &'a str,
    /// The Patroni member's name, if it was known.
    pub node: Option<&'a str>,
    /// For every rule, in the file's order, the result. Empty if the rules could not be evaluated yet.
    pub trace: &'a [Trace],
    /// The outcome.
    #[serde(flatten)]
    pub outcome: OutcomeView<'a>,
}

/// The output of `patroni_barman reconcile --format json`. With `--dry-run`, it is the output of `patroni_barman status`;
/// with `--all`, the answer of the agent's `/api/status`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReconcileOutput<'a> {
    /// Patroni's scope.
    cluster: &'a str,
    /// The name of this node's Patroni member; null if the local Patroni does not answer and another one did.
    node: Option<&'a str>,
    /// The member's role in the words of the rules; null if the member is not known.
    role: Option<Role>,
    /// The member that holds the leader key.
    leader: Option<&'a str>,
    /// The outcome.
    #[serde(flatten)]
    outcome: OutcomeView<'a>,
}

/// An outcome and the program's exit code.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutcomeView<'a> {
    /// The overall verdict.
    outcome: Verdict,
    /// The exit code that belongs to the outcome.
    #[cfg_attr(test, schemars(range(max = 6)))]
    exit_code: u8,
    /// The result of each step, in order.
    steps: &'a [StepReport],
}

impl<'a> ReconcileOutput<'a> {
    /// The outcome of a pass in this cluster, with the program's exit code.
    pub fn of(here: &'a Here, outcome: &'a Outcome, exit_code: u8) -> Self {
        Self {
            cluster: &here.cluster,
            node: here.node.as_deref(),
            role: here.role,
            leader: here.leader.as_deref(),
            outcome: OutcomeView::of(outcome, exit_code),
        }
    }
}

impl<'a> OutcomeView<'a> {
    /// This outcome, with the program's exit code.
    pub fn of(outcome: &'a Outcome, exit_code: u8) -> Self {
        Self {
            outcome: outcome.verdict,
            exit_code,
            steps: &outcome.steps,
        }
    }
}

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
