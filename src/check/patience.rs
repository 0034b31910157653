//! The longest duration of one event.
//!
//! Patroni kills a callback that is still running when the next one fires. `reconcile` finishes the
//! rest later, but no callback waits for it then.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnostic::Code;
use crate::load::{Problem, Spot};
use crate::model::{Match, Retry, Rule, RuleSet, Verify, duration};

use super::cells::{self, Cells};
use super::lint::{All, Kind, Lint};
use super::table::{Firing, Table};
use super::together::{Group, Together};

/// The longest acceptable duration of one event. Six requests with the default settings fit.
const LONGEST: Duration = Duration::from_secs(8 * 3600);

/// The number of contributing rules that are named.
const MOST_RELATED: usize = 4;

/// The events that take too long, each under the rule that takes the most time.
pub(super) struct Patience<'r> {
    together: Together,
    found: BTreeMap<usize, Long>,
    rules: &'r RuleSet,
}

/// An event that takes too long.
struct Long {
    time: Duration,
    cell: usize,
    rules: Vec<usize>,
}

impl<'r> Patience<'r> {
    pub(super) fn new(table: &Table<'r>) -> Self {
        let rules = table.rules;
        let times = rules.rules.iter().map(|rule| longest(rule, rules));
        Self {
            together: Together::new(table, times.collect()),
            found: BTreeMap::new(),
            rules,
        }
    }
}

impl<'r> Lint<'r> for Patience<'r> {
    fn cluster(&mut self, kind: &mut Kind<'_, 'r>) {
        let firings = kind.firings;
        // Patroni waits for these two, and never kills them.
        let mut by_rules: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for index in Cells::those(|event, _| !event.makes_node()).indices() {
            let in_cell = |firing: &&Firing| !firing.may.and(Cells::one(index)).is_empty();
            let here = firings.iter().filter(in_cell).map(|firing| firing.rule);
            // One of the cells with the same rules is enough.
            by_rules.entry(here.collect()).or_insert(index);
        }
        for (rules, cell) in by_rules {
            self.look_at(cell, &rules);
        }
    }

    fn problems(self: Box<Self>, all: &All<'_, 'r>) -> Vec<Problem> {
        let problem = |(lead, long): (&usize, &Long)| {
            let rule = all.table.rule(*lead)?;
            let message = format!(
                "{} may take {}, and the next callback kills one that still runs: this rule alone may take {}",
                cells::name(long.cell),
                duration::format(long.time),
                duration::format(self.together.time(*lead)),
            );
            let spot = Spot::value(&rule.origin.child("name"));
            let help = format!(
                "shorten `poll.timeout` and `retry.deadline` until it is at most {}, or spread the requests over several events",
                duration::format(LONGEST)
            );
            let mut problem = Problem::new(Code::TooLong, spot, message).help(help);
            for other in long.rules.iter().filter(|other| *other != lead) {
                let rule = self.rules.rules.get(*other)?;
                let note = format!(
                    "this one may take {}",
                    duration::format(self.together.time(*other))
                );
                problem = problem.related(Spot::value(&rule.origin.child("name")), note);
            }
            Some(problem)
        };
        self.found.iter().filter_map(problem).collect()
    }
}

impl Patience<'_> {
    fn look_at(&mut self, cell: usize, rules: &[usize]) {
        if self.together.all(rules).time <= LONGEST {
            return;
        }
        let Group { time, mut rules } = match self.rules.matching {
            Match::All => self.together.longest(rules),
            Match::First => self.alone(rules),
        };
        if time <= LONGEST {
            return;
        }
        rules.sort_by_key(|rule| (Reverse(self.together.time(*rule)), *rule));
        let Some(lead) = rules.first().copied() else {
            return;
        };
        rules.truncate(MOST_RELATED);
        let known = self.found.get(&lead);
        if known.is_none_or(|long| (long.time, cell) < (time, long.cell)) {
            self.found.insert(lead, Long { time, cell, rules });
        }
    }

    /// Under `match: first` only one rule fires.
    fn alone(&self, rules: &[usize]) -> Group {
        let longest = rules.iter().max_by_key(|rule| self.together.time(**rule));
        let longest = longest.map(std::slice::from_ref);
        self.together.all(longest.unwrap_or_default())
    }
}

/// The longest total time of a rule's requests: sending with all retries and waits, the operation, and its
/// verification.
fn longest(rule: &Rule, rules: &RuleSet) -> Duration {
    let retry = rule.retry;
    let waits = retry
        .attempts
        .map(|attempts| (attempts, waits(retry, attempts)));
    let looks = if rule.verify == Verify::None { 1 } else { 2 };
    let request = |request: &crate::model::RequestTemplate| {
        let exchange = rules.apis.get(&request.api);
        let exchange = exchange.map(|api| api.timeout).unwrap_or_default();
        let tries =
            waits.map(|(attempts, waits)| exchange.saturating_mul(attempts).saturating_add(waits));
        let timeout = rule.poll_of(request.kind).timeout;
        tries
            .map_or(retry.deadline, |tries| tries.min(retry.deadline))
            .saturating_add(timeout.unwrap_or_default().saturating_mul(looks))
    };
    rule.requests
        .iter()
        .map(request)
        .fold(Duration::ZERO, Duration::saturating_add)
}

/// The waits between this many attempts.
fn waits(retry: Retry, attempts: u32) -> Duration {
    let mut waits = Duration::ZERO;
    let mut wait = retry.wait;
    for _ in 1..attempts.min(64) {
        waits = waits.saturating_add(wait);
        wait = wait.saturating_mul(2).min(retry.max_wait);
    }
    waits.saturating_add(wait.saturating_mul(attempts.saturating_sub(64)))
}
