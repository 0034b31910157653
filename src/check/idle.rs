//! Rules that do nothing on purpose, but keep no other rule from firing.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Match, RuleSet};

/// Every `request: none` without an effect.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    if rules.matching == Match::First {
        return Vec::new();
    }
    let idle = rules.rules.iter();
    let idle = idle.filter(|rule| rule.enabled && rule.does_nothing());
    idle.map(|rule| {
        let spot = Spot::value(&rule.origin.child("request"));
        let message = "this rule changes nothing: all other rules that match fire as well";
        Problem::new(Code::IdleRule, spot, message).help(
            "to keep later rules from firing, write `match: first` at the top of the file; else delete the rule",
        )
    })
    .collect()
}
