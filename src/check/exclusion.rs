//! Exclusions of clusters that have no effect, or that leave a rule no cluster.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Pattern, Rule, RuleSet};

/// The maximum number of characters to compare. Real rules have far fewer patterns.
const MOST_COMPARED: usize = 10_000_000;

pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    let enabled = rules.rules.iter().filter(|rule| rule.enabled);
    enabled.flat_map(of_rule).collect()
}

fn of_rule(rule: &Rule) -> Vec<Problem> {
    let clusters = &rule.cluster;
    let origin = rule.origin.child("cluster");
    let lengths = |pattern: &Pattern| pattern.as_str().len();
    let of_named: usize = clusters.named().iter().map(lengths).sum();
    let of_excluded: usize = clusters
        .excluded()
        .map(|(_, pattern)| lengths(pattern))
        .sum();
    if of_named.saturating_mul(of_excluded) > MOST_COMPARED {
        return Vec::new();
    }
    let taken_out = |named| {
        clusters
            .excluded()
            .any(|(_, excluded)| excluded.covers(named))
    };
    if clusters.excluded().next().is_some() && clusters.named().iter().all(taken_out) {
        let message = "this rule can never fire: it excludes every cluster that it names";
        let help = "delete the exclusion, or name more clusters before it";
        let problem = Problem::new(Code::NeverFires, Spot::value(&origin), message);
        return vec![problem.help(help)];
    }
    let idle = clusters.excluded().filter(|(_, excluded)| {
        let named = clusters.named();
        !named.iter().any(|named| named.overlaps(excluded))
    });
    let problem = |(index, excluded)| {
        let message = format!(
            "`!{excluded}` excludes nothing: no cluster that this rule names is one of those"
        );
        let spot = Spot::value(&origin.child(index));
        Problem::new(Code::IdleExclusion, spot, message).help("correct it, or delete it")
    };
    idle.map(problem).collect()
}
