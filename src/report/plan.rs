//! A plan for people.

use crate::diagnostic::ticked;
use crate::evaluate::{Because, Plan};
use crate::model::{Fence, Verify};

use super::text::{Screen, Style, put_line};

/// The text for a rule that fires and has `request: none`.
pub const NOTHING: &str = "does nothing on purpose";

/// The sentence about the rules that do nothing on purpose, if any of them fired.
pub fn idle(plan: &Plan) -> Option<String> {
    let rules = ticked(plan.idle().map(|trace| &trace.rule));
    match plan.idle().count() {
        0 => None,
        1 => Some(format!("rule {rules} {NOTHING}")),
        _ => Some(format!("rules {rules} do nothing on purpose")),
    }
}

/// The lines of a rule's description.
pub(super) fn described<'p>(plan: &'p Plan, rule: &str) -> impl Iterator<Item = &'p str> {
    let text = plan.description(rule).unwrap_or_default();
    text.lines().map(str::trim_end)
}

/// The reason why a rule does not fire.
pub(super) fn silent(rule: &str, because: &Because) -> String {
    let Because { field, wanted, got } = because;
    let wanted = wanted.trim_end();
    format!("{rule} does not fire: `{field}` wants {wanted}, got {got}")
}

/// The steps that would be sent, and for every rule the reason why it fired or did not.
pub fn plan(plan: &Plan, screen: Screen) -> String {
    let mut text = String::new();
    let node = plan.node.as_ref();
    let node = node.map_or_else(String::new, |node| format!(" on node {node}"));
    let cluster = &plan.cluster;
    let head = format!("{} {} {cluster}{node}", plan.event, plan.role);
    text.push_str(&screen.styled(Style::Strong, &head, ""));
    text.push('\n');
    if plan.steps.is_empty() {
        let why = idle(plan).unwrap_or_else(|| "no rule matches".to_owned());
        let rest = format!(": {why}");
        text.push_str(&screen.styled(Style::Warning, "nothing would be sent", &rest));
    }
    for (index, step) in plan.steps.iter().enumerate() {
        let head = format!("{}. {}", index + 1, step.rule);
        let what = format!(": {}", step.operation.words());
        text.push_str(&screen.styled(Style::Strong, &head, &what));
        for line in described(plan, &step.rule) {
            put_line!(text, "   {line}");
        }
        put_line!(text, "   POST {}", step.url);
        put_line!(text, "   {}", step.operation.body());
        let verify = match step.verify {
            Verify::None => "nothing, the operation is done",
            Verify::Applied => "Barman has the requested state",
            Verify::Streaming => "Barman has the requested state and receives WAL",
        };
        let fence = match step.fence {
            Fence::Role => "the node's role",
            Fence::None => "none",
        };
        put_line!(text, "   verify: {verify}; fence: {fence}");
    }
    text.push('\n');
    text.push_str(&screen.styled(Style::Strong, "why:", ""));
    for trace in &plan.trace {
        match &trace.because {
            None => {
                let head = format!("  {} fires", trace.rule);
                let and = trace.does_nothing.then(|| format!(", and {NOTHING}"));
                text.push_str(&screen.styled(Style::Good, &head, &and.unwrap_or_default()));
                let lines = described(plan, &trace.rule).filter(|_| trace.does_nothing);
                lines.for_each(|line| put_line!(text, "    {line}"));
            }
            Some(because) => put_line!(text, "  {}", silent(&trace.rule, because)),
        }
    }
    text
}
