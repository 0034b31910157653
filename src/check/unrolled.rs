//! Findings about rules in one place: the rules of one `for_each` have the same lines.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::Code;
use crate::load::{Part, Problem};
use crate::model::{Origin, Rule, RuleSet};

/// Keeps the findings about whole rules that all rules of a `for_each` have.
pub(super) fn by_rule(found: Vec<(&Rule, Problem)>, rules: &RuleSet) -> Vec<Problem> {
    let mut all: HashMap<&Origin, usize> = HashMap::new();
    for rule in unrolled(rules) {
        *all.entry(&rule.origin).or_default() += 1;
    }
    if all.is_empty() {
        return found.into_iter().map(|(_, problem)| problem).collect();
    }
    let mut same: HashMap<(&Origin, Code), usize> = HashMap::new();
    for (rule, problem) in &found {
        *same.entry((&rule.origin, problem.code)).or_default() += 1;
    }
    let for_all = |rule: &Rule, code| {
        let all = all.get(&rule.origin);
        all.is_none_or(|all| same.get(&(&rule.origin, code)) == Some(all))
    };
    // A condition may select some of the values.
    let left = found
        .iter()
        .filter(|(rule, problem)| for_all(rule, problem.code));
    left.map(|(_, problem)| problem.clone()).collect()
}

/// Keeps one of the findings of each kind that the rules of a `for_each` have in the same place, and words it
/// as in the file.
pub(super) fn once(problems: Vec<Problem>, rules: &RuleSet) -> Vec<Problem> {
    let places: HashSet<&Origin> = unrolled(rules).map(|rule| &rule.origin).collect();
    let vars = rules.vars.iter();
    let renamed: Vec<_> = vars.filter(|var| var.name != var.label).collect();
    if places.is_empty() && renamed.is_empty() {
        return problems;
    }
    let of_vars: HashSet<&Origin> = renamed.iter().map(|var| &var.origin).collect();
    let is_shared = |problem: &Problem| {
        let mut at = problem.spot.origin.clone();
        loop {
            if places.contains(&at) || of_vars.contains(&at) {
                return true;
            }
            let Some((parent, _)) = at.pointer.rsplit_once('/') else {
                return false;
            };
            at.pointer.truncate(parent.len());
        }
    };
    let mut seen = HashSet::new();
    let mut left = Vec::with_capacity(problems.len());
    for mut problem in problems {
        let place = (problem.code, problem.spot.origin.clone());
        if is_shared(&problem) && !seen.insert(place) {
            continue;
        }
        // The byte range is of a text in which names have been replaced.
        if matches!(problem.spot.part, Part::Bytes(_)) {
            problem.spot.part = Part::Value;
        }
        for var in &renamed {
            problem.message = problem.message.replace(&var.name, &var.label);
        }
        left.push(problem);
    }
    left
}

fn unrolled(rules: &RuleSet) -> impl Iterator<Item = &Rule> {
    rules.rules.iter().filter(|rule| !rule.each.is_empty())
}
