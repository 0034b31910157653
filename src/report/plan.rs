//! A plan for people.

use std::fmt::Write as _;

use crate::evaluate::Plan;
use crate::model::{Fence, Verify};

use super::describe;
use super::text::one_line;

/// The steps that would be sent, and for every rule why it fired or did not.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    let node = plan
        .node
        .as_ref()
        .map_or_else(String::new, |node| format!(" on node {node}"));
    let cluster = one_line(&plan.cluster);
    let _ = writeln!(text, "{} {} {cluster}{node}", plan.event, plan.role);
    let _ = writeln!(text);
    if plan.steps.is_empty() {
        let _ = writeln!(text, "nothing would be sent: no rule matches");
    }
    for (index, step) in plan.steps.iter().enumerate() {
        let _ = writeln!(
            text,
            "{}. {}: {}",
            index + 1,
            step.rule,
            describe(&step.operation)
        );
        let _ = writeln!(text, "   POST {}", step.url);
        let _ = writeln!(text, "   {}", step.operation.body());
        let verify = match step.verify {
            Verify::None => "nothing, the operation's own answer is believed",
            Verify::Applied => "that Barman's state is what was asked for",
            Verify::Streaming => {
                "that Barman's state is what was asked for and WAL is being received"
            }
        };
        let fence = match step.fence {
            Fence::Role => "the node's role",
            Fence::None => "none",
        };
        let _ = writeln!(text, "   verify: {verify}; fence: {fence}");
    }
    let _ = writeln!(text);
    let _ = writeln!(text, "why:");
    for trace in &plan.trace {
        let _ = match &trace.because {
            None => writeln!(text, "  {} fires", trace.rule),
            Some(because) => writeln!(
                text,
                "  {} does not fire: `{}` wants {}, got {}",
                trace.rule,
                because.field,
                one_line(&because.wanted),
                one_line(&because.got)
            ),
        };
    }
    text
}
