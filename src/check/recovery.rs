//! Recoveries that Patroni is told of before they have ended.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Rule, RuleSet, duration};

/// One for each rule that bounds the wait for a recovery.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let enabled = rules.rules.iter().filter(|rule| rule.enabled);
    enabled.filter_map(problem).collect()
}

fn problem(rule: &Rule) -> Option<Problem> {
    let timeout = rule.recovery_timeout?;
    if rule
        .requests
        .iter()
        .all(|request| request.kind.sets_state())
    {
        return None;
    }
    let message = format!(
        "a recovery that takes longer than {} is left while Barman still writes, and Patroni's next method writes into the same directory",
        duration::format(timeout)
    );
    let spot = Spot::value(&rule.origin.child("poll").child("timeout"));
    let help = "delete `timeout`: a recovery is then waited for until it ends";
    Some(Problem::new(Code::RecoveryTimeout, spot, message).help(help))
}
