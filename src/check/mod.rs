//! What the rules mean, looked at before Patroni calls: things that no single value shows.
//!
//! The space of events, roles and kinds of cluster is small, so every cell of it is looked into. What a
//! cell does not fix counts as unknown: what is said to be so is so whatever it turns out to be.

mod allow;
mod cells;
mod checked;
mod conditions;
mod conflict;
mod endpoints;
mod environment;
mod failing;
mod fence;
mod ignored;
mod judge;
mod never;
pub mod online;
mod options;
mod patience;
mod patterns;
mod recovery;
mod refused;
mod repeated;
mod secrets;
mod setting;
mod start;
mod table;
mod together;
mod unrolled;
mod unused;
mod verify;

use crate::diagnostic::Finding;
use crate::load::Problem;
use crate::model::RuleSet;
use crate::source::Source;

use self::conflict::Conflicts;
use self::failing::Failing;
use self::judge::Judge;
use self::patience::Patience;
use self::refused::Refused;
use self::repeated::Repeated;
use self::start::Starts;
use self::table::{Seen, Table};

pub use self::checked::{Checked, Unchecked};
pub use self::ignored::ignored;

/// Everything there is to say about files that [`read`](crate::load::read) has read, in their order.
#[must_use]
pub fn findings(sources: &[Source]) -> Vec<Finding> {
    Unchecked::new(sources).check(None).findings
}

/// Rules for events that never come.
fn impossible(rules: &RuleSet) -> Vec<Problem> {
    let enabled = rules.rules.iter().filter(|rule| rule.enabled);
    unrolled::once(enabled.flat_map(never::problems).collect(), rules)
}

/// Everything that is wrong, or probably not meant, with rules that can be used.
fn problems(rules: &RuleSet) -> Vec<Problem> {
    let table = Table::new(rules);
    let mut judge = Judge::new(rules);
    let mut seen = vec![Seen::default(); rules.rules.len()];
    let mut conflicts = Conflicts::default();
    let mut starts = Starts::default();
    let mut failing = Failing::default();
    let mut refused = Refused::new(rules);
    let mut repeated = Repeated::default();
    let mut patience = Patience::new(rules);
    for (cluster, kind) in table.clusters.iter().enumerate() {
        let firings = table.firings(cluster, &mut judge, &mut seen);
        let settings = setting::settings(&table, cluster, &firings, &mut judge);
        conflicts.look(&table, &kind.name, &settings);
        starts.look(&settings);
        repeated.look(&table, &settings);
        failing.look(&table, &firings, &mut judge);
        refused.look(&table, &firings, &mut judge);
        patience.look(&firings);
    }
    let mut problems = impossible(rules);
    problems.extend(unused::problems(rules));
    let rules_seen = rules.rules.iter().zip(&seen);
    let of_rules = rules_seen
        .filter_map(|(rule, seen)| Some((rule, conditions::problem(rule, seen, &table)?)));
    problems.extend(unrolled::by_rule(of_rules.collect(), rules));
    problems.extend(failing::endless(rules, &judge));
    problems.extend(failing.problems());
    problems.extend(refused.problems());
    problems.extend(conflicts.problems(&table));
    problems.extend(starts.problems(&table));
    problems.extend(patience.problems(&table));
    problems.extend(fence::problem(rules));
    problems.extend(recovery::problems(rules));
    problems.extend(environment::problems(rules));
    problems.extend(endpoints::problems(rules));
    problems.extend(options::problems(rules));
    problems.extend(patterns::problems(rules));
    problems.extend(repeated.problems(&table));
    problems.extend(secrets::problems(rules));
    problems.extend(verify::problems(rules));
    unrolled::once(problems, rules)
}
