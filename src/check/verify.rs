//! Rules that verify WAL streaming after requests that start no stream.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{RequestTemplate, Rule, RuleSet, Verify};

/// One problem for each rule with a `verify: streaming` of its own and no request it could apply to.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let rules = rules.rules.iter().filter(|rule| rule.enabled);
    rules.filter_map(problem).collect()
}

fn problem(rule: &Rule) -> Option<Problem> {
    let wants = rule.own_verify && rule.verify == Verify::Streaming;
    if !wants || rule.requests.iter().any(RequestTemplate::may_follow) {
        return None;
    }
    let message = "`verify: streaming` is about a switch to a model: nothing here makes Barman stream from another node";
    let spot = Spot::value(&rule.origin.child("verify"));
    let help = "write `verify: applied`, or leave it out";
    Some(Problem::new(Code::IdleVerify, spot, message).help(help))
}
