//! Conditions that decide nothing, and rules that never fire because of others.

use crate::diagnostic::{Code, list};
use crate::load::{Problem, Spot};
use crate::model::Rule;

use super::lint::{All, Lint};
use super::table::{Seen, Table};
use super::unrolled;

/// The lint about each rule by itself.
pub(super) struct Conditions;

impl<'r> Lint<'r> for Conditions {
    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        let rules = all.rules.rules.iter().zip(all.seen);
        let of_rules =
            rules.filter_map(|(rule, seen)| Some((rule, problem(rule, seen, all.table)?)));
        unrolled::by_rule(of_rules.collect(), all.rules)
    }
}

/// The problem with one rule as a whole.
fn problem(rule: &Rule, seen: &Seen, table: &Table<'_>) -> Option<Problem> {
    if seen.cells.is_empty() {
        return None;
    }
    if let Some(when) = &rule.when {
        let spot = Spot::value(&when.origin);
        if seen.could.is_empty() {
            let message = "this rule can never fire: its `when` is always false";
            let help = "correct the condition, or set `enabled: false`";
            return Some(Problem::new(Code::NeverTrue, spot, message).help(help));
        }
        if seen.doubtful.is_empty() && !seen.may.is_empty() {
            let message = "this `when` is always true";
            return Some(Problem::new(Code::AlwaysTrue, spot, message).help("leave it out"));
        }
    }
    if !seen.may.is_empty() {
        return None;
    }
    let owners = || {
        seen.taken_by
            .iter()
            .filter_map(|number| table.rule(*number))
    };
    let earlier = list(owners().map(|rule| rule.name.as_str()), "and");
    let (fires, them) = match seen.taken_by.len() {
        1 => ("fires", "it"),
        _ => ("fire", "them"),
    };
    let message = format!(
        "this rule can never fire: under `match: first`, {earlier} {fires} wherever it could"
    );
    let spot = Spot::value(&rule.origin.child("name"));
    let mut problem = Problem::new(Code::Shadowed, spot, message).help(format!(
        "put it before {them}, or give {them} a narrower `on`, `role`, `cluster` or `when`"
    ));
    for owner in owners() {
        let spot = Spot::value(&owner.origin.child("name"));
        problem = problem.related(spot, "fires before it");
    }
    Some(problem)
}
