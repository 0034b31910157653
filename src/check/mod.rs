//! The meaning of the rules before Patroni calls: problems that no single value shows.
//!
//! The space of events, roles and kinds of cluster is small, so every cell is examined. Facts that
//! a cell does not fix are unknown: a finding holds for all their values.

mod allow;
mod cells;
mod checked;
mod conditions;
mod conflict;
mod endpoints;
mod environment;
mod exclusion;
mod failing;
mod fence;
mod idle;
mod ignored;
mod judge;
mod lint;
mod members;
mod never;
pub(crate) mod online;
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

use self::conditions::Conditions;
use self::conflict::Conflicts;
use self::failing::{Endless, Failing};
use self::judge::Judge;
use self::lint::{All, Kind, Lint, OfRules};
use self::members::Contested;
use self::patience::Patience;
use self::refused::Refused;
use self::repeated::Repeated;
use self::start::Starts;
use self::table::{Seen, Table};

pub(crate) use self::checked::{Checked, Unchecked};
pub(crate) use self::ignored::ignored;

/// All findings about files that [`read`](crate::load::read) has read, in order.
pub fn findings(sources: &[Source]) -> Vec<Finding> {
    Unchecked::new(sources).check(None).findings
}

/// Rules for events that never occur.
fn impossible(rules: &RuleSet) -> Vec<Problem> {
    let enabled = rules.rules.iter().filter(|rule| rule.enabled);
    unrolled::once(enabled.flat_map(never::problems).collect(), rules)
}

fn lints<'r>(table: &Table<'r>) -> Vec<Box<dyn Lint<'r> + 'r>> {
    vec![
        Box::new(OfRules(impossible)),
        Box::new(OfRules(unused::problems)),
        Box::new(Conditions),
        Box::new(Endless),
        Box::new(Failing::default()),
        Box::new(Refused::new(table.rules)),
        Box::new(Conflicts::default()),
        Box::new(Starts::default()),
        Box::new(Contested::new(table)),
        Box::new(Patience::new(table)),
        Box::new(OfRules(fence::problems)),
        Box::new(OfRules(recovery::problems)),
        Box::new(OfRules(environment::problems)),
        Box::new(OfRules(endpoints::problems)),
        Box::new(OfRules(options::problems)),
        Box::new(OfRules(patterns::problems)),
        Box::new(Repeated::default()),
        Box::new(OfRules(secrets::problems)),
        Box::new(OfRules(verify::problems)),
        Box::new(OfRules(idle::problems)),
        Box::new(OfRules(exclusion::problems)),
    ]
}

/// All errors and probable mistakes in rules that can be used.
fn problems(rules: &RuleSet) -> Vec<Problem> {
    let table = Table::new(rules);
    let mut judge = Judge::new(rules).with_clusters_named(table.named());
    let mut seen = vec![Seen::default(); rules.rules.len()];
    let mut lints = lints(&table);
    for (cluster, kind) in table.clusters.iter().enumerate() {
        let firings = table.firings(cluster, &mut judge, &mut seen);
        let settings = setting::settings(&table, cluster, &firings, &mut judge);
        let mut kind = Kind {
            table: &table,
            name: &kind.name,
            exact: table.exact(kind),
            cluster: kind,
            firings: &firings,
            settings: &settings,
            judge: &mut judge,
        };
        for lint in &mut lints {
            lint.cluster(&mut kind);
        }
    }
    let all = All {
        rules,
        table: &table,
        seen: &seen,
        judge: &judge,
    };
    let problems = lints.into_iter().flat_map(|lint| lint.problems(&all));
    unrolled::once(problems.collect(), rules)
}
