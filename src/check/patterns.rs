//! Cluster patterns that add nothing to their rule.

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Pattern, Rule, RuleSet};

/// How many globs of a rule the others are compared with.
const MOST_GLOBS: usize = 100;

/// How many patterns of one rule are named.
const MOST_NAMED: usize = 20;

/// One for each pattern that another one of its rule covers.
pub(super) fn problems(rules: &RuleSet) -> Vec<Problem> {
    rules.rules.iter().flat_map(of_rule).collect()
}

fn of_rule(rule: &Rule) -> Vec<Problem> {
    let all = || rule.cluster.iter().enumerate();
    let globs: Vec<_> = all()
        .filter(|(_, pattern)| pattern.as_str().contains(['*', '?']))
        .take(MOST_GLOBS)
        .collect();
    let covered = all().filter_map(|(index, pattern)| {
        let (other, by) = globs.iter().find(|(_, glob)| covers(glob, pattern))?;
        let spot = |index: usize| Spot::value(&rule.origin.child("cluster").child(index));
        let message = format!("`{by}` covers `{pattern}`: it adds nothing");
        let problem = Problem::new(Code::CoveredPattern, spot(index), message);
        let note = format!("`{by}` is here");
        Some(
            problem
                .help("delete one of them")
                .related(spot(*other), note),
        )
    });
    covered.take(MOST_NAMED).collect()
}

/// Whether everything that fits `narrow` fits `wide` as well; may miss some that do.
fn covers(wide: &Pattern, narrow: &Pattern) -> bool {
    let (wide_text, narrow_text) = (wide.as_str(), narrow.as_str());
    // A `?` takes the place of one character only.
    let unsure = wide_text.contains('?') && narrow_text.contains('*');
    wide_text != narrow_text && !unsure && wide.matches(narrow_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_is_narrower() {
        for (wide, narrow, expected) in [
            ("*", "main", true),
            ("*", "main-*", true),
            ("main*", "main", true),
            ("main*", "main-?", true),
            ("main-?", "main-*", false),
            ("a*b", "a?b", true),
            ("a*b", "a*", false),
            ("*a*", "*a*b*", true),
            ("a", "a*", false),
        ] {
            let covered = covers(&Pattern::new(wide), &Pattern::new(narrow));
            assert_eq!(covered, expected, "{wide} {narrow}");
        }
    }
}
