//! A fence without a Patroni to ask.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Fence, Role, Rule, RuleSet};

/// One problem, at the first rule that needs a fence.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    problem(rules).into_iter().collect()
}

fn problem(rules: &RuleSet) -> Option<Problem> {
    if rules.has_patroni() {
        return None;
    }
    let wants = |rule: &&Rule| {
        rule.enabled
            && rule.fence == Fence::Role
            // A node that is being created has no role to lose.
            && !rule.on.iter().all(|event| event.makes_node())
            && rule.role != [Role::Uninitialized]
    };
    let rule = rules.rules.iter().find(wants)?;
    let message = "this rule wants `fence: role`, and no Patroni is configured: a retry that comes too late is still sent";
    let help =
        "write `patroni: {url: \"http://127.0.0.1:8008\"}`, or `fence: none` under `defaults`";
    let spot = Spot::value(&rule.origin.child("name"));
    Some(Problem::new(Code::NoFence, spot, message).help(help))
}
