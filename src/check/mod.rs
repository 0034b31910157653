//! What the rules mean, looked at before Patroni calls: things that no single value shows.

mod never;

use crate::diagnostic::Finding;
use crate::load::{Loaded, Locator, load, sort};
use crate::source::Source;

/// Everything there is to say about files that [`read`](crate::load::read) has read, in their order.
#[must_use]
pub fn findings(sources: &[Source]) -> Vec<Finding> {
    let Loaded {
        rules,
        sound,
        mut findings,
    } = load(sources);
    // Also where something else is wrong: one look shows everything.
    let rules = rules.as_ref().unwrap_or(&sound);
    let problems = rules.rules.iter().flat_map(never::problems);
    let mut locator = Locator::new(sources);
    findings.extend(problems.filter_map(|problem| locator.finding(problem)));
    sort(&mut findings, sources);
    findings
}
