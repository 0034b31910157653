//! Cluster patterns that add nothing to their rule.

use std::collections::HashSet;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Pattern, Rule, RuleSet};

/// The maximum number of globs of a rule that patterns are compared with.
const MOST_GLOBS: usize = 100;

/// The maximum number of patterns of one rule that are named.
const MOST_NAMED: usize = 20;

/// One problem for each pattern that another one of its rule covers.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    rules.rules.iter().flat_map(of_rule).collect()
}

fn of_rule(rule: &Rule) -> Vec<Problem> {
    let excluded: HashSet<usize> = rule.cluster.excluded().map(|(index, _)| index).collect();
    let places = (0..).filter(|index| !excluded.contains(index));
    let named: Vec<(usize, &Pattern)> = places.zip(rule.cluster.named()).collect();
    let all = || named.iter().copied();
    let globs: Vec<_> = all()
        .filter(|(_, pattern)| pattern.as_str().contains(['*', '?']))
        .take(MOST_GLOBS)
        .collect();
    let covered = all().filter_map(|(place, pattern)| {
        let (other, by) = globs
            .iter()
            .find(|(index, glob)| *index != place && glob.covers(pattern))?;
        let spot = |index: usize| Spot::value(&rule.origin.child("cluster").child(index));
        let message = format!("`{by}` covers `{pattern}`: it adds nothing");
        let problem = Problem::new(Code::CoveredPattern, spot(place), message);
        let note = format!("`{by}` is here");
        Some(
            problem
                .help("delete one of them")
                .related(spot(*other), note),
        )
    });
    covered.take(MOST_NAMED).collect()
}
